/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings. A row f/RULE/SEQ START is an array: fact, state, time_ms, end, member, group, note, reason, person. Its
 * existence is what keeps an event compliance.finding from being emitted twice.
 */
#include "core.h"

#include <stdio.h>
#include <stdlib.h>

void qun__finding_prefix(const struct qun_rule *r, struct qun_key *key) {
  qun__key_begin(key, "f/");
  qun__key_text(key, qun_str(r->id));
  qun__key_text(key, qun_str("/"));
}

static void key_of(const struct qun_rule *r, uint64_t seq, uint32_t start, struct qun_key *key) {
  qun__finding_prefix(r, key);
  qun__key_u64(key, seq);
  qun__key_u32(key, start);
}

void qun__finding_id(const struct qun_rule *r, const struct qun_finding *f, char *buf, size_t cap) {
  snprintf(buf, cap, "%s:%llu:%u", r->id, (unsigned long long)f->seq, f->start);
}

static int write_row(struct qun_work *w, const struct qun_key *key, const struct qun_finding *f) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_array(&p, 9);
  qun_pack_int(&p, f->fact);
  qun_pack_int(&p, f->state);
  qun_pack_int(&p, f->time_ms);
  qun_pack_int(&p, f->end);
  qun_pack_uint(&p, f->member);
  qun_pack_str(&p, f->group);
  qun_pack_str(&p, f->note);
  qun_pack_str(&p, f->reason);
  qun_pack_str(&p, f->person);
  int error = qun__put(w, key, &p, f->member);
  qun_pack_fini(&p);
  return error;
}

int qun__finding_read(qun_slice key, qun_slice value, const struct qun_rule *r, struct qun_finding *f) {
  struct qun_unpack u;
  uint32_t n;
  int64_t fact, state, end, member;
  size_t head = 2 + strlen(r->id) + 1;
  memset(f, 0, sizeof *f);
  if (key.len != head + 12) return QUN_EFAIL;
  const unsigned char *at = (const unsigned char *)key.ptr + head;
  f->seq = qun__get_be(at, 8);
  f->start = (uint32_t)qun__get_be(at + 8, 4);
  qun_unpack_init(&u, value);
  if (!qun_unpack_array(&u, &n) || n < 9 || !qun_unpack_int(&u, &fact) || !qun_unpack_int(&u, &state) ||
      !qun_unpack_int(&u, &f->time_ms) || !qun_unpack_int(&u, &end) || !qun_unpack_int(&u, &member) ||
      !qun_unpack_str(&u, &f->group) || !qun_unpack_str(&u, &f->note) || !qun_unpack_str(&u, &f->reason) ||
      !qun_unpack_str(&u, &f->person))
    return QUN_EFAIL;
  f->fact = fact != 0;
  f->state = (enum qun_finding_state)state;
  f->end = (uint32_t)end;
  f->member = (uint64_t)member;
  return 0;
}

static int emit_finding(struct qun_work *w, const struct qun_rule *r, const struct qun_finding *f) {
  char id[160];
  struct qun_pack p;
  qun__finding_id(r, f, id, sizeof id);
  qun_pack_init(&p);
  qun_pack_map(&p, 9);
  qun_pack_kv_cstr(&p, "finding", id);
  qun_pack_kv_cstr(&p, "rule", r->id);
  qun_pack_kv_cstr(&p, "law", r->law ? r->law : r->pack->law.en);
  qun_pack_kv_cstr(&p, "article", r->article);
  qun_pack_kv_int(&p, "severity", r->severity);
  qun_pack_kv_cstr(&p, "certainty", f->fact ? "fact" : "candidate");
  qun_pack_kv_int(&p, "evidence", (int64_t)f->seq);
  qun_pack_kv_int(&p, "start", f->start);
  qun_pack_kv_int(&p, "end", f->end);
  struct qun_emit e = {.struct_size = sizeof e,
                       .member = f->member,
                       .type = qun_str("compliance.finding"),
                       .subject = qun_str(r->id),
                       .group = f->group,
                       .data = qun_pack_slice(&p)};
  int error = p.failed ? QUN_EFAIL : w->in->events->emit(w->in->host, w->ctx->tenant, &e);
  qun_pack_fini(&p);
  return error;
}

