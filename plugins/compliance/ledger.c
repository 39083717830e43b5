/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules must remember of the records: consents, opt-outs, members, notices, last records of a type, assessments,
 * audiences.
 *
 * c/MEMBER PURPOSE is an array: given_ms, withdrawn_ms, expires_ms, refused_ms, seq, separate, refusals, notice,
 * method, partner. m/MEMBER: closed_ms, withdrawn_ms, minor (1: under 14, 2: 14 to 17), guardian. N/KIND: time_ms, seq,
 * version, digest of the purposes, 1 if it names an officer, fields. n/KIND/VERSION: time_ms, seq, digest of the
 * purposes.
 */
#include "core.h"

#include <stdio.h>

static void consent_key(struct qun_key *k, uint64_t member, qun_slice purpose) {
  qun__key_begin(k, "c/");
  qun__key_u64(k, member);
  qun__key_text(k, purpose);
}

static int consent_get(struct qun_work *w, uint64_t member, qun_slice purpose, struct qun_consent *c) {
  struct qun_key k;
  struct qun_unpack u;
  qun_slice row;
  uint32_t n;
  memset(c, 0, sizeof *c);
  consent_key(&k, member, purpose);
  int found = qun__get(w, &k, &row);
  if (found <= 0) return found;
  qun_unpack_init(&u, row);
  if (!qun_unpack_array(&u, &n) || n < 10 || !qun_unpack_int(&u, &c->given_ms) ||
      !qun_unpack_int(&u, &c->withdrawn_ms) || !qun_unpack_int(&u, &c->expires_ms) ||
      !qun_unpack_int(&u, &c->refused_ms) || !qun_unpack_int(&u, &c->seq) || !qun_unpack_int(&u, &c->separate) ||
      !qun_unpack_int(&u, &c->refusals) || !qun_unpack_str(&u, &c->notice) || !qun_unpack_str(&u, &c->method) ||
      !qun_unpack_str(&u, &c->partner))
    return QUN_EFAIL;
  return 1;
}

int qun__consent_read(struct qun_work *w, uint64_t member, const char *purpose, struct qun_consent *c) {
  return consent_get(w, member, qun_str(purpose), c);
}

static int consent_put(struct qun_work *w, uint64_t member, qun_slice purpose, const struct qun_consent *c) {
  struct qun_key k;
  struct qun_pack p;
  consent_key(&k, member, purpose);
  qun_pack_init(&p);
  qun_pack_array(&p, 10);
  const int64_t ints[] = {c->given_ms, c->withdrawn_ms, c->expires_ms, c->refused_ms, c->seq, c->separate, c->refusals};
  for (size_t i = 0; i < 7; i++) qun_pack_int(&p, ints[i]);
  qun_pack_str(&p, c->notice);
  qun_pack_str(&p, c->method);
  qun_pack_str(&p, c->partner);
  int error = qun__put(w, &k, &p, member);
  qun_pack_fini(&p);
  return error;
}

static bool live_at(const struct qun_consent *c, int64_t at_ms) {
  return c->given_ms > 0 && c->given_ms <= at_ms && c->withdrawn_ms < c->given_ms &&
         (c->expires_ms == 0 || c->expires_ms > at_ms);
}

int qun__consent_live(struct qun_work *w, const struct qun_rule *r, uint64_t member, int64_t at_ms,
                      struct qun_consent *any) {
  int live = 0;
  memset(any, 0, sizeof *any);
  for (uint32_t i = 0; i < r->purpose.count; i++) {
    struct qun_consent c;
    int found = qun__consent_read(w, member, r->purpose.at[i], &c);
    if (found < 0) return found;
    if (found == 0) continue;
    if (live_at(&c, at_ms) && (!r->separate || c.separate)) live = 1;
    if (c.seq >= any->seq) *any = c;
  }
  return live;
}

/* Live separate consents by purpose, for transfers that name only a number of persons. */
static int count_separate(struct qun_work *w, qun_slice purpose, const struct qun_consent *old,
                          const struct qun_consent *now) {
  struct qun_key k;
  int64_t n;
  int was = old->separate && old->given_ms > old->withdrawn_ms, is = now->separate && now->given_ms > now->withdrawn_ms;
  if (was == is) return 0;
  qun__key_begin(&k, "x/");
  qun__key_text(&k, purpose);
  int error = qun__get_ints(w, &k, &n, 1);
  if (error < 0) return error;
  n += is - was;
  return qun__put_ints(w, &k, &n, 1, 0);
}

static int mark_member(struct qun_work *w, int place, int64_t value) {
  struct qun_key k;
  int64_t m[4];
  qun__key_begin(&k, "m/");
  qun__key_u64(&k, w->event->member);
  int error = qun__get_ints(w, &k, m, 4);
  if (error < 0) return error;
  if (error == 1 && m[place] == value) return 0;
  m[place] = value;
  return qun__put_ints(w, &k, m, 4, w->event->member);
}

