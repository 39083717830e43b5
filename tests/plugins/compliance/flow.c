/* SPDX-License-Identifier: Apache-2.0 */
/* From records to findings, alerts, verdicts, reports; the same with instances that come and go. */
#include "script.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static int no_create(const struct qun_host *host, qun_slice config, void **self) {
  (void)host;
  (void)config;
  *self = NULL;
  return 0;
}

static void no_destroy(void *self) {
  (void)self;
}

static const struct qun_plugin sender = {.struct_size = sizeof(struct qun_plugin),
                                         .create = no_create,
                                         .destroy = no_destroy};

static struct qun_fake *host_with_sender(void) {
  struct qun_fake *f = script_host("acme", "CN");
  cr_assert_eq(qun_fake_join_vtable(f, &sender, QUN_SOURCE_DIR "/tests/plugins/compliance/sender"), 0, "%s",
               qun_fake_message(f));
  return f;
}

/* The nth verdict: "verdict rule rule". */
static const char *verdict(struct qun_fake *f, size_t n, char *buf, size_t cap) {
  const struct qun_fake_emitted *e = qun_fake_emitted_of(f, "compliance.verdict", n);
  struct qun_unpack u;
  qun_slice rules, rule, v;
  uint32_t count = 0;
  cr_assert_not_null(e);
  v = qun_mp_str(e->data, "verdict");
  snprintf(buf, cap, "%.*s", (int)v.len, (const char *)v.ptr);
  cr_assert(qun_mp_find(e->data, "rules", &rules));
  qun_unpack_init(&u, rules);
  cr_assert(qun_unpack_array(&u, &count));
  while (count-- > 0 && qun_unpack_str(&u, &rule)) {
    size_t at = strlen(buf);
    snprintf(buf + at, cap - at, " %.*s", (int)rule.len, (const char *)rule.ptr);
  }
  return buf;
}

static void send_item(struct qun_fake *f, const char *key, const char *text, int is_ad, const char *label,
                      uint64_t member) {
  cr_assert_eq(qun_fake_event(f, .type = "content.send", .at = "2026-03-05 10:00", .member = member, .subject = "item",
                              .fields = {QUN_TEXT("key", key), QUN_TEXT("text", text), QUN_BOOL("is_ad", is_ad),
                                         QUN_TEXT("label", label), QUN_TEXT("item", "i1")}),
               0, "%s", qun_fake_message(f));
}

Test(plugins_compliance_flow, gate_gives_each_verdict) {
  struct qun_fake *f = host_with_sender();
  char buf[400];
  send_item(f, "k0", "周末读书会", 0, "", 0);
  cr_expect_str_eq(verdict(f, 0, buf, sizeof buf), "fine");
  send_item(f, "k1", "新品上市，回T退订", 1, "", 0);
  cr_expect_str_eq(verdict(f, 1, buf, sizeof buf), "needs_label AD-14a");
  send_item(f, "k2", "全国销量第一，回T退订", 1, "广告", 0);
  cr_expect_str_eq(verdict(f, 2, buf, sizeof buf), "needs_person AD-9-3");
  send_item(f, "k3", "稳赚不赔，回T退订", 1, "广告", 0);
  cr_expect_str_eq(verdict(f, 3, buf, sizeof buf), "block AD-25a");
  const struct qun_fake_emitted *e = qun_fake_emitted_of(f, "compliance.verdict", 3);
  cr_expect(qun_slice_is(qun_mp_str(e->data, "key"), "k3") && qun_slice_is(qun_mp_str(e->data, "plugin"), "content") &&
            qun_slice_is(e->subject, "k3"));
  cr_expect(qun_slice_is(qun_mp_str(e->data, "reason"), "AD-25a"));
  /* what was held back has broken no rule */
  cr_expect_null(qun_fake_emitted_of(f, "compliance.finding", 0));
  qun_fake_close(f);
}

