/* SPDX-License-Identifier: Apache-2.0 */
#include "bridge.h"

#include "code.h"
#include "partner.h"

#include <stdio.h>

/* "code/<partner>/<name>": unique in this plugin and tenant. */
static int outbox_key(char out[3 * CROSS_NAME], const char *what, const struct cross_agreement *a, qun_slice name) {
  int n = snprintf(out, 3 * CROSS_NAME, "%s/%s/%.*s", what, a->partner.at, (int)name.len, (const char *)name.ptr);
  return n > 0 && n < 3 * CROSS_NAME;
}

void cross_bridge_begin(struct qun_pack *p, const struct cross_agreement *a, const char *kind, uint32_t fields) {
  qun_pack_init(p);
  qun_pack_map(p, 2 + fields);
  qun_pack_kv_cstr(p, "agreement", a->id.at);
  qun_pack_kv_cstr(p, "kind", kind);
}

int cross_bridge_send(const struct cross_call *c, const struct cross_agreement *a, const char *what, qun_slice name,
                      struct qun_pack *body) {
  struct qun_outbox_row row = {.struct_size = sizeof row, .not_before_ms = c->ctx->clock_ms};
  char key[3 * CROSS_NAME];
  int rc;
  row.via = qun_str("bridge");
  row.target = cross_text_slice(&a->partner);
  row.body = qun_pack_slice(body);
  if (body->failed)
    rc = cross_fail(c, QUN_EFAIL, "crosspromo: out of memory for a crossing");
  else if (!outbox_key(key, what, a, name))
    rc = cross_fail(c, QUN_EINVAL, "crosspromo: the name of a crossing is too long");
  else {
    row.key = qun_str(key);
    rc = c->g->outbox->enqueue(c->g->host, c->ctx->tenant, &row);
  }
  qun_pack_fini(body);
  return rc == QUN_ECONFLICT ? QUN_OK : rc; /* it crosses already */
}

/* ---------------------------------------------------------------- received */

static int receive_counts(const struct cross_call *c, qun_slice partner, qun_slice body) {
  struct cross_sums sums = {cross_bounded(qun_mp_int(body, "clicks", 0)), cross_bounded(qun_mp_int(body, "joins", 0)),
                            cross_bounded(qun_mp_int(body, "purchases", 0)),
                            cross_bounded(qun_mp_int(body, "spend", 0))};
  int64_t month = qun_mp_int(body, "month", -1);
  if (month < 0 || month > qun_month_of(c->ctx->clock_day))
    return cross_fail(c, QUN_EINVAL, "crosspromo: counts of a month that is not over");
  return cross_reported_set(c, partner, (int32_t)month, &sums);
}

static int receive_code(const struct cross_call *c, qun_slice partner, const struct qun_event *e, qun_slice body) {
  struct cross_code k = {.own = false, .created_ms = e->time_ms};
  struct cross_code old;
  qun_slice code = qun_mp_str(body, "code");
  int rc;
  if (!cross_name_ok(code)) return cross_fail(c, QUN_EINVAL, "crosspromo: a crossing of kind code without a code");
  rc = cross_code_get(c, code, &old);
  if (rc >= 0 && (old.own || !qun_slice_is(partner, old.partner.at)))
    return cross_fail(c, QUN_ECONFLICT, "crosspromo: the partner's code is in use for another");
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  cross_text_set(&k.code, code);
  cross_text_set(&k.partner, partner);
  cross_text_set(&k.agreement, qun_mp_str(e->data, "agreement"));
  cross_text_set(&k.item, qun_mp_str(body, "item"));
  return cross_code_save(c, &k);
}

/* A row with a number of its own, from 1; the count stands under "#" and the tag. */
static int append_row(const struct cross_call *c, char tag, struct qun_pack *row) {
  struct cross_key counter = cross_key_of('#'), key;
  int64_t n;
  int rc;
  counter.bytes[counter.len++] = (unsigned char)tag;
  rc = row->failed ? cross_fail(c, QUN_EFAIL, "crosspromo: out of memory for a row") : cross_count(c, &counter, &n);
  if (rc < 0) {
    qun_pack_fini(row);
    return rc;
  }
  key = cross_key_numbered(tag, (uint32_t)n);
  return cross_put(c, &key, row, 0);
}

static int receive_item(const struct cross_call *c, qun_slice partner, const struct qun_event *e, qun_slice body) {
  struct cross_text title, label;
  struct qun_pack p;
  cross_text_set(&title, qun_mp_str(body, "title"));
  cross_text_set(&label, qun_mp_str(body, "label"));
  qun_pack_init(&p);
  qun_pack_map(&p, 5);
  qun_pack_kv_int(&p, "ms", e->time_ms);
  qun_pack_kv_str(&p, "partner", partner);
  qun_pack_kv_str(&p, "item", qun_mp_str(body, "item"));
  qun_pack_kv_cstr(&p, "title", title.at);
  qun_pack_kv_cstr(&p, "label", label.at);
  return append_row(c, 'I', &p);
}

static int receive_card(const struct cross_call *c, struct cross_partner *p, const struct qun_event *e,
                        qun_slice body) {
  (void)c;
  cross_partner_learn(p, body);
  p->card_ms = e->time_ms;
  return QUN_OK;
}

