/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bridge/overlap.h"

#include "host/bridge/overlap_book.h"
#include "tenants/meta.h"

#include <sodium.h>
#include <stdio.h>

struct side {
  const char *tenant, *partner;
  struct qun_pack reply; /* what its plugin said */
  struct qun_overlap_book book;
  struct qun_overlap_set set;
  unsigned char commitment[32];
  struct qun_psi *party;
};

struct bounds {
  int64_t minimum, k, round, noise, pair_budget, tenant_budget;
};

struct overlap {
  const struct qun_crossing *crossing;
  struct side sides[2]; /* who asked, the partner */
  struct bounds bounds;
  int64_t at_ms, figure;
};

/* ---------------------------------------------------------------- figures */

static int64_t rounded(int64_t n, int64_t to) {
  return to > 1 ? (n + to / 2) / to * to : n;
}

/* Tosses until the first success; each succeeds with 1 in scale + 1. A fixed stream, so the end is certain enough: a
   run of 4096 failures at scale 5 has a chance of 10^-324. */
static int64_t geometric(const uint32_t *tosses, size_t n, int64_t scale) {
  uint32_t bound = (uint32_t)(UINT32_MAX / (uint64_t)(scale + 1));
  int64_t failures = 0;
  for (size_t i = 0; i < n && tosses[i] > bound; i++) failures++;
  return failures;
}

int64_t qun_overlap_figure(uint32_t count, const unsigned char seed[32], int64_t noise, int64_t round) {
  enum { TOSSES = 4096 };
  uint32_t tosses[2 * TOSSES];
  randombytes_buf_deterministic(tosses, sizeof tosses, seed);
  int64_t shift = noise > 0 ? geometric(tosses, TOSSES, noise) - geometric(tosses + TOSSES, TOSSES, noise) : 0;
  sodium_memzero(tosses, sizeof tosses);
  int64_t figure = (int64_t)count + shift;
  return figure > 0 ? rounded(figure, round) : 0;
}

/* From both secrets and both sets, in the order of the tenants' names: the same whoever asks. */
static void seed_of(const struct overlap *o, unsigned char seed[32]) {
  crypto_generichash_state h;
  int first = strcmp(o->sides[0].tenant, o->sides[1].tenant) < 0 ? 0 : 1;
  crypto_generichash_init(&h, NULL, 0, 32);
  for (int i = 0; i < 2; i++) {
    const struct side *s = &o->sides[i == 0 ? first : !first];
    crypto_generichash_update(&h, s->book.secret, sizeof s->book.secret);
    crypto_generichash_update(&h, s->commitment, sizeof s->commitment);
  }
  crypto_generichash_final(&h, seed, 32);
  sodium_memzero(&h, sizeof h);
}

/* ---------------------------------------------------------------- what the plugins say */

/* A plugin that is off answers what needs no state; here it must be on. */
static int is_on(struct overlap *o, const struct side *s, struct qun_error *err) {
  struct qun_reading r;
  int rc = qun_engine_read_begin(o->crossing->engine, s->tenant, &r, err);
  if (rc < 0) return rc;
  bool on = qun_plugin_is_live(&r.view, "crosspromo");
  qun_engine_read_end(&r);
  return on ? 0 : qun_error_set(err, QUN_ENOTFOUND, "plugin crosspromo is off");
}

