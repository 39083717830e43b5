/* SPDX-License-Identifier: Apache-2.0 */
#include "lifecycle.h"

#include "members.h"
#include "sets.h"

const char *growth_life_name(enum growth_life life) {
  static const char *const names[GROWTH_LIVES] = {"new", "active", "silent", "lost"};
  return names[life];
}

void growth_life_fini(struct growth_life_sets *sets) {
  for (unsigned i = 0; i < GROWTH_LOST; i++) growth_set_free(sets->set[i]);
  memset(sets, 0, sizeof *sets);
}

static int life_init(const struct growth_call *c, struct growth_life_sets *sets) {
  memset(sets, 0, sizeof *sets);
  for (unsigned i = 0; i < GROWTH_LOST; i++) {
    sets->set[i] = roaring_bitmap_create();
    if (!sets->set[i]) return growth_fail(c, QUN_EFAIL, "growth: out of memory for the lifecycle groups");
  }
  return QUN_OK;
}

/* Who left in these days and has not come back. Whoever left earlier has been inactive for as long. */
static int drop_gone(const struct growth_call *c, int32_t from, int32_t before, struct growth_life_sets *out) {
  roaring_bitmap_t *left = roaring_bitmap_create();
  roaring_uint32_iterator_t it;
  int rc;
  if (!left) return growth_fail(c, QUN_EFAIL, "growth: out of memory for the lifecycle groups");
  rc = growth_set_union(c, GROWTH_SET_LEFT, from, before, left);
  for (roaring_init_iterator(left, &it); rc >= 0 && it.has_value; roaring_advance_uint32_iterator(&it)) {
    struct growth_member m;
    rc = growth_member_find(c, it.current_value, &m);
    if (rc >= 0 && !(m.flags & GROWTH_MEMBER_LEFT)) continue;
    if (rc < 0 && rc != QUN_ENOTFOUND) break;
    for (unsigned i = 0; i < GROWTH_LOST; i++) roaring_bitmap_remove(out->set[i], rc < 0 ? it.current_value : m.number);
    rc = QUN_OK;
  }
  growth_set_free(left);
  return rc;
}

int growth_life_compute(const struct growth_call *c, int32_t before, struct growth_life_sets *out) {
  const struct growth_settings *s = &c->t->settings;
  int32_t lost_from = before - (int32_t)s->lost_days;
  uint32_t known = 0;
  int rc = life_init(c, out);
  if (rc >= 0) rc = growth_set_union(c, GROWTH_SET_JOINED, before - (int32_t)s->new_days, before, out->set[GROWTH_NEW]);
  if (rc >= 0) rc = growth_set_fold_merged(c, out->set[GROWTH_NEW]);
  if (rc >= 0) rc = growth_set_active(c, before - (int32_t)s->active_days, before, out->set[GROWTH_ACTIVE]);
  if (rc >= 0) rc = growth_set_union(c, GROWTH_SET_JOINED, lost_from, before, out->set[GROWTH_SILENT]);
  if (rc >= 0) rc = growth_set_active(c, lost_from, before, out->set[GROWTH_SILENT]);
  if (rc >= 0) rc = drop_gone(c, lost_from, before, out);
  if (rc < 0) return rc;
  roaring_bitmap_andnot_inplace(out->set[GROWTH_ACTIVE], out->set[GROWTH_NEW]);
  roaring_bitmap_andnot_inplace(out->set[GROWTH_SILENT], out->set[GROWTH_NEW]);
  roaring_bitmap_andnot_inplace(out->set[GROWTH_SILENT], out->set[GROWTH_ACTIVE]);
  for (unsigned i = 0; i < GROWTH_LOST; i++)
    known += out->count[i] = (uint32_t)roaring_bitmap_get_cardinality(out->set[i]);
  out->count[GROWTH_LOST] = c->t->head.persons > known ? c->t->head.persons - known : 0;
  return QUN_OK;
}

static struct growth_key month_key(int32_t month) {
  struct growth_key k = growth_key_of('l');
  growth_key_i32(&k, month);
  return k;
}

static int month_save(const struct growth_call *c, const struct growth_life_month *m) {
  struct growth_key key = month_key(m->month);
  struct growth_row r;
  r.len = 0;
  for (unsigned i = 0; i < GROWTH_LIVES; i++) growth_row_u32(&r, m->count[i]);
  for (unsigned i = 0; i < GROWTH_LIVES; i++)
    for (unsigned j = 0; j < GROWTH_LIVES; j++) growth_row_u32(&r, m->moved[i][j]);
  growth_row_u32(&r, m->arrived);
  return growth_put(c, &key, growth_row_slice(&r), 0);
}

