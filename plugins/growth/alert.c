/* SPDX-License-Identifier: Apache-2.0 */
#include "alert.h"

#include <qun/msgpack.h>

const char *growth_alert_name(enum growth_alert_kind kind) {
  static const char *const names[GROWTH_ALERT_KINDS] = {"",          "optimise", "retire", "focus",
                                                        "recovered", "cost",     "churn"};
  return names[kind];
}

static int record(const struct growth_call *c, const struct growth_alert *a) {
  struct growth_key key = growth_key_number('A', ++c->t->head.alerts);
  struct growth_row r;
  r.len = 0;
  c->t->head_dirty = true;
  growth_row_u8(&r, (unsigned)a->kind);
  growth_row_name(&r, qun_str(a->rule));
  growth_row_name(&r, qun_str(a->unit));
  growth_row_i64(&r, a->value);
  growth_row_i64(&r, a->threshold);
  growth_row_i64(&r, a->since_ms);
  growth_row_i64(&r, a->ms);
  growth_row_name(&r, qun_str(a->channel));
  return growth_put(c, &key, growth_row_slice(&r), 0);
}

int growth_alert_raise(const struct growth_call *c, const struct growth_alert *a) {
  struct growth *g = c->g;
  struct qun_emit event = {.struct_size = sizeof event,
                           .type = qun_str("growth.alert"),
                           .channel = qun_str(a->channel)};
  struct qun_pack p;
  int rc;
  qun_pack_init(&p);
  qun_pack_map(&p, a->channel[0] ? 7 : 6);
  qun_pack_kv_cstr(&p, "kind", growth_alert_name(a->kind));
  if (a->channel[0]) qun_pack_kv_cstr(&p, "channel", a->channel);
  qun_pack_kv_cstr(&p, "rule", a->rule);
  qun_pack_kv_int(&p, "value", a->value);
  qun_pack_kv_int(&p, "threshold", a->threshold);
  qun_pack_kv_cstr(&p, "unit", a->unit);
  qun_pack_kv_int(&p, "since", a->since_ms);
  event.data = qun_pack_slice(&p);
  rc = p.failed ? growth_fail(c, QUN_EFAIL, "growth: out of memory for an alert")
                : g->events->emit(g->host, c->ctx->tenant, &event);
  qun_pack_fini(&p);
  return rc < 0 ? rc : record(c, a);
}

static int copy_text(char *to, size_t cap, qun_slice text) {
  if (text.len >= cap) return QUN_EFAIL;
  if (text.len > 0) memcpy(to, text.ptr, (size_t)text.len);
  to[text.len] = '\0';
  return QUN_OK;
}

int growth_alert_get(const struct growth_call *c, uint32_t nth, struct growth_alert *a) {
  struct growth_key key = growth_key_number('A', nth);
  struct growth_reader r;
  qun_slice row, rule, unit, channel;
  unsigned kind;
  int rc = growth_get(c, &key, &row);
  if (rc < 0) return rc;
  r = growth_read(row);
  kind = growth_read_u8(&r);
  rule = growth_read_name(&r);
  unit = growth_read_name(&r);
  a->value = growth_read_i64(&r);
  a->threshold = growth_read_i64(&r);
  a->since_ms = growth_read_i64(&r);
  a->ms = growth_read_i64(&r);
  channel = growth_read_name(&r);
  if (r.bad || kind == 0 || kind >= GROWTH_ALERT_KINDS || copy_text(a->rule, sizeof a->rule, rule) < 0 ||
      copy_text(a->unit, sizeof a->unit, unit) < 0 || copy_text(a->channel, sizeof a->channel, channel) < 0)
    return growth_fail(c, QUN_EFAIL, "growth: an alert's row is not whole");
  a->kind = (enum growth_alert_kind)kind;
  return QUN_OK;
}
