/* SPDX-License-Identifier: Apache-2.0 */
#include "tier.h"

#include "members.h"
#include "sets.h"

#include <stdlib.h>

const char *growth_tier_name(enum growth_tier tier) {
  static const char *const names[GROWTH_TIERS] = {"ordinary", "potential", "core"};
  return names[tier];
}

const char *growth_tier_rule_name(enum growth_tier_basis basis) {
  return basis == GROWTH_BY_ACTIVITY ? "growth.tier.activity" : "growth.tier.purchases";
}

static struct growth_key month_key(int32_t month) {
  struct growth_key k = growth_key_of('T');
  growth_key_i32(&k, month);
  return k;
}

static int month_save(const struct growth_call *c, const struct growth_tier_month *m) {
  struct growth_key key = month_key(m->month);
  struct growth_row r;
  r.len = 0;
  growth_row_u8(&r, (unsigned)m->rule.basis);
  growth_row_i64(&r, m->rule.core_purchases);
  growth_row_i64(&r, m->rule.mean_spend);
  growth_row_i64(&r, m->rule.core_spend);
  growth_row_i64(&r, m->rule.near_spend);
  growth_row_i64(&r, m->rule.core_days);
  growth_row_i64(&r, m->rule.potential_days);
  growth_row_u32(&r, m->members);
  for (unsigned i = 0; i < GROWTH_TIERS; i++) growth_row_u32(&r, m->count[i]);
  for (unsigned i = 0; i < GROWTH_TIERS; i++)
    for (unsigned j = 0; j < GROWTH_TIERS; j++) growth_row_u32(&r, m->moved[i][j]);
  for (unsigned i = 0; i < GROWTH_TIERS; i++) growth_row_i64(&r, m->spend[i]);
  return growth_put(c, &key, growth_row_slice(&r), 0);
}

int growth_tier_month_decode(struct growth_tier_month *m, qun_slice key, qun_slice row) {
  struct growth_reader r = growth_read(row);
  unsigned basis = growth_read_u8(&r);
  memset(m, 0, sizeof *m);
  m->month = (int32_t)(growth_key_read(key, 1) ^ 0x80000000u);
  m->rule.basis = basis == GROWTH_BY_ACTIVITY ? GROWTH_BY_ACTIVITY : GROWTH_BY_PURCHASES;
  m->rule.core_purchases = growth_read_i64(&r);
  m->rule.mean_spend = growth_read_i64(&r);
  m->rule.core_spend = growth_read_i64(&r);
  m->rule.near_spend = growth_read_i64(&r);
  m->rule.core_days = growth_read_i64(&r);
  m->rule.potential_days = growth_read_i64(&r);
  m->members = growth_read_u32(&r);
  for (unsigned i = 0; i < GROWTH_TIERS; i++) m->count[i] = growth_read_u32(&r);
  for (unsigned i = 0; i < GROWTH_TIERS; i++)
    for (unsigned j = 0; j < GROWTH_TIERS; j++) m->moved[i][j] = growth_read_u32(&r);
  for (unsigned i = 0; i < GROWTH_TIERS; i++) m->spend[i] = growth_read_i64(&r);
  return r.bad ? QUN_EFAIL : QUN_OK;
}

int growth_tier_month_get(const struct growth_call *c, int32_t month, struct growth_tier_month *out) {
  struct growth_key key = month_key(month);
  qun_slice row;
  int rc = growth_get(c, &key, &row);
  if (rc < 0) return rc;
  if (growth_tier_month_decode(out, growth_key_slice(&key), row) < 0)
    return growth_fail(c, QUN_EFAIL, "growth: a month's tiers are not whole");
  return QUN_OK;
}

static int result_save(const struct growth_call *c, uint32_t member, const struct growth_tier_result *t) {
  struct growth_key key = growth_key_number('t', member);
  struct growth_row r;
  r.len = 0;
  growth_row_i32(&r, t->month);
  growth_row_u8(&r, (unsigned)t->tier);
  growth_row_u8(&r, (unsigned)t->before);
  growth_row_i64(&r, t->facts.purchases);
  growth_row_i64(&r, t->facts.spend);
  growth_row_i64(&r, t->facts.active_days);
  return growth_put(c, &key, growth_row_slice(&r), member);
}

