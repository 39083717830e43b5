/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/due.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void add(struct qun_dues *d, const char *name, int64_t at) {
  struct qun_due *due = qun_dues_add(d, name);
  due->mark = (struct qun_due_mark){.due_ms = at, .txn = (uint64_t)at * 3, .inode = 77, .outbox = at % 2 == 0};
  due->known = true;
  cr_assert_eq(qun_dues_wake_at(d, due, at), 0);
}

Test(host_engine_due, gives_the_earliest_first_and_equal_times_by_name) {
  struct qun_dues d;
  char name[16], last_name[64] = "";
  uint32_t x = 1, seen = 0;
  int64_t last = -1;
  qun_dues_init(&d);
  for (uint32_t i = 0; i < 5000; i++) {
    x = x * 1664525u + 1013904223u;
    snprintf(name, sizeof name, "t%u", i);
    add(&d, name, (x >> 16) % 100);
  }
  for (uint32_t i = 0; i < 5000; i += 3) { /* some move, some go */
    snprintf(name, sizeof name, "t%u", i);
    x = x * 1664525u + 1013904223u;
    struct qun_due *due = qun_dues_find(&d, name);
    if (i % 2)
      qun_dues_drop(&d, due);
    else
      qun_dues_wake_at(&d, due, (x >> 16) % 100);
  }
  for (struct qun_due *due; (due = qun_dues_first(&d)); seen++) {
    cr_assert(due->at > last || (due->at == last && strcmp(due->tenant, last_name) > 0));
    last = due->at;
    snprintf(last_name, sizeof last_name, "%s", due->tenant);
    qun_dues_wake_at(&d, due, INT64_MAX);
  }
  cr_assert_eq(seen, 5000 - 833);
  qun_dues_fini(&d);
}

static void written(char path[64], const struct qun_dues *d) {
  struct qun_pack p;
  struct qun_error err = {0};
  snprintf(path, 64, "/tmp/qun-due-XXXXXX");
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  close(fd);
  qun_pack_init(&p);
  qun_dues_pack(d, &p);
  cr_assert_eq(qun_dues_write(&p, path, &err), 0, "%s", err.message);
  qun_pack_fini(&p);
}

Test(host_engine_due, comes_back_from_its_file) {
  struct qun_dues d, back;
  struct qun_error err = {0};
  char path[64];
  qun_dues_init(&d);
  qun_dues_init(&back);
  add(&d, "acme", 1234567890123);
  add(&d, "never", INT64_MAX);
  qun_dues_add(&d, "unknown"); /* no mark: not in the file */
  written(path, &d);
  cr_assert_eq(qun_dues_load(&back, path, &err), 0, "%s", err.message);
  cr_assert_eq(HASH_COUNT(back.all), 2);
  const struct qun_due *acme = qun_dues_find(&back, "acme");
  cr_assert(acme->known && !acme->fresh && acme->mark.due_ms == 1234567890123 && acme->mark.inode == 77);
  cr_assert_eq(acme->mark.txn, 1234567890123ull * 3);
  cr_assert_eq(qun_dues_find(&back, "never")->mark.due_ms, INT64_MAX);
  cr_assert_null(qun_dues_first(&back), "nobody is woken before the stores are checked");
  unlink(path);
  qun_dues_fini(&back);
  qun_dues_fini(&d);
}

Test(host_engine_due, refuses_a_file_that_is_torn_or_altered) {
  struct qun_dues d, back;
  struct qun_error err = {0};
  char path[64];
  qun_dues_init(&d);
  qun_dues_init(&back);
  for (uint32_t i = 0; i < 50; i++) {
    char name[16];
    snprintf(name, sizeof name, "t%u", i);
    add(&d, name, i);
  }
  written(path, &d);
  FILE *f = fopen(path, "r+");
  cr_assert_not_null(f);
  fseek(f, 0, SEEK_END);
  long size = ftell(f);
  for (long at = 0; at < size; at += 7) {
    fseek(f, at, SEEK_SET);
    int c = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(c ^ 0x10, f);
    fflush(f);
    cr_assert_eq(qun_dues_load(&back, path, &err), QUN_ECONFLICT, "byte %ld", at);
    cr_assert_null(back.all);
    fseek(f, at, SEEK_SET);
    fputc(c, f);
    fflush(f);
  }
  for (long cut = size - 1; cut >= 0; cut -= 61) {
    cr_assert_eq(ftruncate(fileno(f), cut), 0);
    cr_assert_eq(qun_dues_load(&back, path, &err), QUN_ECONFLICT, "cut at %ld", cut);
  }
  fclose(f);
  unlink(path);
  cr_assert_eq(qun_dues_load(&back, path, &err), QUN_ENOTFOUND);
  qun_dues_fini(&d);
}
