/* SPDX-License-Identifier: Apache-2.0 */
#include "services.h"

#include "agreement.h"
#include "code.h"
#include "members.h"
#include "overlap.h"
#include "partner.h"
#include "report.h"

#include <stdio.h>

static int reply(const struct cross_call *c, const struct qun_request *request, struct qun_pack *p) {
  int rc = p->failed ? cross_fail(c, QUN_EFAIL, "crosspromo: out of memory")
                     : c->g->reply->reply(c->g->host, request->id, qun_pack_slice(p));
  qun_pack_fini(p);
  return rc;
}

static int reply_one(const struct cross_call *c, const struct qun_request *request, const char *key, qun_slice value) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 1);
  qun_pack_kv_str(&p, key, value);
  return reply(c, request, &p);
}

/* The partner that the request names: another tenant's name. */
static int partner_of(const struct cross_call *c, const struct qun_request *request, qun_slice *partner) {
  const char *p;
  *partner = qun_mp_str(request->params, "partner");
  p = partner->ptr;
  if (partner->len == 0 || partner->len > 63)
    return cross_fail(c, QUN_EINVAL, "`partner` is the name of another tenant, up to 63 bytes");
  for (uint64_t i = 0; i < partner->len; i++)
    if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9') || (p[i] == '-' && i > 0)))
      return cross_fail(c, QUN_EINVAL, "`partner`: a tenant's name has only a-z, 0-9 and -");
  return qun_slice_is(*partner, c->t->name.at) ? cross_fail(c, QUN_EINVAL, "`partner` is this tenant itself") : QUN_OK;
}

static int refuse_rival(const struct cross_call *c, qun_slice partner) {
  struct cross_partner p;
  struct cross_fit fit;
  int rc = cross_partner_get(c, partner, &p, NULL);
  if (rc < 0) return rc;
  cross_partner_fit(c, &p, 0, &fit);
  return fit.rival ? cross_fail(c, QUN_EDENIED, "the partner is of a competing sector (X15): never matched") : QUN_OK;
}

/* ---------------------------------------------------------------- registry and card */

static int register_partner(const struct cross_call *c, const struct qun_request *request) {
  static const char *const texts[] = {"sector", "country", "tone", "resources"};
  int64_t size = qun_mp_int(request->params, "size", 0),
          reputation = qun_mp_int(request->params, "reputation", CROSS_UNKNOWN);
  struct qun_pack p;
  qun_slice partner;
  uint32_t n = 1;
  size_t at;
  int rc = partner_of(c, request, &partner);
  if (rc < 0) return rc;
  if (size < 0 || size > 5)
    return cross_fail(c, QUN_EINVAL, "`size` is a size class, 1 (under 100 members) to 5 (10,000 and more)");
  if (reputation < CROSS_UNKNOWN || reputation > 100) return cross_fail(c, QUN_EINVAL, "`reputation` is 0 to 100");
  qun_pack_init(&p);
  at = qun_pack_open_map(&p);
  qun_pack_kv_str(&p, "partner", partner);
  for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    qun_slice text = qun_mp_str(request->params, texts[i]);
    if (text.len == 0) continue;
    qun_pack_kv_str(&p, texts[i], text);
    n++;
  }
  if (size > 0) qun_pack_kv_int(&p, "size", size);
  if (reputation != CROSS_UNKNOWN) qun_pack_kv_int(&p, "reputation", reputation);
  qun_pack_close(&p, at, n + (size > 0) + (reputation != CROSS_UNKNOWN));
  rc = cross_emit(c, "crosspromo.partner", partner, &p);
  return rc < 0 ? rc : reply_one(c, request, "partner", partner);
}

static int count_present(void *arg, qun_slice key, qun_slice row) {
  struct cross_member m;
  int64_t *n = arg;
  cross_member_decode(&m, cross_key_read(key, 1), row);
  *n += m.root == 0 && !m.left;
  return QUN_OK;
}

int cross_own_members(const struct cross_call *c, int64_t *members) {
  struct cross_key prefix = cross_key_of('m');
  qun_slice counts;
  int rc = c->g->call->call(c->g->host, c->ctx->tenant, "growth.members", qun_slice_of("\x80", 1), &counts);
  *members = rc >= 0 ? qun_mp_int(counts, "members", 0) : 0;
  return rc >= 0 ? QUN_OK : cross_scan(c, &prefix, count_present, members); /* the growth plugin is off */
}

