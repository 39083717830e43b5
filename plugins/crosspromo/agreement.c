/* SPDX-License-Identifier: Apache-2.0 */
#include "agreement.h"

#include "bridge.h"
#include "month.h"
#include "partner.h"

#include <stdio.h>

const char *const cross_kind_names[CROSS_KINDS] = {"count", "item", "code"};

uint32_t cross_kinds_read(qun_slice list) {
  struct qun_unpack u;
  uint32_t n, kinds = 0;
  qun_slice one;
  qun_unpack_init(&u, list);
  if (!qun_unpack_array(&u, &n)) return 0;
  while (n-- > 0) {
    unsigned i = 0;
    if (!qun_unpack_str(&u, &one)) return 0;
    while (i < CROSS_KINDS && !qun_slice_is(one, cross_kind_names[i])) i++;
    if (i == CROSS_KINDS) return 0;
    kinds |= 1u << i;
  }
  return kinds;
}

/* The same as one text, "count, item": a body that crosses is flat. */
static uint32_t kinds_of_text(qun_slice text) {
  const char *at = text.ptr, *end = text.len ? at + text.len : at;
  uint32_t kinds = 0;
  while (at < end) {
    const char *stop = at;
    unsigned i = 0;
    while (stop < end && *stop != ',') stop++;
    while (i < CROSS_KINDS && !qun_slice_is(qun_slice_of(at, (size_t)(stop - at)), cross_kind_names[i])) i++;
    if (i == CROSS_KINDS) return 0;
    kinds |= 1u << i;
    at = stop + 1 < end && stop[1] == ' ' ? stop + 2 : stop + 1;
  }
  return kinds;
}

void cross_kinds_text(char out[32], uint32_t kinds) {
  out[0] = '\0';
  for (unsigned i = 0; i < CROSS_KINDS; i++) {
    if (!(kinds >> i & 1)) continue;
    if (out[0]) strcat(out, ", ");
    strcat(out, cross_kind_names[i]);
  }
}

void cross_kinds_pack(struct qun_pack *p, uint32_t kinds) {
  uint32_t n = 0;
  for (unsigned i = 0; i < CROSS_KINDS; i++) n += kinds >> i & 1;
  qun_pack_array(p, n);
  for (unsigned i = 0; i < CROSS_KINDS; i++)
    if (kinds >> i & 1) qun_pack_cstr(p, cross_kind_names[i]);
}

/* What the terms look like in events and rows alike. */
static void read_terms(struct cross_agreement *a, qun_slice map) {
  qun_slice value;
  cross_text_set(&a->partner, qun_mp_str(map, "partner"));
  cross_text_set(&a->form, qun_mp_str(map, "form"));
  a->kinds = qun_mp_find(map, "kinds", &value) ? cross_kinds_read(value) : 0;
  a->has_from = qun_mp_find(map, "from", &value);
  a->has_to = qun_mp_find(map, "to", &value);
  a->from_ms = qun_mp_int(map, "from", 0);
  a->to_ms = qun_mp_int(map, "to", 0);
  a->share = qun_mp_int(map, "share", 0);
}

static void pack_conditions(struct qun_pack *p, const struct cross_agreement *a) {
  if (a->has_from) qun_pack_kv_int(p, "from", a->from_ms);
  if (a->has_to) qun_pack_kv_int(p, "to", a->to_ms);
  if (a->share > 0) qun_pack_kv_int(p, "share", a->share);
}

static void pack_terms(struct qun_pack *p, const struct cross_agreement *a) {
  qun_pack_kv_cstr(p, "partner", a->partner.at);
  qun_pack_cstr(p, "kinds");
  cross_kinds_pack(p, a->kinds);
  pack_conditions(p, a);
}

static uint32_t terms_count(const struct cross_agreement *a) {
  return 2u + a->has_from + a->has_to + (a->share > 0);
}

