/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/backup.h"
#include "tests/host/engine/support.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void in_bed(const struct bed *b, const char *name, char out[160]) {
  snprintf(out, 160, "%s/%s", b->dir, name);
}

static int64_t back_up(struct bed *b, const char *tenant, const char *path, const char *keys, char hash[65]) {
  struct qun_error err = {0};
  struct qun_pack out;
  qun_pack_init(&out);
  struct qun_engine_backup_spec spec = {.path = path, .keys_path = keys};
  cr_assert_eq(qun_engine_backup(b->engine, tenant, &spec, &out, &err), 0, "%s", err.message);
  int64_t seq = qun_mp_int(qun_pack_slice(&out), "seq", -1);
  qun_slice s = qun_mp_str(qun_pack_slice(&out), "state_hash");
  snprintf(hash, 65, "%.*s", (int)s.len, (const char *)s.ptr);
  qun_pack_fini(&out);
  return seq;
}

static int restore(struct bed *b, const struct qun_engine_restore_spec *spec, struct qun_error *err) {
  struct qun_pack out;
  qun_pack_init(&out);
  int rc = qun_engine_restore(b->engine, spec, &out, err);
  qun_pack_fini(&out);
  return rc;
}

static void restore_fine(struct bed *b, const char *path, const char *keys, const char *as, int64_t until_ms) {
  struct qun_error err = {0};
  struct qun_engine_restore_spec spec = {.path = path, .keys_path = keys, .as = as, .until_ms = until_ms};
  cr_assert_eq(restore(b, &spec, &err), 0, "%s", err.message);
}

/* A replay of the log gives the state that is there. */
static void replays(struct bed *b, const char *tenant) {
  struct qun_error err = {0};
  struct qun_replay_spec spec = {.mode = QUN_REPLAY_VERIFY, .until_ms = INT64_MAX};
  struct qun_pack out;
  qun_pack_init(&out);
  cr_assert_eq(qun_engine_replay(b->engine, tenant, &spec, &out, &err), 0, "%s", err.message);
  cr_assert(qun_mp_bool(qun_pack_slice(&out), "match", 0));
  qun_pack_fini(&out);
}

struct log {
  struct qun_pack bytes;
  uint64_t upto, last_restored;
  int64_t clock_at[4000];
};

static int take(void *arg, const struct qun_log_entry *e) {
  struct log *l = arg;
  if (e->seq <= l->upto) qun_pack_bin(&l->bytes, e->bytes);
  if (e->seq < 4000) l->clock_at[e->seq] = e->clock_ms;
  if (qun_slice_is(e->type, "qun.restored")) l->last_restored = e->seq;
  return 0;
}

static void read_log(struct bed *b, const char *tenant, uint64_t upto, struct log *l) {
  struct qun_error err = {0};
  memset(l, 0, sizeof *l);
  qun_pack_init(&l->bytes);
  l->upto = upto;
  cr_assert_eq(qun_engine_log_each(b->engine, tenant, 0, 0, take, l, &err), 0, "%s", err.message);
}

static int names_in(const char *dir, const char *sub) {
  char path[200];
  int n = 0;
  snprintf(path, sizeof path, "%s/%s", dir, sub);
  DIR *d = opendir(path);
  cr_assert_not_null(d, "%s", path);
  for (struct dirent *e = readdir(d); e; e = readdir(d))
    n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
  closedir(d);
  return n;
}

/* ---- a writer that does not stop */

struct writer {
  struct bed *bed;
  atomic_bool stop;
  atomic_uint sent;
};

static void *write_on(void *arg) {
  struct writer *w = arg;
  for (uint32_t at = 500; !atomic_load(&w->stop); at += 50) {
    bed_feed(w->bed, "acme", at, 50, 10);
    atomic_store(&w->sent, at);
  }
  return NULL;
}

Test(host_engine_backup, is_consistent_while_a_writer_runs, .timeout = 120) {
  struct bed a, c;
  struct writer w = {.bed = &a};
  struct log here, there;
  char path[160], keys[160], wanted[65], hash[65];
  pthread_t thread;
  bed_open(&a, 2);
  bed_open(&c, 2);
  bed_tenant(&a, "acme", true);
  bed_feed(&a, "acme", 0, 500, 100);
  cr_assert_eq(pthread_create(&thread, NULL, write_on, &w), 0);
  while (atomic_load(&w.sent) < 600) usleep(1000);
  in_bed(&a, "acme.tar.zst", path);
  in_bed(&a, "acme.keys.tar.zst", keys);
  int64_t seq = back_up(&a, "acme", path, keys, wanted);
  atomic_store(&w.stop, true);
  pthread_join(thread, NULL);
  cr_assert_gt(seq, 500);

  restore_fine(&c, path, keys, NULL, INT64_MAX);
  bed_hash(&c, "acme", hash);
  cr_assert_str_eq(hash, wanted);
  replays(&c, "acme");
  read_log(&a, "acme", (uint64_t)seq, &here);
  read_log(&c, "acme", (uint64_t)seq, &there);
  cr_assert_eq(here.bytes.len, there.bytes.len);
  cr_assert_eq(memcmp(here.bytes.buf, there.bytes.buf, here.bytes.len), 0);
  cr_assert_eq(there.last_restored, (uint64_t)seq + 1);
  struct qun_submit_result again = bed_feed(&c, "acme", 0, 600, 100); /* what is in the backup is known */
  cr_assert_eq(again.accepted, 0);
  cr_assert_eq(again.duplicates, 600);
  qun_pack_fini(&here.bytes);
  qun_pack_fini(&there.bytes);
  bed_remove(&a);
  bed_remove(&c);
}

