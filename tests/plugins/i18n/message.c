/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/i18n/message.h"
#include "plugins/i18n/locale_chain.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct qun_pack args, out;

static const char *render(const char *locale, const char *text) {
  struct qun__message m = {.currency = "CNY", .yes = qun_str("yes"), .no = qun_str("no")};
  cr_assert_eq(qun__format_open(&m.format, locale, "Asia/Shanghai"), 0);
  m.args = qun_pack_slice(&args);
  qun_pack_clear(&out);
  (void)qun__message_format(&out, qun_str(text), &m);
  qun_pack_raw(&out, qun_slice_of("", 1));
  qun__format_close(m.format);
  return (const char *)out.buf;
}

static void setup(void) {
  qun_pack_map(&args, 6);
  qun_pack_kv_int(&args, "n", 1);
  qun_pack_kv_int(&args, "many", 1234567);
  qun_pack_kv_cstr(&args, "who", "{n} 群");
  qun_pack_kv_int(&args, "five", 5);
  qun_pack_kv_bool(&args, "on", 1);
  qun_pack_kv_int(&args, "when", 1420070400000);
}

static void teardown(void) {
  qun_pack_fini(&args);
  qun_pack_fini(&out);
}

TestSuite(plugins_i18n_message, .init = setup, .fini = teardown);

Test(plugins_i18n_message, puts_arguments_in_and_never_reads_them_as_syntax) {
  cr_expect_str_eq(render("en", "hello {who}, {many}!"), "hello {n} 群, 1,234,567!");
  cr_expect_str_eq(render("de", "{many} / {many, id}"), "1.234.567 / 1234567");
  cr_expect_str_eq(render("en", "{{n}} and {{ and }"), "{n} and { and }");
  cr_expect_str_eq(render("en", "{nobody} {on}"), "{nobody} yes");
}

Test(plugins_i18n_message, formats_units_of_the_report_model) {
  cr_expect_str_eq(render("en", "{many, ratio}"), "123.46%");
  cr_expect_str_eq(render("en", "{many, money}"), "CN¥12,345.67");
  cr_expect_str_eq(render("zh-CN", "{many, money}"), "¥12,345.67");
  cr_expect_str_eq(render("ja", "{many, money, JPY}"), "￥1,234,567");
  cr_expect_str_eq(render("zh-CN", "{five, day}"), "1970年1月6日");
  cr_expect_str_eq(render("zh-CN", "{five, month}"), "1970年6月");
  cr_expect_str_eq(render("zh-CN", "{when, time}"), "2015年1月1日 08:00");
  cr_expect_str_eq(render("en", "{many, duration}"), "20 min, 34 sec");
}

Test(plugins_i18n_message, chooses_by_plural_and_by_text) {
  const char *russian = "{five, plural, one {# файл} few {# файла} many {# файлов} other {# файла}}";
  cr_expect_str_eq(render("en", "{n, plural, one {# item} other {# items}} left"), "1 item left");
  cr_expect_str_eq(render("en", "{five, plural, =5 {a hand} one {# item} other {# items}}"), "a hand");
  cr_expect_str_eq(render("en", "{five, plural, one {{who} x} other {{who} y}}"), "{n} 群 y");
  cr_expect_str_eq(render("ru", russian), "5 файлов");
  cr_expect_str_eq(render("en", "{n, selectordinal, one {#st} two {#nd} few {#rd} other {#th}}"), "1st");
  cr_expect_str_eq(render("en", "{on, select, true {on} other {off}}"), "on");
  cr_expect_str_eq(render("en", "{who, select, a {A} other {B}}"), "B");
}

Test(plugins_i18n_message, leaves_a_broken_text_as_it_is) {
  static const char *const broken[] = {
      "{",
      "{n",
      "{n, nokind}",
      "{n, plural}",
      "{n, plural, one {x}}",
      "{n, plural, other {x}",
      "{ }",
      "{n, plural, other {{n, plural, other {{n, plural, other {{n, plural, other {{n, plural, other {x}}}}}}}}}}"};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    size_t at = 0;
    const char *why = NULL;
    cr_expect_str_eq(render("en", broken[i]), broken[i]);
    cr_expect_not(qun__message_scan(qun_str(broken[i]), NULL, NULL, &at, &why));
    cr_expect_not_null(why);
  }
}

static void chain_is(const char *locale, const char *want) {
  struct qun__chain c;
  char got[1400] = "";
  qun__chain_make(&c, qun_str(locale));
  for (uint32_t i = 0; i < c.count; i++)
    snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", i ? " " : "", c.tag[i]);
  cr_expect_str_eq(got, want);
}

Test(plugins_i18n_message, falls_back_by_cldr_parents) {
  chain_is("zh-Hant-TW", "zh-Hant-TW zh-TW zh-Hant");
  chain_is("zh_CN", "zh-CN zh-Hans-CN zh-Hans zh");
  chain_is("zh", "zh zh-Hans zh-CN zh-Hans-CN");
  chain_is("en-GB", "en-GB en-Latn-GB en-001 en-Latn-001 en-Latn en en-US en-Latn-US");
  chain_is("pt-AO", "pt-AO pt-Latn-AO pt-PT pt-Latn-PT pt-Latn pt pt-BR pt-Latn-BR");
  chain_is("no tag!", "und");
}

Test(plugins_i18n_message, prefers_another_script_of_the_language_to_a_foreign_one) {
  static const char *const have[] = {"en", "zh-CN"};
  cr_expect_eq(qun__chain_nearest("zh-TW", have, 2), 1);
  cr_expect_eq(qun__chain_nearest("en-GB", have, 2), 0);
  cr_expect_eq(qun__chain_nearest("fr", have, 2), -1);
}
