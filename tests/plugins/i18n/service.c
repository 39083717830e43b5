/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin as the host runs it: catalogues in, words out. */
#include <qun/fake_host.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct qun_fake *fake;

static const char words_en[] =
    "msgid \"\"\nmsgstr \"Plural-Forms: nplurals=2; plural=n != 1;\\n\"\n\n"
    "msgid \"hello\"\nmsgstr \"Hello {who}\"\n\n"
    "msgid \"members\"\nmsgid_plural \"members\"\nmsgstr[0] \"{n} member\"\nmsgstr[1] \"{n} members\"\n\n"
    "msgid \"only.english\"\nmsgstr \"English words\"\n\nmsgctxt \"menu\"\nmsgid \"open\"\nmsgstr \"Open it\"\n";
static const char words_zh[] = "msgid \"\"\nmsgstr \"Plural-Forms: nplurals=1; plural=0;\\n\"\n\n"
                               "msgid \"hello\"\nmsgstr \"你好，{who}\"\n\n"
                               "msgid \"members\"\nmsgid_plural \"members\"\nmsgstr[0] \"{n} 名成员\"\n";

static void setup(void) {
  fake = qun_fake_open(QUN_BUILD_DIR "/plugins/i18n");
  cr_assert_not_null(fake);
  qun_fake_file(fake, "growth", "locales/en.po", qun_str(words_en));
  qun_fake_file(fake, "growth", "locales/zh-CN.po", qun_str(words_zh));
  qun_fake_tenant(fake, "acme");
}

static void teardown(void) {
  qun_fake_close(fake);
}

TestSuite(plugins_i18n_service, .init = setup, .fini = teardown);

/* The nth text of a reply. */
static const char *text_at(qun_slice reply, uint32_t nth) {
  static char text[512];
  struct qun_unpack u;
  uint32_t n = 0;
  qun_slice s = {0};
  qun_unpack_init(&u, reply);
  cr_assert(qun_unpack_array(&u, &n), "no list came: %s", qun_fake_message(fake));
  cr_assert_lt(nth, n);
  while (nth-- > 0) cr_assert(qun_unpack_skip(&u));
  cr_assert(qun_unpack_str(&u, &s));
  cr_assert_lt(s.len, sizeof text);
  memcpy(text, s.ptr, (size_t)s.len);
  text[s.len] = 0;
  return text;
}

/* One item {domain growth, id, ctx?, args {who, n}}. */
static qun_slice item(const char *id, const char *context, int64_t n) {
  static struct qun_pack p;
  qun_pack_clear(&p);
  qun_pack_array(&p, 1);
  qun_pack_map(&p, context ? 4 : 3);
  qun_pack_kv_cstr(&p, "domain", "growth");
  qun_pack_kv_cstr(&p, "id", id);
  if (context) qun_pack_kv_cstr(&p, "ctx", context);
  qun_pack_cstr(&p, "args");
  qun_pack_map(&p, 2);
  qun_pack_kv_cstr(&p, "who", "Ana");
  qun_pack_kv_int(&p, "n", n);
  return qun_pack_slice(&p);
}

static const char *render(const char *locale, const char *id, const char *context, int64_t n) {
  return text_at(qun_fake_ask(fake, "i18n.render", QUN_TEXT("locale", locale), QUN_RAW("items", item(id, context, n))),
                 0);
}

static qun_slice load(const char *locale, const char *po) {
  return qun_fake_ask(fake, "i18n.load", QUN_TEXT("domain", "growth"), QUN_TEXT("locale", locale), QUN_TEXT("po", po));
}

Test(plugins_i18n_service, gives_packaged_words_and_falls_back) {
  cr_expect_str_eq(render("en", "hello", NULL, 1), "Hello Ana");
  cr_expect_str_eq(render("zh-CN", "hello", NULL, 1), "你好，Ana");
  cr_expect_str_eq(render("zh", "members", NULL, 1234), "1,234 名成员");
  cr_expect_str_eq(render("zh-TW", "hello", NULL, 1), "你好，Ana");
  cr_expect_str_eq(render("en-GB", "members", NULL, 1), "1 member");
  cr_expect_str_eq(render("fr", "members", NULL, 2), "2 members");
  cr_expect_str_eq(render("zh-CN", "only.english", NULL, 1), "English words");
  cr_expect_str_eq(render("en", "open", "menu", 1), "Open it");
  cr_expect_str_eq(render("en", "no.such", NULL, 1), "no.such");
}

