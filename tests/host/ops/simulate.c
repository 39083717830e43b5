/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/simulate.h"

#include "../intake/support.h"

#include <sodium.h>
#include <stdlib.h>

enum { MEMBERS_MAX = 2000, CHANNELS = 8 };

/* What a simulation said, counted. */
struct tally {
  struct gate *gate; /* NULL: none */
  crypto_generichash_state hash;
  uint64_t events;
  int64_t last, first;
  struct {
    char name[32];
    uint64_t count;
  } types[64];
  size_t types_count;
  int channel_of[MEMBERS_MAX]; /* index + 1 */
  int64_t joined[MEMBERS_MAX];
  bool stayed[MEMBERS_MAX];
  char channels[CHANNELS][32];
  uint64_t labelled, unlabelled, stop_at;
};

static void count_type(struct tally *t, qun_slice type) {
  size_t i = 0;
  while (i < t->types_count && !qun_slice_eq(type, qun_str(t->types[i].name))) i++;
  cr_assert_lt(i, 64);
  if (i == t->types_count) memcpy(t->types[t->types_count++].name, type.ptr, (size_t)type.len);
  t->types[i].count++;
}

static uint64_t count_of(const struct tally *t, const char *type) {
  for (size_t i = 0; i < t->types_count; i++)
    if (strcmp(t->types[i].name, type) == 0) return t->types[i].count;
  return 0;
}

/* A member stays who does something 7 to 13 days after the first day. */
static void note_member(struct tally *t, qun_slice e, qun_slice type, int64_t time) {
  qun_slice member = qun_mp_str(e, "member"), channel = qun_mp_str(e, "channel");
  unsigned number;
  char text[32] = "";
  if (member.len == 0 || member.len >= sizeof text) return;
  memcpy(text, member.ptr, (size_t)member.len);
  if (sscanf(text, "sim-%u", &number) != 1 || number >= MEMBERS_MAX) return;
  if (qun_slice_eq(type, qun_str("join"))) {
    int i = 0;
    while (t->channels[i][0] && !qun_slice_eq(channel, qun_str(t->channels[i]))) i++;
    memcpy(t->channels[i], channel.ptr, (size_t)channel.len);
    t->channel_of[number] = i + 1;
    t->joined[number] = time;
  }
  int64_t days = (time - t->joined[number]) / 86400000;
  if (days >= 7 && days <= 13) t->stayed[number] = true;
}

static int on_event(void *arg, qun_slice e) {
  struct tally *t = arg;
  struct qun_error err = {0};
  qun_slice data, type = qun_mp_str(e, "type");
  int64_t time = qun_mp_int(e, "time", -1);
  crypto_generichash_update(&t->hash, e.ptr, e.len);
  cr_assert_geq(time, t->last, "the order of time");
  if (t->events++ == 0) t->first = time;
  t->last = time;
  count_type(t, type);
  note_member(t, e, type, time);
  if (qun_mp_find(e, "data", &data) && qun_mp_bool(data, "is_ad", 0)) {
    if (qun_slice_eq(qun_mp_str(data, "label"), qun_str("广告")))
      t->labelled++;
    else
      t->unlabelled++;
  }
  if (t->gate) cr_assert_eq(qun_normalise(&t->gate->n, &t->gate->batch, e, &err), 0, "%s", err.message);
  return t->stop_at && t->events == t->stop_at ? 7 : 0;
}

static void run(struct tally *t, const struct qun_simulation *o, unsigned char hash[16]) {
  struct qun_error err = {0};
  crypto_generichash_init(&t->hash, NULL, 0, 16);
  cr_assert_eq(qun_simulate(o, on_event, t, &err), 0, "%s", err.message);
  crypto_generichash_final(&t->hash, hash, 16);
}

Test(host_ops_simulate, same_seed_same_bytes) {
  static struct tally a, b, c;
  unsigned char ha[16], hb[16], hc[16];
  run(&a, &(struct qun_simulation){.seed = 1, .members = 100, .days = 40}, ha);
  run(&b, &(struct qun_simulation){.seed = 1, .members = 100, .days = 40}, hb);
  run(&c, &(struct qun_simulation){.seed = 2, .members = 100, .days = 40}, hc);
  cr_assert_arr_eq(ha, hb, 16);
  cr_assert_arr_neq(ha, hc, 16);
}

Test(host_ops_simulate, same_bytes_on_every_machine) {
  static struct tally t;
  unsigned char hash[16];
  char hex[33];
  run(&t, &(struct qun_simulation){.seed = 7, .members = 50, .days = 35}, hash);
  sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
  cr_assert_str_eq(hex, "c07cb82fda2afc2321c89a5110ebe63e", "put the new hash here if what is simulated changed: %s",
                   hex);
}