int growth_tier_result_get(const struct growth_call *c, uint32_t member, struct growth_tier_result *t) {
  struct growth_key key = growth_key_number('t', member);
  struct growth_reader r;
  unsigned tier, before;
  qun_slice row;
  int rc = growth_get(c, &key, &row);
  if (rc < 0) return rc;
  r = growth_read(row);
  t->month = growth_read_i32(&r);
  tier = growth_read_u8(&r);
  before = growth_read_u8(&r);
  t->facts.purchases = growth_read_i64(&r);
  t->facts.spend = growth_read_i64(&r);
  t->facts.active_days = growth_read_i64(&r);
  if (r.bad || tier >= GROWTH_TIERS || before >= GROWTH_TIERS)
    return growth_fail(c, QUN_EFAIL, "growth: a member's tier is not whole");
  t->tier = (enum growth_tier)tier;
  t->before = (enum growth_tier)before;
  return QUN_OK;
}

/* What one run holds. */
struct run {
  const struct growth_call *c;
  struct growth_tier_month *month;
  roaring_bitmap_t *judged;            /* members with a fact, or with a tier above ordinary before */
  roaring_bitmap_t *day;               /* one day's active members */
  roaring_bitmap_t *now[GROWTH_TIERS]; /* [ORDINARY] stays empty: it is everybody else */
  roaring_bitmap_t *before[GROWTH_TIERS];
  uint8_t *days;    /* active days by member number */
  uint32_t numbers; /* length of `days` */
  int64_t spend;
  int64_t buyers;
};

static void run_fini(struct run *r) {
  growth_set_free(r->judged);
  growth_set_free(r->day);
  for (unsigned i = 0; i < GROWTH_TIERS; i++) {
    growth_set_free(r->now[i]);
    growth_set_free(r->before[i]);
  }
  free(r->days);
}

static int run_init(struct run *r, const struct growth_call *c, struct growth_tier_month *month) {
  bool whole;
  memset(r, 0, sizeof *r);
  r->c = c;
  r->month = month;
  r->numbers = c->t->head.max_member + 1;
  r->days = calloc(r->numbers, 1);
  r->judged = roaring_bitmap_create();
  r->day = roaring_bitmap_create();
  whole = r->days && r->judged && r->day;
  for (unsigned i = 0; i < GROWTH_TIERS; i++) {
    r->now[i] = roaring_bitmap_create();
    r->before[i] = roaring_bitmap_create();
    whole = whole && r->now[i] && r->before[i];
  }
  return whole ? QUN_OK : growth_fail(c, QUN_EFAIL, "growth: out of memory for the tiers");
}

static bool count_day(uint32_t member, void *arg) {
  struct run *r = arg;
  if (member < r->numbers) r->days[member]++;
  return true;
}

static int count_days(struct run *r) {
  int32_t from = qun_month_first(r->month->month), to = qun_month_first(r->month->month + 1);
  for (int32_t day = from; day < to; day++) {
    int rc;
    roaring_bitmap_clear(r->day);
    rc = growth_set_active(r->c, day, day + 1, r->day);
    if (rc < 0) return rc;
    (void)roaring_iterate(r->day, count_day, r);
    roaring_bitmap_or_inplace(r->judged, r->day);
  }
  return QUN_OK;
}

static int add_buyer(void *arg, qun_slice key, qun_slice value) {
  struct run *r = arg;
  struct growth_spend s;
  if (key.len != 9 || growth_spend_decode(&s, value) < 0) return QUN_EFAIL;
  roaring_bitmap_add(r->judged, growth_key_read(key, 5));
  if (s.purchases == 0) return QUN_OK;
  r->buyers++;
  r->spend += s.amount;
  return QUN_OK;
}

static int read_buyers(struct run *r) {
  struct growth_key prefix = growth_key_of('p');
  growth_key_i32(&prefix, r->month->month);
  return growth_scan(r->c, &prefix, NULL, add_buyer, r);
}

static void set_rule(struct run *r) {
  const struct growth_settings *s = &r->c->t->settings;
  struct growth_tier_rule *rule = &r->month->rule;
  rule->basis = r->c->t->head.purchases == 0 ? GROWTH_BY_ACTIVITY : GROWTH_BY_PURCHASES;
  rule->core_purchases = s->tier_core_purchases;
  rule->core_days = s->tier_core_days;
  rule->potential_days = s->tier_potential_days;
  rule->mean_spend = s->tier_industry_spend;
  if (rule->mean_spend == 0 && r->buyers > 0 && r->spend > 0) rule->mean_spend = r->spend / r->buyers;
  growth_tier_thresholds(rule, s->tier_core_over, s->tier_near);
}

