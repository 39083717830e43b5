/* SPDX-License-Identifier: Apache-2.0 */
/* Content items from topic to evaluation, plans, quotas, the mix and the ads. */
#include "common.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct qun_fake *fake;

static void setup(void) {
  fake = qun_fake_open(QUN_BUILD_DIR "/plugins/content");
  cr_assert_not_null(fake);
  qun_fake_tenant(fake, "acme");
  qun_fake_advance_to(fake, "2026-01-05 09:00"); /* a Monday */
}

static void teardown(void) {
  qun_fake_close(fake);
}

TestSuite(plugins_content_items, .init = setup, .fini = teardown);

static void create(const char *id, const char *kind, const char *account) {
  qun_slice reply = qun_fake_ask(fake, "content.create", QUN_TEXT("id", id), QUN_TEXT("title", id),
                                 QUN_TEXT("kind", kind), QUN_TEXT("text", "words"), QUN_TEXT("account", account));
  cr_assert(qun_slice_is(qun_mp_str(reply, "id"), id), "%s", qun_fake_message(fake));
}

static void approve(const char *id, int64_t score) {
  qun_fake_ask(fake, "content.review", QUN_TEXT("id", id), QUN_BOOL("ok", 1), QUN_INT("score", score));
  cr_assert_eq(qun_fake_code(fake), 0, "%s", qun_fake_message(fake));
}

static qun_slice schedule(const char *id, const char *at) {
  qun_slice reply = qun_fake_ask(fake, "content.schedule", QUN_TEXT("id", id), QUN_INT("at", qun_fake_ms(fake, at)));
  cr_assert(reply.len, "%s", qun_fake_message(fake));
  return reply;
}

static void publish(const char *id, const char *kind, int64_t score, int is_ad) {
  cr_assert_eq(qun_fake_event(fake, .type = "content.item", .subject = id,
                              .fields = {QUN_TEXT("state", "published"), QUN_TEXT("kind", kind),
                                         QUN_TEXT("account", "main"), QUN_INT("score", score),
                                         QUN_BOOL("is_ad", is_ad)}),
               0, "%s", qun_fake_message(fake));
}

static qun_slice report(const char *view) {
  return qun_fake_ask(fake, "content.report", QUN_TEXT("view", view));
}

static uint32_t row_of(qun_slice model, const char *table, const char *column, const char *text) {
  uint32_t n = rows_count(model, table);
  for (uint32_t i = 0; i < n; i++) {
    if (cell_is(model, table, i, column, text)) return i;
  }
  return UINT32_MAX;
}

static bool item_in_state(const char *id, const char *state) {
  char label[40];
  qun_slice model = report("items");
  snprintf(label, sizeof label, "content.state.%s", state);
  return cell_is(model, "items", row_of(model, "items", "item", id), "state", label);
}

Test(plugins_content_items, goes_the_whole_way_through_the_outbox) {
  const struct qun_fake_row *row;
  create("i1", "practical", "main");
  cr_expect(item_in_state("i1", "topic"));
  approve("i1", 90);
  cr_expect(item_in_state("i1", "ready"));
  cr_expect_eq(qun_mp_int(schedule("i1", "2026-01-05 10:00"), "at", 0), qun_fake_ms(fake, "2026-01-05 10:00"));
  cr_expect(item_in_state("i1", "scheduled"));
  row = qun_fake_outbox(fake, 0);
  cr_assert_not_null(row);
  cr_expect_eq(row->state, QUN_FAKE_HELD);
  cr_expect_eq(row->not_before_ms, qun_fake_ms(fake, "2026-01-05 10:00"));
  cr_expect(qun_slice_is(row->key, "i1.1") && qun_slice_is(row->target, "main") && qun_slice_is(row->via, "spool"));
  cr_expect(qun_slice_is(qun_mp_str(row->body, "text"), "words"));
  cr_assert_not_null(qun_fake_emitted_of(fake, "content.send", 0));
  cr_expect(qun_slice_is(qun_mp_str(qun_fake_emitted_of(fake, "content.send", 0)->data, "key"), "i1.1"));
  qun_fake_advance_to(fake, "2026-01-05 10:00");
  cr_assert_eq(qun_fake_outbox_end(fake, "i1.1", QUN_FAKE_SENT, ""), 0);
  cr_expect(item_in_state("i1", "published"));
  qun_fake_advance_to(fake, "2026-01-13 00:00");
  cr_expect(item_in_state("i1", "evaluated"));
  cr_expect_eq(qun_fake_dead(fake), 0);
}

static int gate_create(const struct qun_host *host, qun_slice config, void **self) {
  static int nothing;
  (void)host;
  (void)config;
  *self = &nothing;
  return 0;
}

static void gate_destroy(void *self) {
  (void)self;
}

