/* SPDX-License-Identifier: Apache-2.0 */
#include "content.h"

#include <endian.h>
#include <string.h>

const char *const qun__kind_names[QUN_KINDS] = {"practical", "interactive", "emotional", "ad", "service", "ugc"};
const char *const qun__state_names[QUN_STATES] = {"topic",     "make",      "review", "ready",   "scheduled",
                                                  "published", "evaluated", "failed", "blocked", "dropped"};

static int name_place(qun_slice name, const char *const *names, int count) {
  for (int i = 0; i < count; i++) {
    if (qun_slice_is(name, names[i])) return i;
  }
  return -1;
}

int qun__kind_of(qun_slice name) {
  return name_place(name, qun__kind_names, QUN_KINDS);
}

int qun__state_of(qun_slice name) {
  return name_place(name, qun__state_names, QUN_STATES);
}

/* ---- keys */

struct key {
  char *buf;
  size_t len;
  bool over;
};

static void add(struct key *k, const void *bytes, uint64_t len) {
  if (k->over || len > QUN_KEY_MAX - k->len) {
    k->over = true;
    return;
  }
  if (len) memcpy(k->buf + k->len, bytes, (size_t)len);
  k->len += (size_t)len;
}

static void add_time(struct key *k, int64_t ms) {
  uint64_t be = htobe64((uint64_t)ms ^ (1ull << 63));
  add(k, &be, 8);
}

static qun_slice key_end(const struct key *k) {
  return k->over ? qun_slice_of(NULL, 0) : qun_slice_of(k->buf, k->len);
}

qun_slice qun__post_key(char *buf, char prefix, qun_slice group, qun_slice message) {
  struct key k = {.buf = buf};
  add(&k, &prefix, 1);
  add(&k, group.ptr, group.len);
  add(&k, "", 1);
  add(&k, message.ptr, message.len);
  return key_end(&k);
}

qun_slice qun__text_key(char *buf, char prefix, qun_slice text) {
  struct key k = {.buf = buf};
  add(&k, &prefix, 1);
  add(&k, text.ptr, text.len);
  return key_end(&k);
}

qun_slice qun__day_key(char *buf, char prefix, int32_t day, qun_slice text) {
  struct key k = {.buf = buf};
  uint32_t be = htobe32((uint32_t)day ^ (1u << 31));
  add(&k, &prefix, 1);
  add(&k, &be, 4);
  add(&k, text.ptr, text.len);
  return key_end(&k);
}

qun_slice qun__time_key(char *buf, char prefix, int64_t ms, qun_slice text) {
  struct key k = {.buf = buf};
  add(&k, &prefix, 1);
  add_time(&k, ms);
  add(&k, text.ptr, text.len);
  return key_end(&k);
}

qun_slice qun__quota_key(char *buf, qun_slice account, int64_t ms, qun_slice item) {
  struct key k = {.buf = buf};
  add(&k, "q", 1);
  add(&k, account.ptr, account.len);
  add(&k, "", 1);
  add_time(&k, ms);
  add(&k, item.ptr, item.len);
  return key_end(&k);
}

int64_t qun__key_time(qun_slice key, size_t skip) {
  uint64_t be = 0;
  if (key.len >= skip + 8) memcpy(&be, (const char *)key.ptr + skip, 8);
  return (int64_t)(be64toh(be) ^ (1ull << 63));
}

int32_t qun__key_day(qun_slice key, size_t skip) {
  uint32_t be = 0;
  if (key.len >= skip + 4) memcpy(&be, (const char *)key.ptr + skip, 4);
  return (int32_t)(be32toh(be) ^ (1u << 31));
}

/* ---- the store */

int qun__get(struct qun__content *self, qun_handle tenant, qun_slice key, qun_slice *value) {
  if (key.len == 0) return QUN_ENOTFOUND;
  return self->store->get(self->host, tenant, key, value);
}

int qun__put(struct qun__content *self, qun_handle tenant, qun_slice key, qun_slice value) {
  int error;
  if (key.len == 0) return qun__refuse(self, QUN_EINVAL, "an id is too long");
  error = self->store->put(self->host, tenant, key, value, 0);
  return error < 0 ? error : 0;
}

