/* SPDX-License-Identifier: Apache-2.0 */
/* What several views of the report use: the glossary, judged figures, day rows. */
#include "report.h"

#include "activity.h"
#include "channel.h"
#include "channel_rule.h"
#include "sets.h"

#include <stdlib.h>

/* Each metric once: its id, and the catalogue row that it comes from. Label and formula are the messages growth.m.<id>
   and growth.f.<id>. */
#define TERM(ID, SOURCE)                                                                                               \
  { #ID, "growth.m." #ID, "growth.f." #ID, SOURCE }
static const struct {
  const char *id, *label, *formula, *source;
} terms[] = {
    TERM(members, "G28"),   TERM(known, "G43"),      TERM(dau, "G59"),       TERM(wau, "G59"),
    TERM(mau, "G59"),       TERM(dau_share, "G59"),  TERM(wau_share, "G59"), TERM(mau_share, "G59"),
    TERM(topic, "G60"),     TERM(task, "G60"),       TERM(growth, "G24"),    TERM(churn, "G55"),
    TERM(invited, "G38"),   TERM(d7, "G58"),         TERM(d30, "G58"),       TERM(year, "G58"),
    TERM(period, "G58"),    TERM(join_rate, "G29"),  TERM(cac, "G34"),       TERM(true_cost, "G35"),
    TERM(effective, "G07"), TERM(state, "G30-G33"),  TERM(core, "G46"),      TERM(potential, "G46"),
    TERM(ordinary, "G46"),  TERM(core_spend, "G47"), TERM(new, "G51"),       TERM(active, "G51"),
    TERM(silent, "G51"),    TERM(lost, "G51"),       TERM(best_hour, "R21"), TERM(zombie, "G61"),
    TERM(multi, "G44"),
};

void growth_glossary(struct growth_view *v, const char *const *ids) {
  qun_report_glossary(&v->r);
  for (; *ids; ids++)
    for (unsigned i = 0; i < sizeof terms / sizeof terms[0]; i++)
      if (strcmp(terms[i].id, *ids) == 0)
        qun_report_term(&v->r, terms[i].id, terms[i].label, terms[i].formula, terms[i].source);
}

const char *growth_status(const struct growth_settings *s, enum growth_goal goal, int64_t value, int64_t target) {
  int64_t slack = target / 1000000 * s->plan_near + target % 1000000 * s->plan_near / 1000000;
  if (target == 0) return "none";
  if (goal == GROWTH_AT_LEAST) return value >= target ? "good" : (value >= target - slack ? "warn" : "bad");
  return value <= target ? "good" : (value <= target + slack ? "warn" : "bad");
}

void growth_figure_goal(struct growth_view *v, const char *id, const char *label, int64_t value, enum growth_goal goal,
                        int64_t target) {
  struct qun_pack *p = &v->r.pack;
  v->r.list++;
  qun_pack_map(p, target ? 6 : 5);
  qun_pack_kv_cstr(p, "id", id);
  qun_pack_cstr(p, "label");
  qun_report_text(p, label);
  qun_pack_kv_cstr(p, "kind", "ratio");
  qun_pack_kv_int(p, "value", value);
  qun_pack_kv_cstr(p, "status", growth_status(&v->c->t->settings, goal, value, target));
  if (!target) return;
  qun_pack_cstr(p, "reason");
  qun_report_text_int(p, goal == GROWTH_AT_LEAST ? "growth.goal.at_least" : "growth.goal.at_most", "target", target);
}

void growth_figure_unknown(struct growth_view *v, const char *id, const char *label, const char *kind,
                           const char *reason) {
  struct qun_pack *p = &v->r.pack;
  v->r.list++;
  qun_pack_map(p, 6);
  qun_pack_kv_cstr(p, "id", id);
  qun_pack_cstr(p, "label");
  qun_report_text(p, label);
  qun_pack_kv_cstr(p, "kind", kind);
  qun_pack_cstr(p, "value");
  qun_pack_nil(p);
  qun_pack_kv_cstr(p, "status", "none");
  qun_pack_cstr(p, "reason");
  qun_report_text(p, reason);
}

void growth_pack_ratio(struct qun_pack *p, int64_t part, int64_t whole) {
  if (whole <= 0)
    qun_pack_nil(p);
  else
    qun_pack_int(p, growth_ratio((uint64_t)(part < 0 ? 0 : part), (uint64_t)whole));
}

void growth_pack_quotient(struct qun_pack *p, int64_t sum, int64_t divisor) {
  if (divisor <= 0)
    qun_pack_nil(p);
  else
    qun_pack_int(p, sum / divisor);
}

int growth_pack_channel(struct qun_pack *p, const struct growth_call *c, uint32_t id) {
  struct growth_channel ch;
  int rc = id == 0 ? QUN_ENOTFOUND : growth_channel_get(c, id, &ch);
  if (rc == QUN_ENOTFOUND)
    qun_report_text(p, "growth.channel.unknown");
  else if (rc >= 0)
    qun_pack_cstr(p, ch.name);
  return rc == QUN_ENOTFOUND ? QUN_OK : rc;
}

int growth_count_active(const struct growth_call *c, int32_t from, int32_t to, uint32_t *count) {
  roaring_bitmap_t *set = roaring_bitmap_create();
  int rc = set ? growth_set_active(c, from, to + 1, set) : growth_fail(c, QUN_EFAIL, "growth: out of memory");
  if (rc >= 0) *count = (uint32_t)roaring_bitmap_get_cardinality(set);
  growth_set_free(set);
  return rc;
}

struct days {
  struct growth_day *day;
  int32_t from, to;
};

static int read_day(void *arg, qun_slice key, qun_slice value) {
  struct days *d = arg;
  struct growth_day one;
  if (key.len != 5 || growth_day_decode(&one, key, value) < 0) return QUN_EFAIL;
  if (one.day > d->to) return 1;
  d->day[one.day - d->from] = one;
  return QUN_OK;
}

int growth_days_read(const struct growth_call *c, int32_t from, int32_t to, struct growth_day **days, uint32_t *count) {
  struct growth_key prefix = growth_key_of('h'), after = growth_day_key(from - 1);
  struct days d = {calloc((size_t)to - (size_t)from + 1, sizeof *d.day), from, to};
  int rc;
  if (!d.day) return growth_fail(c, QUN_EFAIL, "growth: out of memory");
  for (int32_t i = 0; i <= to - from; i++) d.day[i].day = from + i;
  rc = growth_scan(c, &prefix, &after, read_day, &d);
  if (rc < 0) {
    free(d.day);
    return growth_fail(c, QUN_EFAIL, "growth: a day's row is not whole");
  }
  *days = d.day;
  *count = (uint32_t)(to - from + 1);
  return QUN_OK;
}

struct total {
  int32_t to;
  int64_t members;
};

static int add_day(void *arg, qun_slice key, qun_slice value) {
  struct total *t = arg;
  struct growth_day d;
  if (key.len != 5 || growth_day_decode(&d, key, value) < 0) return QUN_EFAIL;
  if (d.day > t->to) return 1;
  t->members += (int64_t)d.fresh + d.returned - d.left;
  return QUN_OK;
}

int growth_members_at(const struct growth_call *c, int32_t to, int64_t *members) {
  struct growth_key prefix = growth_key_of('h');
  struct total t = {to, 0};
  int rc = growth_scan(c, &prefix, NULL, add_day, &t);
  if (rc < 0) return growth_fail(c, QUN_EFAIL, "growth: a day's row is not whole");
  *members = t.members < 0 ? 0 : t.members;
  return QUN_OK;
}
