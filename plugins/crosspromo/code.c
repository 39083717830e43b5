/* SPDX-License-Identifier: Apache-2.0 */
#include "code.h"

#include "agreement.h"
#include "bridge.h"
#include "members.h"

void cross_code_decode(struct cross_code *k, qun_slice code, qun_slice row) {
  memset(k, 0, sizeof *k);
  cross_text_set(&k->code, code);
  cross_text_set(&k->partner, qun_mp_str(row, "partner"));
  cross_text_set(&k->agreement, qun_mp_str(row, "agreement"));
  cross_text_set(&k->item, qun_mp_str(row, "item"));
  k->own = qun_mp_bool(row, "own", 0) != 0;
  k->created_ms = qun_mp_int(row, "created", 0);
}

int cross_code_get(const struct cross_call *c, qun_slice code, struct cross_code *k) {
  struct cross_key key = cross_key_named('K', code);
  qun_slice row;
  int rc = cross_get(c, &key, &row);
  if (rc >= 0) cross_code_decode(k, code, row);
  return rc;
}

int cross_code_save(const struct cross_call *c, const struct cross_code *k) {
  struct cross_key key = cross_key_named('K', cross_text_slice(&k->code));
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 5);
  qun_pack_kv_cstr(&p, "partner", k->partner.at);
  qun_pack_kv_cstr(&p, "agreement", k->agreement.at);
  qun_pack_kv_cstr(&p, "item", k->item.at);
  qun_pack_kv_bool(&p, "own", k->own);
  qun_pack_kv_int(&p, "created", k->created_ms);
  return cross_put(c, &key, &p, 0);
}

static void plus(struct cross_sums *a, const struct cross_sums *b) {
  a->clicks += b->clicks;
  a->joins += b->joins;
  a->purchases += b->purchases;
  a->spend += b->spend;
}

static void read_sums(struct cross_sums *s, qun_slice row) {
  s->clicks = qun_mp_int(row, "clicks", 0);
  s->joins = qun_mp_int(row, "joins", 0);
  s->purchases = qun_mp_int(row, "purchases", 0);
  s->spend = qun_mp_int(row, "spend", 0);
}

static int put_sums(const struct cross_call *c, const struct cross_key *key, const struct cross_sums *s) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 4);
  qun_pack_kv_int(&p, "clicks", s->clicks);
  qun_pack_kv_int(&p, "joins", s->joins);
  qun_pack_kv_int(&p, "purchases", s->purchases);
  qun_pack_kv_int(&p, "spend", s->spend);
  return cross_put(c, key, &p, 0);
}

int cross_code_add(const struct cross_call *c, qun_slice code, int32_t month, const struct cross_sums *add) {
  struct cross_key key = cross_key_named_number('N', code, month);
  struct cross_sums sums = {0};
  qun_slice row;
  int rc = cross_get(c, &key, &row);
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  if (rc >= 0) read_sums(&sums, row);
  plus(&sums, add);
  return put_sums(c, &key, &sums);
}

struct span {
  int32_t from, to;
  struct cross_sums *sum;
};

static int add_month(void *arg, qun_slice key, qun_slice row) {
  struct span *s = arg;
  struct cross_sums one;
  int32_t month = (int32_t)(cross_key_read(key, (size_t)key.len - 4) ^ 0x80000000u);
  if (month >= s->to) return 1;
  if (month < s->from) return QUN_OK;
  read_sums(&one, row);
  plus(s->sum, &one);
  return QUN_OK;
}

static int sum_of(const struct cross_call *c, char tag, qun_slice name, int32_t from, int32_t to,
                  struct cross_sums *sum) {
  struct cross_key prefix = cross_key_named(tag, name);
  struct span s = {from, to, sum};
  return cross_scan(c, &prefix, add_month, &s);
}

int cross_code_sum(const struct cross_call *c, qun_slice code, int32_t from, int32_t to, struct cross_sums *sum) {
  memset(sum, 0, sizeof *sum);
  return sum_of(c, 'N', code, from, to, sum);
}

struct partner_sum {
  const struct cross_call *c;
  qun_slice partner;
  bool own;
  int32_t from, to;
  struct cross_sums *sum;
};

static int add_code(void *arg, qun_slice key, qun_slice row) {
  struct partner_sum *s = arg;
  struct cross_code k;
  cross_code_decode(&k, cross_key_first(key), row);
  if (k.own != s->own || !qun_slice_is(s->partner, k.partner.at)) return QUN_OK;
  return sum_of(s->c, 'N', cross_text_slice(&k.code), s->from, s->to, s->sum);
}

int cross_code_partner_sum(const struct cross_call *c, qun_slice partner, bool own, int32_t from, int32_t to,
                           struct cross_sums *sum) {
  struct cross_key prefix = cross_key_of('K');
  struct partner_sum s = {c, partner, own, from, to, sum};
  memset(sum, 0, sizeof *sum);
  return cross_scan(c, &prefix, add_code, &s);
}

int cross_reported_set(const struct cross_call *c, qun_slice partner, int32_t month, const struct cross_sums *sums) {
  struct cross_key key = cross_key_named_number('Y', partner, month);
  return put_sums(c, &key, sums);
}

