/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/compliance/fold.h"

#include "plugins/compliance/pii.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utrans.h>

static void folds(struct qun_folder *f, const char *from, const char *to) {
  cr_assert_eq(qun__fold(f, from, strlen(from)), 0);
  cr_expect(f->len == strlen(to) && memcmp(f->text, to, f->len) == 0, "\"%s\" folds to \"%.*s\", not \"%s\"", from,
            (int)f->len, f->text, to);
}

Test(plugins_compliance_fold, makes_one_form_of_what_reads_the_same) {
  struct qun_folder f = {0};
  static const char *const pairs[][2] = {
      {"Hello, World!", "hello, world!"},
      {"ＦＵＬＬ　Ｗｉｄｔｈ", "full width"},
      {"點擊領取優惠", "点击领取优惠"},
      {"ﬁne №1 ①②", "fine no1 12"},
      {"e\xcc\x81t\xc3\xa9", "été"},
      {"ﾊﾞｶﾞ", "バガ"},
      {"Straße", "strasse"},
      {"最\xe2\x80\x8b好", "最好"},         /* zero width space */
      {"最\xc2\xad好\xef\xb8\x8f", "最好"}, /* soft hyphen, variation selector */
      {"最\xcc\xb6好", "最好"},             /* combining stroke */
      {"最-好 最 好 最*.好", "最好最好最好"},
      {"最---好", "最---好"},
      {"一,二", "一,二"},
      {"a-b 1-2", "a-b 1-2"},
      {"tab\tnew\nline", "tab new line"},
      {"\xff"
       "a\xe4\xb8",
       "\xef\xbf\xbd"
       "a\xef\xbf\xbd"},
      {"", ""},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) folds(&f, pairs[i][0], pairs[i][1]);
  qun__folder_fini(&f);
}

