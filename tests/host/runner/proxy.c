/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins in runners: what the kernel denies them, how they end, and that the host lives on. */
#include "tests/host/runner/host.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static struct mini m;

static int first_event(const char *animal) {
  mini_open(&m, "zoo", animal);
  return mini_event(&m, "zoo", 1, 1000);
}

/* ---------------------------------------------------------------- what the kernel denies */

Test(runner, denies_from_the_first_constructor_on) {
  mini_open(&m, "zoo", "peeks");
  cr_assert_eq(mini_event(&m, "", 0, 1000), 0, "%s", m.message);
  cr_expect_eq(mini_int(&m, "early_read"), EACCES);
  cr_expect_eq(mini_int(&m, "early_write"), EACCES);
  cr_expect_eq(mini_int(&m, "early_socket"), EACCES);
  cr_expect_eq(mini_int(&m, "read"), EACCES);
  cr_expect_eq(mini_int(&m, "read_library"), EACCES);
  cr_expect_eq(mini_int(&m, "write"), EACCES);
  cr_expect_eq(mini_int(&m, "socket"), EACCES);
  cr_expect_eq(mini_int(&m, "code"), EACCES);
  cr_expect_eq(mini_int(&m, "unknown"), ENOSYS);
  cr_expect_eq(mini_int(&m, "thread"), 0);
  cr_expect_eq(mini_int(&m, "environment"), 0);
  cr_expect_eq(mini_int(&m, "descriptors"), 1, "the connection alone, not %d", (int)mini_int(&m, "descriptors"));
  mini_close(&m);
}

Test(runner, ends_whoever_attacks) {
  static const char *const attacks[] = {"exec", "fork", "ptrace", "unshare"};
  mini_open(&m, "zoo", "peeks");
  for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
    cr_assert_lt(mini_event(&m, attacks[i], 0, 1000), 0, "%s was let", attacks[i]);
    cr_expect_str_eq(qun_proxy_broken(m.local), "a forbidden system call (SIGSYS)");
    cr_expect_eq(qun_proxy_poison(m.local), m.seq);
  }
  cr_assert_eq(mini_event(&m, "", 0, 1000), 0, "another runner comes: %s", m.message);
  cr_expect_null(qun_proxy_broken(m.local));
  mini_close(&m);
}

Test(runner, signals_nobody_and_opens_nothing) {
  cr_assert_eq(first_event("signals_parent"), 0, "%s", m.message);
  cr_expect_eq(mini_int(&m, "result"), EACCES);
  mini_close(&m);
  cr_assert_eq(first_event("leaks_descriptors"), 0);
  cr_expect_eq(mini_int(&m, "result"), ENOSYS);
  mini_close(&m);
  cr_assert_eq(first_event("writes_file"), 0);
  cr_expect_eq(mini_int(&m, "result"), EACCES);
  mini_close(&m);
}

/* ---------------------------------------------------------------- what is refused at the beginning */

static void refused(const char *animal, int code, const char *part) {
  cr_expect_eq(first_event(animal), code, "%s: %s", animal, m.message);
  cr_expect_not_null(strstr(m.message, part), "%s: %s", animal, m.message);
  mini_close(&m);
}

Test(runner, says_why_a_library_is_refused) {
  refused("no_entry", QUN_EINVAL, "does not export qun_plugin_v1");
  refused("wrong_magic", QUN_EINVAL, "it is built for pointers of");
  refused("future_abi", QUN_EUNSUPPORTED, "built for ABI");
  refused("no_create", QUN_EINVAL, "no create");
  refused("crash_load", QUN_EGONE, "SIGSEGV");
  refused("crash_create", QUN_EGONE, "SIGSEGV");
}

Test(runner, fails_closed_when_the_sandbox_is_weaker_than_asked_for) {
  mini_open(&m, "zoo", "crash_event");
  m.options.require = "landlock>=99,seccomp";
  cr_assert_eq(mini_event(&m, "", 1, 1000), QUN_EDENIED);
  cr_expect_not_null(strstr(m.message, "asks for landlock>=99; this system gives: landlock "), "%s", m.message);
  m.options.require = "chains";
  cr_assert_eq(mini_event(&m, "", 1, 1000), QUN_EINVAL);
  mini_close(&m);
}

/* ---------------------------------------------------------------- how they end */

