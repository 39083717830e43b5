/* SPDX-License-Identifier: Apache-2.0 */
/* New members' keys of many tenants behind one sync: after a power cut they are put into their places. */
#include "tenants/key_redo.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char keys[64];
static struct qun_error err;
static const char text[] = "\xe4\xbd\xa0\xe5\xa5\xbd";

static void setup(void) {
  strcpy(keys, "/tmp/qun-redo-XXXXXX");
  cr_assert(mkdtemp(keys));
}

static void teardown(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", keys);
  cr_assert_eq(system(command), 0);
}

TestSuite(tenants_key_redo, .init = setup, .fini = teardown);

static struct qun_vault *vault_of(const char *tenant, bool make) {
  struct qun_vault *v = NULL;
  if (make) cr_assert_eq(qun_vault_create(keys, tenant, &err), 0, "%s", err.message);
  cr_assert_eq(qun_vault_open(&v, keys, tenant, &err), 0, "%s: %s", tenant, err.message);
  return v;
}

static struct qun_key_redo *redo_open(void) {
  struct qun_key_redo *r = NULL;
  cr_assert_eq(qun_key_redo_open(&r, keys, &err), 0, "%s", err.message);
  return r;
}

static void pseudonym(const struct qun_vault *v, unsigned n, unsigned char out[QUN_PSEUDONYM_SIZE]) {
  qun_vault_pseudonym(v, qun_slice_of(&n, sizeof n), out);
}

struct sealed {
  unsigned char bytes[256];
  size_t len;
};

static struct sealed seal(struct qun_vault *v, unsigned n) {
  struct sealed s = {.len = qun_vault_sealed_len(v, sizeof text)};
  unsigned char who[QUN_PSEUDONYM_SIZE];
  pseudonym(v, n, who);
  cr_assert_leq(s.len, sizeof s.bytes);
  cr_assert_eq(qun_vault_seal(v, who, qun_slice_of(text, sizeof text), s.bytes, &err), 0, "%s", err.message);
  return s;
}

static int unseal(struct qun_vault *v, unsigned n, const struct sealed *s) {
  unsigned char plain[256], who[QUN_PSEUDONYM_SIZE];
  pseudonym(v, n, who);
  int rc = qun_vault_open_sealed(v, who, qun_slice_of(s->bytes, s->len), plain, &err);
  if (rc == 0) cr_assert_eq(memcmp(plain, text, sizeof text), 0);
  return rc;
}

static off_t members_size(const char *tenant) {
  char path[160];
  struct stat st;
  snprintf(path, sizeof path, "%s/%s/members.keys", keys, tenant);
  cr_assert_eq(stat(path, &st), 0);
  return st.st_size;
}

/* What was not synced in its own place is gone. */
static void lose(const char *tenant, off_t size) {
  char path[160];
  snprintf(path, sizeof path, "%s/%s/members.keys", keys, tenant);
  cr_assert_eq(truncate(path, size), 0);
}

Test(tenants_key_redo, keys_are_there_after_a_power_cut) {
  struct qun_key_redo *r = redo_open();
  struct qun_vault *a = vault_of("a", true), *b = vault_of("b", true);
  off_t empty = members_size("a");
  struct sealed one = seal(a, 1), two = seal(b, 2), three, again;
  cr_assert_eq(qun_key_redo_add(r, a, "a", &err), 0, "%s", err.message);
  cr_assert_eq(qun_key_redo_add(r, b, "b", &err), 0, "%s", err.message);
  cr_assert_eq(qun_key_redo_sync(r, &err), 0);
  three = seal(a, 3);
  cr_assert_eq(qun_key_redo_add(r, a, "a", &err), 0);
  cr_assert_eq(qun_key_redo_sync(r, &err), 0);
  again = seal(a, 1);
  cr_assert_eq(qun_key_redo_add(r, a, "a", &err), 0, "nothing is new");
  qun_vault_close(a);
  qun_vault_close(b);
  qun_key_redo_close(r);
  lose("a", empty);
  lose("b", empty + 50); /* half a record */
  r = redo_open();
  a = vault_of("a", false);
  b = vault_of("b", false);
  cr_assert_eq(unseal(a, 1, &one), 0, "%s", err.message);
  cr_assert_eq(unseal(a, 1, &again), 0);
  cr_assert_eq(unseal(a, 3, &three), 0);
  cr_assert_eq(unseal(b, 2, &two), 0);
  qun_vault_close(a);
  qun_vault_close(b);
  qun_key_redo_close(r);
}

