/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin's inside: instance, bound tenant, one call's work, and the keyspace.
 *
 * Keyspace (numbers in keys are big-endian, so that key order is their order; values are msgpack arrays unless said
 * otherwise) s                          counters, enum qun_stat, 8 bytes each, big-endian f/RULE/SEQ START finding:
 * what, state, person (finding.c) c/MEMBER PURPOSE           consent (ledger.c)            o/MEMBER KIND    opt-out
 *  l/MEMBER SEQ               a send and the consent it stood on
 *  m/MEMBER                   what rules need of a member
 *  n/KIND/VERSION, N/KIND     notices, the one in force
 *  r/TYPE, r/TYPE/SUBJECT     last record of a type
 *  a/SCOPE                    first assessment of a scope
 *  p/RULE                     records that a rule looked at
 *  k/RULE/CASE, q/DUE RULE/CASE   open cases and their deadlines
 *  x/PURPOSE                  live separate consents        y/YEAR   persons given abroad
 *  t/CLASS                    retention of a class of records
 *  g/GROUP                    audience of a group           d/HASH   first of equal staff texts
 *  w/PLUGIN/KEY               verdicts
 */
#ifndef QUN_COMPLIANCE_CORE_H
#define QUN_COMPLIANCE_CORE_H

#include "days.h"
#include "detect.h"
#include "rule.h"
#include "scan.h"

#include <qun/msgpack.h>

/* What records of a type have to do with: indices of rules, in the book's order. */
struct qun_route {
  const char *type;
  uint32_t *records; /* rules that look at them, with a function that does */
  uint32_t *closes;  /* rules whose cases they may close */
  uint32_t record_count, close_count;
};

enum { QUN_ROUTES = 256 };

struct qun_rulebook {
  struct qun_rules rules;
  struct qun_route routes[QUN_ROUTES]; /* open addressing by type */
  struct qun_holidays holidays;
  struct qun_scanner *scanner;
};

/* Loads packs and holiday tables that the manifest lists, and compiles them. QUN_EINVAL with a sentence in `message`.
 */
int qun__rulebook_create(struct qun_rulebook **out, const struct qun_host *host, const struct qun_package_v1 *package,
                         char *message, size_t cap);
/* NULL is fine. */
void qun__rulebook_destroy(struct qun_rulebook *b);
const struct qun_rule *qun__rulebook_find(const struct qun_rulebook *b, qun_slice id);
/* An empty route when no rule is about the type. */
const struct qun_route *qun__rulebook_route(const struct qun_rulebook *b, qun_slice type);

struct qun_instance {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_timer_v1 *timer;
  const struct qun_reply_v1 *reply;
  const struct qun_package_v1 *package;
  const struct qun_calendar_v1 *calendar;
  struct qun_rulebook *book; /* made when a tenant first comes into sight */
  char message[512];
};

/* A tenant as bound to rules; the host keeps it as `local`. */
struct qun_bound {
  uint8_t *rules; /* per rule of the book: 1 bound */
  uint32_t count;
  int block_from, person_from; /* severities: 1 = S1 */
  int64_t complaint_ppm, consent_ppm;
  char country[8], sector[32], packs[200];
};

int qun__bind(struct qun_bound **out, const struct qun_rulebook *book, const struct qun_tenant_info *info);
void qun__unbind(struct qun_bound *b);

enum qun_stat {
  ST_EVENTS,
  ST_TEXTS,
  ST_ADS,
  ST_ARTICLES,
  ST_STAFF,
  ST_MINOR_ADS,
  ST_MEMBERS,
  ST_JOINS,
  ST_JOINS_CONSENTED,
  ST_COMPLAINTS,
  ST_SENDS,
  ST_FIRST_MS,
  ST_LAST_TEXT,
  ST_LAST_AD,
  ST_LAST_ARTICLE,
  ST_LAST_STAFF,
  ST_LAST_MINOR_AD,
  ST_FIRST_TEXT,
  ST_MINORS,
  ST_DIRECT_ADS,
  ST_LAST_DIRECT_AD,
  ST_CATEGORY, /* ads by category, then the last of each */
  ST_CATEGORIES = 12,
  ST_CATEGORY_LAST = ST_CATEGORY + ST_CATEGORIES,
  ST_COUNT = ST_CATEGORY_LAST + ST_CATEGORIES
};

struct qun_stats {
  int64_t at[ST_COUNT];
};

