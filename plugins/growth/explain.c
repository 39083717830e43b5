/* SPDX-License-Identifier: Apache-2.0 */
/* growth.explain: why a member is where it is, and what would change it (catalogue G53). growth.members: how many there
 * are. */
#include "channel.h"
#include "lifecycle.h"
#include "members.h"
#include "report.h"
#include "sets.h"
#include "tier.h"

/* A text with the facts and thresholds as arguments. */
static void pack_why(struct qun_pack *p, const char *id, const struct growth_tier_rule *r,
                     const struct growth_tier_facts *f) {
  qun_pack_array(p, 2);
  qun_pack_cstr(p, id);
  qun_pack_map(p, 8);
  qun_pack_kv_int(p, "purchases", f->purchases);
  qun_pack_kv_int(p, "spend", f->spend);
  qun_pack_kv_int(p, "days", f->active_days);
  qun_pack_kv_int(p, "core_purchases", r->core_purchases);
  qun_pack_kv_int(p, "core_spend", r->core_spend);
  qun_pack_kv_int(p, "near_spend", r->near_spend);
  qun_pack_kv_int(p, "core_days", r->core_days);
  qun_pack_kv_int(p, "potential_days", r->potential_days);
}

static void pack_rule(struct qun_pack *p, const struct growth_tier_rule *r) {
  qun_pack_cstr(p, "rule");
  qun_pack_cstr(p, growth_tier_rule_name(r->basis));
  qun_pack_cstr(p, "thresholds");
  qun_pack_map(p, 6);
  qun_pack_kv_int(p, "core_purchases", r->core_purchases);
  qun_pack_kv_int(p, "mean_spend", r->mean_spend);
  qun_pack_kv_int(p, "core_spend", r->core_spend);
  qun_pack_kv_int(p, "near_spend", r->near_spend);
  qun_pack_kv_int(p, "core_days", r->core_days);
  qun_pack_kv_int(p, "potential_days", r->potential_days);
}

static void pack_change(struct qun_pack *p, const struct growth_tier_rule *r, const struct growth_tier_facts *f,
                        enum growth_tier to) {
  struct growth_tier_gap gap;
  growth_tier_missing(&gap, r, f, to);
  qun_pack_map(p, 5);
  qun_pack_kv_cstr(p, "to", growth_tier_name(to));
  qun_pack_kv_int(p, "purchases", gap.purchases);
  qun_pack_kv_int(p, "spend", gap.spend);
  qun_pack_kv_int(p, "days", gap.days);
  qun_pack_cstr(p, "text");
  qun_pack_array(p, 2);
  qun_pack_cstr(p, r->basis == GROWTH_BY_ACTIVITY ? "growth.change.days" : "growth.change.purchases");
  qun_pack_map(p, 4);
  qun_pack_kv_cstr(p, "tier", growth_tier_name(to));
  qun_pack_kv_int(p, "purchases", gap.purchases);
  qun_pack_kv_int(p, "spend", gap.spend);
  qun_pack_kv_int(p, "days", gap.days);
}

/* The result of the last month that was judged. A member without one had no fact in it. */
static int last_result(const struct growth_call *c, uint32_t member, struct growth_tier_result *res,
                       struct growth_tier_month *month) {
  int32_t now = qun_month_of(c->ctx->clock_day);
  int rc = growth_tier_result_get(c, member, res);
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  if (rc == QUN_ENOTFOUND) *res = (struct growth_tier_result){.month = now - 1};
  rc = growth_tier_month_get(c, res->month, month);
  return rc;
}

static int pack_tier(struct qun_pack *p, const struct growth_call *c, uint32_t member) {
  static const char *const why[2][GROWTH_TIERS] = {{"growth.why.ordinary_purchases", "growth.why.potential_purchases",
                                                    "growth.why.core_purchases"},
                                                   {"growth.why.ordinary_activity", "growth.why.potential_activity",
                                                    "growth.why.core_activity"}};
  struct growth_tier_result res;
  struct growth_tier_month month;
  int rc = last_result(c, member, &res, &month);
  qun_pack_cstr(p, "tier");
  if (rc == QUN_ENOTFOUND) {
    qun_pack_nil(p); /* no month has been judged */
    return QUN_OK;
  }
  if (rc < 0) return rc;
  qun_pack_map(p, 8);
  qun_pack_kv_cstr(p, "name", growth_tier_name(res.tier));
  qun_pack_kv_cstr(p, "before", growth_tier_name(res.before));
  qun_pack_kv_int(p, "month", res.month);
  pack_rule(p, &month.rule);
  qun_pack_cstr(p, "facts");
  qun_pack_map(p, 3);
  qun_pack_kv_int(p, "purchases", res.facts.purchases);
  qun_pack_kv_int(p, "spend", res.facts.spend);
  qun_pack_kv_int(p, "active_days", res.facts.active_days);
  qun_pack_cstr(p, "why");
  pack_why(p, why[month.rule.basis == GROWTH_BY_ACTIVITY][res.tier], &month.rule, &res.facts);
  qun_pack_cstr(p, "change");
  qun_pack_array(p, (uint32_t)(GROWTH_CORE - res.tier));
  for (int to = (int)res.tier + 1; to <= GROWTH_CORE; to++)
    pack_change(p, &month.rule, &res.facts, (enum growth_tier)to);
  return QUN_OK;
}