int cross_reported_sum(const struct cross_call *c, qun_slice partner, int32_t from, int32_t to,
                       struct cross_sums *sum) {
  memset(sum, 0, sizeof *sum);
  return sum_of(c, 'Y', partner, from, to, sum);
}

int cross_code_click(const struct cross_call *c, const struct qun_event *e) {
  qun_slice code = qun_mp_str(e->data, "code");
  struct cross_code k;
  int rc;
  if (!cross_name_ok(code)) { /* the subject of a click may be the code */
    if (!cross_name_ok(e->subject)) return QUN_OK;
    rc = cross_code_get(c, e->subject, &k);
    if (rc < 0) return rc == QUN_ENOTFOUND ? QUN_OK : rc;
    code = e->subject;
  }
  return cross_code_add(c, code, qun_month_of(e->day), &(struct cross_sums){.clicks = 1});
}

/* Money of another currency can't be added. */
static int64_t amount_of(const struct cross_call *c, const struct qun_event *e) {
  qun_slice currency = qun_mp_str(e->data, "currency");
  if (currency.len > 0 && !qun_slice_is(currency, c->t->currency.at)) return 0;
  return cross_bounded(qun_mp_int(e->data, "amount", 0));
}

static int remember_order(const struct cross_call *c, const struct qun_event *e, qun_slice code) {
  qun_slice order = qun_mp_str(e->data, "order");
  struct cross_key key;
  struct qun_pack p;
  if (!cross_name_ok(order)) return QUN_OK;
  key = cross_key_named('o', order);
  qun_pack_init(&p);
  qun_pack_str(&p, code);
  return cross_put(c, &key, &p, e->member);
}

/* The code of the purchase; else the one that the member came by, for so many days. */
static int code_of(const struct cross_call *c, const struct qun_event *e, struct cross_text *code) {
  struct cross_member m;
  qun_slice named = qun_mp_str(e->data, "code");
  int rc;
  memset(code, 0, sizeof *code);
  if (cross_name_ok(named)) {
    cross_text_set(code, named);
    return QUN_OK;
  }
  if (e->member == 0) return QUN_OK;
  rc = cross_member_find(c, e->member, &m);
  if (rc < 0) return rc == QUN_ENOTFOUND ? QUN_OK : rc;
  if (m.code.at[0] && e->day - m.code_day <= c->t->settings.attribution_days) *code = m.code;
  return QUN_OK;
}

int cross_code_purchase(const struct cross_call *c, const struct qun_event *e) {
  struct cross_text code;
  int rc = code_of(c, e, &code);
  if (rc < 0 || !code.at[0]) return rc;
  rc = cross_code_add(c, cross_text_slice(&code), qun_month_of(e->day),
                      &(struct cross_sums){.purchases = 1, .spend = amount_of(c, e)});
  return rc < 0 ? rc : remember_order(c, e, cross_text_slice(&code));
}

int cross_code_refund(const struct cross_call *c, const struct qun_event *e) {
  qun_slice row, code, order = qun_mp_str(e->data, "order");
  struct cross_text kept;
  struct qun_unpack u;
  struct cross_key key;
  int rc;
  if (!cross_name_ok(order)) return QUN_OK;
  key = cross_key_named('o', order);
  rc = cross_get(c, &key, &row);
  if (rc < 0) return rc == QUN_ENOTFOUND ? QUN_OK : rc;
  qun_unpack_init(&u, row);
  if (!qun_unpack_str(&u, &code)) return cross_fail(c, QUN_EFAIL, "crosspromo: an order's row is not whole");
  cross_text_set(&kept, code);
  return cross_code_add(c, cross_text_slice(&kept), qun_month_of(e->day),
                        &(struct cross_sums){.spend = -amount_of(c, e)});
}

int cross_code_recorded(const struct cross_call *c, const struct qun_event *e) {
  struct cross_code k = {.own = true, .created_ms = e->time_ms};
  struct cross_agreement a;
  struct qun_pack body;
  int rc;
  if (!cross_name_ok(qun_mp_str(e->data, "code")) || !cross_name_ok(qun_mp_str(e->data, "partner")))
    return cross_fail(c, QUN_EINVAL, "crosspromo.code without a code or partner");
  cross_text_set(&k.code, qun_mp_str(e->data, "code"));
  cross_text_set(&k.partner, qun_mp_str(e->data, "partner"));
  cross_text_set(&k.item, qun_mp_str(e->data, "item"));
  rc = cross_agreement_with(c, cross_text_slice(&k.partner), CROSS_CODE, c->ctx->clock_ms, &a);
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  if (rc == QUN_ENOTFOUND) return cross_code_save(c, &k);
  k.agreement = a.id;
  rc = cross_code_save(c, &k);
  if (rc < 0) return rc;
  cross_bridge_begin(&body, &a, "code", k.item.at[0] ? 2 : 1);
  qun_pack_kv_cstr(&body, "code", k.code.at);
  if (k.item.at[0]) qun_pack_kv_cstr(&body, "item", k.item.at);
  return cross_bridge_send(c, &a, "code", cross_text_slice(&k.code), &body);
}

int64_t cross_points(const struct cross_settings *s, const struct cross_sums *sums) {
  return sums->clicks * s->points_click + sums->joins * s->points_join + sums->purchases * s->points_purchase;
}
