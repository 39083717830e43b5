/* SPDX-License-Identifier: Apache-2.0 */
/* What a record does: texts are scanned, record rules run, sends are judged. */
#include "core.h"
#include "pii.h"

#include <stdio.h>

static const char *const verdicts[] = {"fine", "needs_label", "needs_person", "block"};

const char *qun__verdict_name(enum qun_verdict v) {
  return verdicts[v];
}

int qun__population_add(struct qun_work *w, const struct qun_rule *r) {
  struct qun_key k;
  int64_t v[2];
  qun__key_begin(&k, "p/");
  qun__key_text(&k, qun_str(r->id));
  int error = qun__get_ints(w, &k, v, 2);
  if (error < 0) return error;
  v[0]++;
  if (w->event->time_ms > v[1]) v[1] = w->event->time_ms;
  return qun__put_ints(w, &k, v, 2, 0);
}

int qun__records_apply(struct qun_work *w, qun_slice type) {
  const struct qun_rulebook *b = w->in->book;
  const struct qun_route *route = qun__rulebook_route(b, type);
  for (uint32_t i = 0; i < route->record_count; i++) {
    const struct qun_rule *r = &b->rules.at[route->records[i]];
    if (!w->bound->rules[r->index]) continue;
    bool fits = qun__matches(w, &r->where);
    /* for "match" the condition is the breach, and every record of the type was looked at */
    if (!fits && strcmp(r->detector->name, "match") != 0) continue;
    int error = fits ? r->detector->on_event(w, r) : 0;
    if (error == 0) error = qun__population_add(w, r);
    if (error < 0) return error;
  }
  return 0;
}

static int audience_of(struct qun_work *w, qun_slice *audience) {
  struct qun_key k;
  struct qun_unpack u;
  qun_slice row;
  *audience = qun_slice_of(NULL, 0);
  if (w->event->group.len == 0) return 0;
  qun__key_begin(&k, "g/");
  qun__key_text(&k, w->event->group);
  int found = qun__get(w, &k, &row);
  if (found <= 0) return found;
  qun_unpack_init(&u, row);
  return qun_unpack_str(&u, audience) ? 0 : QUN_EFAIL;
}

int qun__text_read(struct qun_work *w, struct qun_text *t) {
  struct qun_unpack u;
  qun_slice key, value, item = qun_slice_of(NULL, 0), kind = item;
  uint32_t n;
  int64_t to;
  int flag;
  memset(t, 0, sizeof *t);
  qun_unpack_init(&u, w->data);
  if (!qun_unpack_map(&u, &n)) return 0;
  while (n-- > 0 && qun_unpack_str(&u, &key)) {
    struct qun_unpack v = u;
    if (!qun_unpack_any(&u, &value)) return 0;
    if (qun_slice_is(key, "text"))
      qun_unpack_str(&v, &t->text);
    else if (qun_slice_is(key, "category"))
      qun_unpack_str(&v, &t->category);
    else if (qun_slice_is(key, "label"))
      qun_unpack_str(&v, &t->label);
    else if (qun_slice_is(key, "item"))
      qun_unpack_str(&v, &item);
    else if (qun_slice_is(key, "kind"))
      qun_unpack_str(&v, &kind);
    else if (qun_slice_is(key, "is_ad") && qun_unpack_bool(&v, &flag))
      t->is_ad = flag != 0;
    else if (qun_slice_is(key, "staff") && qun_unpack_bool(&v, &flag))
      t->staff = flag != 0;
    else if (qun_slice_is(key, "to") && qun_unpack_int(&v, &to))
      t->direct = to > 0;
  }
  bool send = qun_slice_is(w->event->type, "content.send");
  if (send) t->staff = true;
  if (send) t->direct = w->member != 0;
  t->is_ad |= send && qun_slice_is(kind, "ad");
  t->kind = t->is_ad ? "ad" : (item.len > 0 || (send && qun_slice_is(kind, "article"))) ? "article" : "chat";
  t->bound = w->bound->rules;
  w->is_ad = t->is_ad;
  return t->text.len > 0;
}