static int judge(struct run *r, uint32_t member) {
  struct growth_tier_result res = {.month = r->month->month};
  struct growth_member m;
  struct growth_spend spend;
  int rc = growth_member_row(r->c, member, &m);
  if (rc == QUN_ENOTFOUND) return QUN_OK; /* erased */
  if (rc >= 0) rc = growth_spend_get(r->c, r->month->month, member, &spend);
  if (rc < 0) return rc;
  res.facts = (struct growth_tier_facts){spend.purchases, spend.amount, member < r->numbers ? r->days[member] : 0};
  res.tier = growth_tier_decide(&r->month->rule, &res.facts);
  for (unsigned i = GROWTH_POTENTIAL; i <= GROWTH_CORE; i++)
    if (roaring_bitmap_contains(r->before[i], member)) res.before = (enum growth_tier)i;
  if (m.flags & GROWTH_MEMBER_LEFT)
    res.tier = GROWTH_ORDINARY;
  else
    r->month->moved[res.before][res.tier]++;
  r->month->spend[res.tier] += spend.amount;
  if (res.tier != GROWTH_ORDINARY) roaring_bitmap_add(r->now[res.tier], member);
  return result_save(r->c, member, &res);
}

static int judge_all(struct run *r) {
  roaring_uint32_iterator_t it;
  for (roaring_init_iterator(r->judged, &it); it.has_value; roaring_advance_uint32_iterator(&it)) {
    int rc = judge(r, it.current_value);
    if (rc < 0) return rc;
  }
  return QUN_OK;
}

/* The tiers of the month before the last are of no more use. */
static int save_sets(struct run *r) {
  roaring_bitmap_t *none = r->now[GROWTH_ORDINARY];
  for (unsigned i = GROWTH_POTENTIAL; i <= GROWTH_CORE; i++) {
    int rc = growth_set_replace(r->c, (struct growth_set_id){GROWTH_SET_TIER, r->month->month, i}, r->now[i]);
    if (rc >= 0) rc = growth_set_replace(r->c, (struct growth_set_id){GROWTH_SET_TIER, r->month->month - 2, i}, none);
    if (rc < 0) return rc;
  }
  return QUN_OK;
}

static void count_tiers(struct run *r) {
  struct growth_tier_month *m = r->month;
  uint32_t moved = 0;
  m->members = r->c->t->head.members;
  m->count[GROWTH_CORE] = (uint32_t)roaring_bitmap_get_cardinality(r->now[GROWTH_CORE]);
  m->count[GROWTH_POTENTIAL] = (uint32_t)roaring_bitmap_get_cardinality(r->now[GROWTH_POTENTIAL]);
  m->count[GROWTH_ORDINARY] = m->members - m->count[GROWTH_CORE] - m->count[GROWTH_POTENTIAL];
  for (unsigned i = 0; i < GROWTH_TIERS; i++)
    for (unsigned j = 0; j < GROWTH_TIERS; j++) moved += m->moved[i][j];
  if (m->members > moved)
    m->moved[GROWTH_ORDINARY][GROWTH_ORDINARY] += m->members - moved; /* no facts: ordinary as before */
}

static int run_month(struct run *r) {
  int rc = count_days(r);
  if (rc >= 0) rc = read_buyers(r);
  for (unsigned i = GROWTH_POTENTIAL; rc >= 0 && i <= GROWTH_CORE; i++) {
    rc = growth_set_read(r->c, (struct growth_set_id){GROWTH_SET_TIER, r->month->month - 1, i}, r->before[i]);
    if (rc >= 0) rc = growth_set_fold_merged(r->c, r->before[i]);
    if (rc >= 0) roaring_bitmap_or_inplace(r->judged, r->before[i]);
  }
  if (rc >= 0) rc = growth_set_fold_merged(r->c, r->judged);
  if (rc < 0) return rc;
  set_rule(r);
  rc = judge_all(r);
  if (rc >= 0) rc = save_sets(r);
  if (rc < 0) return rc;
  count_tiers(r);
  return month_save(r->c, r->month);
}

int growth_tier_run(const struct growth_call *c, int32_t month) {
  struct growth_tier_month m = {.month = month};
  struct run r;
  int rc = run_init(&r, c, &m);
  if (rc >= 0) rc = run_month(&r);
  run_fini(&r);
  return rc;
}
