/* SPDX-License-Identifier: Apache-2.0 */
#include "sets.h"

#include "members.h"

#include <stdlib.h>

static struct growth_key set_key(struct growth_set_id id, char part) {
  struct growth_key k = growth_key_of('s');
  growth_key_u8(&k, id.kind);
  growth_key_i32(&k, id.day);
  growth_key_u32(&k, id.sub);
  growth_key_u8(&k, (unsigned char)part);
  return k;
}

static int add_tail(qun_slice value, roaring_bitmap_t *into) {
  struct growth_reader r = growth_read(value);
  if (value.len % 4 != 0) return QUN_EFAIL;
  while (r.at < r.end) roaring_bitmap_add(into, growth_read_u32(&r));
  return QUN_OK;
}

int growth_set_row_into(bool tail, qun_slice value, roaring_bitmap_t *into) {
  roaring_bitmap_t *stored;
  if (tail) return add_tail(value, into);
  stored = roaring_bitmap_portable_deserialize_safe((const char *)value.ptr, (size_t)value.len);
  if (!stored) return QUN_EFAIL;
  roaring_bitmap_or_inplace(into, stored);
  growth_set_free(stored);
  return QUN_OK;
}

static int read_part(const struct growth_call *c, struct growth_set_id id, char part, roaring_bitmap_t *into) {
  struct growth_key key = set_key(id, part);
  qun_slice value;
  int rc = growth_get(c, &key, &value);
  if (rc == QUN_ENOTFOUND) return QUN_OK;
  if (rc < 0) return rc;
  if (growth_set_row_into(part == 't', value, into) < 0)
    return growth_fail(c, QUN_EFAIL, "growth: a stored set is not whole");
  return QUN_OK;
}

int growth_set_read(const struct growth_call *c, struct growth_set_id id, roaring_bitmap_t *into) {
  int rc = read_part(c, id, 'b', into);
  return rc < 0 ? rc : read_part(c, id, 't', into);
}

static int write_bitmap(const struct growth_call *c, struct growth_set_id id, const roaring_bitmap_t *set) {
  struct growth *g = c->g;
  struct growth_key key = set_key(id, 'b');
  size_t size = roaring_bitmap_portable_size_in_bytes(set);
  if (size > g->scratch_cap) {
    unsigned char *grown = realloc(g->scratch, 2 * size);
    if (!grown) return growth_fail(c, QUN_EFAIL, "growth: out of memory for a set");
    g->scratch = grown;
    g->scratch_cap = 2 * size;
  }
  (void)roaring_bitmap_portable_serialize(set, (char *)g->scratch);
  return growth_put(c, &key, qun_slice_of(g->scratch, size), 0);
}

int growth_set_replace(const struct growth_call *c, struct growth_set_id id, const roaring_bitmap_t *set) {
  struct growth_key bits = set_key(id, 'b'), tail = set_key(id, 't');
  int rc = growth_del(c, &tail);
  if (rc < 0) return rc;
  return roaring_bitmap_is_empty(set) ? growth_del(c, &bits) : write_bitmap(c, id, set);
}

/* From the stored rows alone, so that the bytes do not depend on what the instance remembers. */
static int fold(const struct growth_call *c, struct growth_set_id id, uint32_t member) {
  roaring_bitmap_t *set = roaring_bitmap_create();
  int rc;
  if (!set) return growth_fail(c, QUN_EFAIL, "growth: out of memory for a set");
  rc = growth_set_read(c, id, set);
  if (rc >= 0) {
    roaring_bitmap_add(set, member);
    rc = growth_set_replace(c, id, set);
  }
  growth_set_free(set);
  return rc;
}

int growth_set_append(const struct growth_call *c, struct growth_set_id id, uint32_t member) {
  struct growth_key key = set_key(id, 't');
  unsigned char row[4 * GROWTH_TAIL];
  qun_slice old;
  size_t len = 0;
  int rc = growth_get(c, &key, &old);
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  if (rc >= 0) len = (size_t)old.len;
  if (len + 4 > sizeof row) return fold(c, id, member);
  if (len > 0) memcpy(row, old.ptr, len);
  for (unsigned i = 0; i < 4; i++) row[len++] = (unsigned char)(member >> (8 * i) & 0xff);
  return growth_put(c, &key, qun_slice_of(row, len), 0);
}

int growth_set_remove(const struct growth_call *c, struct growth_set_id id, uint32_t member) {
  roaring_bitmap_t *set = roaring_bitmap_create();
  int rc;
  if (!set) return growth_fail(c, QUN_EFAIL, "growth: out of memory for a set");
  rc = growth_set_read(c, id, set);
  if (rc >= 0 && roaring_bitmap_contains(set, member)) {
    roaring_bitmap_remove(set, member);
    rc = growth_set_replace(c, id, set);
  }
  growth_set_free(set);
  return rc;
}