/* ---- a point in time */

Test(host_engine_backup, goes_back_to_a_point_in_time, .timeout = 120) {
  struct bed a;
  struct log l;
  struct qun_error err = {0};
  struct qun_pack replayed;
  char path[160], hash[65], was[65];
  bed_open(&a, 2);
  bed_tenant(&a, "acme", true);
  bed_feed(&a, "acme", 0, 1500, 100);
  bed_feed(&a, "acme", 1500, 1000, 100);
  in_bed(&a, "acme.tar.zst", path);
  back_up(&a, "acme", path, NULL, was);
  read_log(&a, "acme", 0, &l);
  int64_t until = l.clock_at[1200];
  restore_fine(&a, path, NULL, "past", until);
  bed_hash(&a, "past", hash);
  cr_assert_str_neq(hash, was);
  cr_assert_gt(bed_int(&a, "acme", "outbox", "held"), 0); /* what waited is not sent from here */
  cr_assert_eq(bed_int(&a, "past", "outbox", "held"), -1);
  cr_assert_eq(bed_int(&a, "past", "outbox", "released"), -1);
  cr_assert_gt(bed_int(&a, "past", "outbox", "failed"), 0);

  struct qun_replay_spec spec = {.mode = QUN_REPLAY_VERIFY, .until_ms = until};
  qun_pack_init(&replayed);
  cr_assert_eq(qun_engine_replay(a.engine, "acme", &spec, &replayed, &err), 0, "%s", err.message);
  cr_assert(qun_slice_is(qun_mp_str(qun_pack_slice(&replayed), "state_hash"), hash));
  qun_pack_fini(&replayed);
  replays(&a, "past");

  struct qun_submit_result again = bed_feed(&a, "past", 0, 2500, 100); /* what came later may come again */
  cr_assert_eq(again.accepted + again.duplicates, 2500);
  cr_assert_gt(again.accepted, 1000);
  cr_assert_gt(again.duplicates, 1000);
  bed_keyspace_hash(&a, "past", "ledger", hash);
  bed_keyspace_hash(&a, "acme", "ledger", was);
  cr_assert_str_eq(hash, was);
  replays(&a, "past");
  bed_remove(&a);
}

/* ---- epochs */

Test(host_engine_backup, begins_a_new_epoch_of_the_audit_tree) {
  struct bed a;
  struct qun_pack before, after, key;
  struct qun_error err = {0};
  char path[160], hash[65];
  uint64_t size = 0, size2 = 0;
  bed_open(&a, 1);
  bed_tenant(&a, "acme", true);
  bed_feed(&a, "acme", 0, 700, 100);
  qun_pack_init(&before);
  qun_pack_init(&after);
  qun_pack_init(&key);
  in_bed(&a, "acme.tar.zst", path);
  back_up(&a, "acme", path, NULL, hash);
  bed_feed(&a, "acme", 700, 700, 100);
  cr_assert_eq(qun_engine_checkpoint(a.engine, "acme", &before, &size, &err), 0, "%s", err.message);
  restore_fine(&a, path, NULL, "again", INT64_MAX);
  cr_assert_eq(qun_engine_checkpoint(a.engine, "again", &after, &size2, &err), 0, "%s", err.message);
  cr_assert_eq(qun_engine_verifier_key(a.engine, "again", &key, &err), 0, "%s", err.message);
  qun_pack_raw(&after, qun_slice_of("", 1));
  qun_pack_raw(&key, qun_slice_of("", 1));
  cr_assert_eq(strncmp((const char *)after.buf, "qun/again/2\n", 12), 0, "%s", (const char *)after.buf);
  cr_assert_eq(strncmp((const char *)key.buf, "qun/again/2+", 12), 0, "%s", (const char *)key.buf);
  for (uint64_t seq = 1; seq < 500; seq += 100) { /* any record of before is proved in the new tree */
    struct qun_pack proof;
    qun_pack_init(&proof);
    cr_assert_eq(qun_engine_prove(a.engine, "again", seq, size2, &proof, &err), 0, "%s", err.message);
    qun_pack_fini(&proof);
  }
  qun_pack_fini(&before);
  qun_pack_fini(&after);
  qun_pack_fini(&key);
  bed_remove(&a);
}

/* ---- refusals */