static int receive(const struct cross_call *c, struct cross_partner *p, const struct qun_event *e) {
  qun_slice body = qun_slice_of("\x80", 1), kind = qun_mp_str(e->data, "kind"), what;
  qun_slice partner = cross_text_slice(&p->name);
  (void)qun_mp_find(e->data, "body", &body);
  what = qun_mp_str(body, "what");
  if (qun_slice_is(kind, "proposal")) return cross_agreement_offered(c, partner, e, body);
  if (qun_slice_is(kind, "code")) return receive_code(c, partner, e, body);
  if (qun_slice_is(kind, "item")) return receive_item(c, partner, e, body);
  if (qun_slice_is(kind, "count") && qun_slice_is(what, "card")) return receive_card(c, p, e, body);
  if (qun_slice_is(kind, "count") && qun_slice_is(what, "counts")) return receive_counts(c, partner, body);
  return cross_fail(c, QUN_EINVAL, "crosspromo: a crossing of a kind that is not known");
}

static int record_refusal(const struct cross_call *c, const struct qun_event *e, qun_slice partner) {
  struct cross_text reason;
  struct qun_pack p;
  cross_text_set(&reason, qun_mp_str(e->data, "reason"));
  qun_pack_init(&p);
  qun_pack_map(&p, 3);
  qun_pack_kv_int(&p, "ms", e->time_ms);
  qun_pack_kv_str(&p, "partner", partner);
  qun_pack_kv_cstr(&p, "reason", reason.at);
  return append_row(c, 'X', &p);
}

static int record_overlap(const struct cross_call *c, struct cross_partner *p, const struct qun_event *e) {
  int64_t count = qun_mp_int(e->data, "count", CROSS_UNKNOWN);
  struct qun_pack row;
  p->overlap_ms = e->time_ms;
  cross_text_set(&p->overlap_refused, qun_mp_str(e->data, "refused"));
  if (count >= 0 && !p->overlap_refused.at[0]) {
    p->overlap = cross_bounded(count);
    p->overlap_own = cross_bounded(qun_mp_int(e->data, "own", 0));
  }
  qun_pack_init(&row);
  qun_pack_map(&row, 5);
  qun_pack_kv_int(&row, "ms", e->time_ms);
  qun_pack_kv_cstr(&row, "partner", p->name.at);
  qun_pack_kv_int(&row, "count", p->overlap_refused.at[0] ? CROSS_UNKNOWN : cross_bounded(count));
  qun_pack_kv_int(&row, "own", cross_bounded(qun_mp_int(e->data, "own", 0)));
  qun_pack_kv_cstr(&row, "refused", p->overlap_refused.at);
  return append_row(c, 'V', &row);
}

int cross_bridge_event(const struct cross_call *c, const struct qun_event *e) {
  qun_slice partner = qun_mp_str(e->data, "partner");
  struct cross_partner p;
  int rc;
  if (!cross_name_ok(partner)) return QUN_OK; /* about nobody */
  rc = cross_partner_get(c, partner, &p, NULL);
  if (rc < 0) return rc;
  partner = cross_text_slice(&p.name);
  if (qun_slice_is(e->type, "bridge.sent"))
    p.sent++;
  else if (qun_slice_is(e->type, "bridge.refused")) {
    p.refused++;
    rc = record_refusal(c, e, partner);
  } else if (qun_slice_is(e->type, "overlap.counted")) {
    rc = record_overlap(c, &p, e);
  } else {
    p.received++;
    rc = receive(c, &p, e);
  }
  return rc < 0 ? rc : cross_partner_save(c, &p);
}

/* ---------------------------------------------------------------- sent */

/* The agreement by which a kind may cross to the partner that an event names. */
static int agreement_for(const struct cross_call *c, const struct qun_event *e, uint32_t kind,
                         struct cross_agreement *a) {
  int rc = cross_agreement_with(c, qun_mp_str(e->data, "partner"), kind, c->ctx->clock_ms, a);
  return rc == QUN_ENOTFOUND ? cross_fail(c, QUN_EDENIED, "crosspromo: no open agreement lets this cross") : rc;
}

int cross_bridge_card(const struct cross_call *c, const struct qun_event *e) {
  struct cross_agreement a;
  struct qun_pack body;
  char name[32];
  int rc = agreement_for(c, e, CROSS_COUNT, &a);
  if (rc < 0) return rc;
  (void)snprintf(name, sizeof name, "%llu", (unsigned long long)e->seq);
  cross_bridge_begin(&body, &a, "count", 5);
  qun_pack_kv_cstr(&body, "what", "card");
  qun_pack_kv_str(&body, "sector", qun_mp_str(e->data, "sector"));
  qun_pack_kv_str(&body, "country", qun_mp_str(e->data, "country"));
  qun_pack_kv_str(&body, "tone", qun_mp_str(e->data, "tone"));
  qun_pack_kv_int(&body, "size", qun_mp_int(e->data, "size", 0));
  return cross_bridge_send(c, &a, "card", qun_str(name), &body);
}

int cross_bridge_item(const struct cross_call *c, const struct qun_event *e) {
  static const char *const fields[] = {"item", "title", "text", "url", "label"};
  qun_slice item = qun_mp_str(e->data, "item");
  struct cross_agreement a;
  struct qun_pack body;
  uint32_t n = 0;
  int rc = agreement_for(c, e, CROSS_ITEM, &a);
  if (rc < 0) return rc;
  if (!cross_name_ok(item)) return cross_fail(c, QUN_EINVAL, "crosspromo.item without an item");
  for (unsigned i = 0; i < sizeof fields / sizeof fields[0]; i++) n += qun_mp_str(e->data, fields[i]).len > 0;
  cross_bridge_begin(&body, &a, "item", n);
  for (unsigned i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    qun_slice value = qun_mp_str(e->data, fields[i]);
    if (value.len > 0) qun_pack_kv_str(&body, fields[i], value);
  }
  return cross_bridge_send(c, &a, "item", item, &body);
}
