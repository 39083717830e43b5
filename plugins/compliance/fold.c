/* SPDX-License-Identifier: Apache-2.0 */
#include "fold.h"

#include "pii.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>
#include <unicode/utrans.h>

/* Two copies of the loops: with offsets and without. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { PAGE = 256, INLINE = 10, JOINERS = 2 };

enum { HAN = 1, JOINER = 2, COMPOSES = 4, LONG = 8 };

/* What one code point folds to by itself. */
struct entry {
  uint8_t len;
  uint8_t flags;
  uint16_t figures; /* of its folded form, as in fold.h */
  char utf8[INLINE + 2];
};

/* `quick`: the three bytes of a Han character's form, the first one lowest, QUICK, and its figures above; 0: look at
 * the entry. */
enum { QUICK = 1 << 24, QUICK_FIGURES = 25 };

struct qun_fold_page {
  uint32_t quick[PAGE];
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
  e->figures = (uint16_t)qun__pii_figures(buf, (size_t)len);
  return 0;
}

static uint32_t quick_of(const struct entry *e) {
  if (e->flags != HAN || e->len != 3 || e->figures >= 1 << (32 - QUICK_FIGURES)) return 0;
  uint32_t bytes =
      (uint32_t)(uint8_t)e->utf8[0] | (uint32_t)(uint8_t)e->utf8[1] << 8 | (uint32_t)(uint8_t)e->utf8[2] << 16;
  return (uint32_t)e->figures << QUICK_FIGURES | QUICK | bytes;
}

/* Makes the page of a code point that is met for the first time. */
static struct qun_fold_page *fill_page(struct qun_folder *f, uint32_t page) {
  if (open_tables(f) < 0) return NULL;
  struct qun_fold_page *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  for (int i = 0; i < PAGE; i++) {
    if (fill_entry(f, (UChar32)(page << 8) + i, is_han_page(page), &p->at[i]) < 0) {
      free(p);
      return NULL;
    }
  }
  for (int i = 0; i < PAGE; i++) p->quick[i] = quick_of(&p->at[i]);
  f->pages[page] = p;
  return p;
}