static void bump(struct qun_work *w, int count, int last) {
  qun__count_one(w->counts, count);
  qun__count_most(w->counts, last, w->event->time_ms);
}

static void count_text(struct qun_work *w, const struct qun_text *t) {
  bump(w, ST_TEXTS, ST_LAST_TEXT);
  qun__count_first(w->counts, ST_FIRST_TEXT, w->event->time_ms);
  if (t->staff) bump(w, ST_STAFF, ST_LAST_STAFF);
  if (strcmp(t->kind, "article") == 0) bump(w, ST_ARTICLES, ST_LAST_ARTICLE);
  if (!t->is_ad) return;
  int category = qun__category(t->category);
  bump(w, ST_ADS, ST_LAST_AD);
  bump(w, ST_CATEGORY + category, ST_CATEGORY_LAST + category);
  if (t->direct) bump(w, ST_DIRECT_ADS, ST_LAST_DIRECT_AD);
  if (qun_slice_is(t->audience, "minor")) bump(w, ST_MINOR_ADS, ST_LAST_MINOR_AD);
}

/* Content that must not stay starts the clock of the rules that ask for action on it. */
static int open_action(struct qun_work *w) {
  const struct qun_rulebook *b = w->in->book;
  for (uint32_t i = 0; i < b->rules.count; i++) {
    const struct qun_rule *r = &b->rules.at[i];
    if (r->kind != QUN_RULE_RECORD || !w->bound->rules[i] || strcmp(r->detector->name, "unacted") != 0 ||
        w->event->day < r->since)
      continue;
    int error = qun__population_add(w, r);
    if (error == 0) error = qun__clock_open(w, r, w->event->id, w->event->time_ms);
    if (error < 0) return error;
  }
  return 0;
}

static int keep_hits(struct qun_work *w, const struct qun_hits *hits) {
  bool banned = false;
  for (uint32_t i = 0; i < hits->count; i++) {
    const struct qun_hit *h = &hits->at[i];
    const struct qun_rule *r = &w->in->book->rules.at[h->rule];
    banned |= r->banned;
    int error = qun__finding_add(w, r, false, w->event->seq, h->start, h->end,
                                 h->pii     ? qun__pii_name(h->pii)
                                 : h->whole ? "missing"
                                            : "");
    if (error < 0) return error;
  }
  return banned ? open_action(w) : 0;
}

/* A send to one member, and the consent that it stood on. */
static int keep_send(struct qun_work *w) {
  struct qun_key k;
  struct qun_consent c;
  if (!w->member) return 0;
  int found = qun__consent_read(w, w->member, "marketing", &c);
  if (found < 0) return found;
  bool live =
      found && c.given_ms > 0 && c.withdrawn_ms < c.given_ms && (!c.expires_ms || c.expires_ms > w->event->time_ms);
  int64_t v[2] = {live ? c.seq : 0, w->is_ad};
  qun__count_one(w->counts, ST_SENDS);
  qun__key_begin(&k, "l/");
  qun__key_u64(&k, w->member);
  qun__key_u64(&k, w->event->seq);
  return qun__put_ints(w, &k, v, 2, w->member);
}

int qun__texts_apply(struct qun_work *w) {
  struct qun_text t;
  struct qun_hits hits; /* large: the scan sets what it uses */
  int has = qun__text_read(w, &t), error = 0;
  if (t.is_ad) error = audience_of(w, &t.audience);
  if (error < 0) return error;
  if (has) {
    count_text(w, &t);
    error = qun__scan(w->in->book->scanner, &t, &hits);
    if (error == 0 && hits.count) error = keep_hits(w, &hits);
  }
  if (error < 0 || !qun_slice_is(w->event->type, "message")) return error;
  if (!t.staff && !t.is_ad && !qun_mp_bool(w->data, "ai", 0)) return 0;
  error = qun__records_apply(w, w->event->type);
  int64_t to = qun_mp_int(w->data, "to", 0);
  if (error < 0 || !t.staff || (!t.is_ad && !to)) return error;
  w->member = to > 0 ? (uint64_t)to : 0;
  error = qun__records_apply(w, qun_str("send"));
  return error < 0 ? error : keep_send(w);
}