Test(host_engine_backup, refuses_and_leaves_nothing_behind) {
  struct bed a, c;
  struct qun_error err = {0};
  char path[160], keys[160], hash[65], byte;
  struct stat st;
  bed_open(&a, 1);
  bed_open(&c, 1);
  bed_tenant(&a, "acme", true);
  bed_tenant(&a, "other", true);
  bed_feed(&a, "acme", 0, 300, 100);
  in_bed(&a, "acme.tar.zst", path);
  in_bed(&a, "acme.keys.tar.zst", keys);
  back_up(&a, "acme", path, keys, hash);

  struct qun_engine_restore_spec spec = {.path = path, .until_ms = INT64_MAX};
  cr_assert_eq(restore(&a, &spec, &err), QUN_ECONFLICT); /* there is one, and it works */
  spec.replace = true;
  cr_assert_eq(restore(&a, &spec, &err), QUN_ECONFLICT);
  spec.replace = false;
  cr_assert_eq(restore(&c, &spec, &err), QUN_ENOTFOUND); /* no keys */
  cr_assert_not_null(strstr(err.message, "keys"), "%s", err.message);
  spec.keys_path = path; /* no keys file */
  cr_assert_eq(restore(&c, &spec, &err), QUN_EINVAL, "%s", err.message);
  spec.keys_path = NULL;
  spec.as = "other"; /* keys of another tenant, which is gone */
  cr_assert_eq(qun_engine_tenant_delete(a.engine, "other", &err), 0);
  spec.as = "x/../y";
  cr_assert_eq(restore(&a, &spec, &err), QUN_EINVAL);
  spec.as = NULL;
  spec.until_ms = -1; /* before the log began */
  spec.keys_path = keys;
  cr_assert_eq(restore(&c, &spec, &err), QUN_EINVAL, "%s", err.message);
  spec.until_ms = INT64_MAX;

  cr_assert_eq(stat(path, &st), 0);
  int fd = open(path, O_RDWR);
  cr_assert_eq(pread(fd, &byte, 1, st.st_size / 2), 1);
  byte ^= 4;
  cr_assert_eq(pwrite(fd, &byte, 1, st.st_size / 2), 1);
  close(fd);
  cr_assert_eq(restore(&c, &spec, &err), QUN_EINVAL, "%s", err.message);
  cr_assert_not_null(strstr(err.message, "store/data.mdb"), "%s", err.message);
  cr_assert_eq(names_in(c.dir, "data/tenants"), 0);
  cr_assert_eq(names_in(c.dir, "keys"), 0);
  bed_remove(&a);
  bed_remove(&c);
}

Test(host_engine_backup, takes_the_place_of_a_store_that_cannot_be_opened) {
  struct bed a;
  struct qun_error err = {0};
  char path[160], data[200], hash[65], now[65];
  bed_open(&a, 1);
  bed_tenant(&a, "acme", true);
  bed_feed(&a, "acme", 0, 300, 100);
  in_bed(&a, "acme.tar.zst", path);
  back_up(&a, "acme", path, NULL, hash);
  bed_close(&a);
  in_bed(&a, "data/tenants/acme/store/data.mdb", data);
  FILE *f = fopen(data, "r+");
  for (int i = 0; i < 4096; i++) fputs("damaged ", f);
  fclose(f);
  bed_reopen(&a);
  struct qun_engine_restore_spec spec = {.path = path, .until_ms = INT64_MAX};
  cr_assert_eq(restore(&a, &spec, &err), QUN_ECONFLICT);
  cr_assert_not_null(strstr(err.message, "--replace"), "%s", err.message);
  spec.replace = true;
  cr_assert_eq(restore(&a, &spec, &err), 0, "%s", err.message);
  bed_hash(&a, "acme", now);
  cr_assert_str_eq(now, hash);
  cr_assert_eq(names_in(a.dir, "data/tenants"), 1);
  replays(&a, "acme");
  bed_remove(&a);
}

Test(host_engine_backup, leaves_no_half_file_when_the_disk_is_full) {
  struct bed a;
  struct qun_error err = {0};
  struct qun_pack out;
  struct rlimit was, small = {32768, 0};
  char path[160], keys[160], hash[65];
  bed_open(&a, 1);
  bed_tenant(&a, "acme", true);
  bed_feed(&a, "acme", 0, 300, 100);
  int files = names_in(a.dir, ".");
  in_bed(&a, "acme.tar.zst", path);
  in_bed(&a, "acme.keys.tar.zst", keys);
  qun_pack_init(&out);
  signal(SIGXFSZ, SIG_IGN);
  cr_assert_eq(getrlimit(RLIMIT_FSIZE, &was), 0);
  small.rlim_max = was.rlim_max;
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
  struct qun_engine_backup_spec spec = {.path = path, .keys_path = keys};
  cr_assert_eq(qun_engine_backup(a.engine, "acme", &spec, &out, &err), QUN_EFAIL);
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &was), 0);
  cr_assert_eq(out.len, 0);
  cr_assert_eq(names_in(a.dir, "."), files);
  bed_feed(&a, "acme", 300, 100, 100); /* the tenant does not mind */
  back_up(&a, "acme", path, keys, hash);
  qun_pack_fini(&out);
  bed_remove(&a);
}