Test(plugins_compliance_flow, gate_blocks_a_push_without_consent_or_after_an_optout) {
  struct qun_fake *f = host_with_sender();
  char buf[400];
  send_item(f, "k0", "会员日，回T退订", 1, "广告", 7);
  cr_expect_str_eq(verdict(f, 0, buf, sizeof buf), "block AD-43a");
  script_play(
      f,
      "2026-03-05T09:30 notice.published version=v1 handler=x purposes=marketing fields=phone retention=1y rights=x\n"
      "2026-03-05T09:40 consent.given m=7 purpose=marketing method=form notice=v1");
  send_item(f, "k1", "会员日，回T退订", 1, "广告", 7);
  cr_expect_str_eq(verdict(f, 1, buf, sizeof buf), "fine");
  script_play(f, "2026-03-05T11:02 optout m=7");
  send_item(f, "k2", "会员日，回T退订", 1, "广告", 7);
  cr_expect_str_eq(verdict(f, 2, buf, sizeof buf), "fine"); /* its own time, 10:00, is before the opt-out */
  cr_assert_eq(qun_fake_event(f, .type = "content.send", .at = "2026-03-06 10:00", .member = 7,
                              .fields = {QUN_TEXT("key", "k3"), QUN_TEXT("text", "会员日，回T退订"),
                                         QUN_BOOL("is_ad", 1), QUN_TEXT("label", "广告")}),
               0);
  cr_expect_str_eq(verdict(f, 3, buf, sizeof buf), "block CP-29b CP-R24");
  qun_fake_close(f);
}

Test(plugins_compliance_flow, a_person_lets_go_what_was_held_but_not_what_was_blocked) {
  struct qun_fake *f = host_with_sender();
  char buf[400];
  send_item(f, "k2", "全国销量第一，回T退订", 1, "广告", 0);
  send_item(f, "k3", "稳赚不赔，回T退订", 1, "广告", 0);
  qun_fake_person(f, "operator", "en");
  cr_assert(qun_fake_ask(f, "compliance.approve", QUN_TEXT("key", "k2"), QUN_TEXT("reason", "source checked"),
                         QUN_TEXT("person", "li"))
                    .len > 0,
            "%s", qun_fake_message(f));
  cr_expect_str_eq(verdict(f, 2, buf, sizeof buf), "fine");
  cr_expect(qun_slice_is(qun_mp_str(qun_fake_emitted_of(f, "compliance.verdict", 2)->data, "person"), "li"));
  cr_expect_eq(qun_fake_ask(f, "compliance.approve", QUN_TEXT("key", "k3"), QUN_TEXT("reason", "x"),
                            QUN_TEXT("person", "li"))
                   .len,
               0);
  cr_expect_eq(qun_fake_code(f), QUN_ECONFLICT);
  cr_expect_eq(qun_fake_ask(f, "compliance.approve", QUN_TEXT("key", "k9"), QUN_TEXT("reason", "x"),
                            QUN_TEXT("person", "li"))
                   .len,
               0);
  cr_expect_eq(qun_fake_code(f), QUN_ENOTFOUND);
  qun_fake_close(f);
}

#define SPAM "2026-03-05T10:00 message id=x1 m=7 g=a text=加群看百家乐，一起看百家乐\n"

Test(plugins_compliance_flow, a_finding_is_emitted_once_for_each_record_and_rule) {
  struct qun_fake *f = script_host("acme", "CN");
  script_play(f, SPAM);
  const struct qun_fake_emitted *e = qun_fake_emitted_of(f, "compliance.finding", 0);
  cr_assert_not_null(e);
  cr_expect(qun_slice_is(qun_mp_str(e->data, "rule"), "ECO-6"));
  cr_expect(qun_slice_is(qun_mp_str(e->data, "certainty"), "candidate"));
  cr_expect_eq(qun_mp_int(e->data, "evidence", 0), 1);
  cr_expect_eq(qun_mp_int(e->data, "start", -1), 9);
  cr_expect_eq(qun_mp_int(e->data, "end", -1), 18);
  cr_expect_eq(e->member, 7);
  cr_expect_null(qun_fake_emitted_of(f, "compliance.finding", 1), "two places in one record are one event");
  cr_expect_eq(qun_mp_int(script_audit(f, "ECO-6"), "count", 0), 2);
  qun_fake_close(f);
}

Test(plugins_compliance_flow, a_missed_deadline_alerts_on_the_tenants_clock) {
  struct qun_fake *f = script_host("acme", "CN");
  script_play(f, SPAM "until 2026-03-06");
  cr_expect_null(qun_fake_emitted_of(f, "compliance.alert", 0));
  script_play(f, "until 2026-03-07");
  const struct qun_fake_emitted *e = qun_fake_emitted_of(f, "compliance.alert", 0);
  cr_assert_not_null(e);
  cr_expect(qun_slice_is(qun_mp_str(e->data, "rule"), "CSL-STOP") && qun_slice_is(qun_mp_str(e->data, "case"), "x1"));
  cr_expect_eq(e->clock_ms, qun_fake_ms(f, "2026-03-06 10:00"));
  cr_expect_null(qun_fake_emitted_of(f, "compliance.alert", 1));
  cr_expect_eq(qun_fake_timers(f), 0);
  qun_fake_close(f);
}