static int on_consent(struct qun_work *w) {
  const struct qun_event *e = w->event;
  struct qun_consent old, now;
  qun_slice purpose = qun_mp_str(w->data, "purpose");
  int error = consent_get(w, e->member, purpose, &old);
  if (error < 0) return error;
  now = old;
  now.seq = (int64_t)e->seq;
  if (qun_slice_is(e->type, "consent.given")) {
    now.given_ms = e->time_ms;
    now.expires_ms = qun_mp_int(w->data, "expires", 0);
    now.separate = qun_mp_bool(w->data, "separate", 0);
    now.refusals = 0;
    now.notice = qun_mp_str(w->data, "notice");
    now.method = qun_mp_str(w->data, "method");
    now.partner = qun_mp_str(w->data, "partner");
  } else if (qun_slice_is(e->type, "consent.refused")) {
    now.refused_ms = e->time_ms;
    now.refusals++;
  } else {
    now.withdrawn_ms = e->time_ms;
    error = mark_member(w, 1, e->time_ms);
  }
  if (error >= 0) error = count_separate(w, purpose, &old, &now);
  return error < 0 ? error : consent_put(w, e->member, purpose, &now);
}

static int on_optout(struct qun_work *w) {
  struct qun_key k;
  qun_slice kind = qun_mp_str(w->data, "kind");
  int64_t v[2] = {w->event->time_ms, (int64_t)w->event->seq};
  qun__key_begin(&k, "o/");
  qun__key_u64(&k, w->event->member);
  qun__key_text(&k, kind.len ? kind : qun_str("marketing"));
  return qun__put_ints(w, &k, v, 2, w->event->member);
}

int64_t qun__optout_time(struct qun_work *w, uint64_t member, const char *kind) {
  struct qun_key k;
  int64_t v[2];
  qun__key_begin(&k, "o/");
  qun__key_u64(&k, member);
  qun__key_text(&k, qun_str(kind));
  int found = qun__get_ints(w, &k, v, 2);
  return found < 0 ? found : v[0];
}

static int on_profile(struct qun_work *w) {
  qun_slice band = qun_mp_str(w->data, "age_band");
  int64_t minor = qun_slice_is(band, "0-13") ? 1 : qun_slice_is(band, "14-17") ? 2 : 0;
  if (band.len == 0) return 0;
  if (minor) qun__count_one(w->counts, ST_MINORS);
  int error = mark_member(w, 2, minor);
  return error < 0 ? error : mark_member(w, 3, qun_mp_bool(w->data, "guardian", 0));
}

static int on_closed(struct qun_work *w) {
  return mark_member(w, 0, w->event->time_ms);
}

static int on_notice(struct qun_work *w) {
  struct qun_key k;
  struct qun_pack p;
  qun_slice kind = qun_mp_str(w->data, "kind"), version = qun_mp_str(w->data, "version"), purposes, fields;
  if (!qun_mp_find(w->data, "purposes", &purposes)) purposes = qun_slice_of(NULL, 0);
  if (!qun_mp_find(w->data, "fields", &fields)) fields = qun_slice_of("\x90", 1);
  if (kind.len == 0) kind = qun_str("general");
  int64_t digest = (int64_t)(qun__digest(purposes, 0) >> 1);
  int64_t v[3] = {w->event->time_ms, (int64_t)w->event->seq, digest};
  qun__key_begin(&k, "n/");
  qun__key_text(&k, kind);
  qun__key_text(&k, qun_str("/"));
  qun__key_text(&k, version);
  int error = qun__put_ints(w, &k, v, 3, 0);
  if (error < 0) return error;
  qun__key_begin(&k, "N/");
  qun__key_text(&k, kind);
  qun_pack_init(&p);
  qun_pack_array(&p, 6);
  qun_pack_int(&p, v[0]);
  qun_pack_int(&p, v[1]);
  qun_pack_str(&p, version);
  qun_pack_int(&p, digest);
  qun_pack_int(&p, qun__field_set(w, "officer"));
  qun_pack_raw(&p, fields);
  error = qun__put(w, &k, &p, 0);
  qun_pack_fini(&p);
  return error;
}

static int on_assessment(struct qun_work *w) {
  struct qun_key k;
  int64_t v[2];
  qun__key_begin(&k, "a/");
  qun__key_text(&k, qun_mp_str(w->data, "scope"));
  int found = qun__get_ints(w, &k, v, 2);
  if (found < 0 || (found == 1 && v[0] <= w->event->time_ms)) return found < 0 ? found : 0;
  v[0] = w->event->time_ms;
  v[1] = (int64_t)w->event->seq;
  return qun__put_ints(w, &k, v, 2, 0);
}