/* The same as handlers change it: the row's own bytes, so that an event costs a copy and the few counters that it moves. */
struct qun_counts {
  unsigned char row[ST_COUNT * 8];
};

/* One callback. */
struct qun_work {
  struct qun_instance *in;
  const struct qun_context *ctx;
  const struct qun_bound *bound;
  const struct qun_event *event; /* NULL in a request or timer */
  qun_slice data;                /* the event's data */
  qun_slice type;                /* the event's type, or "send" */
  uint64_t member;               /* whom the record is about: for a send, the receiver */
  bool is_ad;
  const struct qun_stats *stats; /* requests */
  struct qun_counts *counts;     /* handlers */
  qun_slice locale;              /* of a request */
  bool dry;                      /* facts are not kept but noted in `blocked` (a send that is not yet out) */
  struct qun_hits *blocked;
};

/* ---- keyspace, store.c */
enum { QUN_KEY_MAX = 384 };
struct qun_key {
  unsigned char at[QUN_KEY_MAX];
  size_t len;
};
/* "x/" and more parts; a part that would not fit is replaced by its digest, so keys never collide by being cut. */
void qun__key_begin(struct qun_key *k, const char *prefix);
void qun__key_text(struct qun_key *k, qun_slice text);
void qun__key_u64(struct qun_key *k, uint64_t v);
void qun__key_u32(struct qun_key *k, uint32_t v);
qun_slice qun__key_slice(const struct qun_key *k);

/* 1 found, 0 not, less: failed. */
int qun__get(struct qun_work *w, const struct qun_key *k, qun_slice *value);
int qun__put(struct qun_work *w, const struct qun_key *k, struct qun_pack *value, uint64_t owner);
int qun__del(struct qun_work *w, const struct qun_key *k);
/* Calls `each` for all rows below a prefix; stops when it answers other than 0 and answers that. */
int qun__each(struct qun_work *w, qun_slice prefix, int (*each)(void *arg, qun_slice key, qun_slice value), void *arg);
/* An array of integers as a row. Missing places read as 0. */
enum { QUN_ROW_MAX = 12 };
int qun__get_ints(struct qun_work *w, const struct qun_key *k, int64_t *v, size_t n);
int qun__put_ints(struct qun_work *w, const struct qun_key *k, const int64_t *v, size_t n, uint64_t owner);
int qun__stats_load(struct qun_work *w, struct qun_stats *s);
int qun__counts_load(struct qun_work *w, struct qun_counts *c);
int qun__counts_save(struct qun_work *w, const struct qun_counts *c);
static inline int64_t qun__count(const struct qun_counts *c, int place) {
  return (int64_t)qun__get_be(c->row + 8 * (size_t)place, 8);
}
static inline void qun__count_set(struct qun_counts *c, int place, int64_t value) {
  qun__put_be(c->row + 8 * (size_t)place, (uint64_t)value, 8);
}
static inline void qun__count_one(struct qun_counts *c, int place) {
  qun__count_set(c, place, qun__count(c, place) + 1);
}
/* Raises a counter to a value. */
static inline void qun__count_most(struct qun_counts *c, int place, int64_t value) {
  if (value > qun__count(c, place)) qun__count_set(c, place, value);
}
/* Sets a counter that is 0. */
static inline void qun__count_first(struct qun_counts *c, int place, int64_t value) {
  if (qun__count(c, place) == 0) qun__count_set(c, place, value);
}
/* Place of a category in the counters: 0..ST_CATEGORIES-1; the last is "other". */
int qun__category(qun_slice name);
uint64_t qun__digest(qun_slice text, uint64_t seed);

/* 1 if the work's record (or `data`) has one of the values for each field. */
int qun__matches(struct qun_work *w, const struct qun_matches *m);
/* The record's field: text, or "true"/"false" or decimal digits of other values, in `buf`. Empty when absent. */
qun_slice qun__field(struct qun_work *w, const char *name, char *buf, size_t cap);
/* The record's integer field. 0: absent. */
int qun__field_int(struct qun_work *w, const char *name, int64_t *v);
/* 1 if the field is there and not empty, not false and no empty list. */
int qun__field_set(struct qun_work *w, const char *name);

/* ---- findings, finding.c */
enum qun_finding_state { QUN_OPEN = 0, QUN_DISMISSED, QUN_RESOLVED };

struct qun_finding {
  uint64_t seq, member;
  int64_t time_ms;
  uint32_t start, end;
  bool fact;
  enum qun_finding_state state;
  qun_slice group, note, reason, person; /* borrowed */
};