Test(plugins_compliance_flow, a_year_without_holiday_table_is_not_guessed) {
  struct qun_fake *f = script_host("acme", "CN");
  char buf[600];
  script_play(f, "2030-03-02 request.opened id=q1 m=7 kind=access\n2030-03-10 request.answered s=q1 "
                 "outcome=done\nuntil 2030-06-01");
  cr_expect_str_eq(script_status(f, "PIPL-45", buf, sizeof buf), "satisfied: 1 records checked; no open finding");
  script_play(f, "2030-06-02 request.opened id=q2 m=7 kind=access\nuntil 2030-07-01");
  qun_slice entry = script_audit(f, "PIPL-45"), list, one;
  struct qun_unpack u;
  uint32_t n = 0;
  cr_assert(qun_mp_find(entry, "examples", &list));
  qun_unpack_init(&u, list);
  cr_assert(qun_unpack_array(&u, &n) && n == 1 && qun_unpack_any(&u, &one));
  cr_expect(qun_slice_is(qun_mp_str(one, "note"), "no holiday table for year 2030"));
  cr_expect(qun_slice_is(qun_mp_str(one, "certainty"), "candidate"));
  qun_fake_close(f);
}

Test(plugins_compliance_flow, findings_are_dismissed_and_resolved_by_a_person) {
  struct qun_fake *f = script_host("acme", "CN");
  char buf[600];
  script_play(f, "2026-03-05T10:00 message id=x1 m=7 g=a text=联系13812345678\n2026-03-05T10:01 message id=x2 m=7 g=a "
                 "text=联系13912345678");
  qun_fake_person(f, "operator", "en");
  cr_expect_eq(qun_fake_ask(f, "compliance.dismiss", QUN_TEXT("finding", "PIPL-25:1:6"), QUN_TEXT("person", "li")).len,
               0, "a reason is needed");
  cr_assert(qun_fake_ask(f, "compliance.dismiss", QUN_TEXT("finding", "PIPL-25:1:6"), QUN_TEXT("reason", "own number"),
                         QUN_TEXT("person", "li"))
                    .len > 0,
            "%s", qun_fake_message(f));
  cr_expect_str_eq(script_status(f, "PIPL-25", buf, sizeof buf),
                   "not_satisfied: 1 open findings: 0 facts, 1 candidates for a person to judge");
  cr_assert(qun_fake_ask(f, "compliance.resolve", QUN_TEXT("finding", "PIPL-25:3:6"), QUN_TEXT("reason", "recalled"),
                         QUN_TEXT("person", "li"))
                    .len > 0,
            "%s", qun_fake_message(f));
  cr_expect_str_eq(script_status(f, "PIPL-25", buf, sizeof buf), "satisfied: 2 texts scanned; no open finding");
  cr_expect_eq(qun_mp_int(script_audit(f, "PIPL-25"), "dismissed", 0), 2);
  cr_expect_eq(qun_fake_ask(f, "compliance.resolve", QUN_TEXT("finding", "PIPL-25:9:6"), QUN_TEXT("reason", "x"),
                            QUN_TEXT("person", "li"))
                   .len,
               0);
  cr_expect_eq(qun_fake_code(f), QUN_ENOTFOUND);
  qun_fake_close(f);
}

Test(plugins_compliance_flow, a_record_from_before_the_law_breaks_none) {
  struct qun_fake *f = script_host("acme", "CN");
  char buf[600];
  script_play(f, "2015-03-05T10:00 message id=x1 m=7 g=a text=联系13812345678");
  cr_expect_null(qun_fake_emitted_of(f, "compliance.finding", 0));
  cr_expect_str_eq(script_status(f, "PIPL-25", buf, sizeof buf),
                   "not_applicable: no such record since the rule came into force on 2021-11-01; 1 earlier ones would "
                   "break it today");
  qun_fake_close(f);
}

