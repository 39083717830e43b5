/* SPDX-License-Identifier: Apache-2.0 */
/* Points for what members do, daily check-in, levels, medals, redemption (catalogue row G73). */
#include "engagement.h"

/* ---- steps: levels and medals */

static uint32_t steps_below(const int64_t *steps, uint32_t count, int64_t value) {
  uint32_t n = 0;
  while (n < count && steps[n] <= value) n++;
  return n;
}

static int tell(const struct call *c, const char *type, uint64_t member, const char *first, int64_t a,
                const char *second, int64_t b) {
  struct qun_pack data;
  qun_pack_init(&data);
  qun_pack_map(&data, second ? 2 : 1);
  qun_pack_kv_int(&data, first, a);
  if (second) qun_pack_kv_int(&data, second, b);
  int rc = emit(c, type, member, qun_str(""), &data);
  qun_pack_fini(&data);
  return rc;
}

/* Levels never fall: they count what was earned, whatever was spent. */
static int raise_level(const struct call *c, uint64_t member, struct member *m) {
  int64_t level = steps_below(c->set->levels, c->set->levels_count, m->earned);
  if (level <= m->level) return 0;
  m->level = level;
  return tell(c, "engagement.level", member, "level", level, "earned", m->earned);
}

/* ---- earning */

static int64_t within_cap(const struct call *c, const struct member *m, int64_t points) {
  int64_t left = c->set->daily_cap - m->day_points;
  if (left < 0) left = 0;
  return points < left ? points : left;
}

/* The first check-in of a day counts; the next day's goes on with the row, any later one begins anew. */
static int check_in(const struct call *c, uint64_t member, struct member *m, int32_t day, struct day *d) {
  if (day <= m->last_checkin) return 0;
  m->streak = day == m->last_checkin + 1 ? m->streak + 1 : 1;
  m->last_checkin = day;
  m->checkins++;
  d->checkins++;
  if (m->streak <= m->best) return 0;
  m->best = m->streak;
  for (uint32_t i = 0; i < c->set->medals_count; i++)
    if (c->set->medals[i] == m->best) return tell(c, "engagement.medal", member, "days", m->best, NULL, 0);
  return 0;
}

static int64_t points_for(const struct settings *s, qun_slice type) {
  if (qun_slice_is(type, "message")) return s->message;
  if (qun_slice_is(type, "reaction")) return s->reaction;
  if (qun_slice_is(type, "share")) return s->share;
  if (qun_slice_is(type, "checkin")) return s->checkin;
  return s->purchase;
}

static int earn(const struct call *c, const struct qun_event *event) {
  struct member m;
  struct day d;
  int64_t points = points_for(c->set, event->type);
  int purchase = qun_slice_is(event->type, "purchase"), checkin = qun_slice_is(event->type, "checkin");
  int rc = member_get(c, event->member, &m);
  if (rc >= 0) rc = day_get(c, event->day, &d);
  if (rc < 0) return rc;
  if (event->day > m.day) {
    m.day = event->day;
    m.day_points = 0;
    d.active++;
  }
  if (checkin && event->day <= m.last_checkin) points = 0;
  if (checkin) rc = check_in(c, event->member, &m, event->day, &d);
  if (!purchase) points = within_cap(c, &m, points);
  m.earned += points;
  d.earned += points;
  if (!purchase) m.day_points += points;
  if (rc >= 0) rc = raise_level(c, event->member, &m);
  if (rc >= 0) rc = member_put(c, event->member, &m);
  return rc >= 0 ? day_put(c, event->day, &d) : rc;
}

/* ---- spending */

int points_spend(const struct call *c, uint64_t member, int32_t day, int64_t cost) {
  struct member m;
  struct day d;
  if (cost == 0) return 0;
  int rc = member_get(c, member, &m);
  if (rc >= 0) rc = day_get(c, day, &d);
  if (rc < 0) return rc;
  if (cost < 0 || m.earned - m.spent < cost) return refuse(c, QUN_EINVAL, "the member has not enough points");
  m.spent += cost;
  d.spent += cost;
  rc = member_put(c, member, &m);
  return rc >= 0 ? day_put(c, day, &d) : rc;
}

static int redeem(const struct call *c, const struct qun_event *event) {
  int64_t cost = qun_mp_int(event->data, "cost", 0);
  struct member m;
  struct qun_pack data;
  if (event->subject.len == 0 || cost < 1)
    return refuse(c, QUN_EINVAL, "engagement.redeem names a benefit (its subject) and a cost of 1 or more");
  int rc = points_spend(c, event->member, event->day, cost);
  if (rc >= 0) rc = member_get(c, event->member, &m);
  if (rc < 0) return rc;
  qun_pack_init(&data);
  qun_pack_map(&data, 2);
  qun_pack_kv_int(&data, "cost", cost);
  qun_pack_kv_int(&data, "left", m.earned - m.spent);
  rc = emit(c, "engagement.redeemed", event->member, event->subject, &data);
  qun_pack_fini(&data);
  return rc;
}

int points_on_event(const struct call *c, const struct qun_event *event) {
  if (event->member == 0) return 0;
  return qun_slice_is(event->type, "engagement.redeem") ? redeem(c, event) : earn(c, event);
}