Test(runner, outlives_a_plugin_that_crashes) {
  static const char *const animals[] = {"crash_event", "aborts", "exits"};
  static const char *const how[] = {"SIGSEGV", "SIGABRT", "exit code"};
  for (size_t i = 0; i < sizeof animals / sizeof *animals; i++) {
    mini_open(&m, "zoo", animals[i]);
    cr_assert_eq(mini_event(&m, "", 1, 1000), 0, "%s", m.message);
    cr_assert_lt(mini_event(&m, "zoo", 1, 1000), 0);
    cr_expect_not_null(strstr(qun_proxy_broken(m.local), how[i]), "%s: %s", animals[i], qun_proxy_broken(m.local));
    cr_expect_eq(qun_proxy_poison(m.local), 2);
    cr_assert_eq(mini_event(&m, "", 1, 1000), 0, "%s", m.message);
    cr_expect_eq(mini_int(&m, "messages"), 2, "it reads again what it had");
    mini_close(&m);
  }
}

Test(runner, ends_a_plugin_that_hangs) {
  mini_open(&m, "zoo", "loops");
  cr_assert_eq(mini_event(&m, "", 1, 1000), 0, "%s", m.message);
  pid_t pid = qun_proxy_pid(m.local);
  m.options.callback_ms = 300;
  cr_assert_lt(mini_event(&m, "zoo", 1, 1000), 0);
  cr_expect_str_eq(qun_proxy_broken(m.local), "a callback did not come back in time");
  cr_expect_eq(kill(pid, 0), -1);
  cr_expect_eq(errno, ESRCH);
  mini_close(&m);
}

Test(runner, gives_no_more_memory_than_its_limit) {
#if defined(__SANITIZE_ADDRESS__)
  cr_skip_test("a build with the address sanitizer bounds resident memory instead");
#endif
  cr_assert_eq(first_event("hogs_memory"), 0, "%s", m.message);
  cr_expect_eq(mini_int(&m, "result"), ENOMEM);
  mini_close(&m);
}

/* ---------------------------------------------------------------- what it may say */

Test(runner, refuses_handles_that_are_not_the_callbacks) {
  cr_assert_eq(first_event("forges_handle"), 0, "%s", m.message);
  cr_expect_eq(mini_int(&m, "result"), QUN_EDENIED);
  cr_expect_eq(mini_int(&m, "stolen"), INT64_MIN);
  mini_close(&m);
}

Test(runner, refuses_answers_that_are_none) {
  mini_open(&m, "zoo", "answers_garbage");
  cr_expect_eq(mini_request(&m, "answers_garbage.act"), 0, "%s", m.message);
  mini_close(&m);
  mini_open(&m, "zoo", "answers_much");
  cr_expect_lt(mini_request(&m, "answers_much.act") + 1, 2);
  cr_expect_eq(mini_request(&m, "answers_much.look"), 0, "%s", m.message);
  mini_close(&m);
}

Test(runner, reads_a_row_once_and_knows_what_was_shipped) {
  mini_open(&m, "zoo", "crash_event");
  qun_slice two = qun_slice_of("\x02", 1);
  for (uint64_t i = 1; i <= 10; i++) mini_announce(&m, "", 1, 1000, i);
  qun_proxy_known(m.local, qun_str("messages"), &two);
  for (int i = 0; i < 10; i++) cr_assert_eq(mini_event(&m, "", 1, 1000), 0, "%s", m.message);
  cr_expect_eq(mini_int(&m, "messages"), 12);
  cr_expect_eq(m.gets, 0);
  mini_close(&m);
}

/* Events that were sent ahead wait for a timer that is due before them. */
Test(runner, takes_timers_before_the_events_that_wait) {
  mini_open(&m, "zoo", "crash_timer");
  for (uint64_t i = 1; i <= 4; i++) mini_announce(&m, "", 1, (int64_t)i * 1000, i);
  qun_proxy_due(m.local, 3000);
  cr_assert_eq(mini_event(&m, "", 1, 1000), 0, "%s", m.message);
  cr_assert_eq(mini_event(&m, "", 1, 2000), 0, "%s", m.message);
  cr_assert_lt(mini_timer(&m, 3000), 0);
  cr_expect_not_null(strstr(qun_proxy_broken(m.local), "SIGSEGV"));
  cr_expect_eq(mini_int(&m, "messages"), 2, "none ran ahead of the timer");
  mini_close(&m);
}