static const char *first_rule(struct qun_fake *f, const char *text, int64_t *start, int64_t *start_char, char *buf,
                              size_t cap) {
  qun_slice reply = qun_fake_ask(f, "compliance.check", QUN_TEXT("text", text), QUN_TEXT("kind", "chat")), list, hit;
  struct qun_unpack u;
  uint32_t n = 0;
  cr_assert(qun_mp_find(reply, "hits", &list), "%s", qun_fake_message(f));
  qun_unpack_init(&u, list);
  buf[0] = 0;
  if (!qun_unpack_array(&u, &n) || n == 0 || !qun_unpack_any(&u, &hit)) return buf;
  qun_slice rule = qun_mp_str(hit, "rule"), what = qun_mp_str(hit, "text");
  *start = qun_mp_int(hit, "start", -1);
  *start_char = qun_mp_int(hit, "start_char", -1);
  snprintf(buf, cap, "%.*s %.*s", (int)rule.len, (const char *)rule.ptr, (int)what.len, (const char *)what.ptr);
  return buf;
}

Test(plugins_compliance_flow, evasions_are_seen_through_and_offsets_are_the_originals) {
  struct qun_fake *f = script_host("acme", "CN");
  static const struct {
    const char *text, *want;
    int64_t start, start_char;
  } cases[] = {
      {"看百家乐", "ECO-6 百家乐", 3, 1},
      {"看百-家-乐", "ECO-6 百-家-乐", 3, 1},
      {"看 百\xe2\x80\x8b家 樂", "ECO-6 百\xe2\x80\x8b家 樂", 4, 2},
      {"看百家樂", "ECO-6 百家樂", 3, 1},
      {"看百.家*乐", "ECO-6 百.家*乐", 3, 1},
      {"号１３８１２３４５６７８", "PIPL-25 １３８１２３４５６７８", 3, 1},
      {"Online　CASINO", "ECO-6 Online　CASINO", 0, 0},
      {"《百家乐的历史》是书", "", -1, -1},
      {"严禁百家乐", "", -1, -1},
  };
  char buf[200];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t start = -1, start_char = -1;
    cr_expect_str_eq(first_rule(f, cases[i].text, &start, &start_char, buf, sizeof buf), cases[i].want, "%s gives %s",
                     cases[i].text, buf);
    cr_expect_eq(start, cases[i].start, "%s: %lld", cases[i].text, (long long)start);
    cr_expect_eq(start_char, cases[i].start_char);
  }
  qun_fake_close(f);
}

Test(plugins_compliance_flow, check_refuses_what_it_cannot_use) {
  struct qun_fake *f = script_host("acme", "CN");
  cr_expect_eq(qun_fake_ask(f, "compliance.check", QUN_TEXT("text", "x"), QUN_TEXT("kind", "poem")).len, 0);
  cr_expect_not_null(strstr(qun_fake_message(f), "kind"));
  cr_expect_eq(qun_fake_ask(f, "compliance.check", QUN_TEXT("kind", "chat")).len, 0);
  cr_expect_not_null(strstr(qun_fake_message(f), "text"));
  cr_expect_eq(qun_fake_ask(f, "compliance.check", QUN_INT("text", 5)).len, 0, "a number is no harmless text");
  cr_expect_not_null(strstr(qun_fake_message(f), "text"));
  cr_expect_eq(qun_fake_ask(f, "compliance.check", QUN_TEXT("text", "x"), QUN_INT("kind", 5)).len, 0);
  cr_expect_eq(qun_fake_ask(f, "compliance.check", QUN_TEXT("text", "x"), QUN_TEXT("direct", "yes")).len, 0);
  cr_expect_not_null(strstr(qun_fake_message(f), "direct"));
  cr_expect_eq(qun_fake_ask(f, "compliance.audit", QUN_TEXT("scope", "nothing")).len, 0);
  cr_expect_not_null(strstr(qun_fake_message(f), "scope"));
  cr_expect_eq(qun_fake_ask(f, "compliance.report", QUN_TEXT("view", "nothing")).len, 0);
  qun_fake_close(f);
}

Test(plugins_compliance_flow, packs_bind_by_country_and_setting) {
  struct qun_fake *f = script_host("acme", "CN");
  cr_expect_eq(qun_fake_ask(f, "compliance.audit", QUN_TEXT("scope", "gdpr")).len, 0);
  cr_assert_eq(qun_fake_set(f, "packs=gdpr,can-spam"), 0, "%s", qun_fake_message(f));
  cr_expect(qun_fake_ask(f, "compliance.audit", QUN_TEXT("scope", "gdpr")).len > 0);
  cr_expect(qun_fake_ask(f, "compliance.audit", QUN_TEXT("scope", "can-spam")).len > 0);
  cr_expect(qun_fake_ask(f, "compliance.audit", QUN_TEXT("scope", "pipl")).len > 0);
  qun_fake_tenant(f, "berlin");
  qun_fake_profile(f, "country", "DE");
  cr_expect_eq(qun_fake_ask(f, "compliance.audit", QUN_TEXT("scope", "pipl")).len, 0);
  cr_expect(qun_fake_ask(f, "compliance.audit", QUN_TEXT("scope", "gdpr")).len > 0);
  qun_fake_close(f);
}

