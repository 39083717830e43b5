/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: entries, group commit, recovery after a process that died, parked tenants. */
#include "host/engine/backup.h"
#include "host/engine/journal_entry.h"
#include "host/engine/journal_segments.h"
#include "tests/host/engine/support.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---------------------------------------------------------------- entries */

static void fill(struct qun_input_batch *b) {
  qun_input_batch_init(b);
  for (int i = 0; i < 3; i++) {
    struct qun_input *in = qun_input_batch_add(b);
    in->flags = (uint32_t)i;
    in->time_ms = 1000 + i;
    in->has_member = i == 1;
    memset(in->member, i, sizeof in->member);
    in->type = qun_arena_copy(&b->arena, qun_str("message"));
    in->id = qun_arena_copy(&b->arena, qun_str("id"));
    in->data = qun_arena_copy(&b->arena, qun_slice_of("\x80", 1));
  }
}

static unsigned char *written(const struct qun_input_batch *b, size_t *size) {
  struct qun_entry e = {.number = 7, .now_ms = 99, .tenant = "tea"};
  *size = qun_entry_size("tea", b);
  unsigned char *bytes = malloc(*size);
  qun_entry_write(bytes, &e, b, 42);
  return bytes;
}

Test(host_engine_journal_entry, reads_what_it_wrote) {
  struct qun_input_batch in, out;
  struct qun_entry e;
  size_t size, read;
  fill(&in);
  unsigned char *bytes = written(&in, &size);
  cr_assert_eq(qun_entry_read(&e, qun_slice_of(bytes, size), 42, &read), 0);
  cr_assert_eq(read, size);
  cr_assert_eq(e.number, 7);
  cr_assert_eq(e.now_ms, 99);
  cr_assert_str_eq(e.tenant, "tea");
  cr_assert_eq(qun_entry_inputs(&out, &e, NULL), 0);
  cr_assert_eq(out.count, 3);
  for (uint32_t i = 0; i < 3; i++) {
    cr_assert_eq(out.items[i].time_ms, in.items[i].time_ms);
    cr_assert_eq(out.items[i].has_member, in.items[i].has_member);
    cr_assert(qun_slice_eq(out.items[i].type, in.items[i].type));
    cr_assert(qun_slice_eq(out.items[i].data, in.items[i].data));
    cr_assert_eq(out.items[i].lang.len, 0);
  }
  qun_input_batch_fini(&in);
  qun_input_batch_fini(&out);
  free(bytes);
}

Test(host_engine_journal_entry, refuses_each_changed_byte_another_seed_and_every_cut) {
  struct qun_input_batch in;
  struct qun_entry e;
  size_t size, read;
  fill(&in);
  unsigned char *bytes = written(&in, &size);
  cr_assert_lt(qun_entry_read(&e, qun_slice_of(bytes, size), 43, &read), 0);
  for (size_t i = 0; i < size; i++) {
    bytes[i] ^= 0x20;
    cr_assert_lt(qun_entry_read(&e, qun_slice_of(bytes, size), 42, &read), 0, "byte %zu", i);
    bytes[i] ^= 0x20;
    cr_assert_lt(qun_entry_read(&e, qun_slice_of(bytes, i), 42, &read), 0, "cut at %zu", i);
  }
  qun_input_batch_fini(&in);
  free(bytes);
}

/* ---------------------------------------------------------------- a process that dies */

static void open_journaled(struct bed *b, uint32_t segment) {
  bed_open(b, 2);
  bed_close(b);
  b->journal = true;
  b->segment = segment;
  bed_reopen(b);
}

/* Feeds in a child that dies without closing anything. */
static void feed_and_die(struct bed *b, uint32_t from, uint32_t n, uint32_t batch, bool settle) {
  pid_t pid;
  int status;
  bed_close(b);
  fflush(NULL);
  if ((pid = fork()) == 0) {
    bed_reopen(b);
    if (bed_feed_durable(b, "a", from, n, batch)) _exit(1);
    if (bed_feed_durable(b, "b", from, n, batch)) _exit(2);
    if (settle && bed_int(b, "a", "events", NULL) < 0) _exit(3);
    _exit(0);
  }
  cr_assert_eq(waitpid(pid, &status, 0), pid);
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
}

