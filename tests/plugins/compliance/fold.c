/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/compliance/fold.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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

Test(plugins_compliance_fold, counts_code_points) {
  cr_assert_eq(qun__fold_points("a最😀b", 0), 0);
  cr_assert_eq(qun__fold_points("a最😀b", 4), 2);
  cr_assert_eq(qun__fold_points("a最😀b", 9), 4);
}