int qun__del(struct qun__content *self, qun_handle tenant, qun_slice key) {
  int error = key.len ? self->store->del(self->host, tenant, key) : 0;
  return error < 0 ? error : 0;
}

/* ---- posts: fixed rows, so that a reaction costs one get and one put and no memory */

static void write32(unsigned char *at, uint32_t v) {
  v = htole32(v);
  memcpy(at, &v, 4);
}

static uint32_t read32(const unsigned char *at) {
  uint32_t v;
  memcpy(&v, at, 4);
  return le32toh(v);
}

void qun__post_decode(struct qun__post *post, qun_slice value) {
  const unsigned char *at = value.ptr;
  uint64_t time;
  memset(post, 0, sizeof *post);
  if (value.len != QUN_POST_ROW && value.len != QUN_POST_FRESH) return;
  memcpy(&time, at, 8);
  post->time_ms = (int64_t)le64toh(time);
  post->day = (int32_t)read32(at + 8);
  post->minute = (uint16_t)(at[12] | at[13] << 8);
  post->kind = at[14];
  post->flags = at[15];
  if (value.len == QUN_POST_FRESH) return;
  post->agrees = read32(at + 16);
  post->passes = read32(at + 20);
  post->disagrees = read32(at + 24);
  post->reactions = read32(at + 28);
  post->replies = read32(at + 32);
  post->reads = read32(at + 36);
  post->shares = read32(at + 40);
  post->clicks = read32(at + 44);
}

int qun__post_get(struct qun__content *self, qun_handle tenant, qun_slice key, struct qun__post *post, bool *found) {
  qun_slice value;
  int error = qun__get(self, tenant, key, &value);
  *found = error >= 0;
  if (*found)
    qun__post_decode(post, value);
  else
    memset(post, 0, sizeof *post);
  return error >= 0 || error == QUN_ENOTFOUND ? 0 : error;
}

int qun__post_put(struct qun__content *self, qun_handle tenant, qun_slice key, const struct qun__post *post) {
  unsigned char row[QUN_POST_ROW] = {0};
  uint64_t time = htole64((uint64_t)post->time_ms);
  memcpy(row, &time, 8);
  write32(row + 8, (uint32_t)post->day);
  row[12] = (unsigned char)(post->minute & 0xff);
  row[13] = (unsigned char)(post->minute >> 8);
  row[14] = post->kind;
  row[15] = post->flags;
  write32(row + 16, post->agrees);
  write32(row + 20, post->passes);
  write32(row + 24, post->disagrees);
  write32(row + 28, post->reactions);
  write32(row + 32, post->replies);
  write32(row + 36, post->reads);
  write32(row + 40, post->shares);
  write32(row + 44, post->clicks);
  static const unsigned char none[QUN_POST_ROW - QUN_POST_FRESH] = {0};
  bool fresh = memcmp(row + QUN_POST_FRESH, none, sizeof none) == 0; /* most posts: their rows cost a third less */
  return qun__put(self, tenant, key, qun_slice_of(row, fresh ? QUN_POST_FRESH : QUN_POST_ROW));
}

/* ---- days */

void qun__day_decode(struct qun__day *day, qun_slice value) {
  const unsigned char *at = value.ptr;
  memset(day, 0, sizeof *day);
  if (value.len != QUN_DAY_ROW) return;
  for (int i = 0; i < QUN_KINDS; i++, at += 4) day->published[i] = read32(at);
  day->posts = read32(at);
  day->ads = read32(at + 4);
  day->quality = read32(at + 8);
  day->answers = read32(at + 12);
  day->too_many = read32(at + 16);
}

int qun__day_get(struct qun__content *self, qun_handle tenant, int32_t day, struct qun__day *out) {
  char key[QUN_KEY_MAX];
  qun_slice value = qun_slice_of(NULL, 0);
  int error = qun__get(self, tenant, qun__day_key(key, 'd', day, value), &value);
  if (error < 0 && error != QUN_ENOTFOUND) return error;
  qun__day_decode(out, error < 0 ? qun_slice_of(NULL, 0) : value);
  return 0;
}

