/* SPDX-License-Identifier: Apache-2.0 */
#include "host/qund/crash.h"

#include "tenants/batch.h"
#include "tenants/store.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 3000, PAGE = 4096 };

static char top[32], dir[80];
static const struct qun_log quiet = {.level = 99};
static struct qun_error err;

static struct qun_store *open_store(void) {
  struct qun_store *s = NULL;
  struct qun_store_options o = {.quota_bytes = 16 << 20};
  cr_assert_eq(qun_store_open(&s, dir, &o, &err), 0, "%s", err.message);
  return s;
}

static void init(void) {
  char path[64];
  struct qun_batch b;
  strcpy(top, "/tmp/qun-crash-XXXXXX");
  cr_assert_not_null(mkdtemp(top));
  snprintf(path, sizeof path, "%s/tenants", top);
  cr_assert_eq(mkdir(path, 0700), 0);
  snprintf(path, sizeof path, "%s/tenants/club", top);
  cr_assert_eq(mkdir(path, 0700), 0);
  snprintf(dir, sizeof dir, "%s/store", path);
  struct qun_store *s = open_store();
  cr_assert_eq(qun_batch_begin(&b, s, &err), 0, "%s", err.message);
  for (uint64_t i = 1; i <= ROWS; i++) {
    unsigned char key[8];
    qun_be64(key, i);
    cr_assert_eq(qun_batch_put(&b, QUN_TABLE_LOG, qun_slice_of(key, 8), qun_str("a row of some length")), 0);
  }
  cr_assert_eq(qun_batch_commit(&b, NULL, NULL, &err), 0, "%s", err.message);
  qun_batch_end(&b);
  qun_store_close(s);
}

static void fini(void) {
  char command[64];
  snprintf(command, sizeof command, "rm -rf '%s'", top);
  cr_assert_eq(system(command), 0);
}

/* All pages but the two that LMDB begins with become the same rubbish. */
static void overwrite(void) {
  char path[96];
  unsigned char rubbish[PAGE];
  struct stat st;
  uint32_t x = 1;
  snprintf(path, sizeof path, "%s/data.mdb", dir);
  int fd = open(path, O_RDWR | O_CLOEXEC);
  cr_assert(fd >= 0 && fstat(fd, &st) == 0);
  for (size_t i = 0; i < sizeof rubbish; i++) {
    x = x * 1664525u + 1013904223u;
    rubbish[i] = (unsigned char)(x >> 24);
  }
  for (off_t at = 2 * PAGE; at < st.st_size; at += PAGE) cr_assert_eq(pwrite(fd, rubbish, PAGE, at), PAGE);
  close(fd);
}

static void assert_parked(const char *word) {
  struct qun_store *s = NULL;
  struct qun_store_options o = {.there = true};
  cr_assert_eq(qun_store_open(&s, dir, &o, &err), QUN_ECONFLICT);
  cr_assert_not_null(strstr(err.message, word), "%s", err.message);
  cr_assert_not_null(strstr(err.message, "DAMAGED"), "%s", err.message);
}

TestSuite(host_qund_crash, .init = init, .fini = fini);

Test(host_qund_crash, a_sound_store_is_left_alone) {
  cr_assert_eq(qun_qund_crash_check(top, "club 1", &quiet), 0);
  qun_store_close(open_store());
}

Test(host_qund_crash, a_damaged_store_is_parked_with_the_reason) {
  overwrite();
  cr_assert_eq(qun_qund_crash_check(top, "club 1", &quiet), 1);
  assert_parked("damaged");
}

Test(host_qund_crash, a_store_that_always_crashes_is_parked_though_it_looks_sound) {
  cr_assert_eq(qun_qund_crash_check(top, "club 2", &quiet), 0);
  cr_assert_eq(qun_qund_crash_check(top, "club 3", &quiet), 1);
  assert_parked("3 workers");
}

Test(host_qund_crash, names_from_elsewhere_are_not_followed) {
  static const char *const bad[] = {"", "club", "../club 3", "/etc 3", "CLUB 3"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) cr_assert_eq(qun_qund_crash_check(top, bad[i], &quiet), 2);
}

/* What the child said before it ended. */
static int crash_with(int ends[2], void (*how)(void), char said[64]) {
  int status = 0;
  cr_assert_eq(pipe(ends), 0);
  pid_t pid = fork();
  if (pid == 0) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    freopen("/dev/null", "w", stderr);
    qun_qund_crash_watch(ends[1]);
    how();
    _exit(0);
  }
  close(ends[1]);
  ssize_t n = read(ends[0], said, 63);
  said[n > 0 ? n : 0] = '\0';
  close(ends[0]);
  cr_assert_eq(waitpid(pid, &status, 0), pid);
  return status;
}

static void crash_reading(void) {
  struct qun_view v;
  volatile uintptr_t nowhere = 8; /* volatile: not even the compiler knows that nothing is there */
  if (qun_view_begin(&v, open_store(), &err) < 0) _exit(0);
  *(volatile unsigned char *)nowhere = 1;
}

static void be_killed(void) {
  struct qun_view v;
  if (qun_view_begin(&v, open_store(), &err) < 0) _exit(0);
  raise(SIGSEGV);
}

static void be_told(void) {
  struct qun_view v;
  if (qun_view_begin(&v, open_store(), &err) < 0) _exit(0);
  kill(getpid(), SIGSEGV);
  pause();
}

Test(host_qund_crash, a_thread_that_crashes_names_the_store_it_had_in_use) {
  int ends[2];
  char said[64];
  cr_assert_neq(crash_with(ends, crash_reading, said), 0);
  cr_assert_str_eq(said, "cclub");
  cr_assert_neq(crash_with(ends, be_killed, said), 0);
  cr_assert_str_eq(said, "cclub");
}

Test(host_qund_crash, a_signal_from_elsewhere_blames_nobody_and_still_ends_it) {
  int ends[2];
  char said[64];
  cr_assert_neq(crash_with(ends, be_told, said), 0);
  cr_assert_str_eq(said, "c");
}