static inline const struct entry *find(struct qun_folder *f, UChar32 c) {
  const struct qun_fold_page *p = f->pages[(uint32_t)c >> 8];
  if (!p) p = fill_page(f, (uint32_t)c >> 8);
  return p ? &p->at[c & 0xff] : NULL;
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

static void map_bytes(struct qun_folder *f, size_t at, size_t n, size_t from, size_t to) {
  for (size_t i = at; i < at + n; i++) {
    f->from[i] = (uint32_t)from;
    f->to[i] = (uint32_t)to;
  }
}

/* Printable ASCII is folded byte by byte, with the same offsets. Answers how many bytes of the text it is. */
static size_t fold_ascii(struct qun_folder *f, const char *text, size_t len) {
  size_t i = 0, figures = 0;
  for (; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c < 0x20 || c >= 0x7f) break;
    f->text[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    figures += 7u * (c >= '0' && c <= '9') + 14u * (c == '@');
  }
  f->figures = figures;
  return i;
}

/* Characters that compose with one another are folded together; all of their output comes from all of their source. */
static int fold_segment(struct qun_folder *f, const uint8_t *s, size_t at, size_t len, bool map, size_t *next) {
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
  if (w < 0 || room(f, f->len + (size_t)w) < 0) return -1;
  *next = (size_t)i;
  memcpy(f->text + f->len, out, (size_t)w);
  if (map) map_bytes(f, f->len, (size_t)w, at, *next);
  f->figures += qun__pii_figures(out, (size_t)w);
  f->len += (size_t)w;
  return 0;
}

/* The code point at `at`, of any kind; *next is behind it. */
static UChar32 any_point_at(const uint8_t *s, size_t at, size_t len, size_t *next) {
  int32_t i = (int32_t)at;
  UChar32 c;
  U8_NEXT_OR_FFFD(s, i, (int32_t)len, c);
  *next = (size_t)i;
  return c;
}

static inline uint32_t four_bytes(const uint8_t *s) {
  return (uint32_t)s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 | (uint32_t)s[3] << 24;
}

/* The same; most are ASCII or of three bytes. */
static inline UChar32 point_at(const uint8_t *s, size_t at, size_t len, size_t *next) {
  s += at;
  if (*s < 0x80) {
    *next = at + 1;
    return *s;
  }
  if (len - at > 3) {
    uint32_t w = four_bytes(s);
    if ((w & 0xc0c0f0) == 0x8080e0) {
      uint32_t c = (w & 0x0f) << 12 | (w >> 2 & 0xfc0) | (w >> 16 & 0x3f);
      if (c >= 0x800 && c >> 11 != 0xd800 >> 11) {
        *next = at + 3;
        return (UChar32)c;
      }
    }
  }
  return any_point_at(s - at, at, len, next);
}

/*
 * Where a text is while it is folded. `joins` is the joiner rule's: 0 not after a Han character; else 1, and 2 more for
 * each joiner since. `joiners` is where those begin in the folded text.
 */
struct walk {
  size_t i;   /* of the source */
  size_t out; /* folded bytes */
  size_t joins;
  size_t joiners;
};

/* Before a Han character is written: one or two joiners behind another one go. */
static inline void join_han(struct walk *w) {
  if (w->joins > 1 && w->joins <= 1 + 2 * JOINERS) w->out = w->joiners;
  w->joins = 1;
}

static inline size_t join_other(size_t joins, unsigned flags, bool wrote) {
  if ((flags & JOINER) && joins) return joins + 2;
  return wrote ? 0 : joins;
}

/* A segment that begins where the walk is. */
static int walk_segment(struct qun_folder *f, struct walk *w, bool map) {
  size_t next;
  const struct entry *e = find(f, point_at((const uint8_t *)f->source, w->i, f->source_len, &next));
  if (!e) return -1;
  if (e->flags & HAN) join_han(w);
  f->len = w->out;
  if (fold_segment(f, (const uint8_t *)f->source, w->i, f->source_len, map, &next) < 0) return -1;
  if (e->flags & HAN)
    w->joiners = f->len;
  else
    w->joins = join_other(w->joins, e->flags, f->len != w->out);
  w->out = f->len;
  w->i = next;
  return 0;
}

/* A row of Han characters behind one: answers how many bytes it has, which are as many when folded. */
static inline size_t han_row(struct qun_folder *f, const uint8_t *s, size_t len, char *out, size_t *figures) {
  size_t n = 0, sum = 0;
  for (; n + 4 <= len; n += 3) {
    uint32_t w = four_bytes(s + n);
    if ((w & 0xc0c0f0) != 0x8080e0) break;
    const struct qun_fold_page *page = f->pages[(w & 0x0f) << 4 | (w >> 10 & 0x0f)];
    uint32_t quick = page ? page->quick[(w >> 2 & 0xc0) | (w >> 16 & 0x3f)] : 0;
    if (!quick) break;
    out[n] = (char)(quick & 0xff);
    out[n + 1] = (char)(quick >> 8 & 0xff);
    out[n + 2] = (char)(quick >> 16 & 0xff);
    out[n + 3] = 0; /* the next one's: four bytes are one store */
    sum += quick >> QUICK_FIGURES;
  }
  *figures += sum;
  return n;
}

/* Folds characters that stand for themselves, as far as these go; *last is where the last of them begins. The busiest
 * loop of the plugin. */
ALWAYS_INLINE int walk_plain(struct qun_folder *f, struct walk *to, struct walk *last, bool map) {
  const uint8_t *s = (const uint8_t *)f->source;
  const size_t len = f->source_len;
  size_t figures = 0, cap = f->cap, before = SIZE_MAX, before_out = 0, before_joins = 0, next;
  struct walk w = *to;
  char *text = f->text;
  for (; w.i < len; w.i = next) {
    const struct entry *e = find(f, point_at(s, w.i, len, &next));
    if (!e) return -1;
    if (e->flags & (LONG | COMPOSES)) break;
    if (cap - w.out < sizeof e->utf8) {
      if (room(f, w.out + sizeof e->utf8) < 0) return -1;
      cap = f->cap;
      text = f->text;
    }
    if (e->flags & HAN) join_han(&w);
    before = w.i;
    before_out = w.out;
    before_joins = w.joins;
    memcpy(text + w.out, e->utf8, sizeof e->utf8);
    if (map) map_bytes(f, w.out, e->len, w.i, next);
    figures += e->figures;
    w.out += e->len;
    if (!(e->flags & HAN)) {
      w.joins = join_other(w.joins, e->flags, e->len != 0);
      continue;
    }
    size_t most = len - next < cap - w.out ? len - next : cap - w.out;
    size_t row = map ? 0 : han_row(f, s + next, most, text + w.out, &figures);
    if (row) {
      next += row;
      w.out += row;
      before = next - 3;
      before_out = w.out - 3;
      before_joins = 1;
    }
    w.joiners = w.out;
  }
  f->figures += figures;
  *last = (struct walk){before, before_out, before_joins, w.joiners};
  *to = w;
  return 0;
}

/* Folds the source from byte `i` on, behind what is folded of it. A character that composes takes the one before it
 * back, and both are folded as a segment. */
ALWAYS_INLINE int fold_rest(struct qun_folder *f, size_t i, bool map) {
  struct walk w = {.i = i, .out = f->len}, last;
  for (;;) {
    size_t next;
    if (walk_plain(f, &w, &last, map) < 0) return -1;
    if (w.i == f->source_len) break;
    const struct entry *e = find(f, point_at((const uint8_t *)f->source, w.i, f->source_len, &next));
    if ((e->flags & COMPOSES) && last.i != SIZE_MAX) w = last;
    if (walk_segment(f, &w, map) < 0) return -1;
  }
  f->len = w.out;
  return 0;
}

int qun__fold(struct qun_folder *f, const char *text, size_t len) {
  f->len = 0;
  f->mapped = 0;
  f->source = text;
  f->source_len = len;
  if (len > INT32_MAX || room(f, len + sizeof((struct entry *)NULL)->utf8) < 0) return -1;
  size_t i = fold_ascii(f, text, len);
  f->identity = i == len;
  f->len = i;
  if (i == len) return 0;
  if (i > 0) f->len = --i; /* the last one may compose with what follows */
  return fold_rest(f, i, false);
}

/* Only a text with hits needs the way back: it is folded once more, this time with offsets. */
static int map_back(struct qun_folder *f) {
  size_t i = 0, len = f->len;
  while (i < f->source_len && f->source[i] >= 0x20 && f->source[i] < 0x7f) i++;
  if (i > 0) i--;
  for (f->len = 0; f->len < i; f->len++) map_bytes(f, f->len, 1, f->len, f->len + 1);
  f->mapped = fold_rest(f, i, true) == 0 && f->len == len;
  f->len = len;
  return f->mapped ? 0 : -1;
}

void qun__fold_origin(struct qun_folder *f, size_t from, size_t to, size_t *start, size_t *end) {
  *start = from;
  *end = to;
  if (f->identity) return;
  if (!f->mapped && map_back(f) < 0) { /* memory ran out: the hit is somewhere in the text */
    *start = 0;
    *end = f->source_len;
    return;
  }
  *start = f->from[from];
  *end = f->to[to - 1];
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
