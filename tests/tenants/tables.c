/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/members.h"
#include "tenants/outbox.h"
#include "tenants/state_hash.h"
#include "tenants/timers.h"
#include "tests/tenants/scratch.h"

#include <qun/msgpack.h>

Test(tenants_timers, come_in_order_of_due_time_plugin_and_name) {
  struct scratch s;
  struct qun_batch b;
  struct qun_timer_row row;
  scratch_open(&s, 1 << 22);
  scratch_begin(&s, &b);
  cr_assert_eq(qun_timer_set(&b, "two", qun_str("b"), 5, qun_str("2b")), 0);
  cr_assert_eq(qun_timer_set(&b, "one", qun_str("z"), 5, qun_str("1z")), 0);
  cr_assert_eq(qun_timer_set(&b, "one", qun_str("a"), -7, qun_str("1a")), 0);
  cr_assert_eq(qun_timer_set(&b, "one", qun_str("m"), 3, qun_str("1m")), 0);
  cr_assert_eq(qun_timer_set(&b, "one", qun_str("m"), 9, qun_str("1m later")), 0);
  const char *const order[] = {"1a", "1z", "2b", "1m later"};
  for (int i = 0; i < 4; i++) {
    char plugin[8];
    cr_assert_eq(qun_timer_next(&b.view, NULL, &row), 0);
    cr_assert(qun_slice_is(row.data, order[i]), "place %d", i);
    snprintf(plugin, sizeof plugin, "%.*s", (int)row.plugin.len, (const char *)row.plugin.ptr);
    cr_assert_eq(qun_timer_cancel(&b, plugin, row.name), 0);
  }
  cr_assert_eq(qun_timer_next(&b.view, NULL, &row), QUN_ENOTFOUND);
  cr_assert_eq(qun_timer_set(&b, "one", qun_str(""), 1, qun_str("")), QUN_EINVAL);
  qun_batch_end(&b);
  scratch_close(&s);
}

Test(tenants_outbox, holds_a_gated_row_until_it_is_released) {
  struct scratch s;
  struct qun_batch b;
  struct qun_outbox_entry e = {.state = QUN_OUTBOX_HELD,
                               .due_ms = 100,
                               .plugin = qun_str("content"),
                               .key = qun_str("post-1"),
                               .via = qun_str("spool"),
                               .target = qun_str("wall")};
  struct qun_outbox_entry due[4];
  uint32_t n = 9;
  scratch_open(&s, 1 << 22);
  scratch_begin(&s, &b);
  cr_assert_eq(qun_outbox_add(&b, &e), 0);
  cr_assert_eq(qun_outbox_add(&b, &e), QUN_ECONFLICT);
  cr_assert_eq(qun_outbox_due(&b.view, 1000, due, 4, &n), 0);
  cr_assert_eq(n, 0);
  cr_assert_eq(qun_outbox_move(&b, e.plugin, e.key, QUN_OUTBOX_RELEASED), 0);
  cr_assert_eq(qun_outbox_due(&b.view, 99, due, 4, &n), 0);
  cr_assert_eq(n, 0);
  cr_assert_eq(qun_outbox_due(&b.view, 100, due, 4, &n), 0);
  cr_assert_eq(n, 1);
  cr_assert(qun_slice_is(due[0].key, "post-1"));
  cr_assert_eq(qun_outbox_move(&b, e.plugin, e.key, QUN_OUTBOX_SENT), 0);
  cr_assert_eq(qun_outbox_move(&b, e.plugin, e.key, QUN_OUTBOX_RELEASED), QUN_ECONFLICT);
  cr_assert_eq(qun_outbox_due(&b.view, 1000, due, 4, &n), 0);
  cr_assert_eq(n, 0);
  qun_batch_end(&b);
  scratch_close(&s);
}

Test(tenants_members, number_in_order_of_first_sight_and_keep_identity) {
  struct scratch s;
  struct qun_batch b;
  struct qun_head head = {0};
  unsigned char who[2][QUN_PSEUDONYM_SIZE] = {{1}, {2}}, back[QUN_PSEUDONYM_SIZE];
  uint64_t a, c, again;
  struct qun_pack p;
  qun_slice sealed;
  scratch_open(&s, 1 << 22);
  scratch_begin(&s, &b);
  cr_assert_eq(qun_member_number(&b, &head, who[0], &a), 0);
  cr_assert_eq(qun_member_number(&b, &head, who[1], &c), 0);
  cr_assert_eq(qun_member_number(&b, &head, who[0], &again), 0);
  cr_assert(a == 1 && c == 2 && again == 1 && head.members == 2);
  for (int round = 0; round < 2; round++) {
    qun_pack_init(&p);
    qun_pack_map(&p, 1);
    qun_pack_cstr(&p, round ? "unionid" : "phone");
    qun_pack_bin(&p, qun_str(round ? "U" : "P"));
    cr_assert_eq(qun_member_identify(&b, 1, qun_pack_slice(&p)), 0);
    qun_pack_fini(&p);
  }
  cr_assert_eq(qun_member_identity(&b.view, 1, "phone", &sealed), 0);
  cr_assert(qun_slice_is(sealed, "P"));
  cr_assert_eq(qun_member_identity(&b.view, 1, "unionid", &sealed), 0);
  cr_assert_eq(qun_member_identity(&b.view, 2, "phone", &sealed), QUN_ENOTFOUND);
  cr_assert_eq(qun_member_pseudonym(&b.view, 2, back), 0);
  cr_assert_eq(memcmp(back, who[1], sizeof back), 0);
  qun_batch_end(&b);
  scratch_close(&s);
}

Test(tenants_state_hash, depends_on_rows_alone) {
  unsigned char hashes[3][QUN_STATE_HASH];
  for (int i = 0; i < 3; i++) {
    struct scratch s;
    struct qun_batch b;
    struct qun_view v;
    scratch_open(&s, 1 << 22);
    for (int k = 0; k < 300; k++) { /* one commit, or one a row and in another order */
      char key[16];
      snprintf(key, sizeof key, "%d", i == 1 ? 299 - k : k);
      if (i == 1 || k == 0) scratch_begin(&s, &b);
      cr_assert_eq(qun_batch_put(&b, QUN_TABLE_PLUGIN, qun_str(key), qun_str(i == 2 && k == 150 ? "w" : "v")), 0);
      if (i == 1) scratch_commit(&b);
    }
    if (i != 1) scratch_commit(&b);
    cr_assert_eq(qun_view_begin(&v, s.store, NULL), 0);
    cr_assert_eq(qun_state_hash_table(&v, QUN_TABLE_PLUGIN, hashes[i]), 0);
    qun_view_end(&v);
    scratch_close(&s);
  }
  cr_assert_eq(memcmp(hashes[0], hashes[1], QUN_STATE_HASH), 0);
  cr_assert_neq(memcmp(hashes[0], hashes[2], QUN_STATE_HASH), 0);
}
