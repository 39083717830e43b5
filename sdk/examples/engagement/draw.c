/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prize draws that anybody can recompute (catalogue row C31); README.md has the formulas. The seed is committed to before anybody enters, the entries
 * are fixed and hashed before the seed is shown, and the winners follow from both.
 */
#include "engagement.h"

#include <sodium.h>
#include <stdio.h>

static int is_id(qun_slice id) {
  return id.len > 0 && id.len <= ID_MAX && !memchr(id.ptr, 0, (size_t)id.len);
}

static int read_hex(unsigned char out[32], qun_slice text) {
  size_t n = 0;
  return text.len == 64 && sodium_hex2bin(out, 32, (const char *)text.ptr, 64, NULL, &n, NULL) == 0 && n == 32;
}

static void pack_hex(struct qun_pack *p, const char *key, const unsigned char bytes[32]) {
  char hex[65];
  qun_pack_kv_cstr(p, key, sodium_bin2hex(hex, sizeof hex, bytes, 32));
}

/* ---- the hash of the entries: for each, by member's number, 8 bytes number, 1 byte length of the words, the words */

struct hashing {
  crypto_hash_sha256_state state;
  int64_t count;
};

static int hash_entry(void *arg, qun_slice key, qun_slice value) {
  struct hashing *h = (struct hashing *)arg;
  unsigned char head[9];
  memcpy(head, (const unsigned char *)key.ptr + key.len - 8, 8);
  head[8] = (unsigned char)value.len;
  crypto_hash_sha256_update(&h->state, head, sizeof head);
  crypto_hash_sha256_update(&h->state, (const unsigned char *)value.ptr, value.len);
  h->count++;
  return 0;
}

static int hash_entries(const struct call *c, qun_slice id, struct hashing *h, unsigned char out[32]) {
  unsigned char prefix[ID_MAX + 2];
  h->count = 0;
  crypto_hash_sha256_init(&h->state);
  int rc = rows_each(c, draw_prefix(prefix, 'e', id), hash_entry, h);
  crypto_hash_sha256_final(&h->state, out);
  return rc;
}

/* ---- choosing: numbers from SHA-256(draw hash, counter), each value below n equally likely */

struct chooser {
  unsigned char hash[32];
  uint32_t counter;
};

static uint64_t next_number(struct chooser *ch) {
  unsigned char in[36], out[32];
  uint64_t v = 0;
  memcpy(in, ch->hash, 32);
  for (unsigned i = 0; i < 4; i++) in[32 + i] = (unsigned char)(ch->counter >> (24 - 8 * i) & 0xff);
  ch->counter++;
  crypto_hash_sha256(out, in, sizeof in);
  for (unsigned i = 0; i < 8; i++) v = v << 8 | out[i];
  return v;
}

static uint64_t below(struct chooser *ch, uint64_t n) {
  uint64_t limit = UINT64_MAX - UINT64_MAX % n, v;
  do v = next_number(ch);
  while (v >= limit);
  return v % n;
}

static void draw_hash(unsigned char out[32], const struct draw *d) {
  static const unsigned char name[] = "qun-draw/1";
  crypto_hash_sha256_state s;
  crypto_hash_sha256_init(&s);
  crypto_hash_sha256_update(&s, name, sizeof name - 1);
  crypto_hash_sha256_update(&s, d->seed, 32);
  crypto_hash_sha256_update(&s, d->entries_hash, 32);
  crypto_hash_sha256_final(&s, out);
}

struct list {
  uint64_t *members;
  int64_t count, cap;
};

static int take_entry(void *arg, qun_slice key, qun_slice value) {
  struct list *l = (struct list *)arg;
  (void)value;
  if (l->count < l->cap) l->members[l->count++] = key_number(key, 8);
  return 0;
}

static int tell_winner(const struct call *c, qun_slice id, uint64_t member, uint32_t place) {
  struct qun_pack data;
  qun_pack_init(&data);
  qun_pack_map(&data, 1);
  qun_pack_kv_int(&data, "place", place);
  int rc = winner_put(c, id, place, member);
  if (rc >= 0) rc = emit(c, "engagement.draw.won", member, id, &data);
  qun_pack_fini(&data);
  return rc;
}

