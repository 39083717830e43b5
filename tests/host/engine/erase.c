/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/erase.h"
#include "host/engine/backup.h"
#include "host/engine/tenant.h"
#include "tenants/members.h"
#include "tests/host/engine/support.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a member left, as it lies on the disk. */
struct left {
  struct qun_pack text, id;
  unsigned char pseudonym[QUN_PSEUDONYM_SIZE];
  uint64_t number, seq;
};

static int find_text(void *arg, const struct qun_log_entry *e) {
  struct left *l = arg;
  struct qun_unpack u;
  qun_slice value, sealed = {NULL, 0};
  int type = 0;
  if (!qun_slice_is(e->id, "secret-1") || !qun_mp_find(e->data, "text", &value)) return 0;
  qun_unpack_init(&u, value);
  cr_assert(qun_unpack_ext(&u, &type, &sealed));
  qun_pack_raw(&l->text, sealed);
  l->number = e->member;
  l->seq = e->seq;
  return 0;
}

static void look(struct bed *b, const char *tenant, struct left *l) {
  struct qun_error err = {0};
  struct qun_reading r;
  qun_slice id;
  memset(l, 0, sizeof *l);
  qun_pack_init(&l->text);
  qun_pack_init(&l->id);
  cr_assert_eq(qun_engine_log_each(b->engine, tenant, 0, 0, find_text, l, &err), 0, "%s", err.message);
  cr_assert_gt(l->text.len, 40);
  cr_assert_eq(qun_engine_read_begin(b->engine, tenant, &r, &err), 0);
  cr_assert_eq(qun_member_identity(&r.view, l->number, "id", &id), 0);
  qun_pack_raw(&l->id, id);
  cr_assert_eq(qun_member_pseudonym(&r.view, l->number, l->pseudonym), 0);
  qun_engine_read_end(&r);
}

static void left_fini(struct left *l) {
  qun_pack_fini(&l->text);
  qun_pack_fini(&l->id);
}

/* ---- looking for bytes in all files of a folder */

static const void *wanted;
static size_t wanted_len;
static uint32_t hits;

static int search(const char *path, const struct stat *st, int type, struct FTW *at) {
  (void)at;
  if (type != FTW_F || st->st_size == 0) return 0;
  int fd = open(path, O_RDONLY);
  void *bytes = mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (bytes == MAP_FAILED) return 0;
  hits += memmem(bytes, (size_t)st->st_size, wanted, wanted_len) != NULL;
  munmap(bytes, (size_t)st->st_size);
  return 0;
}

static uint32_t files_with(const struct bed *b, const char *sub, const void *bytes, size_t n) {
  char path[160];
  snprintf(path, sizeof path, "%s/%s", b->dir, sub);
  wanted = bytes;
  wanted_len = n;
  hits = 0;
  nftw(path, search, 8, FTW_PHYS);
  return hits;
}

static void erase(struct bed *b, const char *tenant, const char *member) {
  struct qun_error err = {0};
  struct qun_pack out;
  qun_pack_init(&out);
  struct qun_engine_erase_spec spec = {.member = qun_str(member), .by = "owner"};
  cr_assert_eq(qun_engine_erase(b->engine, tenant, &spec, &out, &err), 0, "%s", err.message);
  cr_assert_gt(qun_mp_int(qun_pack_slice(&out), "redacted", 0), 0);
  qun_pack_fini(&out);
}

static void replays(struct bed *b, const char *tenant) {
  struct qun_error err = {0};
  struct qun_replay_spec spec = {.mode = QUN_REPLAY_VERIFY, .until_ms = INT64_MAX};
  struct qun_pack out;
  qun_pack_init(&out);
  cr_assert_eq(qun_engine_replay(b->engine, tenant, &spec, &out, &err), 0, "%s", err.message);
  cr_assert(qun_mp_bool(qun_pack_slice(&out), "match", 0));
  qun_pack_fini(&out);
}

static void begin(struct bed *b, struct left *l) {
  bed_open(b, 2);
  bed_tenant(b, "acme", true);
  bed_feed(b, "acme", 0, 400, 100);
  bed_say(b, "acme", "secret-1", "person-of-interest", "a text that nobody shall read again");
  bed_say(b, "acme", "secret-2", "person-of-interest", "another one");
  bed_feed(b, "acme", 400, 400, 100);
  look(b, "acme", l);
}

Test(host_engine_erase, leaves_no_byte_of_the_member_in_the_data) {
  struct bed b;
  struct left l;
  begin(&b, &l);
  bed_close(&b);
  cr_assert_gt(files_with(&b, "data", l.text.buf, l.text.len), 0);
  cr_assert_gt(files_with(&b, "data", l.id.buf, l.id.len), 0);
  cr_assert_gt(files_with(&b, "data", l.pseudonym, sizeof l.pseudonym), 0);
  bed_reopen(&b);
  erase(&b, "acme", "person-of-interest");
  bed_close(&b);
  cr_assert_eq(files_with(&b, "data", l.text.buf, l.text.len), 0);
  cr_assert_eq(files_with(&b, "data", (const char *)l.text.buf + l.text.len - 32, 32), 0);
  cr_assert_eq(files_with(&b, "data", l.id.buf, l.id.len), 0);
  cr_assert_eq(files_with(&b, "data", l.pseudonym, sizeof l.pseudonym), 0);
  cr_assert_eq(files_with(&b, "keys", l.pseudonym, sizeof l.pseudonym), 0); /* the list has it in hex */
  left_fini(&l);
  bed_reopen(&b);
  bed_remove(&b);
}