static int publish_card(const struct cross_call *c, const struct qun_request *request) {
  struct cross_agreement a;
  struct qun_pack p;
  qun_slice partner;
  int64_t members;
  int rc = partner_of(c, request, &partner);
  if (rc >= 0) rc = cross_agreement_with(c, partner, CROSS_COUNT, c->ctx->clock_ms, &a);
  if (rc == QUN_ENOTFOUND)
    return cross_fail(c, QUN_EDENIED, "crosspromo.card: no open agreement with this partner lists counts");
  if (rc >= 0) rc = cross_own_members(c, &members);
  if (rc < 0) return rc;
  qun_pack_init(&p);
  qun_pack_map(&p, 6);
  qun_pack_kv_str(&p, "partner", partner);
  qun_pack_kv_cstr(&p, "agreement", a.id.at);
  qun_pack_kv_cstr(&p, "sector", c->t->sector.at);
  qun_pack_kv_cstr(&p, "country", c->t->country.at);
  qun_pack_kv_cstr(&p, "tone", c->t->tone.at);
  qun_pack_kv_int(&p, "size", cross_size_class(members));
  rc = cross_emit(c, "crosspromo.card", partner, &p);
  return rc < 0 ? rc : reply_one(c, request, "agreement", cross_text_slice(&a.id));
}

/* ---------------------------------------------------------------- agreements */

static int read_terms(const struct cross_call *c, const struct qun_request *request, struct cross_agreement *a) {
  static const char *const forms[] = {"", "content", "resource", "activity", "business"};
  qun_slice value, partner, form = qun_mp_str(request->params, "form");
  unsigned i = 0;
  int rc = partner_of(c, request, &partner);
  if (rc < 0) return rc;
  cross_text_set(&a->partner, partner);
  cross_text_set(&a->form, form);
  a->kinds = qun_mp_find(request->params, "kinds", &value) ? cross_kinds_read(value) : 0;
  a->has_from = qun_mp_find(request->params, "from", &value);
  a->has_to = qun_mp_find(request->params, "to", &value);
  a->from_ms = qun_mp_int(request->params, "from", -1);
  a->to_ms = qun_mp_int(request->params, "to", -1);
  a->share = qun_mp_int(request->params, "share", 0);
  if (a->kinds == 0) return cross_fail(c, QUN_EINVAL, "`kinds` lists what may cross: count, item, code");
  while (i < 5 && !qun_slice_is(form, forms[i])) i++;
  if (i == 5) return cross_fail(c, QUN_EINVAL, "`form` is content, resource, activity or business");
  if (a->share < 0 || a->share > 1000000)
    return cross_fail(c, QUN_EINVAL, "`share` is the partner's part of revenue in parts per million");
  if ((a->has_from && a->from_ms < 0) || (a->has_to && a->to_ms < 0) ||
      (a->has_from && a->has_to && a->from_ms >= a->to_ms))
    return cross_fail(c, QUN_EINVAL, "`from` and `to` are UTC milliseconds, `from` the earlier");
  return refuse_rival(c, partner);
}

struct counting {
  qun_slice partner;
  int64_t n;
};

static int count_with(void *arg, qun_slice key, qun_slice row) {
  struct counting *n = arg;
  struct cross_agreement a;
  cross_agreement_decode(&a, cross_key_first(key), row);
  n->n += qun_slice_is(n->partner, a.partner.at);
  return QUN_OK;
}

/* The id asked for, else "<one>+<other>/<n>", which both sides come to alike. */
static int choose_id(const struct cross_call *c, const struct qun_request *request, struct cross_agreement *a) {
  struct cross_key prefix = cross_key_of('A');
  struct counting n = {cross_text_slice(&a->partner), 0};
  qun_slice asked = qun_mp_str(request->params, "agreement");
  const char *one = c->t->name.at, *other = a->partner.at;
  char id[160];
  int rc;
  if (asked.len > 0) {
    if (!cross_name_ok(asked)) return cross_fail(c, QUN_EINVAL, "`agreement` is an id of 1 to 100 bytes");
    cross_text_set(&a->id, asked);
    return QUN_OK;
  }
  rc = cross_scan(c, &prefix, count_with, &n);
  if (rc < 0) return rc;
  if (strcmp(one, other) > 0) {
    one = a->partner.at;
    other = c->t->name.at;
  }
  if (snprintf(id, sizeof id, "%s+%s/%lld", one, other, (long long)n.n + 1) > CROSS_NAME)
    return cross_fail(c, QUN_EINVAL, "both names together are too long for an id: give one as `agreement`");
  cross_text_set(&a->id, qun_str(id));
  return QUN_OK;
}