/* Fisher and Yates from the front: the first `prizes` of a shuffle of all entries. */
static int choose(const struct call *c, qun_slice id, struct draw *d) {
  unsigned char prefix[ID_MAX + 2];
  struct chooser ch = {.counter = 0};
  struct list l = {.cap = d->entries, .members = (uint64_t *)calloc((size_t)d->entries + 1, sizeof(uint64_t))};
  if (!l.members) return refuse(c, QUN_EFAIL, "out of memory");
  int rc = rows_each(c, draw_prefix(prefix, 'e', id), take_entry, &l);
  draw_hash(ch.hash, d);
  d->winners = d->prizes < l.count ? d->prizes : l.count;
  for (int64_t i = 0; rc >= 0 && i < d->winners; i++) {
    int64_t j = i + (int64_t)below(&ch, (uint64_t)(l.count - i));
    uint64_t member = l.members[j];
    l.members[j] = l.members[i];
    rc = tell_winner(c, id, member, (uint32_t)i + 1);
  }
  free(l.members);
  return rc;
}

/* ---- the life of a draw */

static int on_opened(const struct call *c, const struct qun_event *event) {
  struct draw d, old;
  char name[ID_MAX + 8];
  int n = snprintf(name, sizeof name, "%.*s", (int)event->subject.len, (const char *)event->subject.ptr);
  memset(&d, 0, sizeof d);
  int rc = draw_get(c, event->subject, &old);
  if (rc < 0) return rc;
  if (rc > 0) return refuse(c, QUN_ECONFLICT, "there is a draw of this id already");
  d.prizes = qun_mp_int(event->data, "prizes", 0);
  d.closes = qun_mp_int(event->data, "closes", 0);
  d.cost = qun_mp_int(event->data, "cost", 0);
  d.level = qun_mp_int(event->data, "level", 0);
  d.state = DRAW_OPEN;
  if (!read_hex(d.commitment, qun_mp_str(event->data, "commitment")))
    return refuse(c, QUN_EINVAL, "commitment must be 64 hexadecimal digits: the SHA-256 of the seed");
  if (d.prizes < 1 || d.prizes > PRIZES_MAX) return refuse(c, QUN_EINVAL, "a draw has 1 to 1000 prizes");
  if (d.cost < 0 || d.level < 0) return refuse(c, QUN_EINVAL, "cost and level must not be negative");
  if (d.closes <= c->ctx->clock_ms) return refuse(c, QUN_EINVAL, "closes must lie ahead");
  rc = c->e->timer->set(c->e->host, c->ctx->tenant, qun_slice_of(name, (size_t)n), d.closes, event->subject);
  return rc >= 0 ? draw_put(c, event->subject, &d) : rc;
}

static int on_entered(const struct call *c, const struct qun_event *event) {
  qun_slice words = qun_mp_str(event->data, "words");
  struct draw d;
  struct member m;
  int rc = draw_get(c, event->subject, &d);
  if (rc >= 0 && event->member) rc = rc ? member_get(c, event->member, &m) >= 0 : 0;
  if (rc < 0) return rc;
  if (rc == 0 || event->member == 0) return refuse(c, QUN_EINVAL, "an entry is a member's, for a draw that was opened");
  if (d.state != DRAW_OPEN || c->ctx->clock_ms >= d.closes) return refuse(c, QUN_EINVAL, "the draw is closed");
  if (words.len > WORDS_MAX) return refuse(c, QUN_EINVAL, "words have at most 200 bytes");
  if (m.level < d.level) return refuse(c, QUN_EINVAL, "the member's level is too low for this draw");
  if (entry_has(c, event->subject, event->member)) return refuse(c, QUN_ECONFLICT, "the member has entered already");
  if (d.entries >= ENTRIES_MAX) return refuse(c, QUN_EQUOTA, "a draw has at most 1000000 entries");
  rc = points_spend(c, event->member, event->day, d.cost);
  if (rc >= 0) rc = entry_put(c, event->subject, event->member, words);
  d.entries++;
  return rc >= 0 ? draw_put(c, event->subject, &d) : rc;
}

static int on_revealed(const struct call *c, const struct qun_event *event) {
  unsigned char sum[32];
  struct draw d;
  struct qun_pack data;
  int rc = draw_get(c, event->subject, &d);
  if (rc < 0) return rc;
  if (rc == 0) return refuse(c, QUN_EINVAL, "no draw of this id was opened");
  if (d.state == DRAW_OPEN) return refuse(c, QUN_EINVAL, "the draw is still open: the seed is shown after it closed");
  if (d.state == DRAW_DRAWN) return refuse(c, QUN_ECONFLICT, "the draw is decided already");
  if (!read_hex(d.seed, qun_mp_str(event->data, "seed")))
    return refuse(c, QUN_EINVAL, "seed must be 64 hexadecimal digits");
  crypto_hash_sha256(sum, d.seed, 32);
  if (memcmp(sum, d.commitment, 32) != 0)
    return refuse(c, QUN_EINVAL, "this seed is not the one that was committed to");
  d.state = DRAW_DRAWN;
  rc = choose(c, event->subject, &d);
  if (rc >= 0) rc = draw_put(c, event->subject, &d);
  if (rc < 0) return rc;
  draw_hash(sum, &d);
  qun_pack_init(&data);
  qun_pack_map(&data, 3);
  qun_pack_kv_int(&data, "entries", d.entries);
  qun_pack_kv_int(&data, "winners", d.winners);
  pack_hex(&data, "draw_hash", sum);
  rc = emit(c, "engagement.draw.drawn", 0, event->subject, &data);
  qun_pack_fini(&data);
  return rc;
}