/* A fact or candidate on the work's record. Kept once for each (rule, evidence, place). Emits compliance.finding for S1
   and S2 of rules in force then, once for each evidence and rule. `note`: short words on what was seen, never personal
   text. */
int qun__finding_add(struct qun_work *w, const struct qun_rule *r, bool fact, uint64_t seq, uint32_t start,
                     uint32_t end, const char *note);
int qun__finding_read(qun_slice key, qun_slice value, const struct qun_rule *r, struct qun_finding *f);
/* "RULE:SEQ:START" of a row. */
void qun__finding_id(const struct qun_rule *r, const struct qun_finding *f, char *buf, size_t cap);
/* Handles compliance.dismissed and compliance.resolved. */
int qun__finding_close(struct qun_work *w, enum qun_finding_state state);
/* Parses a finding's id and finds its row. QUN_EINVAL, QUN_ENOTFOUND. */
int qun__finding_locate(struct qun_work *w, qun_slice id, const struct qun_rule **rule, struct qun_key *key);
void qun__finding_prefix(const struct qun_rule *r, struct qun_key *key);

/* ---- records, ledger.c: state that rules read */
int qun__ledger_apply(struct qun_work *w);
struct qun_consent {
  int64_t given_ms, withdrawn_ms, expires_ms, refused_ms, seq, separate, refusals;
  qun_slice notice, method, partner;
};
/* 1 known, 0 never asked. */
int qun__consent_read(struct qun_work *w, uint64_t member, const char *purpose, struct qun_consent *c);
/* 1 if there is a live consent to any of the purposes at the time. *any: the newest of them. */
int qun__consent_live(struct qun_work *w, const struct qun_rule *r, uint64_t member, int64_t at_ms,
                      struct qun_consent *any);
int64_t qun__optout_time(struct qun_work *w, uint64_t member, const char *kind);

/* ---- clocks, clock.c */
int qun__clock_open(struct qun_work *w, const struct qun_rule *r, qun_slice id, int64_t from_ms);
int qun__clock_close(struct qun_work *w, const struct qun_rule *r, qun_slice id);
int qun__clock_timer(struct qun_work *w);
/* Opens and closes cases for the work's record. */
int qun__clock_apply(struct qun_work *w);

/* ---- texts and the gate */
int qun__texts_apply(struct qun_work *w);
/* The work's record as a text with what is known of it. 0: it has no text. */
int qun__text_read(struct qun_work *w, struct qun_text *t);
enum qun_verdict { QUN_FINE = 0, QUN_NEEDS_LABEL, QUN_NEEDS_PERSON, QUN_BLOCK };
const char *qun__verdict_name(enum qun_verdict v);
enum qun_verdict qun__verdict_of(const struct qun_rulebook *book, const struct qun_bound *b,
                                 const struct qun_hits *hits);
/* content.send: judges it and emits compliance.verdict. */
int qun__gate_apply(struct qun_work *w);
/* Runs the record rules of the work's type. */
int qun__records_apply(struct qun_work *w, qun_slice type);
/* Adds to the records that a rule looked at. */
int qun__population_add(struct qun_work *w, const struct qun_rule *r);

/* ---- services */
int qun__check(struct qun_work *w, const struct qun_request *q);
int qun__audit(struct qun_work *w, const struct qun_request *q);
int qun__report(struct qun_work *w, const struct qun_request *q);
int qun__close(struct qun_work *w, const struct qun_request *q, const char *type);
int qun__approve(struct qun_work *w, const struct qun_request *q);

/* ---- audit results, also for the report: audit.c */
enum qun_status { QUN_SATISFIED = 0, QUN_NOT_SATISFIED, QUN_NOT_APPLICABLE };
const char *qun__status_name(enum qun_status s);

enum { QUN_EVIDENCE_MAX = 20 };
struct qun_verdict_of { /* of one rule */
  enum qun_status status;
  int64_t population; /* records looked at */
  int64_t last_ms;    /* the last of them */
  int64_t open, earlier, dismissed, resolved;
  uint64_t evidence[QUN_EVIDENCE_MAX];
  uint32_t evidence_count;
  char reason[400]; /* in the reader's language */
};
int qun__audit_rule(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v);
/* The sentence `en` or `zh` by the work's locale. */
const char *qun__said(const struct qun_work *w, const struct qun_said *s);
bool qun__chinese(const struct qun_work *w);

#endif