Test(host_engine_erase, keeps_log_state_and_audit_tree_in_step) {
  struct bed b;
  struct left l;
  struct qun_error err = {0};
  struct qun_pack before, proof, consistency;
  uint64_t size = 0, now = 0;
  begin(&b, &l);
  qun_pack_init(&before);
  qun_pack_init(&proof);
  qun_pack_init(&consistency);
  cr_assert_eq(qun_engine_checkpoint(b.engine, "acme", &before, &size, &err), 0, "%s", err.message);
  int64_t events = bed_int(&b, "acme", "events", NULL), seq = bed_int(&b, "acme", "seq", NULL);
  erase(&b, "acme", "person-of-interest");
  cr_assert_eq(bed_int(&b, "acme", "events", NULL), events);
  cr_assert_eq(bed_int(&b, "acme", "seq", NULL), seq + 1);
  replays(&b, "acme");
  qun_pack_clear(&before);
  cr_assert_eq(qun_engine_checkpoint(b.engine, "acme", &before, &now, &err), 0, "%s", err.message);
  cr_assert_gt(now, size); /* the receipt is a leaf */
  cr_assert_eq(qun_engine_prove_consistency(b.engine, "acme", size, now, &consistency, &err), 0, "%s", err.message);
  cr_assert_eq(qun_engine_prove(b.engine, "acme", l.seq, now, &proof, &err), 0, "%s", err.message);

  struct qun_submit_result r = bed_feed(&b, "acme", 0, 1000, 100); /* it goes on, and knows what it knew */
  cr_assert_eq(r.duplicates, 800);
  cr_assert_eq(r.accepted, 200);
  replays(&b, "acme");
  qun_pack_fini(&before);
  qun_pack_fini(&proof);
  qun_pack_fini(&consistency);
  left_fini(&l);
  bed_remove(&b);
}

Test(host_engine_erase, is_not_undone_by_an_older_backup) {
  struct bed b, c;
  struct left l;
  struct qun_error err = {0};
  struct qun_pack out;
  char path[160], old_keys[160];
  begin(&b, &l);
  snprintf(path, sizeof path, "%s/acme.tar.zst", b.dir);
  snprintf(old_keys, sizeof old_keys, "%s/acme.keys.tar.zst", b.dir);
  qun_pack_init(&out);
  struct qun_engine_backup_spec backup = {.path = path, .keys_path = old_keys};
  cr_assert_eq(qun_engine_backup(b.engine, "acme", &backup, &out, &err), 0, "%s", err.message);
  erase(&b, "acme", "person-of-interest");
  qun_pack_clear(&out);
  struct qun_engine_restore_spec restore = {.path = path, .keys_path = old_keys, .as = "again", .until_ms = INT64_MAX};
  cr_assert_eq(qun_engine_restore(b.engine, &restore, &out, &err), 0, "%s", err.message);
  cr_assert_eq(qun_mp_int(qun_pack_slice(&out), "erased", 0), 1);
  replays(&b, "again");
  bed_close(&b);
  cr_assert_eq(files_with(&b, "data", l.text.buf, l.text.len), 0);
  cr_assert_eq(files_with(&b, "data", l.id.buf, l.id.len), 0);
  cr_assert_eq(files_with(&b, "data", l.pseudonym, sizeof l.pseudonym), 0);
  bed_reopen(&b);

  bed_open(&c, 1); /* elsewhere, where nobody knows of it, the old keys open the old backup */
  qun_pack_clear(&out);
  restore.as = NULL;
  cr_assert_eq(qun_engine_restore(c.engine, &restore, &out, &err), 0, "%s", err.message);
  cr_assert_eq(qun_mp_int(qun_pack_slice(&out), "erased", -1), 0);
  qun_pack_fini(&out);
  left_fini(&l);
  bed_remove(&b);
  bed_remove(&c);
}

Test(host_engine_erase, lets_a_member_come_back_as_somebody_new) {
  struct bed b;
  struct left l;
  begin(&b, &l);
  erase(&b, "acme", "person-of-interest");
  bed_say(&b, "acme", "hello-again", "person-of-interest", "it is me");
  struct qun_reading r;
  struct qun_error err = {0};
  uint64_t number = 0;
  cr_assert_eq(qun_engine_read_begin(b.engine, "acme", &r, &err), 0);
  cr_assert_eq(qun_member_find(&r.view, l.pseudonym, &number), 0);
  cr_assert_neq(number, l.number);
  qun_slice id;
  cr_assert_eq(qun_member_identity(&r.view, number, "id", &id), 0);
  qun_engine_read_end(&r);
  replays(&b, "acme");
  erase(&b, "acme", "person-of-interest");
  replays(&b, "acme");
  left_fini(&l);
  bed_remove(&b);
}

Test(host_engine_erase, refuses_who_is_not_known) {
  struct bed b;
  struct qun_error err = {0};
  struct qun_pack out;
  bed_open(&b, 1);
  bed_tenant(&b, "acme", true);
  qun_pack_init(&out);
  int64_t seq = bed_int(&b, "acme", "seq", NULL);
  struct qun_engine_erase_spec spec = {.member = qun_str("nobody")};
  cr_assert_eq(qun_engine_erase(b.engine, "acme", &spec, &out, &err), QUN_ENOTFOUND);
  spec = (struct qun_engine_erase_spec){.number = 99};
  cr_assert_eq(qun_engine_erase(b.engine, "acme", &spec, &out, &err), QUN_ENOTFOUND);
  cr_assert_eq(qun_engine_erase(b.engine, "none", &spec, &out, &err), QUN_ENOTFOUND);
  cr_assert_eq(bed_int(&b, "acme", "seq", NULL), seq);
  qun_pack_fini(&out);
  bed_remove(&b);
}
