/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/simulate.h"

#include "host/ops/simulate_internal.h"

#include <stdlib.h>

enum { MEMBERS_MAX = 1000000, DAYS_MAX = 3660 };

/* ---------------------------------------------------------------- chance */

void qun__chance_init(struct qun__chance *c, uint64_t seed) {
  c->state = seed + 1442695040888963407ull;
  qun__chance_next(c);
  c->state += seed;
  qun__chance_next(c);
}

uint32_t qun__chance_next(struct qun__chance *c) {
  uint64_t old = c->state;
  c->state = old * 6364136223846793005ull + 1442695040888963407ull;
  uint32_t mixed = (uint32_t)(((old >> 18) ^ old) >> 27), turn = (uint32_t)(old >> 59);
  return mixed >> turn | mixed << (-turn & 31);
}

uint32_t qun__chance_below(struct qun__chance *c, uint32_t n) {
  uint32_t least = -n % n; /* what is below would make small numbers likelier */
  for (;;) {
    uint32_t v = qun__chance_next(c);
    if (v >= least) return v % n;
  }
}

int qun__chance_hit(struct qun__chance *c, uint32_t ppm) {
  return qun__chance_below(c, 1000000) < ppm;
}

/* ---------------------------------------------------------------- events of a day */

/* How likely an hour is, in parts of their sum: breakfast, lunch and the evening. */
static const unsigned char hours[24] = {2,  1,  1,  1,  1,  2,  6,  14, 18, 14, 12, 14,
                                        20, 16, 10, 10, 11, 13, 16, 22, 28, 26, 16, 6};

int64_t qun__sim_moment(struct qun__sim *s) {
  uint32_t sum = 0, hour = 0;
  for (size_t i = 0; i < 24; i++) sum += hours[i];
  uint32_t v = qun__chance_below(&s->chance, sum);
  while (v >= hours[hour]) v -= hours[hour++];
  return (int64_t)hour * QUN__HOUR_MS + qun__chance_below(&s->chance, QUN__HOUR_MS);
}

static void grow(struct qun__sim *s) {
  uint32_t cap = s->cap ? 2 * s->cap : 1024;
  struct qun__sim_entry *entries = realloc(s->entries, cap * sizeof *entries);
  if (!entries) {
    s->failed = true;
    return;
  }
  s->entries = entries;
  s->cap = cap;
}

void qun__sim_begin(struct qun__sim *s, struct qun__event *e, const char *type, int64_t ms, char id[40]) {
  char made[40];
  if (s->count == s->cap) grow(s);
  if (ms >= QUN__DAY_MS) ms = QUN__DAY_MS - 1;
  struct qun__sim_entry *entry = s->count < s->cap ? &s->entries[s->count] : &s->spare;
  *entry = (struct qun__sim_entry){.time = s->midnight + ms, .order = s->count, .at = s->bytes.len};
  snprintf(made, sizeof made, "%u-%u", s->today, s->count);
  if (s->count < s->cap) s->count++;
  s->open = entry;
  qun__event_begin(e, &s->bytes, type);
  qun__event_text(e, "id", qun_str(made));
  qun__event_format(e, "source", "sim/%llu", (unsigned long long)s->o.seed);
  qun__event_time(e, entry->time);
  if (id) memcpy(id, made, sizeof made);
}

void qun__sim_member(struct qun__event *e, uint32_t member) {
  if (member != UINT32_MAX) qun__event_format(e, "member", "sim-%06u", member);
}

void qun__sim_end(struct qun__sim *s, struct qun__event *e) {
  qun__event_end(e);
  s->open->len = s->bytes.len - s->open->at;
}

void qun__sim_later(struct qun__sim *s, uint32_t days, uint32_t member, int kind, const char *subject) {
  if (s->later_count == s->later_cap) {
    uint32_t cap = s->later_cap ? 2 * s->later_cap : 64;
    struct qun__sim_later *later = realloc(s->later, cap * sizeof *later);
    if (!later) {
      s->failed = true;
      return;
    }
    s->later = later;
    s->later_cap = cap;
  }
  struct qun__sim_later *l = &s->later[s->later_count++];
  *l = (struct qun__sim_later){.day = s->today + days, .member = member, .kind = kind};
  snprintf(l->subject, sizeof l->subject, "%s", subject);
}

static void follow_up(struct qun__sim *s) {
  uint32_t kept = 0, count = s->later_count;
  for (uint32_t i = 0; i < count; i++) {
    struct qun__sim_later l = s->later[i];
    if (l.day <= s->today)
      qun__sim_follow(s, &l);
    else
      s->later[kept++] = l;
  }
  s->later_count = kept; /* following adds nothing */
}

static int by_time(const void *left, const void *right) {
  const struct qun__sim_entry *a = left, *b = right;
  if (a->time != b->time) return a->time < b->time ? -1 : 1;
  return a->order < b->order ? -1 : 1;
}

static int emit_day(struct qun__sim *s, int (*emit)(void *arg, qun_slice canonical), void *arg) {
  if (s->count > 1) qsort(s->entries, s->count, sizeof *s->entries, by_time);
  for (uint32_t i = 0; i < s->count; i++) {
    int rc = emit(arg, qun_slice_of(s->bytes.buf + s->entries[i].at, s->entries[i].len));
    if (rc != 0) return rc;
  }
  return 0;
}

static void make_day(struct qun__sim *s) {
  s->midnight = s->o.end_ms - (int64_t)(s->o.days - s->today) * QUN__DAY_MS;
  s->count = 0;
  qun_pack_clear(&s->bytes);
  qun__sim_staff(s);
  uint32_t before = s->joined;
  while (s->joined < s->o.members && s->members[s->by_day[s->joined]].join_day == s->today) s->joined++;
  for (uint32_t i = before; i < s->joined; i++) qun__sim_join(s, s->by_day[i]);
  for (uint32_t i = 0; i < before; i++) qun__sim_live(s, s->by_day[i]);
  follow_up(s);
}

int qun_simulate(const struct qun_simulation *options, int (*emit)(void *arg, qun_slice canonical), void *arg,
                 struct qun_error *err) {
  struct qun__sim s;
  int rc = 0;
  memset(&s, 0, sizeof s);
  s.o = *options;
  if (s.o.members == 0) s.o.members = 600;
  if (s.o.days == 0) s.o.days = 120;
  if (s.o.end_ms == 0) {
    s.o.end_ms = 1751299200000; /* 2025-06-30T16:00:00Z */
    s.o.offset_minutes = 480;
  }
  if (!s.o.code) s.o.code = "XP-DEMO";
  if (s.o.members > MEMBERS_MAX)
    return qun_error_set(err, QUN_EINVAL, "members must be at most %d (got %u)", MEMBERS_MAX, s.o.members);
  if (s.o.days > DAYS_MAX)
    return qun_error_set(err, QUN_EINVAL, "days must be at most %d (got %u)", DAYS_MAX, s.o.days);
  qun__chance_init(&s.chance, s.o.seed);
  if (qun__sim_people(&s) < 0) s.failed = true;
  for (s.today = 0; s.today < s.o.days && rc == 0 && !s.failed; s.today++) {
    make_day(&s);
    if (s.bytes.failed) s.failed = true;
    if (!s.failed) rc = emit_day(&s, emit, arg);
  }
  if (s.failed) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  free(s.members);
  free(s.by_day);
  free(s.entries);
  free(s.later);
  qun_pack_fini(&s.bytes);
  return rc;
}
