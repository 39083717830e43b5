/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/ledger.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MINUTE ((int64_t)60000)

static char dir[32];
static struct qun_ledger *l;
static struct qun_error err;
static char reason[QUN_LEDGER_REASON];

static void open_it(void) {
  cr_assert_eq(qun_ledger_open(&l, dir, &err), 0, "%s", err.message);
}

static void init(void) {
  strcpy(dir, "/tmp/qun-ledger-XXXXXX");
  cr_assert_not_null(mkdtemp(dir));
  open_it();
}

static void fini(void) {
  char command[64];
  qun_ledger_close(l);
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  cr_assert_eq(system(command), 0);
}

static void reopen(void) {
  qun_ledger_close(l);
  open_it();
}

static void add(int64_t at_ms, enum qun_ledger_kind kind, const char *plugin, const char *sum, const char *tenant,
                uint64_t key) {
  struct qun_ledger_entry e = {.at_ms = at_ms, .kind = kind, .seq = 7, .key = key};
  snprintf(e.plugin, sizeof e.plugin, "%s", plugin);
  snprintf(e.version, sizeof e.version, "1.0.0");
  snprintf(e.sum, sizeof e.sum, "%s", sum);
  snprintf(e.tenant, sizeof e.tenant, "%s", tenant);
  if (kind == QUN_LEDGER_CRASH || kind == QUN_LEDGER_HANG) {
    snprintf(e.what, sizeof e.what, "SIGSEGV");
    snprintf(e.callback, sizeof e.callback, "on_event");
  }
  cr_assert_eq(qun_ledger_add(l, &e, &err), 0, "%s", err.message);
}

static bool out(const char *plugin, const char *sum) {
  return qun_ledger_is_out(l, plugin, sum, false, NULL, reason);
}

static int count_one(void *arg, const struct qun_ledger_entry *entry) {
  (void)entry;
  ++*(int *)arg;
  return 0;
}

static int poisons(void) {
  int n = 0;
  cr_assert_eq(qun_ledger_poison_each(l, count_one, &n), 0);
  return n;
}

TestSuite(host_plugins_ledger, .init = init, .fini = fini);

Test(host_plugins_ledger, three_strikes_within_the_hour_put_a_plugin_out_for_good) {
  add(1, QUN_LEDGER_CRASH, "a", "s1", "club", 1);
  add(50 * MINUTE, QUN_LEDGER_HANG, "a", "s1", "club", 2);
  cr_expect_not(out("a", "s1"));
  add(61 * MINUTE, QUN_LEDGER_CRASH, "a", "s1", "", 0);
  cr_expect_not(out("a", "s1"), "the first was more than an hour ago");
  add(62 * MINUTE, QUN_LEDGER_CRASH, "b", "s1", "club", 3);
  cr_expect_not(out("a", "s1"), "another plugin's");
  add(70 * MINUTE, QUN_LEDGER_CRASH, "a", "s1", "club", 4);
  cr_expect(out("a", "s1"));
  cr_expect_str_eq(reason, "came down 3 times in 60 min: a 1.0.0 crashed (SIGSEGV) in on_event, tenant club, record 7");
  reopen();
  cr_expect(out("a", "s1"), "a restart forgets nothing");
  cr_expect_eq(qun_ledger_count(l, "a"), 4);
}

Test(host_plugins_ledger, a_release_is_a_trial) {
  for (int i = 0; i < 3; i++) add(MINUTE * i, QUN_LEDGER_CRASH, "a", "s1", "club", (uint64_t)i + 1);
  cr_expect(out("a", "s1"));
  add(10 * MINUTE, QUN_LEDGER_RELEASE, "a", "s1", "", 0);
  cr_expect_not(out("a", "s1"));
  add(69 * MINUTE, QUN_LEDGER_CRASH, "a", "s1", "club", 9);
  cr_expect(out("a", "s1"));
  cr_expect_eq(strncmp(reason, "came down on trial: a 1.0.0", 27), 0, "%s", reason);
  add(80 * MINUTE, QUN_LEDGER_RELEASE, "a", "s1", "", 0);
  add(141 * MINUTE, QUN_LEDGER_CRASH, "a", "s1", "club", 9);
  cr_expect_not(out("a", "s1"), "the trial is over");
}

