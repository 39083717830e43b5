/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include <qun/msgpack.h>

const char *growth_rule_source(enum growth_channel_rule_id rule) {
  static const char *const sources[GROWTH_RULES] = {"", "G30", "G30", "G31", "G32", "G33", "G33"};
  return sources[rule];
}

const char *growth_state_name(enum growth_channel_state state) {
  static const char *const names[GROWTH_CHANNEL_STATES] = {"hold", "optimise", "retire", "focus"};
  return names[state];
}

static int not_whole(const struct growth_call *c) {
  return growth_fail(c, QUN_EFAIL, "growth: a channel's row is not whole");
}

static int decode(struct growth_channel *ch, uint32_t id, qun_slice row) {
  struct growth_reader r = growth_read(row);
  unsigned state, rule;
  qun_slice name;
  memset(ch, 0, sizeof *ch);
  ch->id = id;
  state = growth_read_u8(&r);
  rule = growth_read_u8(&r);
  ch->memory.low_weeks = growth_read_u32(&r);
  ch->memory.good_weeks = growth_read_u32(&r);
  ch->memory.last_week = growth_read_i32(&r);
  ch->since_ms = growth_read_i64(&r);
  ch->value = growth_read_i64(&r);
  ch->threshold = growth_read_i64(&r);
  ch->last.cohort = growth_read_u32(&r);
  ch->last.retained = growth_read_u32(&r);
  ch->history = growth_read_u32(&r);
  name = growth_read_name(&r);
  if (r.bad || state >= GROWTH_CHANNEL_STATES || rule >= GROWTH_RULES || name.len > GROWTH_NAME_MAX) return QUN_EFAIL;
  ch->memory.state = (enum growth_channel_state)state;
  ch->rule = (enum growth_channel_rule_id)rule;
  if (name.len > 0) memcpy(ch->name, name.ptr, (size_t)name.len);
  return QUN_OK;
}

int growth_channel_get(const struct growth_call *c, uint32_t id, struct growth_channel *ch) {
  struct growth_key key = growth_key_number('c', id);
  qun_slice row;
  int rc = growth_get(c, &key, &row);
  if (rc < 0) return rc;
  return decode(ch, id, row) < 0 ? not_whole(c) : QUN_OK;
}

int growth_channel_save(const struct growth_call *c, const struct growth_channel *ch) {
  struct growth_key key = growth_key_number('c', ch->id);
  struct growth_row r;
  r.len = 0;
  growth_row_u8(&r, (unsigned)ch->memory.state);
  growth_row_u8(&r, (unsigned)ch->rule);
  growth_row_u32(&r, ch->memory.low_weeks);
  growth_row_u32(&r, ch->memory.good_weeks);
  growth_row_i32(&r, ch->memory.last_week);
  growth_row_i64(&r, ch->since_ms);
  growth_row_i64(&r, ch->value);
  growth_row_i64(&r, ch->threshold);
  growth_row_u32(&r, ch->last.cohort);
  growth_row_u32(&r, ch->last.retained);
  growth_row_u32(&r, ch->history);
  growth_row_name(&r, qun_str(ch->name));
  return growth_put(c, &key, growth_row_slice(&r), 0);
}

int growth_channel_intern(const struct growth_call *c, qun_slice name, uint32_t *id) {
  struct growth_key key;
  struct growth_row r;
  r.len = 0;
  struct growth_channel ch = {.since_ms = c->ctx->clock_ms, .memory = {.last_week = INT32_MIN}};
  struct growth_reader in;
  qun_slice row;
  int rc;
  name = growth_name(name);
  key = growth_key_name('C', name);
  rc = growth_get(c, &key, &row);
  if (rc >= 0) {
    in = growth_read(row);
    *id = growth_read_u32(&in);
    return in.bad ? not_whole(c) : QUN_OK;
  }
  if (rc != QUN_ENOTFOUND) return rc;
  *id = ch.id = ++c->t->head.channels;
  c->t->head_dirty = true;
  memcpy(ch.name, name.ptr, (size_t)name.len);
  growth_row_u32(&r, *id);
  rc = growth_put(c, &key, growth_row_slice(&r), 0);
  return rc < 0 ? rc : growth_channel_save(c, &ch);
}

static struct growth_key month_key(uint32_t id, int32_t month) {
  struct growth_key k = growth_key_number('k', id);
  growth_key_i32(&k, month);
  return k;
}

static int month_decode(struct growth_channel_month *m, qun_slice row) {
  struct growth_reader r = growth_read(row);
  m->joins = growth_read_i64(&r);
  m->buyers = growth_read_i64(&r);
  m->purchases = growth_read_i64(&r);
  m->spend = growth_read_i64(&r);
  m->cost = growth_read_i64(&r);
  m->reach = growth_read_i64(&r);
  return r.bad ? QUN_EFAIL : QUN_OK;
}

static void month_plus(struct growth_channel_month *a, const struct growth_channel_month *b) {
  a->joins += b->joins;
  a->buyers += b->buyers;
  a->purchases += b->purchases;
  a->spend += b->spend;
  a->cost += b->cost;
  a->reach += b->reach;
}

int growth_channel_add(const struct growth_call *c, uint32_t id, int32_t month,
                       const struct growth_channel_month *add) {
  struct growth_key key = month_key(id, month);
  struct growth_channel_month m = {0};
  struct growth_row r;
  r.len = 0;
  qun_slice row;
  int rc = growth_get(c, &key, &row);
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  if (rc >= 0 && month_decode(&m, row) < 0) return not_whole(c);
  month_plus(&m, add);
  growth_row_i64(&r, m.joins);
  growth_row_i64(&r, m.buyers);
  growth_row_i64(&r, m.purchases);
  growth_row_i64(&r, m.spend);
  growth_row_i64(&r, m.cost);
  growth_row_i64(&r, m.reach);
  return growth_put(c, &key, growth_row_slice(&r), 0);
}

