/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bridge/bridge.h"

#include "host/bridge/overlap.h"
#include "host/engine/tenant.h"
#include "tenants/agreement.h"
#include "tenants/meta.h"

#include <stdio.h>

/* ---------------------------------------------------------------- kinds, one table */

static const struct kind {
  const char *name;
  const char *listed; /* what the agreement must list; NULL: no agreement is needed */
} kinds[] = {{"count", "count"},     {"item", "item"},     {"code", "code"},
             {"profile", "profile"}, {"overlap", "count"}, {"proposal", NULL}};

static const struct kind *kind_of(qun_slice name) {
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    if (qun_slice_is(name, kinds[i].name)) return &kinds[i];
  }
  return NULL;
}

/* ---------------------------------------------------------------- records */

int qun__crossing_record(const struct qun_crossing *c, const char *tenant, const char *type, const char *part,
                         const struct qun_pack *data, struct qun_error *err) {
  char id[200];
  if (data->failed) return qun_error_set(err, QUN_EFAIL, "out of memory");
  int n = snprintf(id, sizeof id, "%s%s%s", c->id, *part ? "/" : "", part);
  return qun_engine_control(c->engine, tenant, type, qun_str(c->agreement), qun_slice_of(id, (size_t)n),
                            qun_pack_slice(data), NULL, err);
}

void qun__crossing_trouble(struct qun_send_outcome *out, const struct qun_error *err) {
  bool passes = err->code == QUN_EFAIL || err->code == QUN_EAGAIN || err->code == QUN_EQUOTA;
  qun_send_answer(out, passes ? QUN_SEND_LATER : QUN_SEND_FAILED, "%.300s", err->message);
}

static void refuse(const struct qun_crossing *c, const char *reason, struct qun_send_outcome *out) {
  struct qun_error err = {0};
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 2);
  qun_pack_kv_str(&p, "partner", c->row->target);
  qun_pack_kv_cstr(&p, "reason", reason);
  if (qun__crossing_record(c, c->row->tenant, "bridge.refused", "refused", &p, &err) < 0)
    qun__crossing_trouble(out, &err);
  else
    qun_send_answer(out, QUN_SEND_FAILED, "the bridge refuses: %s", reason);
  qun_pack_fini(&p);
}

/* What arrives: the row's own "body", or all of the row but the way it goes. */
static void pack_body(struct qun_pack *p, qun_slice row) {
  struct qun_unpack u;
  qun_slice key, value;
  uint32_t n = 0, kept = 0;
  if (qun_mp_find(row, "body", &value)) {
    qun_pack_raw(p, value);
    return;
  }
  qun_unpack_init(&u, row);
  size_t at = qun_pack_open_map(p);
  for (qun_unpack_map(&u, &n); n > 0 && qun_unpack_str(&u, &key) && qun_unpack_any(&u, &value); n--) {
    if (qun_slice_is(key, "agreement") || qun_slice_is(key, "kind")) continue;
    qun_pack_str(p, key);
    qun_pack_raw(p, value);
    kept++;
  }
  qun_pack_close(p, at, kept);
}

static int received(const struct qun_crossing *c, struct qun_error *err) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 4);
  qun_pack_kv_cstr(&p, "partner", c->row->tenant);
  qun_pack_kv_cstr(&p, "agreement", c->agreement);
  qun_pack_kv_str(&p, "kind", c->kind);
  qun_pack_cstr(&p, "body");
  pack_body(&p, c->row->body);
  int rc = qun__crossing_record(c, c->partner, "bridge.received", "", &p, err);
  qun_pack_fini(&p);
  return rc;
}

static int sent(const struct qun_crossing *c, struct qun_error *err) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 3);
  qun_pack_kv_cstr(&p, "partner", c->partner);
  qun_pack_kv_cstr(&p, "agreement", c->agreement);
  qun_pack_kv_str(&p, "kind", c->kind);
  int rc = qun__crossing_record(c, c->row->tenant, "bridge.sent", "", &p, err);
  qun_pack_fini(&p);
  return rc;
}

/* ---------------------------------------------------------------- the agreement, on both sides */

static int clock_of(struct qun_engine *e, const struct qun_view *v, int64_t *clock, struct qun_error *err) {
  struct qun_head head;
  int64_t now = qun_engine_now(e);
  if (qun_head_read(v, &head) < 0) return qun_error_set(err, QUN_EFAIL, "the store's head is damaged");
  *clock = head.live && now > head.clock_ms ? now : head.clock_ms;
  return 0;
}

/* What this side can know by itself has sentences of its own. */
static int check_own(const struct qun_crossing *c, const struct qun_view *v, const struct kind *kind,
                     struct qun_agreement *a, struct qun_error *err) {
  int64_t now = 0;
  int rc = clock_of(c->engine, v, &now, err);
  if (rc < 0) return rc;
  rc = qun_agreement_get(v, qun_str(c->agreement), a);
  if (rc == QUN_ENOTFOUND || (rc == 0 && !qun_slice_is(a->partner, c->partner)))
    return qun_error_set(err, QUN_EDENIED, "this tenant has not accepted an agreement \"%s\" with %s", c->agreement,
                         c->partner);
  if (rc < 0) return qun_error_set(err, QUN_EFAIL, "the agreement cannot be read");
  if (a->ended) return qun_error_set(err, QUN_EDENIED, "agreement \"%s\" has ended", c->agreement);
  if (now < a->from_ms || now > a->to_ms)
    return qun_error_set(err, QUN_EDENIED, "agreement \"%s\" is not open at this time", c->agreement);
  if (!qun_agreement_allows(a, qun_str(c->partner), qun_str(kind->listed), now))
    return qun_error_set(err, QUN_EDENIED, "agreement \"%s\" does not list \"%s\"", c->agreement, kind->listed);
  return 0;
}

