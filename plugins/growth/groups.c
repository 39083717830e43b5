/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

#include <stdlib.h>

int growth_group_decode(struct growth_group *g, qun_slice row) {
  struct growth_reader r = growth_read(row);
  g->members = growth_read_u32(&r);
  g->name = growth_read_name(&r);
  return r.bad ? QUN_EFAIL : QUN_OK;
}

static int group_save(const struct growth_call *c, uint32_t id, uint32_t members, qun_slice name) {
  struct growth_key key = growth_key_number('i', id);
  struct growth_row r;
  r.len = 0;
  growth_row_u32(&r, members);
  growth_row_name(&r, name);
  return growth_put(c, &key, growth_row_slice(&r), 0);
}

/* Only a place in the cache depends on it. */
static uint32_t place_of(qun_slice name) {
  const unsigned char *p = name.ptr;
  uint64_t h = name.len, word;
  size_t left = (size_t)name.len;
  for (; left >= 8; left -= 8, p += 8) {
    memcpy(&word, p, 8);
    h = (h ^ word) * 0x9e3779b97f4a7c15ull;
    h ^= h >> 32;
  }
  word = 0;
  if (left > 0) memcpy(&word, p, left);
  h = (h ^ word) * 0x9e3779b97f4a7c15ull;
  return (uint32_t)(h >> 40) % GROWTH_NAMES;
}

static void remember(struct growth_cached_name *place, qun_slice name, uint32_t id) {
  char *copy = realloc(place->name, (size_t)name.len);
  if (!copy) return; /* the row is still there */
  memcpy(copy, name.ptr, (size_t)name.len);
  *place = (struct growth_cached_name){copy, (uint32_t)name.len, id};
}

int growth_group_intern(const struct growth_call *c, qun_slice name, uint32_t *id) {
  struct growth_cached_name *place;
  struct growth_key key;
  struct growth_row r;
  r.len = 0;
  qun_slice row;
  int rc;
  name = growth_name(name);
  place = &c->t->names[place_of(name)];
  if (place->name && qun_slice_eq(qun_slice_of(place->name, place->len), name)) {
    *id = place->id;
    return QUN_OK;
  }
  key = growth_key_name('G', name);
  rc = growth_get(c, &key, &row);
  if (rc == QUN_ENOTFOUND) {
    *id = ++c->t->head.groups;
    c->t->head_dirty = true;
    growth_row_u32(&r, *id);
    rc = growth_put(c, &key, growth_row_slice(&r), 0);
    if (rc >= 0) rc = group_save(c, *id, 0, name);
  } else if (rc >= 0) {
    struct growth_reader in = growth_read(row);
    *id = growth_read_u32(&in);
  }
  if (rc >= 0) remember(place, name, *id);
  return rc;
}

static int group_count(const struct growth_call *c, uint32_t id, int delta) {
  struct growth_key key = growth_key_number('i', id);
  struct growth_group g;
  char name[GROWTH_NAME_MAX + 1];
  uint64_t len;
  qun_slice row;
  int rc = growth_get(c, &key, &row);
  if (rc < 0) return rc;
  if (growth_group_decode(&g, row) < 0) return growth_fail(c, QUN_EFAIL, "growth: a group's row is not whole");
  len = g.name.len;
  memcpy(name, g.name.ptr, (size_t)len);
  return group_save(c, id, g.members + (uint32_t)delta, qun_slice_of(name, (size_t)len));
}

int growth_group_enter(const struct growth_call *c, uint32_t group, uint32_t member, int32_t day, bool *fresh) {
  struct growth_key key = growth_key_pair('g', member, group);
  struct growth_row r;
  r.len = 0;
  qun_slice row;
  int rc = growth_get(c, &key, &row);
  *fresh = rc == QUN_ENOTFOUND;
  if (!*fresh) return rc;
  growth_row_i32(&r, day);
  rc = growth_put(c, &key, growth_row_slice(&r), member);
  return rc < 0 ? rc : group_count(c, group, 1);
}

int growth_group_exit(const struct growth_call *c, uint32_t group, uint32_t member, bool *was_in) {
  struct growth_key key = growth_key_pair('g', member, group);
  qun_slice row;
  int rc = growth_get(c, &key, &row);
  *was_in = rc >= 0;
  if (rc == QUN_ENOTFOUND) return QUN_OK;
  if (rc >= 0) rc = growth_del(c, &key);
  return rc < 0 ? rc : group_count(c, group, -1);
}

enum { PAGE = 64 };

struct page {
  uint32_t group[PAGE];
  int32_t day[PAGE];
  uint32_t count;
};

static int collect(void *arg, qun_slice key, qun_slice value) {
  struct page *p = arg;
  struct growth_reader r = growth_read(value);
  if (p->count == PAGE) return 1;
  p->group[p->count] = growth_key_read(key, 5);
  p->day[p->count++] = growth_read_i32(&r);
  return QUN_OK;
}

int growth_group_move(const struct growth_call *c, uint32_t from, uint32_t to, uint32_t *gained) {
  struct growth_key prefix = growth_key_number('g', from);
  *gained = 0;
  for (;;) {
    struct page p = {.count = 0};
    int rc = growth_scan(c, &prefix, NULL, collect, &p);
    if (rc < 0 || p.count == 0) return rc;
    for (uint32_t i = 0; i < p.count; i++) {
      bool fresh = false, was_in;
      rc = growth_group_exit(c, p.group[i], from, &was_in);
      if (rc >= 0 && to != 0) rc = growth_group_enter(c, p.group[i], to, p.day[i], &fresh);
      if (rc < 0) return rc;
      *gained += fresh;
    }
  }
}

int growth_group_exit_all(const struct growth_call *c, uint32_t member) {
  uint32_t gained;
  return growth_group_move(c, member, 0, &gained);
}