static int emit_terms(const struct cross_call *c, const struct qun_request *request, const char *type,
                      const struct cross_agreement *a) {
  struct qun_pack p;
  int rc;
  qun_pack_init(&p);
  if (strcmp(type, "agreement.accepted") == 0) {
    struct cross_agreement plain = *a;
    plain.form.at[0] = '\0'; /* not among the fields of that type */
    cross_agreement_pack(&p, &plain);
  } else {
    cross_agreement_pack(&p, a);
  }
  rc = cross_emit(c, type, cross_text_slice(&a->id), &p);
  return rc < 0 ? rc : reply_one(c, request, "agreement", cross_text_slice(&a->id));
}

static int propose(const struct cross_call *c, const struct qun_request *request) {
  struct cross_agreement a = {.kinds = 0}, old;
  int rc = read_terms(c, request, &a);
  if (rc >= 0) rc = choose_id(c, request, &a);
  if (rc < 0) return rc;
  rc = cross_agreement_get(c, cross_text_slice(&a.id), &old);
  if (rc >= 0 && old.accepted_ms != 0)
    return cross_fail(c, QUN_ECONFLICT, "that agreement is accepted already; end it, or propose another");
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  return emit_terms(c, request, "agreement.proposed", &a);
}

/* The terms of the proposal in this log; a side that has none gives them in full. */
static int accept(const struct cross_call *c, const struct qun_request *request) {
  qun_slice id = qun_mp_str(request->params, "agreement"), kinds;
  struct cross_agreement a = {.kinds = 0};
  int rc;
  if (!cross_name_ok(id)) return cross_fail(c, QUN_EINVAL, "`agreement` is the id of the agreement to accept");
  rc = cross_agreement_get(c, id, &a);
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  if (rc >= 0 && a.accepted_ms != 0 && a.ended_ms == 0)
    return cross_fail(c, QUN_ECONFLICT, "that agreement is accepted already");
  if (rc == QUN_ENOTFOUND || qun_mp_find(request->params, "kinds", &kinds)) {
    memset(&a, 0, sizeof a);
    rc = read_terms(c, request, &a);
    if (rc < 0) return rc;
    cross_text_set(&a.id, id);
  }
  rc = refuse_rival(c, cross_text_slice(&a.partner));
  return rc < 0 ? rc : emit_terms(c, request, "agreement.accepted", &a);
}

static int end(const struct cross_call *c, const struct qun_request *request) {
  qun_slice id = qun_mp_str(request->params, "agreement"), reason = qun_mp_str(request->params, "reason");
  struct cross_agreement a;
  struct qun_pack p;
  int rc = cross_name_ok(id) ? cross_agreement_get(c, id, &a) : QUN_ENOTFOUND;
  if (rc == QUN_ENOTFOUND) return cross_fail(c, QUN_ENOTFOUND, "`agreement`: there is no agreement of that id");
  if (rc < 0) return rc;
  if (a.ended_ms != 0) return cross_fail(c, QUN_ECONFLICT, "that agreement has ended already");
  qun_pack_init(&p);
  qun_pack_map(&p, reason.len ? 1 : 0);
  if (reason.len) qun_pack_kv_str(&p, "reason", reason);
  rc = cross_emit(c, "agreement.ended", id, &p);
  return rc < 0 ? rc : reply_one(c, request, "agreement", id);
}

/* ---------------------------------------------------------------- codes and items */