static const struct qun_plugin gate = {.struct_size = sizeof(struct qun_plugin),
                                       .create = gate_create,
                                       .destroy = gate_destroy};

Test(plugins_content_items, takes_a_refusal_of_the_gate_and_another_try) {
  cr_assert_eq(qun_fake_join_vtable(fake, &gate, QUN_SOURCE_DIR "/tests/plugins/content/gate"), 0, "%s",
               qun_fake_message(fake));
  create("i1", "ad", "main");
  approve("i1", 70);
  schedule("i1", "2026-01-05 10:00");
  cr_assert_eq(qun_fake_event(fake, .type = "compliance.verdict", .subject = "i1.1",
                              .fields = {QUN_TEXT("key", "i1.1"), QUN_TEXT("plugin", "content"),
                                         QUN_TEXT("verdict", "block"), QUN_LIST("rules", "a,b")}),
               0, "%s", qun_fake_message(fake));
  cr_expect_eq(cell_int(report("items"), "items", 0, "findings"), 2);
  qun_fake_outbox_end(fake, "i1.1", QUN_FAKE_BLOCKED, "rule cn-ad-9");
  cr_expect(item_in_state("i1", "blocked"));
  cr_expect(cell_is(report("items"), "items", 0, "reason", "rule cn-ad-9"));
  qun_fake_event(fake, .type = "content.item", .subject = "i1",
                 .fields = {QUN_TEXT("state", "make"), QUN_TEXT("text", "better words")});
  approve("i1", 80);
  schedule("i1", "2026-01-05 11:00");
  cr_expect(qun_slice_is(qun_fake_outbox(fake, 1)->key, "i1.2"));
  qun_fake_outbox_end(fake, "i1.2", QUN_FAKE_FAILED, "no answer");
  cr_expect(item_in_state("i1", "failed"));
}

Test(plugins_content_items, an_item_taken_back_leaves_the_outbox_and_the_quota) {
  qun_slice model;
  qun_fake_set(fake, "accounts=main=service");
  create("i1", "practical", "main");
  approve("i1", 90);
  schedule("i1", "2026-01-05 10:00");
  cr_expect_eq(cell_int(report("quota"), "quota", 0, "planned"), 1);
  qun_fake_event(fake, .type = "content.item", .subject = "i1", .fields = {QUN_TEXT("state", "make")});
  cr_expect_eq(qun_fake_outbox(fake, 0)->state, QUN_FAKE_CANCELLED);
  model = report("quota");
  cr_expect_eq(cell_int(model, "quota", 0, "planned"), 0);
  cr_expect_eq(cell_int(model, "quota", 0, "left"), 4);
  cr_expect_eq(rows_count(report("calendar"), "calendar"), 0);
}

Test(plugins_content_items, states_follow_each_other) {
  create("i1", "practical", "main");
  cr_expect_eq(qun_mp_int(schedule("i1", "2026-01-05 10:00"), "planned", -1), -1);
  cr_expect_eq(qun_fake_outbox_count(fake), 0, "a topic that nobody reviewed was planned");
  publish("i1", "practical", 90, 0);
  cr_expect_eq(qun_fake_event(fake, .type = "content.item", .subject = "i1", .fields = {QUN_TEXT("state", "review")}),
               QUN_ECONFLICT);
  cr_expect(strstr(qun_fake_message(fake), "review does not follow published"), "%s", qun_fake_message(fake));
  cr_expect(item_in_state("i1", "published"));
  qun_fake_ask(fake, "content.publish", QUN_TEXT("id", "i1"));
  cr_expect_eq(qun_fake_code(fake), QUN_ECONFLICT);
  qun_fake_ask(fake, "content.review", QUN_TEXT("id", "nothing"), QUN_BOOL("ok", 1));
  cr_expect_eq(qun_fake_code(fake), QUN_ENOTFOUND);
}

Test(plugins_content_items, moves_plans_out_of_quiet_hours) {
  qun_slice reply;
  create("i1", "practical", "main");
  approve("i1", 90);
  reply = schedule("i1", "2026-01-05 23:30");
  cr_expect_eq(qun_mp_int(reply, "at", 0), qun_fake_ms(fake, "2026-01-06 08:00"));
  cr_expect(qun_slice_is(qun_mp_str(reply, "moved"), "quiet"));
  create("i2", "practical", "main");
  approve("i2", 90);
  cr_expect_eq(qun_mp_int(schedule("i2", "2026-01-07 03:00"), "at", 0), qun_fake_ms(fake, "2026-01-07 08:00"));
  qun_fake_set(fake, "quiet_from=720");
  qun_fake_set(fake, "quiet_to=780");
  create("i3", "practical", "main");
  approve("i3", 90);
  cr_expect_eq(qun_mp_int(schedule("i3", "2026-01-07 12:30"), "at", 0), qun_fake_ms(fake, "2026-01-07 13:00"));
}