static void expect_same(struct bed *b, uint32_t n) {
  struct bed clean;
  char got[65], want[65];
  bed_open(&clean, 1);
  bed_tenant(&clean, "a", true);
  bed_feed(&clean, "a", 0, n, 1000);
  bed_keyspace_hash(&clean, "a", "ledger", want);
  for (int i = 0; i < 2; i++) {
    const char *name = i ? "b" : "a";
    cr_assert_eq(bed_int(b, name, "events", NULL), n, "%s has %lld", name, (long long)bed_int(b, name, "events", NULL));
    bed_keyspace_hash(b, name, "ledger", got);
    cr_assert_str_eq(got, want);
  }
  bed_remove(&clean);
}

Test(host_engine_journal, a_reader_sees_what_was_acknowledged) {
  struct bed b;
  open_journaled(&b, 1 << 20);
  bed_tenant(&b, "a", true);
  for (uint32_t i = 0; i < 20; i++) {
    cr_assert_eq(bed_feed_durable(&b, "a", i * 3, 3, 1), 0);
    cr_assert_eq(bed_int(&b, "a", "events", NULL), (i + 1) * 3);
  }
  bed_remove(&b);
}

Test(host_engine_journal, what_was_acknowledged_is_there_once_after_a_crash) {
  struct bed b;
  struct qun_recovery r;
  open_journaled(&b, 1 << 20);
  bed_tenant(&b, "a", true);
  bed_tenant(&b, "b", true);
  feed_and_die(&b, 0, 300, 1, false);
  bed_reopen(&b);
  qun_engine_recovery(b.engine, &r);
  cr_assert_gt(r.entries + r.skipped, 0);
  cr_assert_eq(r.damaged, 0);
  feed_and_die(&b, 300, 500, 7, true);
  feed_and_die(&b, 700, 500, 40, false); /* the first 100 were there */
  bed_reopen(&b);
  expect_same(&b, 1200);
  bed_close(&b);
  bed_reopen(&b);
  qun_engine_recovery(b.engine, &r);
  cr_assert_eq(r.entries + r.skipped, 0, "a journal that was closed has nothing left to do");
  expect_same(&b, 1200);
  bed_remove(&b);
}

Test(host_engine_journal, segments_are_used_again) {
  struct bed b;
  struct qun_journal_stats st;
  open_journaled(&b, 64 << 10);
  bed_tenant(&b, "a", true);
  for (uint32_t i = 0; i < 40; i++) {
    cr_assert_eq(bed_feed_durable(&b, "a", i * 200, 200, 5), 0);
    cr_assert_eq(bed_int(&b, "a", "events", NULL), (i + 1) * 200);
    if (i % 10 == 9) cr_assert_eq(qun_engine_journal_scrub(b.engine, NULL), 0);
  }
  qun_engine_journal_stats(b.engine, &st);
  cr_assert_gt(st.bytes, 20u * (64u << 10));
  cr_assert_lt(st.segments, 60);
  cr_assert_eq(st.failed, false);
  bed_remove(&b);
}

Test(host_engine_journal, an_engine_without_one_applies_what_is_left_in_it) {
  struct bed b;
  open_journaled(&b, 1 << 20);
  bed_tenant(&b, "a", true);
  bed_tenant(&b, "b", true);
  feed_and_die(&b, 0, 100, 1, false);
  b.journal = false;
  bed_reopen(&b);
  expect_same(&b, 100);
  bed_remove(&b);
}

/* ---------------------------------------------------------------- damage */

static void newest_segment(const struct bed *b, char path[512]) {
  char dir[256];
  struct dirent **names;
  time_t newest = 0;
  snprintf(dir, sizeof dir, "%s/data/journal", b->dir);
  int n = scandir(dir, &names, NULL, alphasort);
  path[0] = '\0';
  for (int i = 0; i < n; i++) {
    char one[512];
    struct stat st;
    snprintf(one, sizeof one, "%s/%s", dir, names[i]->d_name);
    if (strstr(one, ".seg") && stat(one, &st) == 0 && st.st_mtime >= newest) {
      newest = st.st_mtime;
      memcpy(path, one, sizeof one);
    }
    free(names[i]);
  }
  free(names);
}