int draw_on_event(const struct call *c, const struct qun_event *event) {
  if (!is_id(event->subject)) return refuse(c, QUN_EINVAL, "the subject must be the draw's id, 1 to 64 bytes");
  if (qun_slice_is(event->type, "engagement.draw.opened")) return on_opened(c, event);
  if (qun_slice_is(event->type, "engagement.draw.entered")) return on_entered(c, event);
  return on_revealed(c, event);
}

/* The entries are fixed: what follows is decided by them and by a seed that was chosen before the first. */
int draw_on_timer(const struct call *c, const struct qun_timer *timer) {
  struct hashing h;
  struct draw d;
  struct qun_pack data;
  int rc = draw_get(c, timer->data, &d);
  if (rc <= 0 || d.state != DRAW_OPEN) return rc < 0 ? rc : 0;
  rc = hash_entries(c, timer->data, &h, d.entries_hash);
  d.entries = h.count; /* less than came in if a member was erased meanwhile */
  d.state = DRAW_CLOSED;
  if (rc >= 0) rc = draw_put(c, timer->data, &d);
  if (rc < 0) return rc;
  qun_pack_init(&data);
  qun_pack_map(&data, 2);
  qun_pack_kv_int(&data, "entries", d.entries);
  pack_hex(&data, "entries_hash", d.entries_hash);
  rc = emit(c, "engagement.draw.closed", 0, timer->data, &data);
  qun_pack_fini(&data);
  return rc;
}

/* ---- engagement.draw: all that is needed to recompute it */

struct writing {
  struct qun_pack *out;
  uint32_t count;
};

static int write_entry(void *arg, qun_slice key, qun_slice value) {
  struct writing *w = (struct writing *)arg;
  qun_pack_map(w->out, 2);
  qun_pack_kv_int(w->out, "member", (int64_t)key_number(key, 8));
  qun_pack_kv_str(w->out, "words", value);
  w->count++;
  return 0;
}

static int write_winner(void *arg, qun_slice key, qun_slice value) {
  struct writing *w = (struct writing *)arg;
  struct qun_unpack u;
  uint32_t n;
  int64_t member = 0;
  (void)key;
  qun_unpack_init(&u, value);
  if (qun_unpack_array(&u, &n)) qun_unpack_int(&u, &member);
  qun_pack_int(w->out, member);
  w->count++;
  return 0;
}

static int write_rows(const struct call *c, struct qun_pack *out, const char *name, char kind, qun_slice id,
                      each_row each) {
  unsigned char prefix[ID_MAX + 2];
  struct writing w = {out, 0};
  qun_pack_cstr(out, name);
  size_t at = qun_pack_open_array(out);
  int rc = rows_each(c, draw_prefix(prefix, kind, id), each, &w);
  qun_pack_close(out, at, w.count);
  return rc;
}

int draw_answer(const struct call *c, const struct qun_request *request) {
  static const char *const states[] = {"", "open", "closed", "drawn"};
  static const unsigned char hidden[32] = {0};
  qun_slice id = qun_mp_str(request->params, "id");
  struct draw d;
  struct qun_pack body;
  int rc = is_id(id) ? draw_get(c, id, &d) : 0;
  if (rc < 0) return rc;
  if (rc == 0) return refuse(c, QUN_ENOTFOUND, "no draw of this id was opened");
  qun_pack_init(&body);
  qun_pack_map(&body, 9);
  qun_pack_kv_str(&body, "id", id);
  qun_pack_kv_cstr(&body, "state", states[d.state]);
  qun_pack_kv_int(&body, "prizes", d.prizes);
  qun_pack_kv_int(&body, "closes", d.closes);
  pack_hex(&body, "commitment", d.commitment);
  pack_hex(&body, "seed", d.state == DRAW_DRAWN ? d.seed : hidden);
  pack_hex(&body, "entries_hash", d.entries_hash);
  rc = write_rows(c, &body, "entries", 'e', id, write_entry);
  if (rc >= 0) rc = write_rows(c, &body, "winners", 'w', id, write_winner);
  if (rc >= 0) rc = answer(c, request, &body);
  qun_pack_fini(&body);
  return rc;
}