Test(host_plugins_ledger, another_library_begins_anew_on_trial) {
  for (int i = 0; i < 3; i++) add(MINUTE * i, QUN_LEDGER_CRASH, "a", "s1", "club", (uint64_t)i + 1);
  cr_expect_not(out("a", "s2"));
  cr_assert_eq(qun_ledger_runs(l, 5 * MINUTE, "a", "1.1.0", "s2", &err), 0);
  cr_assert_eq(qun_ledger_runs(l, 6 * MINUTE, "a", "1.1.0", "s2", &err), 0);
  cr_assert_eq(qun_ledger_runs(l, 6 * MINUTE, "b", "1.1.0", "s2", &err), 0);
  add(7 * MINUTE, QUN_LEDGER_CRASH, "a", "s2", "club", 9);
  cr_expect(out("a", "s2"));
  cr_expect(out("a", "s1"), "the old one is no better for it");
  cr_assert_eq(qun_ledger_runs(l, 8 * MINUTE, "a", "1.0.0", "s1", &err), 0);
  cr_expect(out("a", "s1"), "coming back is no release");
}

Test(host_plugins_ledger, isolated_strikes_count_for_their_tenant_alone) {
  for (int i = 0; i < 3; i++) cr_assert_eq(qun_ledger_crash(l, i, "a", "1.0.0", "s1", "club", 5, "SIGSYS", &err), 0);
  cr_expect_not(out("a", "s1"));
  cr_expect(qun_ledger_is_out(l, "a", "s1", true, "club", reason));
  cr_expect_not(qun_ledger_is_out(l, "a", "s1", true, "shop", reason));
  add(10, QUN_LEDGER_RELEASE, "a", "s1", "shop", 0);
  cr_expect(qun_ledger_is_out(l, "a", "s1", true, "club", reason));
  add(10, QUN_LEDGER_RELEASE, "a", "s1", "club", 0);
  cr_expect_not(qun_ledger_is_out(l, "a", "s1", true, "club", reason));
}

Test(host_plugins_ledger, an_event_is_poison_the_second_time) {
  add(1, QUN_LEDGER_CRASH, "a", "s1", "club", 77);
  add(2, QUN_LEDGER_CRASH, "a", "s1", "club", 78);
  add(3, QUN_LEDGER_CRASH, "a", "s1", "shop", 77);
  add(4, QUN_LEDGER_CRASH, "b", "s1", "club", 77);
  cr_expect_eq(poisons(), 0);
  add(5, QUN_LEDGER_HANG, "a", "s2", "club", 77);
  cr_expect_eq(poisons(), 1);
  add(6, QUN_LEDGER_CRASH, "a", "s1", "club", 77);
  cr_expect_eq(poisons(), 1, "once for each event");
}

static void write_file(const char *text) {
  char path[64];
  snprintf(path, sizeof path, "%s/plugins/ledger", dir);
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  close(fd);
}

Test(host_plugins_ledger, a_torn_or_foreign_line_is_left_out) {
  add(1, QUN_LEDGER_CRASH, "a", "s1", "club", 1);
  write_file("this is no line\n{\"kind\":\"crash\"}\n{\"at\":3,\"kind\":\"crash\",\"plugin\":\"a\",\"su");
  reopen();
  cr_expect_eq(qun_ledger_unread(l), 3);
  cr_expect_eq(qun_ledger_count(l, "a"), 1);
  add(4, QUN_LEDGER_CRASH, "a", "s1", "club", 1);
  reopen();
  cr_expect_eq(qun_ledger_unread(l), 0);
  cr_expect_eq(qun_ledger_count(l, "a"), 2);
}

Test(host_plugins_ledger, old_lines_go_when_there_are_many) {
  qun_ledger_close(l);
  for (int i = 0; i < QUN_LEDGER_LINES_MAX + 5; i++) {
    char line[100];
    snprintf(line, sizeof line, "{\"at\":%d,\"kind\":\"crash\",\"plugin\":\"a\",\"key\":\"0000000000000001\"}\n", i);
    if (i == 0) {
      char path[64];
      snprintf(path, sizeof path, "%s/plugins", dir);
      mkdir(path, 0700);
    }
    write_file(line);
  }
  open_it();
  cr_expect_eq(qun_ledger_count(l, "a"), QUN_LEDGER_LINES_MAX / 2);
  reopen();
  cr_expect_eq(qun_ledger_count(l, "a"), QUN_LEDGER_LINES_MAX / 2);
}