int qun__day_put(struct qun__content *self, qun_handle tenant, int32_t day, const struct qun__day *in) {
  char key[QUN_KEY_MAX];
  unsigned char row[QUN_DAY_ROW], *at = row;
  for (int i = 0; i < QUN_KINDS; i++, at += 4) write32(at, in->published[i]);
  write32(at, in->posts);
  write32(at + 4, in->ads);
  write32(at + 8, in->quality);
  write32(at + 12, in->answers);
  write32(at + 16, in->too_many);
  return qun__put(self, tenant, qun__day_key(key, 'd', day, qun_slice_of(NULL, 0)), qun_slice_of(row, sizeof row));
}

/* ---- items */

enum { ITEM_FIELDS = 19 };

bool qun__item_decode(struct qun__item *item, qun_slice id, qun_slice value) {
  struct qun_unpack u;
  uint32_t n;
  int64_t state, kind;
  int is_ad;
  *item = (struct qun__item){.id = id};
  qun_unpack_init(&u, value);
  if (!qun_unpack_array(&u, &n) || n != ITEM_FIELDS || !qun_unpack_int(&u, &state) || !qun_unpack_int(&u, &kind) ||
      !qun_unpack_bool(&u, &is_ad) || state < 0 || state >= QUN_STATES || kind < 0 || kind >= QUN_KINDS)
    return false;
  item->state = (enum qun__state)state;
  item->kind = (enum qun__kind)kind;
  item->is_ad = is_ad != 0;
  return qun_unpack_str(&u, &item->title) && qun_unpack_str(&u, &item->body) && qun_unpack_str(&u, &item->account) &&
         qun_unpack_str(&u, &item->label) && qun_unpack_str(&u, &item->category) && qun_unpack_str(&u, &item->reason) &&
         qun_unpack_str(&u, &item->verdict) && qun_unpack_str(&u, &item->outbox_key) &&
         qun_unpack_int(&u, &item->score) && qun_unpack_int(&u, &item->findings) &&
         qun_unpack_int(&u, &item->created_ms) && qun_unpack_int(&u, &item->changed_ms) &&
         qun_unpack_int(&u, &item->asked_ms) && qun_unpack_int(&u, &item->planned_ms) &&
         qun_unpack_int(&u, &item->published_ms) && qun_unpack_int(&u, &item->attempts);
}

int qun__item_get(struct qun__content *self, qun_handle tenant, qun_slice id, struct qun__item *item) {
  char key[QUN_KEY_MAX];
  qun_slice value;
  int error = qun__get(self, tenant, qun__text_key(key, 'i', id), &value);
  if (error < 0) return error;
  return qun__item_decode(item, id, value) ? 0 : qun__refuse(self, QUN_EFAIL, "the row of an item cannot be read");
}

int qun__item_put(struct qun__content *self, qun_handle tenant, const struct qun__item *item) {
  char key[QUN_KEY_MAX];
  struct qun_pack *p = &self->row;
  qun_pack_clear(p);
  qun_pack_array(p, ITEM_FIELDS);
  qun_pack_int(p, item->state);
  qun_pack_int(p, item->kind);
  qun_pack_bool(p, item->is_ad);
  qun_pack_str(p, item->title);
  qun_pack_str(p, item->body);
  qun_pack_str(p, item->account);
  qun_pack_str(p, item->label);
  qun_pack_str(p, item->category);
  qun_pack_str(p, item->reason);
  qun_pack_str(p, item->verdict);
  qun_pack_str(p, item->outbox_key);
  qun_pack_int(p, item->score);
  qun_pack_int(p, item->findings);
  qun_pack_int(p, item->created_ms);
  qun_pack_int(p, item->changed_ms);
  qun_pack_int(p, item->asked_ms);
  qun_pack_int(p, item->planned_ms);
  qun_pack_int(p, item->published_ms);
  qun_pack_int(p, item->attempts);
  if (p->failed) return qun__refuse(self, QUN_EFAIL, "memory ran out");
  return qun__put(self, tenant, qun__text_key(key, 'i', item->id), qun_pack_slice(p));
}