Test(host_ops_simulate, the_gate_takes_every_event) {
  static struct tally t;
  struct gate g;
  unsigned char hash[16];
  gate_open(&g);
  t.gate = &g;
  run(&t, &(struct qun_simulation){.seed = 3, .members = 300, .days = 120}, hash);
  cr_assert_eq(g.batch.count, t.events);
  gate_close(&g);
}

Test(host_ops_simulate, ends_at_the_given_day) {
  static struct tally t;
  unsigned char hash[16];
  int64_t end;
  cr_assert_eq(qun_time_parse(qun_str("2025-07-01T00:00:00+08:00"), &end), 0);
  run(&t, &(struct qun_simulation){.seed = 3, .members = 20, .days = 30}, hash);
  cr_assert_lt(t.last, end);
  cr_assert_geq(t.last, end - 86400000);
  cr_assert_eq(t.first, end - 30 * (int64_t)86400000);
  memset(&t, 0, sizeof t);
  run(&t, &(struct qun_simulation){.seed = 3, .members = 20, .days = 2, .end_ms = 86400000 * 10ll}, hash);
  cr_assert_lt(t.last, 86400000 * 10ll);
  cr_assert_eq(t.first, 86400000 * 8ll);
}

Test(host_ops_simulate, has_all_that_the_plugins_look_for) {
  static const char *const wanted[] = {"message",
                                       "reaction",
                                       "join",
                                       "leave",
                                       "invite",
                                       "read",
                                       "share",
                                       "click",
                                       "checkin",
                                       "purchase",
                                       "refund",
                                       "survey.answer",
                                       "member.profile",
                                       "consent.given",
                                       "consent.refused",
                                       "consent.withdrawn",
                                       "optout",
                                       "complaint",
                                       "complaint.answered",
                                       "notice.published",
                                       "rules.published",
                                       "moderation",
                                       "request.opened",
                                       "request.answered",
                                       "incident.opened",
                                       "incident.reported",
                                       "vendor.recorded",
                                       "transfer.recorded",
                                       "assessment.recorded",
                                       "retention.set",
                                       "promo.recorded",
                                       "asset.recorded",
                                       "training.recorded",
                                       "channel.reach",
                                       "channel.cost"};
  static struct tally t;
  unsigned char hash[16];
  run(&t, &(struct qun_simulation){.seed = 1}, hash);
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) cr_assert_gt(count_of(&t, wanted[i]), 0, "%s", wanted[i]);
  cr_assert_eq(count_of(&t, "join"), 600);
  cr_assert_gt(t.labelled, t.unlabelled);
  cr_assert_gt(t.unlabelled, 0);
}

static uint64_t stay_percent(const struct tally *t, const char *channel, int64_t end) {
  uint64_t all = 0, stayed = 0;
  for (int i = 0; i < MEMBERS_MAX; i++) {
    if (t->channel_of[i] == 0 || strcmp(t->channels[t->channel_of[i] - 1], channel) != 0) continue;
    if (t->joined[i] > end - 14 * (int64_t)86400000) continue;
    all++;
    stayed += t->stayed[i];
  }
  cr_assert_gt(all, 20);
  return 100 * stayed / all;
}

Test(host_ops_simulate, channels_keep_their_members_to_different_degrees) {
  static struct tally t;
  unsigned char hash[16];
  run(&t, &(struct qun_simulation){.seed = 1, .members = MEMBERS_MAX, .days = 90}, hash);
  cr_assert_lt(stay_percent(&t, "ground-push", t.last), 20);
  cr_assert_lt(stay_percent(&t, "wechat-ads", t.last), 25);
  cr_assert_gt(stay_percent(&t, "store-qr", t.last), 35);
  cr_assert_gt(stay_percent(&t, "xiaohongshu", t.last), 35);
}

Test(host_ops_simulate, refuses_and_stops) {
  static struct tally t;
  struct qun_error err = {0};
  cr_assert_eq(qun_simulate(&(struct qun_simulation){.members = 1000001}, on_event, &t, &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "members must be at most 1000000 (got 1000001)");
  cr_assert_eq(qun_simulate(&(struct qun_simulation){.days = 3661}, on_event, &t, &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "days must be at most 3660 (got 3661)");
  crypto_generichash_init(&t.hash, NULL, 0, 16);
  t.stop_at = 10;
  cr_assert_eq(qun_simulate(&(struct qun_simulation){.seed = 1}, on_event, &t, &err), 7);
  cr_assert_eq(t.events, 10);
}