/* All that depends on the partner has one sentence, so that a refusal tells nothing about it. */
static int check_partner(const struct qun_crossing *c, const struct kind *kind, const struct qun_agreement *own,
                         struct qun_error *err) {
  struct qun_reading r;
  struct qun_agreement a;
  int64_t now = 0;
  int rc = qun_engine_read_begin(c->engine, c->partner, &r, err);
  if (rc < 0 && rc != QUN_ENOTFOUND) return qun_error_set(err, QUN_EAGAIN, "the partner cannot be reached now");
  bool fine = rc == 0 && clock_of(c->engine, &r.view, &now, err) == 0 &&
              qun_agreement_get(&r.view, qun_str(c->agreement), &a) == 0 &&
              qun_agreement_allows(&a, qun_str(c->row->tenant), qun_str(kind->listed), now) &&
              qun_agreement_same_terms(own, &a);
  bool full = fine && qun_store_bytes(r.tenant->store) >= r.tenant->store->quota_bytes;
  if (rc == 0) qun_engine_read_end(&r);
  if (!fine)
    return qun_error_set(err, QUN_EDENIED, "%s has no open agreement \"%s\" with the same terms", c->partner,
                         c->agreement);
  return full ? qun_error_set(err, QUN_EAGAIN, "the partner takes nothing now") : 0;
}

static int check_agreement(const struct qun_crossing *c, const struct kind *kind, struct qun_error *err) {
  struct qun_reading own;
  struct qun_agreement a;
  int rc = qun_engine_read_begin(c->engine, c->row->tenant, &own, err);
  if (rc < 0) return rc;
  rc = check_own(c, &own.view, kind, &a, err);
  if (rc == 0) rc = check_partner(c, kind, &a, err);
  qun_engine_read_end(&own);
  return rc;
}

/* ---------------------------------------------------------------- one crossing */

enum { ID_PART = 40 };

/* At most `max` bytes, and no half character at the end. */
static int cut(const char *text, int max) {
  int n = (int)strlen(text);
  if (n <= max) return n;
  n = max;
  while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
  return n;
}

static int read_row(struct qun_crossing *c, struct qun_error *err) {
  const struct qun_delivery_row *row = c->row;
  qun_slice agreement = qun_mp_str(row->body, "agreement");
  char hash[QUN_DELIVERY_ID_SIZE];
  qun_delivery_row_id(hash, row);
  c->kind = qun_mp_str(row->body, "kind");
  snprintf(c->agreement, sizeof c->agreement, "%.*s", (int)agreement.len, (const char *)agreement.ptr);
  snprintf(c->id, sizeof c->id, "bridge/%.*s/%s/%llu/%s", cut(c->agreement, ID_PART), c->agreement, row->tenant,
           (unsigned long long)row->seq, hash);
  if (agreement.len == 0 || agreement.len >= sizeof c->agreement || memchr(agreement.ptr, 0, (size_t)agreement.len))
    return qun_error_set(err, QUN_EDENIED, "the row names no agreement");
  if (row->target.len >= sizeof c->partner)
    return qun_error_set(err, QUN_EDENIED, "the row's target is not a tenant's name");
  snprintf(c->partner, sizeof c->partner, "%.*s", (int)row->target.len, (const char *)row->target.ptr);
  if (!qun_tenant_name_valid(c->partner) || strlen(c->partner) != row->target.len)
    return qun_error_set(err, QUN_EDENIED, "the row's target is not a tenant's name");
  if (strcmp(c->partner, row->tenant) == 0) return qun_error_set(err, QUN_EDENIED, "a tenant has no bridge to itself");
  return 0;
}

static int check(struct qun_crossing *c, const struct kind **kind, struct qun_error *err) {
  int rc = read_row(c, err);
  if (rc < 0) return rc;
  *kind = kind_of(c->kind);
  if (!*kind)
    return qun_error_set(err, QUN_EDENIED, "\"%.*s\" is not a kind of thing that crosses", (int)c->kind.len,
                         (const char *)c->kind.ptr);
  rc = qun_bridge_check_body(c->row->body, c->kind, err);
  if (rc < 0) {
    qun_error_prefix(err, "the body");
    err->code = QUN_EDENIED;
    return QUN_EDENIED;
  }
  return (*kind)->listed ? check_agreement(c, *kind, err) : 0;
}

static int cross(const struct qun_crossing *c, struct qun_error *err) {
  int rc = received(c, err);
  if (rc == QUN_ENOTFOUND && qun_slice_is(c->kind, "proposal")) rc = 0; /* nobody learns whether the partner exists */
  return rc == 0 ? sent(c, err) : rc;
}

void qun_bridge_send(struct qun_engine *e, const struct qun_delivery_row *row, struct qun_send_outcome *out) {
  struct qun_crossing c = {.engine = e, .row = row};
  const struct kind *kind = NULL;
  struct qun_error err = {0};
  int rc = check(&c, &kind, &err);
  if (rc == QUN_EDENIED) {
    refuse(&c, err.message, out);
  } else if (rc < 0) {
    qun__crossing_trouble(out, &err);
  } else if (qun_slice_is(c.kind, "overlap")) {
    qun_overlap_run(&c, out);
  } else if (cross(&c, &err) < 0) {
    qun__crossing_trouble(out, &err);
  } else {
    out->code = QUN_SEND_SENT;
  }
}