static const char life[] =
    "2026-03-01 notice.published version=v1 handler=x purposes=join,marketing fields=phone retention=1y rights=x\n"
    "2026-03-01T10:00 join m=1 consent=true\n2026-03-01T10:01 join m=7\n2026-03-01T10:02 consent.given m=7 "
    "purpose=marketing method=form notice=v1 separate=true\n"
    "2026-03-01T10:03 member.profile m=7 phone=1 tags=vip age_band=18-24\n2026-03-02 message id=a m=7 g=a "
    "text=联系13812345678\n"
    "2026-03-02T10:00 message id=b m=1 g=a staff=true is_ad=true text=全国销量第一 to=7\n2026-03-02T11:00 "
    "consent.withdrawn m=7 purpose=marketing\n"
    "2026-03-03 message id=c m=1 g=a staff=true is_ad=true text=稳赚不赔 to=7\n2026-03-03T10:00 complaint id=k1 m=7 "
    "about=ads\n2026-03-03T11:00 request.opened id=q1 m=7 kind=erase\n"
    "2026-03-04 incident.opened id=i1 class=leak level=larger affected=3\n2026-03-05 message id=d m=9 g=a "
    "text=加群看百家乐\n2026-03-06 moderation s=d action=delete\n"
    "2026-03-07 transfer.recorded to=acme country=SG subjects=20 fields=phone\n2026-03-08 kick m=7\n2026-03-09 "
    "member.closed m=7\nuntil 2026-05-01";

Test(plugins_compliance_flow, instances_may_come_and_go_without_changing_anything) {
  struct qun_fake *f = script_host("acme", "CN"), *g = script_host("acme", "CN");
  script_play(f, life);
  qun_fake_recreate_every(g, 3);
  script_play(g, life);
  cr_expect_gt(qun_fake_rows(f), 20u);
  cr_expect_eq(qun_fake_hash(f), qun_fake_hash(g));
  cr_assert_eq(qun_fake_emitted_count(f), qun_fake_emitted_count(g));
  for (size_t i = 0; i < qun_fake_emitted_count(f); i++)
    cr_expect(qun_slice_eq(qun_fake_emitted(f, i)->data, qun_fake_emitted(g, i)->data));
  cr_expect_eq(qun_fake_dead(f), 0u);
  qun_fake_close(f);
  qun_fake_close(g);
}

Test(plugins_compliance_flow, reports_have_every_view_in_both_languages) {
  static const char *const views[] = {"overview", "rules", "findings", "consent"};
  struct qun_fake *f = script_host("acme", "CN");
  script_play(f, life);
  for (int zh = 0; zh < 2; zh++) {
    qun_fake_person(f, "auditor", zh ? "zh-CN" : "en");
    for (size_t i = 0; i < 4; i++) {
      qun_slice model = qun_fake_ask(f, "compliance.report", QUN_TEXT("view", views[i])), sections;
      cr_assert(model.len > 0, "%s: %s", views[i], qun_fake_message(f));
      cr_expect(qun_mp_valid(model, 16));
      cr_expect(qun_mp_find(model, "sections", &sections));
      cr_expect(qun_slice_is(qun_mp_str(model, "view"), views[i]));
    }
    qun_slice entry = script_audit(f, "PIPL-15"), title = qun_mp_str(entry, "title");
    cr_expect(qun_slice_is(title, zh ? "撤回同意后停止处理" : "Stop after consent is withdrawn"));
    cr_expect(qun_slice_is(qun_mp_str(entry, "status"), "not_satisfied"));
  }
  qun_fake_close(f);
}

Test(plugins_compliance_flow, erasing_a_member_drops_its_rows) {
  struct qun_fake *f = script_host("acme", "CN");
  script_play(f, life);
  size_t before = qun_fake_rows(f);
  qun_fake_erase(f, 7);
  cr_expect_lt(qun_fake_rows(f), before);
  script_play(f, "2026-05-02 message id=z m=9 g=a text=hello\nuntil 2026-06-01");
  cr_expect_eq(qun_fake_dead(f), 0u);
  qun_fake_close(f);
}