Test(tenants_key_redo, a_vault_that_was_synced_needs_it_no_more) {
  struct qun_key_redo *r = redo_open();
  struct qun_vault *a = vault_of("a", true);
  struct sealed one = seal(a, 1), two;
  cr_assert_eq(qun_key_redo_add(r, a, "a", &err), 0);
  cr_assert_eq(qun_key_redo_sync(r, &err), 0);
  cr_assert(qun_key_redo_turn(r));
  cr_assert_not(qun_key_redo_turn(r), "the other file is not empty");
  two = seal(a, 2);
  cr_assert_eq(qun_key_redo_add(r, a, "a", &err), 0);
  cr_assert_eq(qun_vault_sync(a, &err), 0);
  cr_assert_eq(qun_key_redo_settle(r, true, &err), 0);
  cr_assert(qun_key_redo_turn(r));
  cr_assert_eq(qun_key_redo_settle(r, true, &err), 0);
  qun_vault_close(a);
  qun_key_redo_close(r);
  r = redo_open();
  a = vault_of("a", false);
  cr_assert_eq(unseal(a, 1, &one), 0);
  cr_assert_eq(unseal(a, 2, &two), 0);
  qun_vault_close(a);
  qun_key_redo_close(r);
}

Test(tenants_key_redo, brings_no_forgotten_member_back_and_no_deleted_tenant) {
  struct qun_key_redo *r = redo_open();
  struct qun_vault *a = vault_of("a", true), *b = vault_of("b", true);
  struct sealed one = seal(a, 1), two = seal(a, 2);
  unsigned char who[QUN_PSEUDONYM_SIZE];
  seal(b, 1);
  cr_assert_eq(qun_key_redo_add(r, a, "a", &err), 0);
  cr_assert_eq(qun_key_redo_add(r, b, "b", &err), 0);
  cr_assert_eq(qun_key_redo_sync(r, &err), 0);
  pseudonym(a, 1, who);
  cr_assert_eq(qun_vault_forget(a, who, &err), 0, "%s", err.message);
  qun_vault_close(a);
  qun_vault_close(b);
  cr_assert_eq(qun_vault_destroy(keys, "b", &err), 0);
  qun_key_redo_close(r);
  r = redo_open();
  a = vault_of("a", false);
  cr_assert_eq(unseal(a, 1, &one), QUN_EGONE);
  cr_assert_eq(unseal(a, 2, &two), 0);
  cr_assert_eq(qun_vault_exists(keys, "b"), 0);
  qun_vault_close(a);
  qun_key_redo_close(r);
}

Test(tenants_key_redo, a_torn_part_is_the_end_and_a_full_file_says_so) {
  struct qun_key_redo *r = redo_open();
  struct qun_vault *a = vault_of("a", true);
  off_t empty = members_size("a");
  char path[160];
  struct sealed one = seal(a, 1);
  cr_assert_eq(qun_key_redo_add(r, a, "a", &err), 0);
  cr_assert_eq(qun_key_redo_sync(r, &err), 0);
  seal(a, 2);
  cr_assert_eq(qun_key_redo_add(r, a, "a", &err), 0);
  for (unsigned n = 3; n < 60000; n++) seal(a, n);
  cr_assert_eq(qun_key_redo_add(r, a, "a", &err), QUN_EAGAIN);
  qun_vault_close(a);
  qun_key_redo_close(r);
  snprintf(path, sizeof path, "%s/members.redo0", keys);
  int fd = open(path, O_RDWR);
  cr_assert_geq(fd, 0);
  cr_assert_eq(pwrite(fd, "x", 1, 40 + 24 + 80 + 104 + 24 + 80 + 5), 1); /* in the second part's record */
  close(fd);
  lose("a", empty);
  r = redo_open();
  a = vault_of("a", false);
  cr_assert_eq(unseal(a, 1, &one), 0);
  cr_assert_eq(members_size("a"), empty + 104);
  qun_vault_close(a);
  qun_key_redo_close(r);
}
