/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/crumbs.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[32];
static struct qun_crumbs *c;
static struct qun_error err;
static const unsigned char sum[32] = {0xab, 0xcd};

static void open_it(void) {
  cr_assert_eq(qun_crumbs_open(&c, dir, &err), 0, "%s", err.message);
}

static void init(void) {
  strcpy(dir, "/tmp/qun-crumbs-XXXXXX");
  cr_assert_not_null(mkdtemp(dir));
  open_it();
}

static void fini(void) {
  char command[64];
  qun_crumbs_close(c);
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  cr_assert_eq(system(command), 0);
}

/* As if the process had died here: nothing is put in order. */
static const struct qun_crumb_left *next_life(uint32_t *count) {
  qun_crumbs_close(c);
  open_it();
  return qun_crumbs_left(c, count);
}

static struct qun_crumb_was enter(struct qun_crumb *crumb, enum qun_callback callback, const void *what) {
  static const char club[64] = "club";
  return qun_crumb_enter(crumb, qun_crumbs_code(c, "points", "1.2.0", sum, false), callback, club, 12, what, 0);
}

TestSuite(host_plugins_crumbs, .init = init, .fini = fini);

Test(host_plugins_crumbs, nobody_is_left_when_all_have_come_back) {
  struct qun_crumb *crumb = qun_crumbs_take(c);
  uint32_t count = 9;
  struct qun_crumb_was was = enter(crumb, QUN_CALLBACK_EVENT, NULL);
  cr_assert_eq(qun__crumb_here, crumb);
  qun_crumb_leave(crumb, &was);
  cr_assert_null(qun__crumb_here);
  next_life(&count);
  cr_expect_eq(count, 0);
}

Test(host_plugins_crumbs, the_next_life_reads_who_crashed_and_on_what) {
  const struct qun_event e = {.type = qun_str("message"), .id = qun_str("m\n7"), .source = qun_str("chat")};
  struct qun_crumb *crumb = qun_crumbs_take(c);
  uint32_t count;
  enter(crumb, QUN_CALLBACK_EVENT, &e);
  qun_crumb_mark(crumb, QUN_MARK_CRASH, 11);
  qun_crumb_mark(crumb, QUN_MARK_EXIT, 0);
  const struct qun_crumb_left *left = next_life(&count);
  cr_assert_eq(count, 1);
  cr_expect_eq(left->mark, QUN_MARK_CRASH, "the first mark says why");
  cr_expect_eq(left->number, 11);
  cr_expect_eq(left->callback, QUN_CALLBACK_EVENT);
  cr_expect_str_eq(left->plugin, "points");
  cr_expect_str_eq(left->version, "1.2.0");
  cr_expect_str_eq(left->sum, "abcd000000000000");
  cr_expect_str_eq(left->tenant, "club");
  cr_expect_eq(left->seq, 12);
  cr_expect_str_eq(left->text, "message m?7 of chat");
  cr_expect_eq(left->key, qun_crumb_event_key(e.type, e.source, e.id, e.subject));
  next_life(&count);
  cr_expect_eq(count, 0, "it is read once");
}

Test(host_plugins_crumbs, a_call_inside_a_callback_is_named_and_then_the_outer_one_again) {
  struct qun_crumb *crumb = qun_crumbs_take(c);
  const struct qun_request r = {.service = qun_str("points.total")};
  uint32_t count;
  enter(crumb, QUN_CALLBACK_EVENT, NULL);
  struct qun_crumb_was inner = enter(crumb, QUN_CALLBACK_REQUEST, &r);
  cr_expect_eq(atomic_load(&crumb->callback), QUN_CALLBACK_REQUEST);
  qun_crumb_leave(crumb, &inner);
  cr_expect_eq(atomic_load(&crumb->callback), QUN_CALLBACK_EVENT);
  cr_expect_eq(qun__crumb_here, crumb);
  cr_expect_str_eq(crumb->tenant, "club");
  const struct qun_crumb_left *left = next_life(&count);
  cr_assert_eq(count, 1);
  cr_expect_eq(left->mark, QUN_MARK_NONE);
  cr_expect_eq(left->callback, QUN_CALLBACK_EVENT);
}

Test(host_plugins_crumbs, keys_tell_events_apart) {
  qun_slice a = qun_str("a"), ab = qun_str("ab"), b = qun_str("b"), none = qun_str("");
  cr_expect_neq(qun_crumb_event_key(ab, none, none, none), qun_crumb_event_key(a, b, none, none));
  struct qun_timer first = {.due_ms = 1, .name = a}, second = {.due_ms = 2, .name = a};
  cr_expect_neq(qun_crumb_timer_key(&first), qun_crumb_timer_key(&second));
}

Test(host_plugins_crumbs, any_number_may_be_taken_and_given_back) {
  struct qun_crumb *all[500];
  for (int i = 0; i < 500; i++) cr_assert_not_null(all[i] = qun_crumbs_take(c));
  cr_expect_neq(all[0], all[499]);
  for (int i = 0; i < 500; i++) qun_crumbs_give(all[i]);
  struct qun_crumb *again = qun_crumbs_take(c);
  cr_expect_eq(again, all[0]);
  qun_crumbs_give(again);
  struct qun_crumb *own = qun_crumbs_take(NULL);
  cr_assert_not_null(own);
  qun_crumbs_give(own);
  qun_crumbs_give(NULL);
}

Test(host_plugins_crumbs, a_file_of_rubbish_says_nothing) {
  char path[64];
  uint32_t count;
  snprintf(path, sizeof path, "%s/plugins/crumbs", dir);
  qun_crumbs_close(c);
  int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
  for (int i = 0; i < 10000; i++) cr_assert_eq(write(fd, "rubbish", 7), 7);
  close(fd);
  open_it();
  qun_crumbs_left(c, &count);
  cr_expect_eq(count, 0);
}
