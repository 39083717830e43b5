/* SPDX-License-Identifier: Apache-2.0 */
#include "cohort.h"

#include "sets.h"

#include <stdlib.h>

static int out_of_memory(const struct growth_call *c) {
  return growth_fail(c, QUN_EFAIL, "growth: out of memory for the cohorts");
}

static int add_joined(void *arg, struct growth_set_id id, bool tail, qun_slice value) {
  struct growth_cohorts *co = arg;
  if (id.sub >= co->count) return QUN_EFAIL;
  if (!co->by_channel[id.sub]) co->by_channel[id.sub] = roaring_bitmap_create();
  return co->by_channel[id.sub] ? growth_set_row_into(tail, value, co->by_channel[id.sub]) : QUN_EFAIL;
}

int growth_cohorts_read(const struct growth_call *c, int32_t from, int32_t to, struct growth_cohorts *out) {
  out->count = c->t->head.channels + 1;
  out->by_channel = calloc(out->count, sizeof(roaring_bitmap_t *));
  if (!out->by_channel) return out_of_memory(c);
  if (growth_set_walk(c, GROWTH_SET_JOINED, from, to, add_joined, out) < 0)
    return growth_fail(c, QUN_EFAIL, "growth: the members by channel are not whole");
  return QUN_OK;
}

void growth_cohorts_fini(struct growth_cohorts *out) {
  if (out->by_channel)
    for (uint32_t i = 0; i < out->count; i++) growth_set_free(out->by_channel[i]);
  free(out->by_channel);
  *out = (struct growth_cohorts){NULL, 0};
}

int growth_retention_by_channel(const struct growth_call *c, int32_t from, int32_t to, const roaring_bitmap_t *active,
                                struct growth_retention *out) {
  struct growth_cohorts co = {NULL, 0};
  int rc = growth_cohorts_read(c, from, to, &co);
  for (uint32_t i = 0; rc >= 0 && i < co.count; i++) {
    if (!co.by_channel[i]) continue;
    out[i].cohort += (uint32_t)roaring_bitmap_get_cardinality(co.by_channel[i]);
    out[i].retained += (uint32_t)roaring_bitmap_and_cardinality(co.by_channel[i], active);
  }
  growth_cohorts_fini(&co);
  return rc;
}

/* First days that have a cohort, so that a long silence costs nothing. */
struct days {
  int32_t *day;
  size_t count, cap;
};

static int note_day(void *arg, struct growth_set_id id, bool tail, qun_slice value) {
  struct days *d = arg;
  (void)tail, (void)value;
  if (d->count > 0 && d->day[d->count - 1] == id.day) return QUN_OK;
  if (d->count == d->cap) {
    size_t cap = d->cap ? 2 * d->cap : 64;
    int32_t *grown = realloc(d->day, cap * sizeof *grown);
    if (!grown) return QUN_EFAIL;
    d->day = grown;
    d->cap = cap;
  }
  d->day[d->count++] = id.day;
  return QUN_OK;
}

int growth_retention_day_n(const struct growth_call *c, int32_t from, int32_t to, int32_t n, int32_t before,
                           struct growth_retention *by_channel) {
  int32_t bracket = (int32_t)c->t->settings.cohort_bracket;
  struct days days = {NULL, 0, 0};
  roaring_bitmap_t *active = roaring_bitmap_create();
  int rc = active ? growth_set_walk(c, GROWTH_SET_JOINED, from, to, note_day, &days) : QUN_EFAIL;
  if (rc < 0) rc = out_of_memory(c);
  for (size_t i = 0; rc >= 0 && i < days.count; i++) {
    int32_t first = days.day[i] + n;
    if (first + bracket > before) break;
    roaring_bitmap_clear(active);
    rc = growth_set_active(c, first, first + bracket, active);
    if (rc >= 0) rc = growth_retention_by_channel(c, days.day[i], days.day[i] + 1, active, by_channel);
  }
  growth_set_free(active);
  free(days.day);
  return rc;
}
