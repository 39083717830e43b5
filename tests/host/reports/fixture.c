/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char *language(qun_slice params) {
  qun_slice locale = qun_mp_str(params, "locale");
  return locale.len >= 2 && memcmp(locale.ptr, "zh", 2) == 0 ? "zh" : "en";
}

static uint32_t open_items(qun_slice params, struct qun_unpack *u) {
  qun_slice items;
  uint32_t n = 0;
  cr_assert(qun_mp_find(params, "items", &items));
  qun_unpack_init(u, items);
  cr_assert(qun_unpack_array(u, &n));
  return n;
}

static int render(void *arg, qun_slice params, struct qun_pack *reply, struct qun_error *err) {
  struct qun_unpack u;
  qun_slice item;
  char text[128];
  uint32_t n = open_items(params, &u);
  (void)err;
  qun_pack_array(reply, n - (arg ? 1 : 0));
  for (uint32_t i = arg ? 1 : 0; i < n; i++) {
    cr_assert(qun_unpack_any(&u, &item));
    cr_assert(qun_slice_is(qun_mp_str(item, "domain"), "growth"));
    qun_slice id = qun_mp_str(item, "id");
    int64_t count = qun_mp_int(item, "n", -1);
    int len = snprintf(text, sizeof text, "%s:%.*s", language(params), (int)id.len, (const char *)id.ptr);
    if (count >= 0) snprintf(text + len, sizeof text - (size_t)len, "(%lld)", (long long)count);
    qun_pack_cstr(reply, text);
  }
  return 0;
}

static int format(void *arg, qun_slice params, struct qun_pack *reply, struct qun_error *err) {
  struct qun_unpack u;
  qun_slice item;
  char text[64];
  uint32_t n = open_items(params, &u);
  (void)arg;
  (void)err;
  qun_pack_array(reply, n);
  for (uint32_t i = 0; i < n; i++) {
    cr_assert(qun_unpack_any(&u, &item));
    qun_slice kind = qun_mp_str(item, "kind"), currency = qun_mp_str(item, "currency");
    snprintf(text, sizeof text, "%.*s:%lld%.*s", (int)kind.len, (const char *)kind.ptr,
             (long long)qun_mp_int(item, "value", -1), (int)currency.len, (const char *)currency.ptr);
    qun_pack_cstr(reply, text);
  }
  return 0;
}

static int too_few;
const struct qun_report_speaker fixture_speaker = {.render = render, .format = format};
const struct qun_report_speaker fixture_short_speaker = {.arg = &too_few, .render = render, .format = format};

struct qun_report_reader fixture_reader(const char *locale) {
  return (struct qun_report_reader){.tenant = "acme",
                                    .title = "Acme & Co",
                                    .plugin = "growth",
                                    .locale = locale,
                                    .zone = "Asia/Shanghai",
                                    .currency = "CNY",
                                    .simulated = true};
}

static void write_table(struct qun_report *r, const char *word) {
  qun_report_table(r, "members", "title.members");
  qun_report_column(r, "name", "col.name", "str");
  qun_report_column(r, "share", "col.share", "ratio");
  qun_report_column(r, "why", "col.why", "text");
  qun_report_column(r, "seen", "col.seen", "day");
  qun_report_column(r, "who", "col.who", "member");
  qun_report_column(r, "core", "col.core", "bool");
  qun_report_rows(r);
  qun_report_row(r, 6);
  qun_pack_cstr(&r->pack, word);
  qun_pack_int(&r->pack, 250000);
  qun_report_text_int(&r->pack, "why.days", "n", 3);
  qun_pack_int(&r->pack, 20000);
  qun_pack_int(&r->pack, 7);
  qun_pack_bool(&r->pack, 1);
  qun_report_row(r, 6);
  qun_pack_cstr(&r->pack, "群友");
  for (int i = 0; i < 5; i++) qun_pack_nil(&r->pack);
  qun_report_list_end(r);
}

static void write_chart(struct qun_report *r) {
  qun_report_chart(r, "daily", "title.daily", "line", "x.day", "day", 2);
  qun_pack_int(&r->pack, 20000);
  qun_pack_int(&r->pack, 20001);
  qun_report_chart_series(r);
  qun_report_series(r, "dau", "series.dau", "int", 2);
  qun_pack_int(&r->pack, 12);
  qun_pack_int(&r->pack, -3);
  qun_report_list_end(r);
}

qun_slice fixture_model(struct qun_report *r, const char *word) {
  qun_report_begin(r, "growth", "overview", "title", 1700000000000, 19000, 20001);
  qun_report_figures(r, "now", "title.now");
  qun_report_figure(r, "members", "fig.members", "int", 1234, "good");
  qun_report_figure(r, "revenue", "fig.revenue", "money", 9950, "bad");
  qun_report_list_end(r);
  write_table(r, word);
  write_chart(r);
  qun_report_table(r, "none", "title.none");
  qun_report_column(r, "a", "col.a", "int");
  qun_report_rows(r);
  qun_report_list_end(r);
  qun_report_words(r, "advice", "title.advice");
  qun_report_text(&r->pack, "advice.body");
  qun_report_glossary(r);
  qun_report_term(r, "members", "fig.members", "formula.members", "G59");
  return qun_report_end(r);
}

char *fixture_draw(const char *locale, const char *word, enum qun_report_face face) {
  struct qun_report_reader reader = fixture_reader(locale);
  struct qun_report r;
  struct qun_pack out;
  struct qun_error err = {0};
  qun_pack_init(&out);
  int rc = qun_report_draw(&reader, &fixture_speaker, fixture_model(&r, word), face, &out, &err);
  cr_assert_eq(rc, 0, "%s", err.message);
  qun_report_fini(&r);
  char *text = strndup((const char *)out.buf, out.len);
  cr_assert_eq(strlen(text), out.len);
  qun_pack_fini(&out);
  return text;
}