/* 1 if the rule has a finding on this evidence at any place. */
static int any_on(struct qun_work *w, const struct qun_rule *r, uint64_t seq) {
  struct qun_key key;
  struct qun_pair pair;
  uint32_t n = 0;
  qun__finding_prefix(r, &key);
  qun__key_u64(&key, seq);
  int error =
      w->in->store->scan(w->in->host, w->ctx->tenant, qun__key_slice(&key), qun_slice_of(NULL, 0), &pair, 1, &n);
  return error < 0 ? error : n > 0;
}

int qun__finding_add(struct qun_work *w, const struct qun_rule *r, bool fact, uint64_t seq, uint32_t start,
                     uint32_t end, const char *note) {
  struct qun_key key;
  qun_slice row;
  if (w->dry) {
    if (w->blocked->count < QUN_HITS_MAX)
      w->blocked->at[w->blocked->count++] = (struct qun_hit){.rule = r->index, .whole = true};
    return 0;
  }
  key_of(r, seq, start, &key);
  int error = qun__get(w, &key, &row);
  if (error != 0) return error < 0 ? error : 0;
  int before = any_on(w, r, seq);
  if (before < 0) return before;
  struct qun_finding f = {.seq = seq,
                          .member = w->member,
                          .start = start,
                          .end = end,
                          .fact = fact,
                          .note = qun_str(note),
                          .time_ms = w->event ? w->event->time_ms : w->ctx->clock_ms};
  if (w->event) f.group = w->event->group;
  error = write_row(w, &key, &f);
  int32_t day = w->event ? w->event->day : w->ctx->clock_day;
  if (error < 0 || before || r->severity > 2 || day < r->since) return error;
  return emit_finding(w, r, &f);
}

int qun__finding_locate(struct qun_work *w, qun_slice id, const struct qun_rule **rule, struct qun_key *key) {
  char text[200], *seq_at, *start_at, *end;
  if (id.len == 0 || id.len >= sizeof text) return QUN_EINVAL;
  memcpy(text, id.ptr, (size_t)id.len);
  text[id.len] = 0;
  start_at = strrchr(text, ':');
  if (!start_at) return QUN_EINVAL;
  *start_at++ = 0;
  seq_at = strrchr(text, ':');
  if (!seq_at) return QUN_EINVAL;
  *seq_at++ = 0;
  unsigned long long seq = strtoull(seq_at, &end, 10);
  if (end == seq_at || *end) return QUN_EINVAL;
  unsigned long start = strtoul(start_at, &end, 10);
  if (end == start_at || *end || start > UINT32_MAX) return QUN_EINVAL;
  const struct qun_rule *r = qun__rulebook_find(w->in->book, qun_str(text));
  if (!r) return QUN_ENOTFOUND;
  qun_slice row;
  key_of(r, seq, (uint32_t)start, key);
  int found = qun__get(w, key, &row);
  if (found <= 0) return found < 0 ? found : QUN_ENOTFOUND;
  *rule = r;
  return 0;
}

int qun__finding_close(struct qun_work *w, enum qun_finding_state state) {
  const struct qun_rule *r;
  struct qun_key key;
  struct qun_finding f;
  qun_slice row;
  int error = qun__finding_locate(w, qun_mp_str(w->data, "finding"), &r, &key);
  if (error == QUN_ENOTFOUND || error == QUN_EINVAL) return 0; /* erased meanwhile */
  if (error < 0) return error;
  error = qun__get(w, &key, &row);
  if (error <= 0) return error;
  error = qun__finding_read(qun__key_slice(&key), row, r, &f);
  if (error < 0) return error;
  f.state = state;
  f.reason = qun_mp_str(w->data, "reason");
  f.person = qun_mp_str(w->data, "person");
  return write_row(w, &key, &f);
}