Test(plugins_content_items, a_service_account_sends_four_times_a_month) {
  char id[16];
  qun_slice reply, model;
  qun_fake_set(fake, "accounts=main=service,news=subscription");
  for (int i = 1; i <= 5; i++) {
    snprintf(id, sizeof id, "i%d", i);
    create(id, "practical", "main");
    approve(id, 90);
    reply = schedule(id, "2026-01-30 10:00");
    if (i <= 4) cr_expect_eq(qun_mp_int(reply, "at", 0), qun_fake_ms(fake, "2026-01-30 10:00"));
  }
  cr_expect_eq(qun_mp_int(reply, "at", 0), qun_fake_ms(fake, "2026-02-01 08:00"));
  cr_expect(qun_slice_is(qun_mp_str(reply, "moved"), "quiet+quota"));
  qun_fake_set(fake, "over_quota=refuse");
  create("i6", "practical", "main");
  approve("i6", 90);
  reply = schedule("i6", "2026-01-30 11:00");
  cr_expect(qun_slice_is(qun_mp_str(reply, "reason"), "quota"));
  cr_expect_eq(qun_mp_int(reply, "limit", 0), 4);
  cr_expect(item_in_state("i6", "ready"));
  model = report("quota");
  cr_expect_eq(rows_count(model, "quota"), 2);
  cr_expect_eq(cell_int(model, "quota", 0, "planned"), 4);
  cr_expect_eq(cell_int(model, "quota", 0, "left"), 0);
  cr_expect_eq(cell_int(model, "quota", 1, "limit"), 1);
  cr_expect_eq(rows_count(report("calendar"), "calendar"), 5);
}

Test(plugins_content_items, count_and_window_of_a_quota_are_settings) {
  qun_fake_set(fake, "accounts=main=service");
  qun_fake_set(fake, "service_quota=1");
  qun_fake_set(fake, "service_window=week");
  create("i1", "practical", "main");
  create("i2", "practical", "main");
  approve("i1", 90);
  approve("i2", 90);
  schedule("i1", "2026-01-07 10:00");
  cr_expect_eq(qun_mp_int(schedule("i2", "2026-01-08 10:00"), "at", 0), qun_fake_ms(fake, "2026-01-12 08:00"));
}

Test(plugins_content_items, the_mix_is_judged_each_day) {
  const struct qun_fake_emitted *alarm;
  qun_slice model;
  for (int i = 0; i < 3; i++) {
    char id[8];
    snprintf(id, sizeof id, "p%d", i);
    publish(id, "practical", 85, 0);
  }
  publish("a0", "interactive", 60, 0);
  publish("a1", "interactive", 60, 0);
  publish("e0", "emotional", 60, 0);
  qun_fake_advance_to(fake, "2026-01-06 00:00");
  cr_expect_null(qun_fake_emitted_of(fake, "content.alarm", 0), "a day with the whole mix raised an alarm");
  qun_fake_advance_to(fake, "2026-01-07 00:00");
  alarm = qun_fake_emitted_of(fake, "content.alarm", 0);
  cr_assert_not_null(alarm);
  cr_expect(qun_slice_is(alarm->subject, "mix_practical"));
  cr_expect_eq(qun_mp_int(alarm->data, "limit", 0), 3);
  cr_expect_eq(qun_mp_int(alarm->data, "day", 0), qun_fake_day("2026-01-06"));
  qun_fake_advance_to(fake, "2026-01-08 00:00");
  cr_expect_null(qun_fake_emitted_of(fake, "content.alarm", 4), "an alarm that is up was raised again");
  model = report("overview");
  cr_expect_eq(rows_count(model, "mix_days"), 1);
  cr_expect_eq(cell_int(model, "mix_days", 0, "practical"), 3);
  cr_expect_eq(cell(model, "mix_days", 0, "met").len, 1);
  cr_expect_eq(*(const unsigned char *)cell(model, "mix_days", 0, "met").ptr, 0xc3);
  cr_expect_eq(rows_count(model, "alarms"), 4);
  cr_expect_eq(figure(model, "content", "quality_week"), 3);
}

Test(plugins_content_items, silence_and_bursts_of_an_account_are_told) {
  bool rare = false, often = false, cleared = false;
  qun_fake_set(fake, "burst_day=2");
  publish("i1", "practical", 60, 0);
  publish("i2", "practical", 60, 0);
  publish("i3", "practical", 60, 0);
  qun_fake_advance_to(fake, "2026-01-14 00:00");
  for (size_t i = 0; qun_fake_emitted_of(fake, "content.alarm", i); i++) {
    const struct qun_fake_emitted *e = qun_fake_emitted_of(fake, "content.alarm", i);
    bool raised = qun_slice_is(qun_mp_str(e->data, "state"), "raised");
    if (qun_slice_is(e->subject, "too_rare") && raised) rare = qun_mp_int(e->data, "value", 0) == 7;
    if (qun_slice_is(e->subject, "too_often")) often |= raised, cleared |= !raised;
  }
  cr_expect(rare && often && cleared);
}