struct sum {
  int32_t from, to;
  struct growth_channel_month *into;
};

static int sum_row(void *arg, qun_slice key, qun_slice value) {
  struct sum *s = arg;
  struct growth_channel_month m;
  int32_t month = (int32_t)(growth_key_read(key, 5) ^ 0x80000000u);
  if (month >= s->to) return 1;
  if (month < s->from) return QUN_OK;
  if (month_decode(&m, value) < 0) return QUN_EFAIL;
  month_plus(s->into, &m);
  return QUN_OK;
}

int growth_channel_sum(const struct growth_call *c, uint32_t id, int32_t from, int32_t to,
                       struct growth_channel_month *sum) {
  struct growth_key prefix = growth_key_number('k', id);
  struct sum s = {from, to, sum};
  memset(sum, 0, sizeof *sum);
  return growth_scan(c, &prefix, NULL, sum_row, &s);
}

/* Sums stay far from overflow. */
static int64_t bounded(int64_t v) {
  const int64_t most = 1000000000000000;
  return v < 0 ? 0 : (v > most ? most : v);
}

int growth_channel_reach(const struct growth_call *c, const struct qun_event *e) {
  uint32_t id;
  int rc;
  if (e->channel.len == 0) return growth_fail(c, QUN_EINVAL, "growth: channel.reach without a channel");
  rc = growth_channel_intern(c, e->channel, &id);
  if (rc < 0) return rc;
  return growth_channel_add(c, id, qun_month_of(e->day),
                            &(struct growth_channel_month){.reach = bounded(qun_mp_int(e->data, "people", 0))});
}

int growth_channel_cost(const struct growth_call *c, const struct qun_event *e) {
  qun_slice currency = qun_mp_str(e->data, "currency");
  uint32_t id;
  int rc;
  if (e->channel.len == 0) return growth_fail(c, QUN_EINVAL, "growth: channel.cost without a channel");
  if (currency.len > 0 && !qun_slice_is(currency, c->t->currency))
    return growth_fail(c, QUN_EINVAL, "growth: channel.cost in another currency than the tenant's can't be added");
  rc = growth_channel_intern(c, e->channel, &id);
  if (rc < 0) return rc;
  return growth_channel_add(c, id, qun_month_of(e->day),
                            &(struct growth_channel_month){.cost = bounded(qun_mp_int(e->data, "amount", 0))});
}

int growth_channel_record(const struct growth_call *c, struct growth_channel *ch,
                          const struct growth_channel_change *change) {
  struct growth_key key = growth_key_pair('x', ch->id, ++ch->history);
  struct growth_row r;
  r.len = 0;
  growth_row_i64(&r, change->ms);
  growth_row_u8(&r, (unsigned)change->from);
  growth_row_u8(&r, (unsigned)change->to);
  growth_row_u8(&r, (unsigned)change->rule);
  growth_row_u32(&r, change->retention.cohort);
  growth_row_u32(&r, change->retention.retained);
  growth_row_i64(&r, change->value);
  growth_row_i64(&r, change->threshold);
  return growth_put(c, &key, growth_row_slice(&r), 0);
}

int growth_channel_history(const struct growth_call *c, uint32_t id, uint32_t nth,
                           struct growth_channel_change *change) {
  struct growth_key key = growth_key_pair('x', id, nth);
  struct growth_reader r;
  unsigned from, to, rule;
  qun_slice row;
  int rc = growth_get(c, &key, &row);
  if (rc < 0) return rc;
  r = growth_read(row);
  change->ms = growth_read_i64(&r);
  from = growth_read_u8(&r);
  to = growth_read_u8(&r);
  rule = growth_read_u8(&r);
  change->retention.cohort = growth_read_u32(&r);
  change->retention.retained = growth_read_u32(&r);
  change->value = growth_read_i64(&r);
  change->threshold = growth_read_i64(&r);
  if (r.bad || from >= GROWTH_CHANNEL_STATES || to >= GROWTH_CHANNEL_STATES || rule >= GROWTH_RULES)
    return not_whole(c);
  change->from = (enum growth_channel_state)from;
  change->to = (enum growth_channel_state)to;
  change->rule = (enum growth_channel_rule_id)rule;
  return QUN_OK;
}

struct growth_key growth_channel_week_key(uint32_t id, int32_t week) {
  struct growth_key k = growth_key_number('w', id);
  growth_key_i32(&k, week);
  return k;
}

int growth_channel_week_save(const struct growth_call *c, uint32_t id, int32_t week,
                             struct growth_retention retention) {
  struct growth_key key = growth_channel_week_key(id, week);
  struct growth_row r;
  r.len = 0;
  growth_row_u32(&r, retention.cohort);
  growth_row_u32(&r, retention.retained);
  return growth_put(c, &key, growth_row_slice(&r), 0);
}

int growth_code_add(const struct growth_call *c, qun_slice code) {
  struct growth_key key = growth_key_name('o', code);
  struct growth_row r;
  r.len = 0;
  struct growth_reader in;
  uint32_t joins = 0;
  qun_slice row;
  int rc = growth_get(c, &key, &row);
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  if (rc >= 0) {
    in = growth_read(row);
    joins = growth_read_u32(&in);
  }
  growth_row_u32(&r, joins + 1);
  return growth_put(c, &key, growth_row_slice(&r), 0);
}
