/* SPDX-License-Identifier: Apache-2.0 */
/* Every rule fires on one example and stays quiet on another; no rule is left without. */
#include "script.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const char *country_of(const char *rule) {
  if (strncmp(rule, "GD-", 3) == 0 || strncmp(rule, "EP-", 3) == 0) return "DE";
  return strncmp(rule, "CS-", 3) == 0 ? "US" : "CN";
}

static int param(const char *params, const char *name, char *buf, size_t cap) {
  size_t n = strlen(name);
  for (const char *at = params; at && *at; at = strchr(at, ' '), at += at != NULL) {
    if (strncmp(at, name, n) != 0 || at[n] != '=') continue;
    snprintf(buf, cap, "%.*s", (int)strcspn(at + n + 1, " "), at + n + 1);
    return 1;
  }
  buf[0] = 0;
  return 0;
}

static int hits(struct qun_fake *f, const struct text_case *c, const char *params, const char *text) {
  char kind[16], category[24], audience[16], label[24], direct[4];
  qun_slice reply, list, hit;
  struct qun_unpack u;
  uint32_t n = 0, found = 0;
  if (!param(params, "kind", kind, sizeof kind)) snprintf(kind, sizeof kind, "chat");
  param(params, "category", category, sizeof category);
  param(params, "audience", audience, sizeof audience);
  param(params, "label", label, sizeof label);
  int is_direct = param(params, "direct", direct, sizeof direct);
  reply = qun_fake_ask(f, "compliance.check", QUN_TEXT("text", text), QUN_TEXT("kind", kind),
                       QUN_TEXT("category", category), QUN_TEXT("audience", audience), QUN_TEXT("label", label),
                       QUN_BOOL("direct", is_direct));
  cr_assert(reply.len > 0, "%s: %s", c->rule, qun_fake_message(f));
  cr_assert(qun_mp_find(reply, "hits", &list));
  qun_unpack_init(&u, list);
  cr_assert(qun_unpack_array(&u, &n));
  while (n-- > 0 && qun_unpack_any(&u, &hit)) {
    int64_t start = qun_mp_int(hit, "start", -1), end = qun_mp_int(hit, "end", -1);
    cr_assert(start >= 0 && start <= end && (size_t)end <= strlen(text), "%s: offsets", c->rule);
    found += (uint32_t)qun_slice_is(qun_mp_str(hit, "rule"), c->rule);
  }
  return (int)found;
}

Test(plugins_compliance_rules, each_text_rule_fires_and_stays_quiet) {
  static const char *const countries[] = {"CN", "DE", "US"};
  for (size_t k = 0; k < 3; k++) {
    struct qun_fake *f = script_host("acme", countries[k]);
    for (const struct text_case *c = text_cases; c->rule; c++) {
      if (strcmp(country_of(c->rule), countries[k]) != 0) continue;
      cr_expect_gt(hits(f, c, c->params, c->fires), 0, "%s does not fire on: %s", c->rule, c->fires);
      cr_expect_eq(hits(f, c, c->passing ? c->passing : c->params, c->passes), 0, "%s fires on: %s", c->rule,
                   c->passes);
    }
    qun_fake_close(f);
  }
}

static void play_cases(const struct record_case *cases) {
  char buf[600], name[40];
  struct qun_fake *hosts[3] = {0};
  int n = 0;
  for (const struct record_case *c = cases; c->rule; c++) {
    const char *country = country_of(c->rule);
    struct qun_fake **f = &hosts[country[0] == 'C' ? 0 : country[0] == 'D' ? 1 : 2];
    if (!*f) *f = script_host("first", country);
    for (int fires = 0; fires < 2; fires++) {
      snprintf(name, sizeof name, "t%d", n++);
      qun_fake_tenant(*f, name);
      qun_fake_profile(*f, "country", country);
      if (strcmp(c->rule, "CSL-1H") == 0) qun_fake_profile(*f, "sector", "finance");
      script_play(*f, fires ? c->fires : c->passes);
      const char *status = script_status(*f, c->rule, buf, sizeof buf);
      const char *want = fires ? "not_satisfied:" : "satisfied:";
      cr_expect(strncmp(status, want, strlen(want)) == 0, "%s %s, but is %s", c->rule,
                fires ? "should fire" : "should pass", status);
    }
  }
  for (int i = 0; i < 3; i++) qun_fake_close(hosts[i]);
}

Test(plugins_compliance_rules, each_record_rule_fires_and_stays_quiet) {
  play_cases(record_cases);
}

Test(plugins_compliance_rules, each_record_rule_of_contracts_and_content_fires_and_stays_quiet) {
  play_cases(record_cases_more);
}

static int known(qun_slice id) {
  for (const struct text_case *c = text_cases; c->rule; c++)
    if (qun_slice_is(id, c->rule)) return 1;
  for (const struct record_case *c = record_cases; c->rule; c++)
    if (qun_slice_is(id, c->rule)) return 1;
  for (const struct record_case *c = record_cases_more; c->rule; c++)
    if (qun_slice_is(id, c->rule)) return 1;
  return 0;
}

Test(plugins_compliance_rules, none_is_left_without_a_case) {
  static const char *const countries[] = {"CN", "DE", "US"};
  for (size_t k = 0; k < 3; k++) {
    struct qun_fake *f = script_host("acme", countries[k]);
    qun_fake_profile(f, "sector", "finance");
    qun_slice reply = qun_fake_ask(f, "compliance.audit", QUN_TEXT("scope", "all")), rules, entry;
    struct qun_unpack u;
    uint32_t n = 0, seen = 0;
    cr_assert(qun_mp_find(reply, "rules", &rules));
    qun_unpack_init(&u, rules);
    cr_assert(qun_unpack_array(&u, &n));
    while (n-- > 0 && qun_unpack_any(&u, &entry)) {
      qun_slice id = qun_mp_str(entry, "id"), kind = qun_mp_str(entry, "kind"), status = qun_mp_str(entry, "status");
      seen++;
      if (qun_slice_is(kind, "manual"))
        cr_expect(qun_slice_is(status, "not_applicable"));
      else
        cr_expect(known(id), "no case for %.*s", (int)id.len, (const char *)id.ptr);
      cr_expect(!qun_slice_is(status, "satisfied"), "%.*s is satisfied by an empty log", (int)id.len,
                (const char *)id.ptr);
      cr_expect(qun_mp_str(entry, "reason").len > 0);
    }
    cr_expect_gt(seen, 5u);
    qun_fake_close(f);
  }
}