Test(plugins_content_items, too_many_ads_stop_ads) {
  qun_slice model, reply;
  publish("p1", "practical", 60, 0);
  publish("p2", "practical", 60, 0);
  publish("p3", "practical", 60, 0);
  publish("ad1", "ad", 60, 1);
  qun_fake_event(fake, .type = "message", .member = 1, .group = "g",
                 .fields = {QUN_TEXT("msg", "s1"), QUN_BOOL("staff", 1), QUN_BOOL("is_ad", 1)});
  model = report("overview");
  cr_expect_eq(figure(model, "content", "ad_share"), 400000);
  cr_expect_str_eq(figure_status(model, "content", "ad_share"), "warn");
  create("ad2", "ad", "main");
  approve("ad2", 60);
  create("p4", "practical", "main");
  approve("p4", 60);
  for (int i = 0; i < 10; i++)
    qun_fake_event(fake, .type = "survey.answer", .member = (uint64_t)i + 1,
                   .fields = {QUN_TEXT("survey", "s"), QUN_TEXT("question", "too_many_ads"), QUN_INT("score", i < 3)});
  model = report("overview");
  cr_expect_eq(figure(model, "content", "ad_feedback"), 300000);
  cr_expect_str_eq(figure_status(model, "content", "ad_share"), "bad");
  reply = schedule("ad2", "2026-01-05 12:00");
  cr_expect(qun_slice_is(qun_mp_str(reply, "reason"), "ad_share"));
  cr_expect_eq(qun_mp_int(reply, "value", 0), 500000);
  cr_expect_eq(qun_mp_int(schedule("p4", "2026-01-05 12:00"), "at", 0), qun_fake_ms(fake, "2026-01-05 12:00"));
}

static int check(void *arg, qun_slice params, struct qun_pack *reply) {
  int *calls = arg;
  (*calls)++;
  qun_pack_map(reply, 2);
  qun_pack_kv_cstr(reply, "verdict", qun_slice_is(qun_mp_str(params, "kind"), "ad") ? "needs_label" : "fine");
  qun_pack_cstr(reply, "hits");
  qun_pack_array(reply, 1);
  qun_pack_map(reply, 0);
  return 0;
}

Test(plugins_content_items, keeps_the_advice_of_compliance_or_says_that_there_is_none) {
  int calls = 0;
  qun_slice model;
  create("i1", "practical", "main");
  model = report("items");
  cr_expect(cell_is(model, "items", 0, "verdict", "content.verdict.unchecked"));
  qun_fake_provide(fake, "compliance.check", 1, check, &calls);
  create("i2", "ad", "main");
  cr_expect_eq(calls, 1);
  model = report("items");
  cr_expect(cell_is(model, "items", 1, "verdict", "content.verdict.needs_label"));
  cr_expect_eq(cell_int(model, "items", 1, "findings"), 1);
  approve("i1", 90);
  schedule("i1", "2026-01-05 10:00");
  cr_expect(cell_is(report("items"), "items", 0, "verdict", "content.verdict.fine"));
}

Test(plugins_content_items, refuses_what_is_out_of_bounds) {
  qun_fake_ask(fake, "content.create", QUN_TEXT("title", ""), QUN_TEXT("kind", "ad"));
  cr_expect(strstr(qun_fake_message(fake), "title"), "%s", qun_fake_message(fake));
  qun_fake_ask(fake, "content.create", QUN_TEXT("title", "x"), QUN_TEXT("kind", "poem"));
  cr_expect(strstr(qun_fake_message(fake), "kind"), "%s", qun_fake_message(fake));
  create("i1", "ad", "main");
  qun_fake_ask(fake, "content.create", QUN_TEXT("id", "i1"), QUN_TEXT("title", "x"), QUN_TEXT("kind", "ad"));
  cr_expect_eq(qun_fake_code(fake), QUN_ECONFLICT);
  cr_expect_eq(qun_fake_event(fake, .type = "content.item", .subject = "i9", .fields = {QUN_TEXT("state", "nonsense")}),
               QUN_EINVAL);
  qun_fake_event(fake, .type = "content.plan", .subject = "nothing", .fields = {QUN_INT("at", 1)});
  cr_assert_not_null(qun_fake_emitted_of(fake, "content.refused", 0));
  cr_expect(qun_slice_is(qun_mp_str(qun_fake_emitted_of(fake, "content.refused", 0)->data, "reason"), "unknown_item"));
  qun_fake_ask(fake, "content.report", QUN_TEXT("view", "nonsense"));
  cr_expect_eq(qun_fake_code(fake), QUN_ENOTFOUND);
}