static int ask(struct overlap *o, struct side *s, struct qun_error *err) {
  struct qun_pack params;
  int rc = is_on(o, s, err);
  if (rc < 0) return rc;
  qun_pack_init(&params);
  qun_pack_map(&params, 1);
  qun_pack_kv_cstr(&params, "partner", s->partner);
  struct qun_call_spec spec = {.tenant = s->tenant,
                               .service = "crosspromo.overlap_members",
                               .params = qun_pack_slice(&params),
                               .role = "host"};
  rc = params.failed ? qun_error_set(err, QUN_EFAIL, "out of memory")
                     : qun_engine_call_wait(o->crossing->engine, &spec, &s->reply, err);
  qun_pack_fini(&params);
  return rc;
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static void tighten(struct bounds *b, qun_slice reply) {
  enum { MOST = 1 << 20 };
  b->minimum = larger(b->minimum, qun_mp_int(reply, "minimum", 0));
  b->k = larger(b->k, qun_mp_int(reply, "k", 0));
  b->round = smaller(MOST, larger(b->round, qun_mp_int(reply, "round", 0)));
  b->noise = smaller(100, larger(b->noise, qun_mp_int(reply, "noise", 0)));
  b->pair_budget = smaller(b->pair_budget, qun_mp_int(reply, "pair_budget", b->pair_budget));
  b->tenant_budget = smaller(b->tenant_budget, qun_mp_int(reply, "tenant_budget", b->tenant_budget));
}

static uint32_t listed(qun_slice reply, qun_slice *members) {
  struct qun_unpack u;
  uint32_t n = 0;
  if (!qun_mp_find(reply, "members", members)) return 0;
  qun_unpack_init(&u, *members);
  return qun_unpack_array(&u, &n) ? n : 0;
}

static int too_few(const struct overlap *o, struct qun_error *err) {
  return qun_error_set(err, QUN_EDENIED, "one of the two sets has fewer than %lld members that can be counted",
                       (long long)o->bounds.minimum);
}

/* QUN_EDENIED: there is nothing to count. */
static int ask_both(struct overlap *o, struct qun_error *err) {
  qun_slice members;
  for (int i = 0; i < 2; i++) {
    int rc = ask(o, &o->sides[i], err);
    if (rc == QUN_EFAIL || rc == QUN_EAGAIN) return rc;
    if (rc < 0) return qun_error_set(err, QUN_EDENIED, "one of the two sides has no members to be counted");
    tighten(&o->bounds, qun_pack_slice(&o->sides[i].reply));
  }
  for (int i = 0; i < 2; i++) {
    qun_slice reply = qun_pack_slice(&o->sides[i].reply);
    if (qun_mp_str(reply, "refused").len || listed(reply, &members) < o->bounds.minimum) return too_few(o, err);
  }
  return 0;
}

/* ---------------------------------------------------------------- records */

static int record_access(const struct overlap *o, const struct side *s, struct qun_error *err) {
  char reason[400];
  struct qun_pack p;
  snprintf(reason, sizeof reason, "overlap count with %s under agreement %s", s->partner, o->crossing->agreement);
  qun_pack_init(&p);
  qun_pack_map(&p, 4);
  qun_pack_kv_cstr(&p, "actor", "bridge");
  qun_pack_kv_cstr(&p, "what", "unionid or phone of the members who agreed to be counted");
  qun_pack_kv_cstr(&p, "reason", reason);
  qun_pack_kv_cstr(&p, "approved", o->crossing->agreement);
  int rc = qun__crossing_record(o->crossing, s->tenant, "qun.access", "access", &p, err);
  qun_pack_fini(&p);
  return rc;
}

static int record_commitment(const struct overlap *o, const struct side *s, struct qun_error *err) {
  char hex[65], part[32];
  struct qun_pack p;
  sodium_bin2hex(hex, sizeof hex, s->commitment, sizeof s->commitment);
  /* a try after a crash may meet another set: that is another commitment */
  snprintf(part, sizeof part, "commit-%.16s", hex);
  qun_pack_init(&p);
  qun_pack_map(&p, 3);
  qun_pack_kv_cstr(&p, "partner", s->partner);
  qun_pack_kv_cstr(&p, "set", hex);
  qun_pack_kv_int(&p, "size", rounded(s->set.count, o->bounds.round));
  int rc = qun__crossing_record(o->crossing, s->tenant, "overlap.committed", part, &p, err);
  qun_pack_fini(&p);
  return rc;
}

static int record_count(const struct qun_crossing *c, const struct side *s, int64_t count, int64_t own,
                        struct qun_error *err) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 4);
  qun_pack_kv_cstr(&p, "partner", s->partner);
  qun_pack_kv_cstr(&p, "agreement", c->agreement);
  qun_pack_kv_int(&p, "count", count);
  qun_pack_kv_int(&p, "own", own);
  int rc = qun__crossing_record(c, s->tenant, "overlap.counted", "counted", &p, err);
  qun_pack_fini(&p);
  return rc;
}