void cross_agreement_pack(struct qun_pack *p, const struct cross_agreement *a) {
  qun_pack_map(p, terms_count(a) + (a->form.at[0] != '\0'));
  pack_terms(p, a);
  if (a->form.at[0]) qun_pack_kv_cstr(p, "form", a->form.at);
}

void cross_agreement_decode(struct cross_agreement *a, qun_slice id, qun_slice row) {
  memset(a, 0, sizeof *a);
  cross_text_set(&a->id, id);
  read_terms(a, row);
  cross_text_set(&a->reason, qun_mp_str(row, "reason"));
  a->offered = qun_mp_bool(row, "offered", 0) != 0;
  a->proposed_ms = qun_mp_int(row, "proposed", 0);
  a->accepted_ms = qun_mp_int(row, "accepted", 0);
  a->ended_ms = qun_mp_int(row, "ended", 0);
}

int cross_agreement_get(const struct cross_call *c, qun_slice id, struct cross_agreement *a) {
  struct cross_key key = cross_key_named('A', id);
  qun_slice row;
  int rc = cross_get(c, &key, &row);
  if (rc >= 0) cross_agreement_decode(a, id, row);
  return rc;
}

static int save(const struct cross_call *c, const struct cross_agreement *a) {
  struct cross_key key = cross_key_named('A', cross_text_slice(&a->id));
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, terms_count(a) + 6);
  pack_terms(&p, a);
  qun_pack_kv_cstr(&p, "form", a->form.at);
  qun_pack_kv_cstr(&p, "reason", a->reason.at);
  qun_pack_kv_bool(&p, "offered", a->offered);
  qun_pack_kv_int(&p, "proposed", a->proposed_ms);
  qun_pack_kv_int(&p, "accepted", a->accepted_ms);
  qun_pack_kv_int(&p, "ended", a->ended_ms);
  return cross_put(c, &key, &p, 0);
}

bool cross_agreement_open(const struct cross_agreement *a, int64_t ms) {
  return a->accepted_ms != 0 && a->ended_ms == 0 && (!a->has_from || a->from_ms <= ms) &&
         (!a->has_to || ms <= a->to_ms);
}

struct search {
  qun_slice partner;
  uint32_t kind;
  int64_t ms;
  struct cross_agreement *found;
  bool any;
};

static int match(void *arg, qun_slice key, qun_slice row) {
  struct search *s = arg;
  struct cross_agreement a;
  cross_agreement_decode(&a, cross_key_first(key), row);
  if (!cross_agreement_open(&a, s->ms) || !qun_slice_is(s->partner, a.partner.at) || !(a.kinds & s->kind))
    return QUN_OK;
  *s->found = a;
  s->any = true;
  return 1;
}

int cross_agreement_with(const struct cross_call *c, qun_slice partner, uint32_t kind, int64_t ms,
                         struct cross_agreement *a) {
  struct cross_key prefix = cross_key_of('A');
  struct search s = {partner, kind, ms, a, false};
  int rc = cross_scan(c, &prefix, match, &s);
  return rc < 0 ? rc : (s.any ? QUN_OK : QUN_ENOTFOUND);
}

static int still_alive(void *arg, qun_slice key, qun_slice row) {
  struct search *s = arg;
  struct cross_agreement a;
  cross_agreement_decode(&a, cross_key_first(key), row);
  s->any = a.accepted_ms != 0 && a.ended_ms == 0 && (!a.has_to || s->ms <= a.to_ms);
  return s->any;
}

int cross_agreement_any(const struct cross_call *c, int64_t ms, bool *any) {
  struct cross_key prefix = cross_key_of('A');
  struct search s = {.ms = ms};
  int rc = cross_scan(c, &prefix, still_alive, &s);
  *any = s.any;
  return rc;
}

/* Whoever there are terms with is in the registry. */
static int know_partner(const struct cross_call *c, const struct cross_agreement *a) {
  struct cross_partner p;
  bool found;
  int rc = cross_partner_get(c, cross_text_slice(&a->partner), &p, &found);
  return rc < 0 || found ? rc : cross_partner_save(c, &p);
}