Test(plugins_i18n_service, a_tenants_words_stand_before_the_packaged_ones) {
  qun_slice reply =
      load("zh-CN", "msgid \"hello\"\nmsgstr \"{who}，欢迎\"\n\n#, fuzzy\nmsgid \"members\"\nmsgstr \"x\"\n");
  cr_assert_eq(qun_mp_int(reply, "messages", -1), 2, "%s", qun_fake_message(fake));
  cr_expect_eq(qun_mp_int(reply, "translated", -1), 1);
  cr_expect_eq(qun_mp_int(reply, "fuzzy", -1), 1);
  cr_expect_eq(qun_fake_dead(fake), 0);
  cr_expect_str_eq(render("zh-Hans", "hello", NULL, 1), "Ana，欢迎");
  cr_expect_str_eq(render("zh-CN", "members", NULL, 7), "7 名成员");
  qun_fake_recreate(fake);
  cr_expect_str_eq(render("zh-CN", "hello", NULL, 1), "Ana，欢迎");
  qun_fake_tenant(fake, "other");
  cr_expect_str_eq(render("zh-CN", "hello", NULL, 1), "你好，Ana");
}

Test(plugins_i18n_service, says_where_words_came_from) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice reply, first;
  load("en", "msgid \"hello\"\nmsgstr \"Hi {who}\"\n");
  reply = qun_fake_ask(fake, "i18n.render", QUN_TEXT("locale", "fr"), QUN_BOOL("explain", 1),
                       QUN_RAW("items", item("hello", NULL, 1)));
  qun_unpack_init(&u, reply);
  cr_assert(qun_unpack_array(&u, &n) && qun_unpack_any(&u, &first));
  cr_expect(qun_slice_is(qun_mp_str(first, "text"), "Hi Ana"));
  cr_expect(qun_slice_is(qun_mp_str(first, "from"), "source"));
  cr_expect(qun_slice_is(qun_mp_str(first, "locale"), "en"));
}

Test(plugins_i18n_service, a_large_catalogue_comes_in_parts_and_replaces_the_one_before) {
  enum { MESSAGES = 3000 };
  char *po = malloc(MESSAGES * 96), *at = po;
  size_t rows;
  for (int i = 0; i < MESSAGES; i++)
    at += sprintf(at, "msgid \"m%d\"\nmsgstr \"text number %d of the catalogue\"\n\n", i, i);
  cr_assert_gt(qun_mp_int(load("en", po), "parts", 0), 3, "%s", qun_fake_message(fake));
  cr_expect_eq(qun_fake_dead(fake), 0);
  cr_expect_str_eq(render("en", "m2999", NULL, 1), "text number 2999 of the catalogue");
  rows = qun_fake_rows(fake);
  load("en", po);
  cr_expect_eq(qun_fake_rows(fake), rows);
  load("en", "msgid \"m1\"\nmsgstr \"new\"\n");
  cr_expect_eq(qun_fake_rows(fake), 2);
  cr_expect_str_eq(render("en", "m1", NULL, 1), "new");
  cr_expect_str_eq(render("en", "m2999", NULL, 1), "m2999");
  free(po);
}

Test(plugins_i18n_service, refuses_what_is_wrong_with_its_place) {
  qun_slice reply = load("en", "msgid \"a\"\nmsgstr \"b\n");
  cr_expect_eq(reply.len, 0);
  cr_expect(strstr(qun_fake_message(fake), "po:2:10"), "%s", qun_fake_message(fake));
  load("no tag!", "msgid \"a\"\nmsgstr \"b\"\n");
  cr_expect(strstr(qun_fake_message(fake), "locale"), "%s", qun_fake_message(fake));
  qun_fake_set(fake, "catalogue_bytes=1024");
  char *big = malloc(3001);
  memset(big, '#', 3000);
  big[3000] = 0;
  load("en", big);
  cr_expect_eq(qun_fake_code(fake), QUN_EQUOTA);
  free(big);
  cr_expect_eq(qun_fake_rows(fake), 0);
  qun_fake_ask(fake, "i18n.render", QUN_TEXT("locale", "en"), QUN_TEXT("zone", "Mars/Base"),
               QUN_RAW("items", item("hello", NULL, 1)));
  cr_expect(strstr(qun_fake_message(fake), "Mars/Base"), "%s", qun_fake_message(fake));
}

Test(plugins_i18n_service, warns_of_arguments_that_the_source_has_not) {
  qun_slice reply = load("zh-CN", "msgid \"hello\"\nmsgstr \"{whom} {\"\n"), warnings;
  struct qun_unpack u;
  uint32_t n = 0;
  cr_assert(qun_mp_find(reply, "warnings", &warnings));
  qun_unpack_init(&u, warnings);
  cr_assert(qun_unpack_array(&u, &n));
  cr_expect_eq(n, 2);
}