int growth_life_month_decode(struct growth_life_month *m, qun_slice key, qun_slice row) {
  struct growth_reader r = growth_read(row);
  m->month = (int32_t)(growth_key_read(key, 1) ^ 0x80000000u);
  for (unsigned i = 0; i < GROWTH_LIVES; i++) m->count[i] = growth_read_u32(&r);
  for (unsigned i = 0; i < GROWTH_LIVES; i++)
    for (unsigned j = 0; j < GROWTH_LIVES; j++) m->moved[i][j] = growth_read_u32(&r);
  m->arrived = growth_read_u32(&r);
  return r.bad ? QUN_EFAIL : QUN_OK;
}

int growth_life_month_get(const struct growth_call *c, int32_t month, struct growth_life_month *out) {
  struct growth_key key = month_key(month);
  qun_slice row;
  int rc = growth_get(c, &key, &row);
  if (rc < 0) return rc;
  if (growth_life_month_decode(out, growth_key_slice(&key), row) < 0)
    return growth_fail(c, QUN_EFAIL, "growth: a month's lifecycle groups are not whole");
  return QUN_OK;
}

void growth_life_churn(const struct growth_life_month *m, uint32_t *lost, uint32_t *members) {
  *lost = *members = 0;
  for (unsigned i = 0; i < GROWTH_LOST; i++) {
    *lost += m->moved[i][GROWTH_LOST];
    for (unsigned j = 0; j < GROWTH_LIVES; j++) *members += m->moved[i][j];
  }
}

/* The groups a month before, with later renames applied. */
static int read_before(const struct growth_call *c, int32_t month, struct growth_life_sets *out) {
  int rc = life_init(c, out);
  for (uint32_t i = 0; rc >= 0 && i < GROWTH_LOST; i++) {
    rc = growth_set_read(c, (struct growth_set_id){GROWTH_SET_LIFE, month, i}, out->set[i]);
    if (rc >= 0) rc = growth_set_fold_merged(c, out->set[i]);
    if (rc >= 0) out->count[i] = (uint32_t)roaring_bitmap_get_cardinality(out->set[i]);
  }
  return rc;
}

/* Whoever is in a group now and was in none before has either arrived in the month or come back. */
static int count_moves(const struct growth_call *c, const struct growth_life_sets *a, const struct growth_life_sets *b,
                       struct growth_life_month *m) {
  int32_t first = qun_month_first(m->month), end = qun_month_first(m->month + 1);
  roaring_bitmap_t *arrived = roaring_bitmap_create();
  int rc;
  if (!arrived) return growth_fail(c, QUN_EFAIL, "growth: out of memory for the lifecycle groups");
  rc = growth_set_union(c, GROWTH_SET_JOINED, first, end, arrived);
  if (rc >= 0) rc = growth_set_fold_merged(c, arrived);
  for (unsigned i = 0; i < GROWTH_LOST; i++) roaring_bitmap_andnot_inplace(arrived, a->set[i]);
  m->arrived = (uint32_t)roaring_bitmap_get_cardinality(arrived);
  for (unsigned i = 0; i < GROWTH_LOST; i++) {
    uint32_t kept = 0;
    for (unsigned j = 0; j < GROWTH_LOST; j++)
      kept += m->moved[i][j] = (uint32_t)roaring_bitmap_and_cardinality(a->set[i], b->set[j]);
    m->moved[i][GROWTH_LOST] = a->count[i] - kept;
  }
  for (unsigned j = 0; j < GROWTH_LOST; j++) {
    uint32_t from_groups = m->moved[GROWTH_NEW][j] + m->moved[GROWTH_ACTIVE][j] + m->moved[GROWTH_SILENT][j];
    m->moved[GROWTH_LOST][j] = b->count[j] - from_groups - (uint32_t)roaring_bitmap_and_cardinality(arrived, b->set[j]);
  }
  growth_set_free(arrived);
  return rc;
}

int growth_life_run(const struct growth_call *c, int32_t month, struct growth_life_month *out) {
  struct growth_life_sets before = {.count = {0}}, now = {.count = {0}};
  roaring_bitmap_t *none = roaring_bitmap_create();
  int rc = none ? read_before(c, month - 1, &before)
                : growth_fail(c, QUN_EFAIL, "growth: out of memory for the lifecycle groups");
  memset(out, 0, sizeof *out);
  out->month = month;
  if (rc >= 0) rc = growth_life_compute(c, qun_month_first(month + 1), &now);
  if (rc >= 0) rc = count_moves(c, &before, &now, out);
  for (uint32_t i = 0; rc >= 0 && i < GROWTH_LOST; i++) {
    rc = growth_set_replace(c, (struct growth_set_id){GROWTH_SET_LIFE, month, i}, now.set[i]);
    if (rc >= 0) rc = growth_set_replace(c, (struct growth_set_id){GROWTH_SET_LIFE, month - 2, i}, none);
  }
  memcpy(out->count, now.count, sizeof out->count);
  if (rc >= 0) rc = month_save(c, out);
  growth_life_fini(&before);
  growth_life_fini(&now);
  growth_set_free(none);
  return rc;
}