static int record_refusal(const struct overlap *o, const struct side *s, const char *reason, struct qun_error *err) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 3);
  qun_pack_kv_cstr(&p, "partner", s->partner);
  qun_pack_kv_cstr(&p, "agreement", o->crossing->agreement);
  qun_pack_kv_cstr(&p, "refused", reason);
  int rc = qun__crossing_record(o->crossing, s->tenant, "overlap.counted", "counted", &p, err);
  qun_pack_fini(&p);
  return rc;
}

/* ---------------------------------------------------------------- the sets */

static int load(struct overlap *o, struct side *s, qun_slice context, struct qun_error *err) {
  qun_slice members = {NULL, 0};
  listed(qun_pack_slice(&s->reply), &members);
  int rc = qun__overlap_set_load(&s->set, o->crossing->engine, s->tenant, members, context, s->book.secret, err);
  if (rc == 0) qun__overlap_set_commit(s->commitment, &s->set, s->book.secret);
  return rc;
}

static int check_set(struct overlap *o, struct side *s, struct qun_error *err) {
  struct qun_overlap_entry entry = {.saga = o->crossing->id, .partner = s->partner, .at_ms = o->at_ms, .set = &s->set};
  struct qun_overlap_bounds bounds = {.k = o->bounds.k,
                                      .pair_budget = o->bounds.pair_budget,
                                      .tenant_budget = o->bounds.tenant_budget};
  if (s->set.count < o->bounds.minimum) return too_few(o, err);
  int rc = qun__overlap_book_check(&s->book, &entry, &bounds, err);
  return rc == QUN_EQUOTA ? (err->code = QUN_EDENIED) : rc;
}

static int note(struct overlap *o, struct side *s, bool ended, struct qun_error *err) {
  struct qun_overlap_entry entry = {.saga = o->crossing->id,
                                    .partner = s->partner,
                                    .at_ms = o->at_ms,
                                    .set = &s->set,
                                    .ended = ended,
                                    .count = o->figure,
                                    .own = rounded(s->set.count, o->bounds.round)};
  return qun__overlap_book_write(&s->book, &entry, err);
}

static int prepare(struct overlap *o, struct qun_error *err) {
  char context[512];
  int first = strcmp(o->sides[0].tenant, o->sides[1].tenant) < 0 ? 0 : 1;
  int n = snprintf(context, sizeof context, "%s\n%s\n%s", o->sides[first].tenant, o->sides[!first].tenant,
                   o->crossing->agreement);
  int rc = 0;
  for (int i = 0; i < 2 && rc == 0; i++) rc = record_access(o, &o->sides[i], err);
  for (int i = 0; i < 2 && rc == 0; i++) rc = load(o, &o->sides[i], qun_slice_of(context, (size_t)n), err);
  for (int i = 0; i < 2 && rc == 0; i++) rc = check_set(o, &o->sides[i], err);
  for (int i = 0; i < 2 && rc == 0; i++) rc = note(o, &o->sides[i], false, err);
  for (int i = 0; i < 2 && rc == 0; i++) rc = record_commitment(o, &o->sides[i], err);
  return rc;
}

/* ---------------------------------------------------------------- the exchange */

static int exchange(struct overlap *o, uint32_t *count, struct qun_error *err) {
  struct qun_pack offers[2], answers[2];
  int rc = 0;
  for (int i = 0; i < 2; i++) {
    qun_pack_init(&offers[i]);
    qun_pack_init(&answers[i]);
  }
  for (int i = 0; i < 2 && rc == 0; i++)
    rc = qun_psi_create(&o->sides[i].party, o->sides[i].set.hashes, o->sides[i].set.count, err);
  for (int i = 0; i < 2 && rc == 0; i++) rc = qun_psi_offer(o->sides[i].party, &offers[i], err);
  for (int i = 0; i < 2 && rc == 0; i++)
    rc = qun_psi_answer(o->sides[i].party, qun_pack_slice(&offers[!i]), &answers[i], err);
  uint32_t counts[2] = {0, 0};
  for (int i = 0; i < 2 && rc == 0; i++)
    rc = qun_psi_count(o->sides[i].party, qun_pack_slice(&answers[!i]), &counts[i], err);
  if (rc == 0 && counts[0] != counts[1]) rc = qun_error_set(err, QUN_EINVAL, "the two sides came to different counts");
  *count = counts[0];
  for (int i = 0; i < 2; i++) {
    if (offers[i].buf) sodium_memzero(offers[i].buf, offers[i].cap);
    if (answers[i].buf) sodium_memzero(answers[i].buf, answers[i].cap);
    qun_pack_fini(&offers[i]);
    qun_pack_fini(&answers[i]);
  }
  return rc;
}