static uint32_t next(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static size_t random_text(uint32_t *seed, char *to, size_t cap) {
  static const char *const parts[] = {"最", "好",           "廣告",     "a", "Z", " ", "-", "．", "１",
                                      "①",  "\xe2\x80\x8b", "\xcc\x81", "e", "ｶ", "ﾞ", "ß", "。", "😀",
                                      "한", "\xff",         "\xe4",     "٣", "ﷺ", "*", "𠮷"};
  size_t n = 0;
  for (uint32_t k = next(seed) % 24; k > 0; k--) {
    const char *p = parts[next(seed) % (sizeof parts / sizeof *parts)];
    if (n + strlen(p) >= cap) break;
    memcpy(to + n, p, strlen(p));
    n += strlen(p);
  }
  to[n] = 0;
  return n;
}

/* Whatever the text: offsets lie within it, never run back, and folding a folded text again changes nothing of what a
 * scan may meet. */
Test(plugins_compliance_fold, maps_back_into_the_original) {
  struct qun_folder f = {0}, again = {0};
  uint32_t seed = 20260302;
  char text[256];
  for (int round = 0; round < 4000; round++) {
    size_t n = random_text(&seed, text, sizeof text), last = 0;
    cr_assert_eq(qun__fold(&f, text, n), 0);
    for (size_t i = 0; i < f.len; i++) {
      size_t start, end;
      qun__fold_origin(&f, i, i + 1, &start, &end);
      cr_assert(start < end && end <= n && start >= last, "round %d byte %zu: %zu..%zu after %zu of %zu", round, i,
                start, end, last, n);
      last = start;
    }
    cr_assert_eq(qun__fold(&again, f.text, f.len), 0);
    cr_assert(again.len <= f.len);
  }
  qun__folder_fini(&f);
  qun__folder_fini(&again);
}

Test(plugins_compliance_fold, is_the_same_with_new_tables) {
  struct qun_folder kept = {0};
  uint32_t seed = 7;
  char text[256];
  for (int round = 0; round < 60; round++) {
    struct qun_folder fresh = {0};
    size_t n = random_text(&seed, text, sizeof text);
    cr_assert_eq(qun__fold(&kept, text, n), 0);
    cr_assert_eq(qun__fold(&fresh, text, n), 0);
    cr_assert(kept.len == fresh.len && (kept.len == 0 || memcmp(kept.text, fresh.text, kept.len) == 0));
    qun__folder_fini(&fresh);
  }
  qun__folder_fini(&kept);
}

/* ---- the same by ICU alone: whole texts, no tables, no rule for joiners */

struct icu {
  const UNormalizer2 *nfkc;
  UTransliterator *simplify;
};

static void icu_open(struct icu *icu) {
  UErrorCode e = U_ZERO_ERROR;
  icu->nfkc = unorm2_getNFKCCasefoldInstance(&e);
  icu->simplify = utrans_openU(u"Hant-Hans", -1, UTRANS_FORWARD, NULL, 0, NULL, &e);
  cr_assert(U_SUCCESS(e));
}

static bool in_han_page(uint32_t c) {
  return (c >= 0x3400 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x323ff);
}

static void icu_simplify(const struct icu *icu, uint32_t c, UChar *out, int32_t *n) {
  UChar work[16];
  UErrorCode e = U_ZERO_ERROR;
  int32_t len = 0, limit;
  U16_APPEND_UNSAFE(work, len, c);
  memcpy(out, work, (size_t)len * sizeof *out);
  *n = limit = len;
  if (!in_han_page(c) || !u_hasBinaryProperty((UChar32)c, UCHAR_IDEOGRAPHIC)) return;
  utrans_transUChars(icu->simplify, work, &len, 16, 0, &limit, &e);
  if (U_FAILURE(e) || u_countChar32(work, len) != 1) return;
  memcpy(out, work, (size_t)len * sizeof *out);
  *n = len;
}

static size_t icu_fold(const struct icu *icu, const uint32_t *points, size_t count, char *out, size_t cap) {
  UChar units[256], folded[1024];
  UChar32 wide[1024];
  UErrorCode e = U_ZERO_ERROR;
  int32_t n = 0, len, bytes = 0;
  for (size_t i = 0; i < count; i++) {
    int32_t more;
    icu_simplify(icu, points[i], units + n, &more);
    n += more;
  }
  len = unorm2_normalize(icu->nfkc, units, n, folded, 1024, &e);
  u_strToUTF32(wide, 1024, &len, folded, len, &e);
  n = 0;
  for (int32_t i = 0; i < len; i++) {
    UChar32 c = u_isUWhiteSpace(wide[i]) ? ' ' : wide[i];
    int8_t type = u_charType(c);
    if (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || type == U_FORMAT_CHAR || type == U_CONTROL_CHAR ||
        u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
      continue;
    wide[n++] = c;
  }
  u_strFromUTF32(folded, 1024, &len, wide, n, &e);
  u_strToUTF8(out, (int32_t)cap, &bytes, folded, len, &e);
  cr_assert(U_SUCCESS(e));
  return (size_t)bytes;
}

static void same_as_icu(const struct icu *icu, struct qun_folder *f, const uint32_t *points, size_t count) {
  char text[400], want[4000];
  int32_t n = 0;
  for (size_t i = 0; i < count; i++) U8_APPEND_UNSAFE((uint8_t *)text, n, points[i]);
  size_t len = icu_fold(icu, points, count, want, sizeof want);
  cr_assert_eq(qun__fold(f, text, (size_t)n), 0);
  cr_assert(f->len == len && memcmp(f->text, want, len) == 0, "U+%04X of %zu: \"%.*s\", not \"%.*s\"", points[0], count,
            (int)f->len, f->text, (int)len, want);
  cr_assert(f->figures >= qun__pii_figures(want, len));
}

Test(plugins_compliance_fold, folds_every_code_point_as_icu_does) {
  struct qun_folder f = {0};
  struct icu icu;
  icu_open(&icu);
  for (uint32_t c = 1; c <= 0x10ffff; c++) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    if (u_charType((UChar32)c) == U_UNASSIGNED && c % 61 != 0) continue; /* most of them behave alike */
    if (u_charType((UChar32)c) == U_PRIVATE_USE_CHAR && c % 61 != 0) continue;
    same_as_icu(&icu, &f, &c, 1);
    same_as_icu(&icu, &f, (uint32_t[]){'a', c, 'Z'}, 3);
    same_as_icu(&icu, &f, (uint32_t[]){c, 0x301, c}, 3);
  }
  utrans_close(icu.simplify);
  qun__folder_fini(&f);
}

Test(plugins_compliance_fold, folds_texts_as_icu_does) {
  static const uint32_t first[] = {'A', 0xe0, 0x300, 0x1100, 0x1160, 0x3040, 0x3300, 0x4e00, 0xac00, 0xff00, 0x1f300};
  struct qun_folder f = {0};
  struct icu icu;
  uint32_t seed = 77;
  icu_open(&icu);
  for (int round = 0; round < 20000; round++) {
    uint32_t points[40];
    size_t n = 1 + next(&seed) % 40;
    for (size_t i = 0; i < n; i++) {
      points[i] = first[next(&seed) % (sizeof first / sizeof *first)] + next(&seed) % 0x80;
      if ((points[i] < 0x80 && !u_isalnum((UChar32)points[i])) || points[i] == 0xb7) points[i] = 'x';
    }
    same_as_icu(&icu, &f, points, n);
  }
  utrans_close(icu.simplify);
  qun__folder_fini(&f);
}

Test(plugins_compliance_fold, counts_code_points) {
  cr_assert_eq(qun__fold_points("a最😀b", 0), 0);
  cr_assert_eq(qun__fold_points("a最😀b", 4), 2);
  cr_assert_eq(qun__fold_points("a最😀b", 9), 4);
}
