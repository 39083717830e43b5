/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/compliance/regex.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(plugins_compliance_regex, finds_anchors_that_every_match_has) {
  static const struct {
    const char *pattern, *anchors;
  } cases[] = {
      {"abc", "abc"},
      {"(刷|补)(单|量)[^。]{0,6}返", "刷单 刷量 补单 补量"},
      {"https?://[^ ]+", "https:// http://"},
      {"a?bc+d", "ab b"},
      {"(ab|cde)?xy", "abxy cdexy xy"},
      {"(刷|买)(粉丝?|赞)[^。]{0,8}加", "刷粉丝 刷粉 刷赞 买粉丝 买粉 买赞"},
      {"(ab)??c", "c"},
      {"(a?)", ""},
      {"a?(b?c|)d", "d"},
      {"(最|第一)名", "最名 第一名"},
      {"[0-9]+ ?%", " % %"},
      {"(a|[0-9])b", "b"},
      {"(a|[0-9])+", ""},
      {"[0-9]{2,4}", ""},
      {"\\(广告\\)", "(广告)"},
      {"(高价收|收)(微信|qq)号", "高价收微信号 高价收qq号 收微信号 收qq号"},
      {"^ ?广告([^法]|$)", " 广告 广告"},
      {"x(y|)z", "x"},
      {"第一(?![次步])", "第一"},
      {"a(?=bcd)e", "a"},
      {"(unclosed", ""},
      {"", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct qun_anchors a;
    char got[600] = "";
    qun__regex_anchors(cases[i].pattern, &a);
    for (uint32_t k = 0; k < a.count; k++) {
      size_t n = strlen(got);
      snprintf(got + n, sizeof got - n, "%s%s", k ? " " : "", a.at[k]);
    }
    cr_expect_str_eq(got, cases[i].anchors, "%s gives \"%s\"", cases[i].pattern, got);
  }
}

Test(plugins_compliance_regex, gives_places_in_bytes) {
  const char *why, *text = "先说：年化12%，再说年化8.5%";
  size_t from, to;
  struct qun_regex *r = qun__regex_create("年化[0-9]+(\\.[0-9]+)?%", &why);
  cr_assert_not_null(r, "%s", why);
  cr_assert_eq(qun__regex_next(r, text, strlen(text), 0, &from, &to), 1);
  cr_expect(strncmp(text + from, "年化12%", to - from) == 0 && to - from == 9);
  cr_assert_eq(qun__regex_next(r, text, strlen(text), to, &from, &to), 1);
  cr_expect(strncmp(text + from, "年化8.5%", to - from) == 0 && to - from == 10);
  cr_expect_eq(qun__regex_next(r, text, strlen(text), to, &from, &to), 0);
  qun__regex_destroy(r);
  cr_expect_null(qun__regex_create("a(b", &why));
  cr_expect(*why);
}

Test(plugins_compliance_regex, passes_over_empty_matches) {
  const char *why;
  size_t from, to;
  struct qun_regex *r = qun__regex_create("x*", &why);
  cr_assert_not_null(r);
  cr_assert_eq(qun__regex_next(r, "最xx", 5, 0, &from, &to), 1);
  cr_expect(from == 3 && to == 5);
  cr_expect_eq(qun__regex_next(r, "最", 3, 0, &from, &to), 0);
  qun__regex_destroy(r);
}
