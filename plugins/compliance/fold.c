/* SPDX-License-Identifier: Apache-2.0 */
#include "fold.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>
#include <unicode/utrans.h>

enum { PAGE = 256, INLINE = 10, JOINERS = 2 };

enum { HAN = 1, JOINER = 2, COMPOSES = 4, LONG = 8 };

/* What one code point folds to by itself. */
struct entry {
  uint8_t len;
  uint8_t flags;
  char utf8[INLINE];
};

struct qun_fold_page {
  struct entry at[PAGE];
};

static bool is_joiner(UChar32 c) {
  return (c < 0x80 && c > 0 && strchr(" *._-~|/\\+^`'\"=#@$%&", (int)c) != NULL) || c == 0xb7 || c == 0x2022;
}

static bool is_dropped(UChar32 c) {
  switch (u_charType(c)) {
  case U_NON_SPACING_MARK:
  case U_ENCLOSING_MARK:
  case U_FORMAT_CHAR:
  case U_CONTROL_CHAR: return true;
  default: return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
  }
}

/* The code point at buf[*i]; an unpaired surrogate is U+FFFD. */
static UChar32 next_point(const UChar *buf, int32_t *i, int32_t len) {
  uint32_t c = buf[(*i)++];
  if (c < 0xd800 || c > 0xdfff) return (UChar32)c;
  if (c > 0xdbff || *i == len || buf[*i] < 0xdc00 || buf[*i] > 0xdfff) return 0xfffd;
  return (UChar32)(0x10000 + ((c - 0xd800) << 10) + (buf[(*i)++] - 0xdc00u));
}

static size_t put_point(char *out, UChar32 point) {
  uint32_t c = (uint32_t)point;
  size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  if (n == 1) {
    out[0] = (char)c;
    return 1;
  }
  for (size_t k = n - 1; k > 0; k--, c >>= 6) out[k] = (char)(0x80 | (c & 0x3f));
  out[0] = (char)((0xf00u >> n & 0xf0) | c);
  return n;
}

static bool is_surrogate(UChar32 c) {
  return c >= 0xd800 && c <= 0xdfff;
}

/* NFKC case folding of `in`, then the drops, as UTF-8. Answers the length, or -1. */
static int fold_units(const struct qun_folder *f, const UChar *in, int32_t n, char *out, size_t cap) {
  UChar buf[128];
  UErrorCode e = U_ZERO_ERROR;
  int32_t len = unorm2_normalize(f->nfkc, in, n, buf, 128, &e);
  if (U_FAILURE(e)) return -1;
  size_t w = 0;
  for (int32_t i = 0; i < len;) {
    UChar32 c = next_point(buf, &i, len);
    if (u_isUWhiteSpace(c)) c = ' ';
    if (is_dropped(c)) continue;
    if (w + 4 > cap) return -1;
    w += put_point(out + w, c);
  }
  return (int)w;
}

static bool is_han_page(uint32_t page) {
  return (page >= 0x34 && page <= 0x9f) || page == 0xf9 || page == 0xfa || (page >= 0x200 && page <= 0x323);
}

static int open_tables(struct qun_folder *f) {
  static const UChar id[] = u"Hant-Hans";
  UErrorCode e = U_ZERO_ERROR;
  if (!f->nfkc) f->nfkc = unorm2_getNFKCCasefoldInstance(&e);
  if (U_SUCCESS(e) && !f->simplify) f->simplify = utrans_openU(id, -1, UTRANS_FORWARD, NULL, 0, NULL, &e);
  return U_SUCCESS(e) ? 0 : -1;
}

/* The simplified form of one Han code point, in place. A form of another length in code points is left alone. */
static int simplify(const struct qun_folder *f, UChar *units, int32_t *n) {
  UErrorCode e = U_ZERO_ERROR;
  UChar work[16];
  int32_t len = *n, limit = *n;
  memcpy(work, units, (size_t)len * sizeof *work);
  utrans_transUChars(f->simplify, work, &len, 16, 0, &limit, &e);
  if (U_FAILURE(e)) return -1;
  if (u_countChar32(work, len) != 1) return 0;
  memcpy(units, work, (size_t)len * sizeof *work);
  *n = len;
  return 0;
}

