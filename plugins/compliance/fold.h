/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folding: one form for texts that read the same, and the way back to the original's offsets.
 *
 * A folded text is: NFKC with case folding (UAX #15, ICU), width and compatibility forms gone, traditional characters
 * as simplified ones, default-ignorable, format and control characters, nonspacing and enclosing marks gone, white
 * space as one blank, and up to two of the separators " *._-~|/\+^`'\"=#@$%&·•" that stand between two Han characters
 * gone (the evasion 最-好). Bytes that are not UTF-8 become U+FFFD.
 *
 * The tables are pages of 256 code points, made from ICU's root-locale data when a page is first met. ICU is not called
 * for a text whose pages are known and which has no composing characters.
 */
#ifndef QUN_COMPLIANCE_FOLD_H
#define QUN_COMPLIANCE_FOLD_H

#include <stddef.h>
#include <stdint.h>

struct qun_fold_page;

/* Tables and buffers. One thread at a time. All zero is a fine start. */
struct qun_folder {
  struct qun_fold_page *pages[0x1100];
  const void *nfkc; /* UNormalizer2, ICU's own */
  void *simplify;   /* UTransliterator */
  char *text;       /* folded bytes */
  uint32_t *from;   /* original offset of the source of each folded byte; only when `mapped` */
  uint32_t *to;     /* original offset after that source */
  size_t cap;
  size_t len;
  size_t figures; /* at least qun__pii_figures() of the folded text */
  int identity;   /* folded and original offsets are the same: from and to are not filled */
  int mapped;
  const char *source;
  size_t source_len;
};

/* Releases what the folder owns and zeroes it. NULL is fine. */
void qun__folder_fini(struct qun_folder *f);
/* Folds `len` bytes (at most 2^31) into f->text. The text is borrowed until the next call. 0, or -1 when memory or ICU
 * fails. */
int qun__fold(struct qun_folder *f, const char *text, size_t len);
/* Original byte range of the folded bytes [from, to), to > from. The first call for a text costs as much as folding it. */
void qun__fold_origin(struct qun_folder *f, size_t from, size_t to, size_t *start, size_t *end);
/* Code points before byte `offset` of a text. */
size_t qun__fold_points(const char *text, size_t offset);

#endif