/* The place of the day's set in memory: where it is, or the one used longest ago. */
static struct growth_cached_set *cached(struct growth_tenant *t, uint8_t kind, int32_t day) {
  struct growth_cached_set *oldest = &t->sets[0];
  for (unsigned i = 0; i < GROWTH_SETS; i++) {
    struct growth_cached_set *s = &t->sets[i];
    if (s->set && s->kind == kind && s->day == day) return s;
    if (s->used < oldest->used) oldest = s;
  }
  return oldest;
}

static int load_cached(const struct growth_call *c, uint8_t kind, int32_t day, struct growth_cached_set *place) {
  roaring_bitmap_t *set = roaring_bitmap_create();
  int rc;
  if (!set) return growth_fail(c, QUN_EFAIL, "growth: out of memory for a set");
  rc = growth_set_read(c, (struct growth_set_id){kind, day, 0}, set);
  if (rc < 0) {
    growth_set_free(set);
    return rc;
  }
  growth_set_free(place->set);
  *place = (struct growth_cached_set){set, kind, day, 0};
  return QUN_OK;
}

int growth_set_mark(const struct growth_call *c, uint8_t kind, int32_t day, uint32_t member, bool *fresh) {
  struct growth_cached_set *s = cached(c->t, kind, day);
  int rc;
  if (!s->set || s->kind != kind || s->day != day) {
    rc = load_cached(c, kind, day, s);
    if (rc < 0) return rc;
  }
  s->used = ++c->t->sets_clock;
  *fresh = !roaring_bitmap_contains(s->set, member);
  if (!*fresh) return QUN_OK;
  rc = growth_set_append(c, (struct growth_set_id){kind, day, 0}, member);
  if (rc >= 0) roaring_bitmap_add(s->set, member);
  return rc;
}

struct walk {
  uint8_t kind;
  int32_t to;
  growth_set_visit visit;
  void *arg;
};

static int walk_row(void *arg, qun_slice key, qun_slice value) {
  struct walk *w = arg;
  struct growth_set_id id = {w->kind, 0, 0};
  if (key.len != 11) return QUN_EFAIL;
  id.day = (int32_t)(growth_key_read(key, 2) ^ 0x80000000u);
  id.sub = growth_key_read(key, 6);
  if (id.day >= w->to) return 1;
  return w->visit(w->arg, id, ((const char *)key.ptr)[10] == 't', value);
}

int growth_set_walk(const struct growth_call *c, uint8_t kind, int32_t from, int32_t to, growth_set_visit visit,
                    void *arg) {
  struct walk w = {kind, to, visit, arg};
  struct growth_key prefix = growth_key_of('s'), after;
  growth_key_u8(&prefix, kind);
  after = prefix;
  growth_key_i32(&after, from); /* a prefix of the first key wanted, so just before it */
  return growth_scan(c, &prefix, &after, walk_row, &w);
}

static int add_row(void *arg, struct growth_set_id id, bool tail, qun_slice value) {
  (void)id;
  return growth_set_row_into(tail, value, arg);
}

int growth_set_union(const struct growth_call *c, uint8_t kind, int32_t from, int32_t to, roaring_bitmap_t *into) {
  return growth_set_walk(c, kind, from, to, add_row, into);
}

int growth_set_active(const struct growth_call *c, int32_t from, int32_t to, roaring_bitmap_t *into) {
  for (int kind = GROWTH_SET_TOPIC; kind <= GROWTH_SET_OTHER; kind++) {
    int rc = growth_set_union(c, (uint8_t)kind, from, to, into);
    if (rc < 0) return rc;
  }
  return growth_set_fold_merged(c, into);
}

static int load_merged(const struct growth_call *c) {
  roaring_bitmap_t *set;
  int rc;
  if (c->t->merged) return QUN_OK;
  set = roaring_bitmap_create();
  if (!set) return growth_fail(c, QUN_EFAIL, "growth: out of memory for a set");
  rc = growth_set_read(c, (struct growth_set_id){GROWTH_SET_MERGED, 0, 0}, set);
  if (rc < 0) {
    growth_set_free(set);
    return rc;
  }
  c->t->merged = set;
  return QUN_OK;
}

static int move_to_roots(const struct growth_call *c, roaring_bitmap_t *set, const roaring_bitmap_t *moved) {
  roaring_uint32_iterator_t it;
  for (roaring_init_iterator(moved, &it); it.has_value; roaring_advance_uint32_iterator(&it)) {
    struct growth_member root;
    int rc = growth_member_find(c, it.current_value, &root);
    roaring_bitmap_remove(set, it.current_value);
    if (rc == QUN_ENOTFOUND) continue;
    if (rc < 0) return rc;
    roaring_bitmap_add(set, root.number);
  }
  return QUN_OK;
}

int growth_set_fold_merged(const struct growth_call *c, roaring_bitmap_t *set) {
  roaring_bitmap_t *moved;
  int rc = load_merged(c);
  if (rc < 0) return rc;
  if (!roaring_bitmap_intersect(set, c->t->merged)) return QUN_OK;
  moved = roaring_bitmap_and(set, c->t->merged);
  if (!moved) return growth_fail(c, QUN_EFAIL, "growth: out of memory for a set");
  rc = move_to_roots(c, set, moved);
  growth_set_free(moved);
  return rc;
}