/* Eight signs without 0, O, 1, I, from the request's seed. */
static void make_code(char out[16], uint64_t seed) {
  static const char signs[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
  memcpy(out, "XP", 2);
  for (unsigned i = 2; i < 10; i++, seed >>= 5) out[i] = signs[seed & 31];
  out[10] = '\0';
}

static int create_code(const struct cross_call *c, const struct qun_request *request) {
  qun_slice code = qun_mp_str(request->params, "code"), item = qun_mp_str(request->params, "item"), partner;
  struct cross_code old;
  struct qun_pack p;
  char made[16];
  int rc = partner_of(c, request, &partner);
  if (rc >= 0) rc = refuse_rival(c, partner);
  if (rc < 0) return rc;
  if (code.len == 0) {
    make_code(made, c->ctx->seed);
    code = qun_str(made);
  }
  if (!cross_name_ok(code)) return cross_fail(c, QUN_EINVAL, "`code` is a text of 1 to 100 bytes");
  if (item.len > 0 && !cross_name_ok(item))
    return cross_fail(c, QUN_EINVAL, "`item` is the id of a content item, 1 to 100 bytes");
  rc = cross_code_get(c, code, &old);
  if (rc >= 0) return cross_fail(c, QUN_ECONFLICT, "that code is in use");
  if (rc != QUN_ENOTFOUND) return rc;
  qun_pack_init(&p);
  qun_pack_map(&p, item.len ? 3 : 2);
  qun_pack_kv_str(&p, "code", code);
  qun_pack_kv_str(&p, "partner", partner);
  if (item.len) qun_pack_kv_str(&p, "item", item);
  rc = cross_emit(c, "crosspromo.code", code, &p);
  return rc < 0 ? rc : reply_one(c, request, "code", code);
}

static int share_item(const struct cross_call *c, const struct qun_request *request) {
  static const char *const fields[] = {"partner", "item", "title", "text", "url", "label"};
  struct cross_agreement a;
  struct qun_pack p;
  qun_slice partner;
  uint32_t n = 0;
  size_t at;
  int rc = partner_of(c, request, &partner);
  if (rc >= 0) rc = cross_agreement_with(c, partner, CROSS_ITEM, c->ctx->clock_ms, &a);
  if (rc == QUN_ENOTFOUND)
    return cross_fail(c, QUN_EDENIED, "crosspromo.share: no open agreement with this partner lists items");
  if (rc < 0) return rc;
  if (!cross_name_ok(qun_mp_str(request->params, "item")))
    return cross_fail(c, QUN_EINVAL, "`item` is the id of a content item, 1 to 100 bytes");
  if (qun_mp_str(request->params, "title").len == 0) return cross_fail(c, QUN_EINVAL, "`title` is missing");
  if (qun_mp_str(request->params, "label").len == 0)
    return cross_fail(c, QUN_EINVAL,
                      "`label` is missing: swapped content names the cooperation or advertisement (X16)");
  qun_pack_init(&p);
  at = qun_pack_open_map(&p);
  for (unsigned i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    qun_slice value = qun_mp_str(request->params, fields[i]);
    if (value.len == 0) continue;
    qun_pack_kv_str(&p, fields[i], value);
    n++;
  }
  qun_pack_close(&p, at, n);
  rc = cross_emit(c, "crosspromo.item", qun_mp_str(request->params, "item"), &p);
  return rc < 0 ? rc : reply_one(c, request, "agreement", cross_text_slice(&a.id));
}

/* ---------------------------------------------------------------- overlap */

static int overlap(const struct cross_call *c, const struct qun_request *request) {
  struct cross_agreement a;
  struct qun_pack p;
  qun_slice partner;
  int rc = partner_of(c, request, &partner);
  if (rc >= 0) rc = cross_overlap_allowed(c, partner, &a);
  if (rc < 0) return rc;
  qun_pack_init(&p);
  qun_pack_map(&p, 2);
  qun_pack_kv_str(&p, "partner", partner);
  qun_pack_kv_cstr(&p, "agreement", a.id.at);
  rc = cross_emit(c, "crosspromo.overlap.requested", partner, &p);
  return rc < 0 ? rc : reply_one(c, request, "agreement", cross_text_slice(&a.id));
}

static int overlap_members(const struct cross_call *c, const struct qun_request *request) {
  struct qun_pack p;
  qun_slice partner;
  int rc = partner_of(c, request, &partner);
  if (rc < 0) return rc;
  qun_pack_init(&p);
  rc = cross_overlap_members(c, partner, &p);
  if (rc >= 0) return reply(c, request, &p);
  qun_pack_fini(&p);
  return rc;
}

int cross_answer(const struct cross_call *c, const struct qun_request *request) {
  static const struct {
    const char *service;
    int (*answer)(const struct cross_call *c, const struct qun_request *request);
  } services[] = {{"crosspromo.report", cross_report}, {"crosspromo.partner", register_partner},
                  {"crosspromo.card", publish_card},   {"crosspromo.propose", propose},
                  {"crosspromo.accept", accept},       {"crosspromo.end", end},
                  {"crosspromo.code", create_code},    {"crosspromo.share", share_item},
                  {"crosspromo.overlap", overlap},     {"crosspromo.overlap_members", overlap_members}};
  for (unsigned i = 0; i < sizeof services / sizeof services[0]; i++)
    if (qun_slice_is(request->service, services[i].service)) return services[i].answer(c, request);
  return cross_fail(c, QUN_ENOTFOUND, "crosspromo: no such service");
}