static void value(struct qun_pack *p, const char *kind, int64_t v, const char *currency) {
  qun_pack_map(p, currency ? 3 : 2);
  qun_pack_kv_cstr(p, "kind", kind);
  qun_pack_kv_int(p, "value", v);
  if (currency) qun_pack_kv_cstr(p, "currency", currency);
}

Test(plugins_i18n_service, formats_values_in_bulk) {
  struct qun_pack p;
  qun_slice reply;
  static const char *const want[] = {"1,234,567",          "25.5%", "¥99.00", "US$1.00", "2026年1月5日", "2026年1月",
                                     "2026年1月5日 09:00", "#7",    "–",      "是"};
  qun_pack_init(&p);
  qun_pack_array(&p, 10);
  value(&p, "int", 1234567, NULL);
  value(&p, "ratio", 255000, NULL);
  value(&p, "money", 9900, NULL);
  value(&p, "money", 100, "USD");
  value(&p, "day", qun_fake_day("2026-01-05"), NULL);
  value(&p, "month", 56 * 12, NULL);
  value(&p, "time", qun_fake_ms(fake, "2026-01-05 09:00"), NULL);
  value(&p, "member", 7, NULL);
  qun_pack_map(&p, 2);
  qun_pack_kv_cstr(&p, "kind", "int");
  qun_pack_cstr(&p, "value");
  qun_pack_nil(&p);
  qun_pack_map(&p, 2);
  qun_pack_kv_cstr(&p, "kind", "bool");
  qun_pack_kv_bool(&p, "value", 1);
  reply = qun_fake_ask(fake, "i18n.format", QUN_TEXT("locale", "zh-CN"), QUN_RAW("items", qun_pack_slice(&p)));
  for (uint32_t i = 0; i < 10; i++) cr_expect_str_eq(text_at(reply, i), want[i]);
  qun_pack_fini(&p);
}

/* The nth item or row list of a section, by ids. */
static int64_t figure(qun_slice model, const char *section, const char *id) {
  struct qun_unpack u, items;
  uint32_t n, k;
  qun_slice sections, s, list, one;
  cr_assert(qun_mp_find(model, "sections", &sections));
  qun_unpack_init(&u, sections);
  cr_assert(qun_unpack_array(&u, &n));
  while (n-- > 0 && qun_unpack_any(&u, &s)) {
    if (!qun_slice_is(qun_mp_str(s, "id"), section) || !qun_mp_find(s, "items", &list)) continue;
    qun_unpack_init(&items, list);
    cr_assert(qun_unpack_array(&items, &k));
    while (k-- > 0 && qun_unpack_any(&items, &one)) {
      if (qun_slice_is(qun_mp_str(one, "id"), id)) return qun_mp_int(one, "value", -1);
    }
  }
  return -1;
}

Test(plugins_i18n_service, reports_missing_and_stale_words) {
  qun_slice model;
  qun_fake_set(fake, "domains=growth");
  model = qun_fake_ask(fake, "i18n.report", QUN_TEXT("view", "overview"));
  cr_assert(qun_mp_valid(model, 16), "%s", qun_fake_message(fake));
  cr_expect_eq(figure(model, "totals", "missing"), 2); /* growth's zh-CN has two of four */
  cr_expect_eq(figure(model, "totals", "stale"), 0);
  load("zh-CN", "msgid \"only.english\"\nmsgstr \"英文\"\n\nmsgctxt \"menu\"\nmsgid \"open\"\nmsgstr \"打开\"\n");
  model = qun_fake_ask(fake, "i18n.report", QUN_TEXT("view", "overview"));
  cr_expect_eq(figure(model, "totals", "missing"), 0);
  load("en", "msgid \"only.english\"\nmsgstr \"Other English words\"\n");
  model = qun_fake_ask(fake, "i18n.report", QUN_TEXT("view", "overview"));
  cr_expect_eq(figure(model, "totals", "stale"), 1);
  model = qun_fake_ask(fake, "i18n.report", QUN_TEXT("view", "missing"));
  cr_expect(qun_mp_valid(model, 16));
}

Test(plugins_i18n_service, the_keyspace_does_not_depend_on_memory) {
  uint64_t once;
  load("zh-CN", words_zh);
  load("en", words_en);
  once = qun_fake_hash(fake);
  qun_fake_tenant(fake, "second");
  qun_fake_recreate_every(fake, 1);
  load("zh-CN", words_zh);
  load("en", words_en);
  cr_expect_eq(qun_fake_hash(fake), once);
}
