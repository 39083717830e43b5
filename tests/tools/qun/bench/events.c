/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench/events.h"
#include "host/ops/json.h"

#include <criterion/criterion.h>

static void add(struct qun_pack *out, uint64_t seed, uint64_t nth) {
  struct qun_bench_event e;
  qun_bench_event_make(&e, seed, nth, QUN_BENCH_MEMBERS);
  qun_bench_event_pack(out, &e);
}

Test(tools_qun_bench_events, same_seed_same_bytes_and_another_seed_others) {
  struct qun_pack a, b, c;
  qun_pack_init(&a);
  qun_pack_init(&b);
  qun_pack_init(&c);
  for (uint64_t i = 0; i < 1000; i++) {
    add(&a, 1, i);
    add(&b, 1, i);
    add(&c, 2, i);
  }
  cr_assert(qun_slice_eq(qun_pack_slice(&a), qun_pack_slice(&b)));
  cr_assert(!qun_slice_eq(qun_pack_slice(&a), qun_pack_slice(&c)));
  qun_pack_fini(&a);
  qun_pack_fini(&b);
  qun_pack_fini(&c);
}

Test(tools_qun_bench_events, events_are_whole_and_of_the_size_said) {
  struct qun_pack p;
  qun_pack_init(&p);
  size_t total = 0, messages = 0;
  for (uint64_t i = 0; i < 10000; i++) {
    qun_pack_clear(&p);
    add(&p, 1, i);
    cr_assert(qun_mp_valid(qun_pack_slice(&p), 4));
    total += p.len;
    if (qun_slice_is(qun_mp_str(qun_pack_slice(&p), "type"), "message")) messages++;
  }
  cr_assert(total / 10000 >= 200 && total / 10000 <= 260, "%zu bytes an event", total / 10000);
  cr_assert(messages > 7800 && messages < 8200);
  qun_pack_fini(&p);
}

Test(tools_qun_bench_events, ids_are_unique_and_do_not_rise) {
  struct qun_bench_event e, before;
  uint32_t rising = 0;
  qun_bench_event_make(&before, 7, 0, QUN_BENCH_MEMBERS);
  for (uint64_t i = 1; i < 10000; i++, before = e) {
    qun_bench_event_make(&e, 7, i, QUN_BENCH_MEMBERS);
    cr_assert_str_neq(e.id, before.id);
    cr_assert_eq(strlen(e.id), QUN_BENCH_ID);
    rising += strcmp(e.id, before.id) > 0;
  }
  cr_assert(rising > 4700 && rising < 5300, "%u of 9999 rise", rising);
}

Test(tools_qun_bench_events, a_reaction_names_an_earlier_number_of_its_group) {
  struct qun_bench_event e, other;
  uint32_t reactions = 0;
  for (uint64_t i = 1; i < 300; i++) {
    qun_bench_event_make(&e, 7, i, QUN_BENCH_MEMBERS);
    if (e.type != QUN_BENCH_REACTION) continue;
    uint64_t at = i;
    do qun_bench_event_make(&other, 7, --at, QUN_BENCH_MEMBERS);
    while (at > 0 && (other.type != QUN_BENCH_MESSAGE || strcmp(other.of, e.of) != 0));
    if (strcmp(other.of, e.of) == 0) cr_assert_str_eq(other.group, e.group);
    cr_assert_lt(strtoull(e.of, NULL, 10), 7000000000000000000ull + i);
    reactions++;
  }
  cr_assert(reactions > 10);
}

Test(tools_qun_bench_events, an_event_says_the_same_in_json) {
  struct qun_bench_event e;
  struct qun_pack json, map;
  qun_pack_init(&json);
  qun_pack_init(&map);
  for (uint64_t i = 0; i < 200; i++) {
    qun_bench_event_make(&e, 3, i, QUN_BENCH_MEMBERS);
    qun_pack_clear(&json);
    qun_pack_clear(&map);
    qun_bench_event_json(&json, &e);
    cr_assert_eq(qun_json_to_msgpack(&map, qun_pack_slice(&json), NULL), 0);
    cr_assert(qun_slice_is(qun_mp_str(qun_pack_slice(&map), "id"), e.id));
    cr_assert(qun_slice_is(qun_mp_str(qun_pack_slice(&map), "member"), e.member));
    cr_assert(qun_slice_is(qun_mp_str(qun_pack_slice(&map), "type"), qun_bench_type_names[e.type]));
  }
  qun_pack_fini(&json);
  qun_pack_fini(&map);
}