Test(host_engine_journal, a_torn_tail_is_the_end) {
  struct bed b;
  char path[512];
  open_journaled(&b, 1 << 20);
  bed_tenant(&b, "a", true);
  bed_tenant(&b, "b", true);
  feed_and_die(&b, 0, 50, 1, false);
  newest_segment(&b, path);
  int fd = open(path, O_RDWR);
  cr_assert_geq(fd, 0);
  /* garbage behind the last entry, as a sync that never came leaves it */
  char last[4096];
  off_t at = QUN_SEGMENT_HEAD, end = at;
  for (; pread(fd, last, sizeof last, at) == (ssize_t)sizeof last; at += (off_t)sizeof last) {
    for (size_t i = 0; i < sizeof last; i++) {
      if (last[i]) end = at + (off_t)i + 1;
    }
  }
  end = (end + 7) & ~(off_t)7;
  cr_assert_eq(pwrite(fd, "QJE1garbage that is no entry at all.....", 40, end), 40);
  cr_assert_eq(ftruncate(fd, end + 40), 0);
  close(fd);
  bed_reopen(&b);
  expect_same(&b, 50);
  cr_assert_eq(bed_feed_durable(&b, "a", 50, 10, 1), 0);
  cr_assert_eq(bed_int(&b, "a", "events", NULL), 60);
  bed_remove(&b);
}

Test(host_engine_journal, entries_of_a_deleted_tenant_are_left_out) {
  struct bed b;
  struct qun_recovery r;
  char path[512];
  open_journaled(&b, 1 << 20);
  bed_tenant(&b, "a", true);
  bed_tenant(&b, "b", true);
  feed_and_die(&b, 0, 50, 1, false);
  snprintf(path, sizeof path, "mv %s/data/tenants/b %s/gone", b.dir, b.dir);
  cr_assert_eq(system(path), 0);
  bed_reopen(&b);
  qun_engine_recovery(b.engine, &r);
  cr_assert_geq(r.skipped, 50);
  cr_assert_eq(bed_int(&b, "a", "events", NULL), 50);
  bed_remove(&b);
}

Test(host_engine_journal, a_tenant_whose_store_does_not_open_is_set_aside) {
  struct bed b;
  struct qun_recovery r;
  char cmd[512];
  open_journaled(&b, 1 << 20);
  bed_tenant(&b, "a", true);
  bed_tenant(&b, "b", true);
  feed_and_die(&b, 0, 50, 1, false);
  snprintf(cmd, sizeof cmd,
           "cd %s/data/tenants/b/store && cp data.mdb ../kept && : > data.mdb && printf junk > data.mdb", b.dir);
  cr_assert_eq(system(cmd), 0);
  bed_reopen(&b);
  qun_engine_recovery(b.engine, &r);
  cr_assert_eq(r.spilled, 50);
  cr_assert_eq(bed_int(&b, "a", "events", NULL), 50);
  bed_close(&b);
  bed_reopen(&b); /* nothing is lost by another start */
  bed_close(&b);
  snprintf(cmd, sizeof cmd, "cd %s/data/tenants/b && cp kept store/data.mdb", b.dir);
  cr_assert_eq(system(cmd), 0);
  bed_reopen(&b);
  int64_t events = 0;
  for (int i = 0; i < 200 && events < 50; i++) {
    usleep(50000);
    events = bed_int(&b, "b", "events", NULL);
  }
  expect_same(&b, 50);
  cr_assert_eq(bed_feed_durable(&b, "b", 50, 1, 1), 0);
  bed_remove(&b);
}

Test(host_engine_journal, what_was_set_aside_comes_in_after_a_restore) {
  struct bed b;
  struct qun_recovery r;
  struct qun_error err = {0};
  struct qun_pack out;
  char cmd[512], path[160];
  open_journaled(&b, 1 << 20);
  bed_tenant(&b, "a", true);
  bed_tenant(&b, "b", true);
  snprintf(path, sizeof path, "%s/b.tar.zst", b.dir);
  struct qun_engine_backup_spec backup = {.path = path};
  qun_pack_init(&out);
  cr_assert_eq(qun_engine_backup(b.engine, "b", &backup, &out, &err), 0, "%s", err.message);
  feed_and_die(&b, 0, 50, 1, false);
  snprintf(cmd, sizeof cmd, "printf junk > %s/data/tenants/b/store/data.mdb", b.dir);
  cr_assert_eq(system(cmd), 0);
  bed_reopen(&b);
  qun_engine_recovery(b.engine, &r);
  cr_assert_eq(r.spilled, 50);
  struct qun_engine_restore_spec restore = {.path = path, .until_ms = INT64_MAX, .replace = true};
  cr_assert_eq(qun_engine_restore(b.engine, &restore, &out, &err), 0, "%s", err.message);
  expect_same(&b, 50);
  cr_assert_eq(bed_feed_durable(&b, "b", 50, 1, 1), 0);
  qun_pack_fini(&out);
  bed_remove(&b);
}
