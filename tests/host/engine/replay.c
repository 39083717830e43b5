/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/host/engine/support.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void replay(struct bed *b, const struct qun_replay_spec *spec, struct qun_pack *p) {
  struct qun_error err = {0};
  qun_pack_init(p);
  cr_assert_eq(qun_engine_replay(b->engine, "acme", spec, p, &err), 0, "%s", err.message);
}

static qun_slice nth(qun_slice map, const char *key, uint32_t i) {
  struct qun_unpack u;
  uint32_t n = 0;
  qun_slice value = {NULL, 0};
  cr_assert(qun_mp_find(map, key, &value));
  qun_unpack_init(&u, value);
  cr_assert(qun_unpack_array(&u, &n));
  cr_assert_lt(i, n, "%s has %u", key, n);
  for (uint32_t k = 0; k <= i; k++) cr_assert(qun_unpack_any(&u, &value));
  return value;
}

Test(host_engine_replay, gives_the_live_state_in_every_mode_for_any_threads_and_batch) {
  struct bed b;
  struct qun_pack p;
  char hash[65];
  bed_open(&b, 2);
  bed_tenant(&b, "acme", true);
  bed_feed(&b, "acme", 0, 9000, 1000); /* more than one chunk */
  bed_say(&b, "acme", "f", "bob", "please fail");
  bed_hash(&b, "acme", hash);
  const uint32_t threads[] = {1, 2, 5}, batches[] = {1, 700, 0};
  for (int i = 0; i < 18; i++) {
    struct qun_replay_spec spec = {.mode = i < 9 ? QUN_REPLAY_VERIFY : QUN_REPLAY_REBUILD,
                                   .until_ms = INT64_MAX,
                                   .threads = threads[i % 3],
                                   .batch = batches[i / 3 % 3]};
    replay(&b, &spec, &p);
    cr_expect_eq(qun_mp_int(qun_pack_slice(&p), "derived_differ", -1), 0, "case %d", i);
    cr_expect(qun_mp_bool(qun_pack_slice(&p), "match", 0), "case %d", i);
    cr_expect(qun_slice_is(qun_mp_str(qun_pack_slice(&p), "state_hash"), hash), "case %d", i);
    cr_expect(qun_slice_is(qun_mp_str(qun_pack_slice(&p), "live_hash"), hash), "case %d", i);
    qun_pack_fini(&p);
  }
  bed_remove(&b);
}

static void note(void *arg, uint64_t done, uint64_t total) {
  uint64_t *last = arg;
  cr_assert_gt(done, last[0]);
  cr_assert_leq(done, total);
  last[0] = done;
  last[1] = total;
}

Test(host_engine_replay, tells_how_far_it_is_up_to_the_end) {
  struct bed b;
  struct qun_pack p;
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  bed_feed(&b, "acme", 0, 9000, 3000);
  uint64_t last[2] = {0, 0};
  struct qun_replay_spec spec = {
      .mode = QUN_REPLAY_VERIFY, .until_ms = INT64_MAX, .threads = 1, .progress = note, .progress_arg = last};
  replay(&b, &spec, &p);
  cr_expect_eq(last[0], last[1]);
  cr_expect_gt(last[1], 9000);
  qun_pack_fini(&p);
  bed_remove(&b);
}

/* One member writes 20 messages: a tenth after each 10, with step 4 after each 4. */
Test(host_engine_replay, shows_which_records_other_settings_would_have_derived) {
  struct bed b;
  struct qun_pack p, changes;
  char id[16];
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  for (int i = 0; i < 20; i++) {
    snprintf(id, sizeof id, "m%d", i);
    bed_say(&b, "acme", id, "ann", "hello");
  }
  int64_t tenths = bed_int(&b, "acme", "derived", "ledger.tenth");
  cr_assert_eq(tenths, 2);
  qun_pack_init(&changes);
  qun_pack_map(&changes, 1);
  qun_pack_kv_cstr(&changes, "ledger.step", "4");
  struct qun_replay_spec spec = {.mode = QUN_REPLAY_WHATIF, .until_ms = INT64_MAX, .changes = qun_pack_slice(&changes)};
  replay(&b, &spec, &p);
  qun_slice reply = qun_pack_slice(&p), emits = nth(reply, "emits", 0);
  cr_expect_not(qun_mp_bool(reply, "match", 1));
  cr_expect(qun_slice_is(qun_mp_str(emits, "plugin"), "ledger"));
  cr_expect(qun_slice_is(qun_mp_str(emits, "type"), "ledger.tenth"));
  cr_expect_eq(qun_mp_int(emits, "was", -1), 2);
  cr_expect_eq(qun_mp_int(emits, "is", -1), 5);
  /* 4, 8, 12 and 16 are new, 10 is gone, 20 stays as it was */
  cr_expect_eq(qun_mp_int(reply, "derived_differ", -1), 5);
  const int64_t counts[] = {4, 8, 10, 12, 16};
  for (uint32_t i = 0; i < 5; i++) {
    qun_slice d = nth(reply, "emits_differ", i), field = nth(d, "fields", 0);
    bool gone = counts[i] == 10;
    cr_expect(qun_slice_is(qun_mp_str(d, "type"), "ledger.tenth"));
    cr_expect_eq(qun_mp_int(d, "member", 0), 1);
    cr_expect(qun_slice_is(qun_mp_str(field, "field"), "count"));
    cr_expect_eq(qun_mp_int(field, gone ? "was" : "is", 0), counts[i], "difference %u", i);
    cr_expect_eq(qun_mp_int(field, gone ? "is" : "was", -1), -1, "difference %u", i);
  }
  qun_pack_fini(&p);
  qun_pack_fini(&changes);
  bed_remove(&b);
}