static int pack_life(struct qun_pack *p, const struct growth_call *c, const struct growth_member *m) {
  static const char *const why[GROWTH_LIVES] = {"growth.why.new", "growth.why.active", "growth.why.silent",
                                                "growth.why.lost"};
  const struct growth_settings *s = &c->t->settings;
  struct growth_life_sets now = {.count = {0}};
  unsigned life = 0;
  int rc = growth_life_compute(c, c->ctx->clock_day + 1, &now);
  while (rc >= 0 && life < GROWTH_LOST && !roaring_bitmap_contains(now.set[life], m->number)) life++;
  growth_life_fini(&now);
  if (rc < 0) return rc;
  qun_pack_cstr(p, "lifecycle");
  qun_pack_map(p, 2);
  qun_pack_kv_cstr(p, "name", growth_life_name((enum growth_life)life));
  qun_pack_cstr(p, "why");
  qun_pack_array(p, 2);
  qun_pack_cstr(p, life == GROWTH_LOST && (m->flags & GROWTH_MEMBER_LEFT) ? "growth.why.left" : why[life]);
  qun_pack_map(p, 5);
  qun_pack_kv_int(p, "new_days", s->new_days);
  qun_pack_kv_int(p, "active_days", s->active_days);
  qun_pack_kv_int(p, "lost_days", s->lost_days);
  qun_pack_kv_int(p, "first_day", m->first_day);
  qun_pack_kv_int(p, "left_day", m->left_day);
  return QUN_OK;
}

static int pack_member(struct qun_pack *p, const struct growth_call *c, uint32_t asked, const struct growth_member *m) {
  int rc;
  qun_pack_map(p, 13);
  qun_pack_kv_int(p, "member", asked);
  qun_pack_kv_int(p, "person", m->number);
  qun_pack_kv_int(p, "first_day", m->first_day);
  qun_pack_kv_bool(p, "joined", (m->flags & GROWTH_MEMBER_JOINED) != 0);
  qun_pack_kv_bool(p, "present", !(m->flags & GROWTH_MEMBER_LEFT));
  qun_pack_cstr(p, "channel");
  rc = growth_pack_channel(p, c, m->channel);
  if (rc < 0) return rc;
  qun_pack_kv_int(p, "inviter", m->inviter);
  qun_pack_kv_cstr(p, "code", m->code);
  qun_pack_kv_int(p, "groups", m->groups);
  qun_pack_kv_int(p, "purchases", m->purchases);
  qun_pack_kv_int(p, "spend", m->spend);
  rc = pack_life(p, c, m);
  return rc < 0 ? rc : pack_tier(p, c, m->number);
}

static int reply(const struct growth_call *c, const struct qun_request *request, const struct qun_pack *p) {
  if (p->failed) return growth_fail(c, QUN_EFAIL, "growth: out of memory");
  return c->g->reply->reply(c->g->host, request->id, qun_pack_slice(p));
}

int growth_explain(const struct growth_call *c, const struct qun_request *request) {
  int64_t number = qun_mp_int(request->params, "member", 0);
  struct growth_member m;
  struct qun_pack p;
  int rc;
  if (number <= 0 || number > UINT32_MAX)
    return growth_fail(c, QUN_EINVAL, "growth.explain: `member` is the number of a member");
  rc = growth_member_find(c, (uint32_t)number, &m);
  if (rc == QUN_ENOTFOUND) return growth_fail(c, rc, "growth.explain: no such member");
  if (rc < 0) return rc;
  qun_pack_init(&p);
  rc = pack_member(&p, c, (uint32_t)number, &m);
  if (rc >= 0) rc = reply(c, request, &p);
  qun_pack_fini(&p);
  return rc;
}

static int pack_by_channel(struct qun_pack *p, const struct growth_call *c) {
  size_t at;
  int rc = QUN_OK;
  qun_pack_cstr(p, "by_channel");
  at = qun_pack_open_array(p);
  for (uint32_t id = 0; rc >= 0 && id <= c->t->head.channels; id++) {
    struct growth_channel_month sum;
    rc = growth_channel_sum(c, id, INT32_MIN, INT32_MAX, &sum);
    if (rc < 0) break;
    qun_pack_map(p, 3);
    qun_pack_cstr(p, "channel");
    rc = growth_pack_channel(p, c, id);
    qun_pack_kv_int(p, "joins", sum.joins);
    qun_pack_kv_int(p, "buyers", sum.buyers);
  }
  qun_pack_close(p, at, c->t->head.channels + 1);
  return rc;
}

int growth_members(const struct growth_call *c, const struct qun_request *request) {
  const struct growth_head *head = &c->t->head;
  int32_t to = head->last_day != 0 ? head->last_day : c->ctx->clock_day;
  struct growth_life_sets now = {.count = {0}};
  struct qun_pack p;
  int rc = growth_life_compute(c, to + 1, &now);
  qun_pack_init(&p);
  if (rc < 0) goto out;
  qun_pack_map(&p, 6);
  qun_pack_kv_int(&p, "members", head->members);
  qun_pack_kv_int(&p, "known", head->persons);
  qun_pack_kv_int(&p, "last_day", to);
  qun_pack_cstr(&p, "lifecycle");
  qun_pack_map(&p, GROWTH_LIVES);
  for (unsigned i = 0; i < GROWTH_LIVES; i++) qun_pack_kv_int(&p, growth_life_name((enum growth_life)i), now.count[i]);
  qun_pack_kv_int(&p, "groups", head->groups);
  rc = pack_by_channel(&p, c);
  if (rc >= 0) rc = reply(c, request, &p);
out:
  qun_pack_fini(&p);
  growth_life_fini(&now);
  return rc;
}