static int fill_entry(const struct qun_folder *f, UChar32 c, bool han_page, struct entry *e) {
  UChar units[16];
  int32_t n = 0;
  char buf[512];
  UBool bad = 0;
  if (is_surrogate(c)) c = 0xfffd;
  U16_APPEND(units, n, 16, c, bad);
  if (bad) return -1;
  bool han = u_hasBinaryProperty(c, UCHAR_IDEOGRAPHIC) != 0;
  if (han && han_page && simplify(f, units, &n) < 0) return -1;
  int len = fold_units(f, units, n, buf, sizeof buf);
  if (len < 0) return -1;
  if (han) e->flags |= HAN;
  if (is_joiner(c)) e->flags |= JOINER;
  if (!unorm2_hasBoundaryBefore(f->nfkc, c)) e->flags |= COMPOSES;
  if (len > INLINE) {
    e->flags |= LONG;
    return 0;
  }
  e->len = (uint8_t)len;
  memcpy(e->utf8, buf, (size_t)len);
  return 0;
}

static const struct entry *find(struct qun_folder *f, UChar32 c) {
  uint32_t page = (uint32_t)c >> 8;
  if (!f->pages[page]) {
    if (open_tables(f) < 0) return NULL;
    struct qun_fold_page *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    for (int i = 0; i < PAGE; i++) {
      if (fill_entry(f, (UChar32)(page << 8) + i, is_han_page(page), &p->at[i]) < 0) {
        free(p);
        return NULL;
      }
    }
    f->pages[page] = p;
  }
  return &f->pages[page]->at[c & 0xff];
}

static int room(struct qun_folder *f, size_t need) {
  if (need <= f->cap) return 0;
  size_t cap = f->cap ? f->cap : 1024;
  while (cap < need) cap *= 2;
  char *text = realloc(f->text, cap);
  if (text) f->text = text;
  uint32_t *from = realloc(f->from, cap * sizeof *from);
  if (from) f->from = from;
  uint32_t *to = realloc(f->to, cap * sizeof *to);
  if (to) f->to = to;
  if (!text || !from || !to) return -1;
  f->cap = cap;
  return 0;
}

static int append(struct qun_folder *f, const char *bytes, size_t n, size_t from, size_t to) {
  if (room(f, f->len + n) < 0) return -1;
  memcpy(f->text + f->len, bytes, n);
  for (size_t i = 0; i < n; i++) {
    f->from[f->len + i] = (uint32_t)from;
    f->to[f->len + i] = (uint32_t)to;
  }
  f->len += n;
  return 0;
}

