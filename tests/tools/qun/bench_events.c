/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench_events.h"

#include <criterion/criterion.h>

Test(tools_qun_bench_events, same_seed_same_bytes_and_another_seed_others) {
  struct qun_pack a, b, c;
  qun_pack_init(&a);
  qun_pack_init(&b);
  qun_pack_init(&c);
  for (uint64_t i = 0; i < 1000; i++) {
    qun_bench_event(&a, 1, i);
    qun_bench_event(&b, 1, i);
    qun_bench_event(&c, 2, i);
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
    qun_bench_event(&p, 1, i);
    cr_assert(qun_mp_valid(qun_pack_slice(&p), 4));
    total += p.len;
    if (qun_slice_is(qun_mp_str(qun_pack_slice(&p), "type"), "message")) messages++;
  }
  cr_assert(total / 10000 >= 200 && total / 10000 <= 260, "%zu bytes an event", total / 10000);
  cr_assert(messages > 7800 && messages < 8200);
  qun_pack_fini(&p);
}
