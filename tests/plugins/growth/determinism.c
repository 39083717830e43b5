/* SPDX-License-Identifier: Apache-2.0 */
/* The same log gives the same keyspace, byte for byte, however often the instance is made anew. */
#include "tests/plugins/growth/growth.h"

#include <stdio.h>

static uint32_t next(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

/* A year of a community with everything in it: late events, renames in all directions, leaving and coming back,
 * purchases. */
static void live(struct qun_fake *f, uint32_t seed, unsigned events) {
  static const char *const types[] = {"message", "message",  "message", "reaction", "join",   "leave",
                                      "checkin", "purchase", "rename",  "kick",     "refund", "member.closed"};
  static const char *const groups[] = {"a", "b", "c", NULL};
  static const char *const channels[] = {"qr", "ads", "kol", NULL};
  int64_t start = 1735689600000;
  for (unsigned i = 0; i < events; i++) {
    const char *type = types[next(&seed) % 12];
    uint32_t late = next(&seed) % 20 == 0 ? next(&seed) % 10 : 0;
    struct qun_fake_event e = {.type = type,
                               .time_ms = start + (int64_t)i * 31536000000 / (int64_t)events - (int64_t)late * 86400000,
                               .member = 1 + next(&seed) % 150,
                               .group = groups[next(&seed) % 4],
                               .channel = channels[next(&seed) % 4]};
    if (e.time_ms < start) e.time_ms = start;
    if (strcmp(type, "message") == 0) e.fields[0] = (struct qun_fake_field)QUN_TEXT("text", "x");
    if (strcmp(type, "purchase") == 0 || strcmp(type, "refund") == 0)
      e.fields[0] = (struct qun_fake_field)QUN_INT("amount", next(&seed) % 9000);
    if (strcmp(type, "rename") == 0) e.fields[0] = (struct qun_fake_field)QUN_INT("new_member", 1 + next(&seed) % 400);
    if (strcmp(type, "join") == 0)
      e.channel = channels[next(&seed) % 4];
    else
      e.channel = NULL;
    cr_assert_eq(qun_fake_send(f, &e), 0, "%s: %s", type, qun_fake_message(f));
  }
}

static uint64_t hash_of(unsigned recreate, uint32_t seed) {
  struct qun_fake *f = growth_open();
  uint64_t hash;
  qun_fake_recreate_every(f, recreate);
  live(f, seed, 6000);
  hash = qun_fake_hash(f);
  qun_slice model = growth_view_of(f, "overview"),
            counts = qun_fake_request(f, "growth.members", qun_slice_of("\x80", 1));
  cr_assert_eq(model_figure(model, "now", "members"), qun_mp_int(counts, "members", -1),
               "the days add up to the total");
  qun_fake_close(f);
  return hash;
}

Test(plugins_growth_determinism, memory_is_a_cache_only) {
  for (uint32_t seed = 1; seed <= 3; seed++) {
    uint64_t never = hash_of(0, seed);
    cr_assert_eq(hash_of(0, seed), never);
    cr_assert_eq(hash_of(1, seed), never, "made anew after every callback");
    cr_assert_eq(hash_of(7, seed), never);
    cr_assert_eq(hash_of(97, seed), never);
  }
}

Test(plugins_growth_determinism, a_failed_event_leaves_no_trace_in_memory) {
  struct qun_fake *f = growth_open();
  uint64_t with, without;
  live(f, 5, 500);
  without = qun_fake_hash(f);
  cr_assert_neq(qun_fake_event(f, .type = "rename", .member = 3, .group = "new group",
                               .fields = {QUN_INT("new_member", 0)}),
                0);
  cr_assert_eq(qun_fake_hash(f), without);
  qun_fake_event(f, .type = "message", .member = 3, .group = "new group", .fields = {QUN_TEXT("text", "x")});
  with = qun_fake_hash(f);
  qun_fake_close(f);
  f = growth_open();
  live(f, 5, 500);
  qun_fake_event(f, .type = "message", .member = 3, .group = "new group", .fields = {QUN_TEXT("text", "x")});
  cr_assert_eq(qun_fake_hash(f), with);
  qun_fake_close(f);
}