/* A text of printable ASCII with no run for the joiner rule to look at: lower case, same offsets. */
static int fold_ascii(struct qun_folder *f, const char *text, size_t len, size_t *done) {
  if (room(f, len) < 0) return -1;
  size_t i = 0;
  for (; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c < 0x20 || c >= 0x7f) break;
    f->text[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  *done = i;
  f->len = i;
  return 0;
}

static void identity_map(struct qun_folder *f) {
  for (size_t i = 0; i < f->len; i++) {
    f->from[i] = (uint32_t)i;
    f->to[i] = (uint32_t)i + 1;
  }
  f->identity = 0;
}

/* Characters that compose with one another are folded together; all of their output comes from all of their source. */
static int fold_segment(struct qun_folder *f, const uint8_t *s, size_t at, size_t len, size_t *next) {
  UChar units[64];
  char out[512];
  int32_t n = 0, i = (int32_t)at;
  while ((size_t)i < len && n < 60) {
    int32_t before = i;
    UChar32 c;
    U8_NEXT_OR_FFFD(s, i, (int32_t)len, c);
    const struct entry *e = find(f, c);
    if (!e) return -1;
    if ((size_t)before != at && !(e->flags & COMPOSES)) {
      i = before;
      break;
    }
    UBool bad = 0;
    U16_APPEND(units, n, 64, c, bad);
    if (bad) return -1;
    int32_t last = n - U16_LENGTH(c), m = U16_LENGTH(c);
    if ((e->flags & HAN) && simplify(f, units + last, &m) == 0) n = last + m;
  }
  int w = fold_units(f, units, n, out, sizeof out);
  if (w < 0) return -1;
  *next = (size_t)i;
  return append(f, out, (size_t)w, at, *next);
}

/* Where the joiner rule stands: after a Han character, with how many joiners held back, and where they begin in the
 * folded text. */
struct joins {
  bool after_han;
  int held;
  size_t at;
};

static void join(struct qun_folder *f, struct joins *j, uint8_t flags, size_t *len_before) {
  if (flags & HAN) {
    if (j->after_han && j->held > 0 && j->held <= JOINERS) {
      size_t cut = *len_before - j->at;
      memmove(f->text + j->at, f->text + *len_before, f->len - *len_before);
      memmove(f->from + j->at, f->from + *len_before, (f->len - *len_before) * sizeof *f->from);
      memmove(f->to + j->at, f->to + *len_before, (f->len - *len_before) * sizeof *f->to);
      f->len -= cut;
    }
    *j = (struct joins){.after_han = true, .at = f->len};
  } else if ((flags & JOINER) && j->after_han) {
    j->held++;
  } else if (f->len != *len_before) {
    j->after_han = false;
  }
}

/* One code point by its own entry. */
static int put_entry(struct qun_folder *f, const struct entry *e, size_t from, size_t to) {
  if (f->cap - f->len < INLINE && room(f, f->len + INLINE) < 0) return -1;
  char *text = f->text + f->len;
  uint32_t *starts = f->from + f->len, *ends = f->to + f->len;
  unsigned n = e->len;
  for (unsigned k = 0; k < n; k++) {
    text[k] = e->utf8[k];
    starts[k] = (uint32_t)from;
    ends[k] = (uint32_t)to;
  }
  f->len += n;
  return 0;
}

/* The entry of the code point at `at`; *next is behind it. */
static const struct entry *entry_at(struct qun_folder *f, const uint8_t *s, size_t at, size_t len, size_t *next) {
  int32_t i = (int32_t)at;
  UChar32 c;
  U8_NEXT_OR_FFFD(s, i, (int32_t)len, c);
  *next = (size_t)i;
  return find(f, c);
}

int qun__fold(struct qun_folder *f, const char *text, size_t len) {
  struct joins j = {0};
  const uint8_t *s = (const uint8_t *)text;
  size_t i = 0, next;
  f->len = 0;
  f->identity = 1;
  f->source = text;
  f->source_len = len;
  if (len > INT32_MAX || fold_ascii(f, text, len, &i) < 0) return -1;
  if (i == len) return 0;
  if (i > 0) f->len = --i; /* the last one may compose with what follows */
  identity_map(f);
  const struct entry *e = entry_at(f, s, i, len, &next);
  while (e) {
    size_t before = f->len, after = next;
    const struct entry *tail = NULL;
    if (next < len && !(tail = entry_at(f, s, next, len, &after))) return -1;
    bool segment = (e->flags & (LONG | COMPOSES)) || (tail && (tail->flags & COMPOSES));
    if (!segment) {
      if (put_entry(f, e, i, next) < 0) return -1;
    } else {
      if (fold_segment(f, s, i, len, &next) < 0) return -1;
      tail = next < len ? entry_at(f, s, next, len, &after) : NULL;
      if (next < len && !tail) return -1;
    }
    join(f, &j, e->flags, &before);
    if (next == len) return 0;
    i = next;
    next = after;
    e = tail;
  }
  return -1;
}

void qun__fold_origin(const struct qun_folder *f, size_t from, size_t to, size_t *start, size_t *end) {
  *start = f->identity ? from : f->from[from];
  *end = f->identity ? to : f->to[to - 1];
}

size_t qun__fold_points(const char *text, size_t offset) {
  size_t n = 0;
  for (size_t i = 0; i < offset; i++) n += ((unsigned char)text[i] & 0xc0) != 0x80;
  return n;
}

void qun__folder_fini(struct qun_folder *f) {
  if (!f) return;
  for (size_t i = 0; i < sizeof f->pages / sizeof *f->pages; i++) free(f->pages[i]);
  if (f->simplify) utrans_close(f->simplify);
  free(f->text);
  free(f->from);
  free(f->to);
  memset(f, 0, sizeof *f);
}