/* The terms on their way to the partner, who is named by the row's target. */
static int offer(const struct cross_call *c, const struct cross_agreement *a, uint64_t seq) {
  struct qun_pack body;
  char name[32], kinds[32];
  (void)snprintf(name, sizeof name, "%llu", (unsigned long long)seq);
  cross_kinds_text(kinds, a->kinds);
  cross_bridge_begin(&body, a, "proposal", terms_count(a) + (a->form.at[0] != '\0') - 1);
  qun_pack_kv_cstr(&body, "kinds", kinds);
  pack_conditions(&body, a);
  if (a->form.at[0]) qun_pack_kv_cstr(&body, "form", a->form.at);
  return cross_bridge_send(c, a, "proposal", qun_str(name), &body);
}

int cross_agreement_offered(const struct cross_call *c, qun_slice partner, const struct qun_event *e, qun_slice terms) {
  qun_slice id = qun_mp_str(e->data, "agreement");
  struct cross_agreement a;
  int rc;
  if (!cross_name_ok(id)) return cross_fail(c, QUN_EINVAL, "crosspromo: a proposal without an agreement's id");
  rc = cross_agreement_get(c, id, &a);
  if (rc >= 0 && (a.accepted_ms != 0 || !qun_slice_is(partner, a.partner.at)))
    return cross_fail(c, QUN_ECONFLICT, "crosspromo: a proposal under the id of another agreement");
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  memset(&a, 0, sizeof a);
  read_terms(&a, terms);
  a.kinds = kinds_of_text(qun_mp_str(terms, "kinds"));
  cross_text_set(&a.id, id);
  cross_text_set(&a.partner, partner);
  a.offered = true;
  a.proposed_ms = e->time_ms;
  return a.kinds == 0 ? cross_fail(c, QUN_EINVAL, "crosspromo: a proposal's kinds are count, item and code")
                      : save(c, &a);
}

static int take_terms(const struct cross_call *c, const struct qun_event *e, struct cross_agreement *a) {
  struct cross_agreement old = *a;
  if (!cross_name_ok(qun_mp_str(e->data, "partner")))
    return cross_fail(c, QUN_EINVAL, "crosspromo: an agreement without a partner");
  read_terms(a, e->data);
  if (!a->form.at[0]) a->form = old.form;
  if (a->kinds == 0) return cross_fail(c, QUN_EINVAL, "crosspromo: an agreement's kinds are count, item and code");
  return know_partner(c, a);
}

int cross_agreement_event(const struct cross_call *c, const struct qun_event *e) {
  struct cross_agreement a;
  int rc;
  if (!cross_name_ok(e->subject))
    return cross_fail(c, QUN_EINVAL, "crosspromo: an agreement without an id as its subject");
  rc = cross_agreement_get(c, e->subject, &a);
  if (rc == QUN_ENOTFOUND) {
    memset(&a, 0, sizeof a);
    cross_text_set(&a.id, e->subject);
  } else if (rc < 0) {
    return rc;
  }
  if (qun_slice_is(e->type, "agreement.ended")) {
    if (rc == QUN_ENOTFOUND) return QUN_OK; /* of another time; nothing to end */
    a.ended_ms = e->time_ms;
    cross_text_set(&a.reason, qun_mp_str(e->data, "reason"));
    return save(c, &a);
  }
  rc = take_terms(c, e, &a);
  if (rc < 0) return rc;
  if (qun_slice_is(e->type, "agreement.proposed")) {
    a.proposed_ms = e->time_ms;
    rc = save(c, &a);
    return rc < 0 ? rc : offer(c, &a, e->seq);
  }
  a.accepted_ms = e->time_ms;
  a.ended_ms = 0;
  rc = save(c, &a);
  return rc < 0 ? rc : cross_month_arm(c);
}