enum qun_verdict qun__verdict_of(const struct qun_rulebook *book, const struct qun_bound *b,
                                 const struct qun_hits *hits) {
  enum qun_verdict v = QUN_FINE;
  for (uint32_t i = 0; i < hits->count; i++) {
    const struct qun_rule *r = &book->rules.at[hits->at[i].rule];
    enum qun_verdict one = QUN_FINE;
    if (r->label_only)
      one = QUN_NEEDS_LABEL;
    else if (r->severity <= b->block_from)
      one = QUN_BLOCK;
    else if (r->severity <= b->person_from)
      one = QUN_NEEDS_PERSON;
    if (one > v) v = one;
  }
  return v;
}

static int emit_verdict(struct qun_work *w, enum qun_verdict v, const struct qun_hits *hits) {
  struct qun_pack p;
  char reason[400] = "";
  uint32_t n = 0, last = UINT32_MAX;
  qun_slice type = w->event->type, key = qun_mp_str(w->data, "key");
  const char *dot = memchr(type.ptr, '.', (size_t)type.len);
  qun_slice plugin = qun_slice_of(type.ptr, dot ? (size_t)(dot - (const char *)type.ptr) : 0);
  qun_pack_init(&p);
  qun_pack_map(&p, 5);
  qun_pack_kv_str(&p, "key", key);
  qun_pack_kv_str(&p, "plugin", plugin);
  qun_pack_kv_cstr(&p, "verdict", qun__verdict_name(v));
  qun_pack_cstr(&p, "rules");
  size_t at = qun_pack_open_array(&p);
  for (uint32_t i = 0; i < hits->count; i++) {
    if (hits->at[i].rule == last) continue;
    last = hits->at[i].rule;
    const char *id = w->in->book->rules.at[last].id;
    size_t len = strlen(reason);
    qun_pack_cstr(&p, id);
    if (len + strlen(id) + 3 < sizeof reason) snprintf(reason + len, sizeof reason - len, "%s%s", len ? ", " : "", id);
    n++;
  }
  qun_pack_close(&p, at, n);
  qun_pack_kv_cstr(&p, "reason", reason);
  struct qun_emit e = {.struct_size = sizeof e,
                       .type = qun_str("compliance.verdict"),
                       .subject = key,
                       .data = qun_pack_slice(&p)};
  int error = p.failed ? QUN_EFAIL : w->in->events->emit(w->in->host, w->ctx->tenant, &e);
  struct qun_key k;
  int64_t row[2] = {v, (int64_t)w->event->seq};
  qun__key_begin(&k, "w/");
  qun__key_text(&k, plugin);
  qun__key_text(&k, qun_str("/"));
  qun__key_text(&k, key);
  if (error == 0) error = qun__put_ints(w, &k, row, 2, 0);
  qun_pack_fini(&p);
  return error;
}

/* A draft that is held back breaks no rule: only what goes out leaves findings. */
int qun__gate_apply(struct qun_work *w) {
  struct qun_text t;
  struct qun_hits hits = {0};
  int has = qun__text_read(w, &t), error = audience_of(w, &t.audience);
  if (error == 0 && has) error = qun__scan(w->in->book->scanner, &t, &hits);
  struct qun_hits text_hits = hits;
  w->dry = true;
  w->blocked = &hits;
  if (error == 0) error = qun__records_apply(w, qun_str("send"));
  w->dry = false;
  if (error < 0) return error;
  enum qun_verdict v = qun__verdict_of(w->in->book, w->bound, &hits);
  if (v == QUN_FINE) {
    if (has) count_text(w, &t);
    error = keep_hits(w, &text_hits);
    if (error == 0) error = keep_send(w);
  }
  return error < 0 ? error : emit_verdict(w, v, &hits);
}