static int on_group(struct qun_work *w) {
  struct qun_key k;
  struct qun_pack p;
  qun__key_begin(&k, "g/");
  qun__key_text(&k, w->event->group);
  qun_pack_init(&p);
  qun_pack_str(&p, qun_mp_str(w->data, "audience"));
  int error = qun__put(w, &k, &p, 0);
  qun_pack_fini(&p);
  return error;
}

static int on_retention(struct qun_work *w) {
  struct qun_key k;
  int64_t v[3] = {qun_mp_int(w->data, "max_days", 0), qun_mp_int(w->data, "min_days", 0), (int64_t)w->event->seq};
  qun__key_begin(&k, "t/");
  qun__key_text(&k, w->event->subject);
  return qun__put_ints(w, &k, v, 3, 0);
}

static int on_transfer(struct qun_work *w) {
  struct qun_key k;
  int64_t v[2], subjects = qun_mp_int(w->data, "subjects", 0);
  int year, month, mday;
  qun_slice country = qun_mp_str(w->data, "country");
  if (country.len == 0 || subjects <= 0 || qun_slice_is(country, w->bound->country)) return 0;
  qun__day_split(w->event->day, &year, &month, &mday);
  qun__key_begin(&k, "y/");
  qun__key_u32(&k, (uint32_t)year);
  int error = qun__get_ints(w, &k, v, 2);
  if (error < 0) return error;
  v[qun_mp_bool(w->data, "sensitive", 0)] += subjects;
  return qun__put_ints(w, &k, v, 2, 0);
}

static int on_join(struct qun_work *w) {
  qun__count_one(w->counts, ST_JOINS);
  if (qun_mp_bool(w->data, "consent", 0)) {
    qun__count_one(w->counts, ST_JOINS_CONSENTED);
    return 0;
  }
  struct qun_consent c;
  int found = qun__consent_read(w, w->event->member, "join", &c);
  if (found == 1 && live_at(&c, w->event->time_ms)) qun__count_one(w->counts, ST_JOINS_CONSENTED);
  return found < 0 ? found : 0;
}

static int on_complaint(struct qun_work *w) {
  qun__count_one(w->counts, ST_COMPLAINTS);
  return 0;
}

/* What a record of a type does to the ledger. */
struct applier {
  qun_slice type;
  int (*apply)(struct qun_work *w); /* NULL: nothing but being kept */
  bool kept;                        /* the last one of the type is remembered */
};

#define APPLIER(TYPE, APPLY, KEPT)                                                                                     \
  { {TYPE, sizeof(TYPE) - 1}, APPLY, KEPT }
static const struct applier appliers[] = {APPLIER("join", on_join, false),
                                          APPLIER("consent.given", on_consent, false),
                                          APPLIER("consent.refused", on_consent, false),
                                          APPLIER("consent.withdrawn", on_consent, false),
                                          APPLIER("optout", on_optout, false),
                                          APPLIER("member.profile", on_profile, false),
                                          APPLIER("member.closed", on_closed, false),
                                          APPLIER("notice.published", on_notice, true),
                                          APPLIER("assessment.recorded", on_assessment, true),
                                          APPLIER("group.recorded", on_group, false),
                                          APPLIER("complaint", on_complaint, true),
                                          APPLIER("retention.set", on_retention, true),
                                          APPLIER("transfer.recorded", on_transfer, false),
                                          APPLIER("rules.published", NULL, true),
                                          APPLIER("training.recorded", NULL, true),
                                          APPLIER("plan.recorded", NULL, true),
                                          APPLIER("qun.audit", NULL, true),
                                          APPLIER("qun.access", NULL, true),
                                          APPLIER("vendor.recorded", NULL, true),
                                          APPLIER("moderation", NULL, true)};

/* The last record of a type, and of a type and subject. */
static int remember(struct qun_work *w) {
  struct qun_key k;
  int64_t v[3];
  for (int with_subject = 0; with_subject <= (w->event->subject.len > 0); with_subject++) {
    qun__key_begin(&k, "r/");
    qun__key_text(&k, w->event->type);
    if (with_subject) {
      qun__key_text(&k, qun_str("/"));
      qun__key_text(&k, w->event->subject);
    }
    int error = qun__get_ints(w, &k, v, 3);
    if (error < 0) return error;
    if (w->event->time_ms >= v[0]) {
      v[0] = w->event->time_ms;
      v[1] = (int64_t)w->event->seq;
    }
    v[2]++;
    error = qun__put_ints(w, &k, v, 3, 0);
    if (error < 0) return error;
  }
  return 0;
}

int qun__ledger_apply(struct qun_work *w) {
  const struct applier *a = appliers, *end = appliers + sizeof appliers / sizeof *appliers;
  while (a < end && !qun_slice_eq(w->event->type, a->type)) a++;
  if (a == end) return 0;
  int error = a->apply ? a->apply(w) : 0;
  return error < 0 || !a->kept ? error : remember(w);
}
