/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the keyspace: keys are a letter, then ids and big-endian numbers; values are msgpack arrays. */
#include "engagement.h"

enum { KEY_MAX = ID_MAX + 16, PAGE = 64 };

/* ---- keys */

static size_t put_number(unsigned char *at, uint64_t v, unsigned bytes) {
  for (unsigned i = bytes; i > 0; i--, v >>= 8) at[i - 1] = (unsigned char)(v & 0xff);
  return bytes;
}

uint64_t key_number(qun_slice key, unsigned bytes) {
  const unsigned char *at = (const unsigned char *)key.ptr + key.len - bytes;
  uint64_t v = 0;
  for (unsigned i = 0; i < bytes; i++) v = v << 8 | at[i];
  return v;
}

static qun_slice number_key(unsigned char out[KEY_MAX], char kind, uint64_t number, unsigned bytes) {
  out[0] = (unsigned char)kind;
  return qun_slice_of(out, 1 + put_number(out + 1, number, bytes));
}

/* An id is at most ID_MAX bytes without NUL, so that the NUL behind it keeps draws apart. */
qun_slice draw_prefix(unsigned char out[ID_MAX + 2], char kind, qun_slice id) {
  out[0] = (unsigned char)kind;
  memcpy(out + 1, id.ptr, (size_t)id.len);
  out[1 + id.len] = 0;
  return qun_slice_of(out, (size_t)id.len + 2);
}

static qun_slice draw_key(unsigned char out[KEY_MAX], char kind, qun_slice id, uint64_t number, unsigned bytes) {
  size_t n = (size_t)draw_prefix(out, kind, id).len;
  return qun_slice_of(out, n + put_number(out + n, number, bytes));
}

/* ---- rows of numbers */

static int read_numbers(const struct call *c, qun_slice key, int64_t *numbers, uint32_t count) {
  struct qun_unpack u;
  qun_slice value;
  uint32_t n = 0;
  int rc = c->e->store->get(c->e->host, c->ctx->tenant, key, &value);
  if (rc == QUN_ENOTFOUND) return 0;
  if (rc < 0) return rc;
  qun_unpack_init(&u, value);
  if (!qun_unpack_array(&u, &n) || n != count)
    return refuse(c, QUN_EFAIL, "a row has another form than it was written with");
  for (uint32_t i = 0; i < count; i++) qun_unpack_int(&u, &numbers[i]);
  return 1;
}

static int write_numbers(const struct call *c, qun_slice key, const int64_t *numbers, uint32_t count, uint64_t owner) {
  struct qun_pack value;
  qun_pack_init(&value);
  qun_pack_array(&value, count);
  for (uint32_t i = 0; i < count; i++) qun_pack_int(&value, numbers[i]);
  int rc = value.failed ? QUN_EFAIL : c->e->store->put(c->e->host, c->ctx->tenant, key, qun_pack_slice(&value), owner);
  qun_pack_fini(&value);
  return rc;
}

int member_get(const struct call *c, uint64_t member, struct member *m) {
  unsigned char key[KEY_MAX];
  int64_t n[9] = {0};
  int rc = read_numbers(c, number_key(key, 'm', member, 8), n, 9);
  *m = (struct member){.earned = n[0],
                       .spent = n[1],
                       .level = n[2],
                       .streak = n[3],
                       .best = n[4],
                       .last_checkin = n[5],
                       .day = n[6],
                       .day_points = n[7],
                       .checkins = n[8]};
  if (rc == 0) m->last_checkin = m->day = INT32_MIN;
  return rc;
}

int member_put(const struct call *c, uint64_t member, const struct member *m) {
  unsigned char key[KEY_MAX];
  const int64_t n[] = {m->earned,       m->spent, m->level,      m->streak,  m->best,
                       m->last_checkin, m->day,   m->day_points, m->checkins};
  return write_numbers(c, number_key(key, 'm', member, 8), n, 9, member);
}

int day_get(const struct call *c, int32_t day, struct day *d) {
  unsigned char key[KEY_MAX];
  int64_t n[4] = {0};
  int rc = read_numbers(c, number_key(key, 's', (uint32_t)day ^ 0x80000000u, 4), n, 4);
  *d = (struct day){n[0], n[1], n[2], n[3]};
  return rc;
}

