/* SPDX-License-Identifier: Apache-2.0 */
#include "activity.h"

#include "groups.h"
#include "members.h"
#include "sets.h"

#include <stdlib.h>

struct growth_key growth_day_key(int32_t day) {
  struct growth_key k = growth_key_of('h');
  growth_key_i32(&k, day);
  return k;
}

int growth_day_decode(struct growth_day *d, qun_slice key, qun_slice row) {
  struct growth_reader r = growth_read(row);
  memset(d, 0, sizeof *d);
  d->day = (int32_t)(growth_key_read(key, 1) ^ 0x80000000u);
  for (unsigned i = 0; i < GROWTH_HOURS; i++) d->hour[i] = growth_read_u32(&r);
  d->fresh = growth_read_u32(&r);
  d->returned = growth_read_u32(&r);
  d->left = growth_read_u32(&r);
  d->kicked = growth_read_u32(&r);
  d->joins = growth_read_u32(&r);
  d->invited = growth_read_u32(&r);
  d->purchases = growth_read_u32(&r);
  d->spend = growth_read_i64(&r);
  return r.bad ? QUN_EFAIL : QUN_OK;
}

int growth_day_open(const struct growth_call *c, int32_t day) {
  struct growth_tenant *t = c->t;
  struct growth_key key = growth_day_key(day);
  qun_slice row;
  int rc;
  if (t->day_loaded && t->day.day == day) return QUN_OK;
  rc = growth_get(c, &key, &row);
  if (rc < 0 && rc != QUN_ENOTFOUND) return rc;
  memset(&t->day, 0, sizeof t->day);
  t->day.day = day;
  t->day_loaded = true;
  if (rc == QUN_ENOTFOUND) return QUN_OK;
  if (growth_day_decode(&t->day, growth_key_slice(&key), row) < 0)
    return growth_fail(c, QUN_EFAIL, "growth: a day's row is not whole");
  return QUN_OK;
}

int growth_day_save(const struct growth_call *c) {
  const struct growth_day *d = &c->t->day;
  struct growth_key key = growth_day_key(d->day);
  struct growth_row r;
  r.len = 0; /* the rest need not be cleared: this is written with every event */
  for (unsigned i = 0; i < GROWTH_HOURS; i++) growth_row_u32(&r, d->hour[i]);
  growth_row_u32(&r, d->fresh);
  growth_row_u32(&r, d->returned);
  growth_row_u32(&r, d->left);
  growth_row_u32(&r, d->kicked);
  growth_row_u32(&r, d->joins);
  growth_row_u32(&r, d->invited);
  growth_row_u32(&r, d->purchases);
  growth_row_i64(&r, d->spend);
  return growth_put(c, &key, growth_row_slice(&r), 0);
}

static uint32_t slot_place(uint32_t member, uint32_t group) {
  uint32_t h = (member * 2654435761u) ^ (group * 2246822519u);
  return h ^ h >> 15;
}

static struct growth_slot *slot_of(struct growth_slots *s, uint32_t member, uint32_t group) {
  return &s->at[slot_place(member, group) & (s->count - 1)];
}

static struct growth_slots *slots_create(uint32_t count) {
  struct growth_slots *s = calloc(1, sizeof *s + count * sizeof s->at[0]);
  if (s) s->count = count;
  return s;
}

/* Twice as many places, when half of those there are were fought for. Without memory for it things stay as they are. */
static void slots_grow(struct growth_tenant *t) {
  struct growth_slots *old = t->slots, *s;
  if (++old->lost < old->count / 2 || old->count >= GROWTH_SLOTS_MAX) return;
  s = slots_create(2 * old->count);
  if (!s) return;
  memcpy(s->versions, old->versions, sizeof s->versions);
  for (uint32_t i = 0; i < old->count; i++)
    if (old->at[i].member != 0) *slot_of(s, old->at[i].member, old->at[i].group) = old->at[i];
  free(old);
  t->slots = s;
}

/* Whether the slot is of this member in this group, and nothing has happened to the person since. */
static bool slot_holds(const struct growth_slots *s, const struct growth_slot *slot, uint32_t member, uint32_t group) {
  return slot->member == member && slot->group == group && slot->version == s->versions[slot->root % GROWTH_VERSIONS];
}

void growth_activity_drop(struct growth_tenant *t, uint32_t root) {
  if (t->slots) t->slots->versions[root % GROWTH_VERSIONS]++;
}

static int mark_classes(const struct growth_call *c, int32_t day, uint32_t member, uint32_t classes) {
  static const struct {
    uint32_t bit;
    uint8_t kind;
  } map[] = {{GROWTH_TOPIC, GROWTH_SET_TOPIC}, {GROWTH_TASK, GROWTH_SET_TASK}, {GROWTH_OTHER, GROWTH_SET_OTHER}};
  for (unsigned i = 0; i < sizeof map / sizeof map[0]; i++) {
    bool fresh;
    int rc;
    if (!(classes & map[i].bit)) continue;
    rc = growth_set_mark(c, map[i].kind, day, member, &fresh);
    if (rc < 0) return rc;
  }
  return QUN_OK;
}

/* The member is met, and its slot says so from now on. */
static int fill_slot(const struct growth_call *c, const struct qun_event *e, uint32_t group,
                     struct growth_slot **slot) {
  struct growth_tenant *t = c->t;
  struct growth_member m;
  uint32_t member = (uint32_t)e->member;
  int rc = growth_member_meet(c, e, &m);
  if (rc < 0) return rc;
  if ((*slot)->member != 0 && ((*slot)->member != member || (*slot)->group != group)) slots_grow(t);
  *slot = slot_of(t->slots, member, group);
  **slot = (struct growth_slot){member, m.number, group, t->slots->versions[m.number % GROWTH_VERSIONS], e->day, 0};
  return QUN_OK;
}

/* What is not yet known of this member in this group on this day. */
static int note_first(const struct growth_call *c, const struct qun_event *e, uint32_t classes, uint32_t group,
                      struct growth_slot *slot) {
  int rc = QUN_OK;
  if (!slot_holds(c->t->slots, slot, (uint32_t)e->member, group)) rc = fill_slot(c, e, group, &slot);
  if (rc >= 0) rc = mark_classes(c, e->day, slot->root, classes);
  if (rc < 0) return rc;
  if (slot->day != e->day) slot->classes = 0;
  slot->day = e->day;
  slot->classes |= (uint8_t)classes;
  return QUN_OK;
}

int growth_activity_note(const struct growth_call *c, const struct qun_event *e, uint32_t classes) {
  struct growth_tenant *t = c->t;
  struct growth_slot *slot;
  uint32_t group = 0;
  int rc;
  if (!t->slots) t->slots = slots_create(GROWTH_SLOTS_MIN);
  if (!t->slots) return growth_fail(c, QUN_EFAIL, "growth: out of memory");
  if (e->group.len > 0) {
    rc = growth_group_intern(c, e->group, &group);
    if (rc < 0) return rc;
  }
  slot = slot_of(t->slots, (uint32_t)e->member, group);
  if (slot->day != e->day || (slot->classes & classes) != classes ||
      !slot_holds(t->slots, slot, (uint32_t)e->member, group)) {
    rc = note_first(c, e, classes, group, slot);
    if (rc < 0) return rc;
  }
  rc = growth_day_open(c, e->day);
  if (rc < 0) return rc;
  t->day.hour[e->minute / 60 % GROWTH_HOURS]++;
  if (e->day > t->head.last_day) {
    t->head.last_day = e->day;
    t->head_dirty = true;
  }
  return growth_day_save(c);
}