static int count_members(struct overlap *o, struct qun_error *err) {
  unsigned char seed[32];
  uint32_t count = 0;
  int rc = prepare(o, err);
  if (rc == 0) rc = exchange(o, &count, err);
  if (rc < 0) return rc;
  seed_of(o, seed);
  o->figure = qun_overlap_figure(count, seed, o->bounds.noise, o->bounds.round);
  sodium_memzero(seed, sizeof seed);
  for (int i = 1; i >= 0 && rc == 0; i--) rc = note(o, &o->sides[i], true, err); /* the asker's page ends last */
  return rc;
}

/* ---------------------------------------------------------------- the whole */

/* Both pages have the figures: record them, perhaps again. */
static int publish(struct overlap *o, struct qun_error *err) {
  int rc = 0;
  for (int i = 1; i >= 0 && rc == 0; i--) {
    int64_t count = 0, own = 0;
    rc = qun__overlap_book_find(&o->sides[i].book, o->crossing->id, &count, &own, err);
    if (rc == 0) rc = record_count(o->crossing, &o->sides[i], count, own, err);
  }
  return rc;
}

static int run(struct overlap *o, struct qun_error *err) {
  int64_t count = 0, own = 0;
  int rc = 0;
  for (int i = 0; i < 2 && rc == 0; i++)
    rc = qun__overlap_book_open(&o->sides[i].book, qun_engine_keys_dir(o->crossing->engine), o->sides[i].tenant, err);
  if (rc < 0) return rc == QUN_ENOTFOUND ? (err->code = QUN_EAGAIN) : rc;
  if (qun__overlap_book_find(&o->sides[0].book, o->crossing->id, &count, &own, NULL) < 0) {
    rc = ask_both(o, err);
    if (rc == 0) rc = count_members(o, err);
  }
  return rc == 0 ? publish(o, err) : rc;
}

static void side_fini(struct side *s) {
  qun_psi_destroy(s->party);
  qun__overlap_set_fini(&s->set);
  qun__overlap_book_close(&s->book);
  qun_pack_fini(&s->reply);
  sodium_memzero(s->commitment, sizeof s->commitment);
}

void qun_overlap_run(const struct qun_crossing *c, struct qun_send_outcome *out) {
  struct qun_error err = {0}, more = {0};
  struct overlap o = {.crossing = c,
                      .sides = {{.tenant = c->row->tenant, .partner = c->partner},
                                {.tenant = c->partner, .partner = c->row->tenant}},
                      .bounds = {.minimum = QUN_OVERLAP_MINIMUM,
                                 .k = QUN_OVERLAP_K,
                                 .round = QUN_OVERLAP_ROUND,
                                 .noise = QUN_OVERLAP_NOISE,
                                 .pair_budget = QUN_OVERLAP_PAIR_BUDGET,
                                 .tenant_budget = QUN_OVERLAP_TENANT_BUDGET},
                      .at_ms = qun_engine_now(c->engine)};
  for (int i = 0; i < 2; i++) qun_pack_init(&o.sides[i].reply);
  int rc = run(&o, &err);
  if (rc == 0) {
    out->code = QUN_SEND_SENT;
  } else if (rc == QUN_EDENIED || rc == QUN_EINVAL) {
    int code = record_refusal(&o, &o.sides[1], err.message, &more);
    if (code == 0) code = record_refusal(&o, &o.sides[0], err.message, &more);
    if (code < 0)
      qun__crossing_trouble(out, &more);
    else
      qun_send_answer(out, QUN_SEND_FAILED, "no overlap count: %.250s", err.message);
  } else {
    qun__crossing_trouble(out, &err);
  }
  for (int i = 0; i < 2; i++) side_fini(&o.sides[i]);
}