int day_put(const struct call *c, int32_t day, const struct day *d) {
  unsigned char key[KEY_MAX];
  const int64_t n[] = {d->active, d->checkins, d->earned, d->spent};
  return write_numbers(c, number_key(key, 's', (uint32_t)day ^ 0x80000000u, 4), n, 4, 0);
}

/* ---- draws */

static void take_bytes(struct qun_unpack *u, unsigned char out[32]) {
  qun_slice bytes;
  if (qun_unpack_bin(u, &bytes) && bytes.len == 32) memcpy(out, bytes.ptr, 32);
}

int draw_get(const struct call *c, qun_slice id, struct draw *d) {
  unsigned char key[KEY_MAX];
  struct qun_unpack u;
  qun_slice value;
  uint32_t n = 0;
  memset(d, 0, sizeof *d);
  int rc = c->e->store->get(c->e->host, c->ctx->tenant, draw_prefix(key, 'd', id), &value);
  if (rc < 0) return rc == QUN_ENOTFOUND ? 0 : rc;
  qun_unpack_init(&u, value);
  if (!qun_unpack_array(&u, &n) || n != 10)
    return refuse(c, QUN_EFAIL, "a draw has another form than it was written with");
  take_bytes(&u, d->commitment);
  take_bytes(&u, d->seed);
  take_bytes(&u, d->entries_hash);
  int64_t *numbers[] = {&d->prizes, &d->closes, &d->cost, &d->level, &d->entries, &d->state, &d->winners};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) qun_unpack_int(&u, numbers[i]);
  return 1;
}

int draw_put(const struct call *c, qun_slice id, const struct draw *d) {
  unsigned char key[KEY_MAX];
  struct qun_pack value;
  const int64_t numbers[] = {d->prizes, d->closes, d->cost, d->level, d->entries, d->state, d->winners};
  qun_pack_init(&value);
  qun_pack_array(&value, 10);
  qun_pack_bin(&value, qun_slice_of(d->commitment, 32));
  qun_pack_bin(&value, qun_slice_of(d->seed, 32));
  qun_pack_bin(&value, qun_slice_of(d->entries_hash, 32));
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) qun_pack_int(&value, numbers[i]);
  int rc = value.failed
               ? QUN_EFAIL
               : c->e->store->put(c->e->host, c->ctx->tenant, draw_prefix(key, 'd', id), qun_pack_slice(&value), 0);
  qun_pack_fini(&value);
  return rc;
}

int entry_put(const struct call *c, qun_slice id, uint64_t member, qun_slice words) {
  unsigned char key[KEY_MAX];
  return c->e->store->put(c->e->host, c->ctx->tenant, draw_key(key, 'e', id, member, 8), words, member);
}

int entry_has(const struct call *c, qun_slice id, uint64_t member) {
  unsigned char key[KEY_MAX];
  qun_slice value;
  return c->e->store->get(c->e->host, c->ctx->tenant, draw_key(key, 'e', id, member, 8), &value) == 0;
}

int winner_put(const struct call *c, qun_slice id, uint32_t place, uint64_t member) {
  unsigned char key[KEY_MAX];
  const int64_t n[] = {(int64_t)member};
  return write_numbers(c, draw_key(key, 'w', id, place, 4), n, 1, member);
}

int rows_each(const struct call *c, qun_slice prefix, each_row each, void *arg) {
  struct qun_pair pairs[PAGE];
  unsigned char last[KEY_MAX];
  qun_slice after = {NULL, 0};
  uint32_t count = PAGE;
  int rc = 0;
  while (rc >= 0 && count == PAGE) {
    rc = c->e->store->scan(c->e->host, c->ctx->tenant, prefix, after, pairs, PAGE, &count);
    for (uint32_t i = 0; rc >= 0 && i < count; i++) rc = each(arg, pairs[i].key, pairs[i].value);
    if (rc >= 0 && count == PAGE) {
      if (pairs[PAGE - 1].key.len > sizeof last) return refuse(c, QUN_EFAIL, "a key is longer than it was written");
      memcpy(last, pairs[PAGE - 1].key.ptr, (size_t)pairs[PAGE - 1].key.len);
      after = qun_slice_of(last, (size_t)pairs[PAGE - 1].key.len);
    }
  }
  return rc;
}
