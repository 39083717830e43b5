/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/backup.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
  char dir[64], path[96];
};

static void place_make(struct place *p) {
  snprintf(p->dir, sizeof p->dir, "/tmp/qun-backup-XXXXXX");
  cr_assert_not_null(mkdtemp(p->dir));
  snprintf(p->path, sizeof p->path, "%s/acme.tar.zst", p->dir);
}

static void place_remove(const struct place *p) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
  cr_assert_eq(system(command), 0);
}

static int files_in(const char *dir) {
  int n = 0;
  DIR *d = opendir(dir);
  for (struct dirent *e = readdir(d); e; e = readdir(d)) n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
  closedir(d);
  return n;
}

static void about(struct qun_pack *p) {
  qun_pack_init(p);
  qun_pack_map(p, 2);
  qun_pack_kv_cstr(p, "format", "qun-backup/1");
  qun_pack_kv_int(p, "seq", 12345);
}

/* Two parts: a short text, and bytes that zstd can't make shorter. */
static int write_backup(const struct place *p, size_t large, struct qun_error *err) {
  struct qun_backup_writer *w = NULL;
  struct qun_pack a;
  char scratch[96];
  int rc = qun_backup_begin(&w, p->path, err);
  if (rc < 0) return rc;
  about(&a);
  snprintf(scratch, sizeof scratch, "%s/../qun-backup-data.%d", p->dir, (int)getpid());
  int fd = open(scratch, O_RDWR | O_CREAT | O_TRUNC, 0600);
  unlink(scratch);
  uint32_t x = 1;
  for (size_t i = 0; i < large; i += 4) {
    x = x * 1664525u + 1013904223u;
    if (pwrite(fd, &x, 4, (off_t)i) != 4) break;
  }
  rc = qun_backup_add(w, "tenant.yaml", qun_str("name: acme\n"), err);
  if (rc == 0) rc = qun_backup_add_file(w, "store/data.mdb", fd, large, NULL, NULL, err);
  if (rc == 0)
    rc = qun_backup_finish(w, qun_pack_slice(&a), err);
  else
    qun_backup_abort(w);
  qun_pack_fini(&a);
  close(fd);
  return rc;
}

Test(tenants_backup, gives_back_what_was_put_in) {
  struct place p;
  struct qun_error err = {0};
  char out[96], path[128], text[64] = "";
  struct stat st;
  struct qun_pack manifest;
  place_make(&p);
  cr_assert_eq(write_backup(&p, 300000, &err), 0, "%s", err.message);
  cr_assert_eq(files_in(p.dir), 1);
  cr_assert_eq(stat(p.path, &st), 0);
  cr_assert_eq(st.st_mode & 0777, 0600);
  cr_assert_eq(qun_backup_check(p.path, NULL, NULL, &err), 0, "%s", err.message);
  qun_pack_init(&manifest);
  cr_assert_eq(qun_backup_manifest(&manifest, p.path, &err), 0, "%s", err.message);
  qun_pack_raw(&manifest, qun_slice_of("", 1));
  cr_assert_not_null(strstr((const char *)manifest.buf, "12345"));
  cr_assert_not_null(strstr((const char *)manifest.buf, "store/data.mdb"));
  qun_pack_fini(&manifest);
  snprintf(out, sizeof out, "%s/out", p.dir);
  cr_assert_eq(mkdir(out, 0700), 0);
  cr_assert_eq(qun_backup_unpack(p.path, out, NULL, NULL, &err), 0, "%s", err.message);
  snprintf(path, sizeof path, "%s/tenant.yaml", out);
  FILE *f = fopen(path, "r");
  cr_assert_not_null(f);
  cr_assert_not_null(fgets(text, sizeof text, f));
  fclose(f);
  cr_assert_str_eq(text, "name: acme\n");
  snprintf(path, sizeof path, "%s/store/data.mdb", out);
  cr_assert_eq(stat(path, &st), 0);
  cr_assert_eq(st.st_size, 300000);
  place_remove(&p);
}

Test(tenants_backup, is_read_by_the_standard_tools) {
  struct place p;
  struct qun_error err = {0};
  char command[256];
  place_make(&p);
  cr_assert_eq(write_backup(&p, 5000, &err), 0, "%s", err.message);
  snprintf(command, sizeof command, "cd '%s' && zstd -q -d -c acme.tar.zst | tar -xf - && grep -q acme tenant.yaml",
           p.dir);
  cr_assert_eq(system(command), 0);
  snprintf(command, sizeof command, "cd '%s' && grep -q $(b2sum -l 256 store/data.mdb | cut -d' ' -f1) manifest.json",
           p.dir);
  cr_assert_eq(system(command), 0);
  place_remove(&p);
}

Test(tenants_backup, refuses_one_changed_byte_anywhere_and_names_the_part) {
  struct place p;
  struct qun_error err = {0};
  struct stat st;
  bool tenant = false, store = false, manifest = false, end = false, index = false;
  place_make(&p);
  cr_assert_eq(write_backup(&p, 3000, &err), 0, "%s", err.message);
  cr_assert_eq(stat(p.path, &st), 0);
  int fd = open(p.path, O_RDWR);
  for (off_t at = 0; at < st.st_size; at++) {
    unsigned char byte, other;
    cr_assert_eq(pread(fd, &byte, 1, at), 1);
    other = byte ^ (unsigned char)(1u << (at % 8));
    cr_assert_eq(pwrite(fd, &other, 1, at), 1);
    err.message[0] = '\0';
    cr_assert_lt(qun_backup_check(p.path, NULL, NULL, &err), 0, "byte %lld", (long long)at);
    tenant |= strstr(err.message, ": tenant.yaml: ") != NULL;
    store |= strstr(err.message, ": store/data.mdb: ") != NULL;
    manifest |= strstr(err.message, ": manifest.json: ") != NULL;
    end |= strstr(err.message, ": end of archive: ") != NULL;
    index |= strstr(err.message, ": index: ") != NULL;
    cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
  }
  close(fd);
  cr_assert(tenant && store && manifest && end && index);
  cr_assert_eq(qun_backup_check(p.path, NULL, NULL, &err), 0, "%s", err.message);
  place_remove(&p);
}

Test(tenants_backup, refuses_a_file_that_is_cut) {
  struct place p;
  struct qun_error err = {0};
  struct stat st;
  place_make(&p);
  cr_assert_eq(write_backup(&p, 3000, &err), 0, "%s", err.message);
  cr_assert_eq(stat(p.path, &st), 0);
  for (off_t n = st.st_size - 1; n >= 0; n -= 97) {
    cr_assert_eq(truncate(p.path, n), 0);
    cr_assert_eq(qun_backup_check(p.path, NULL, NULL, &err), QUN_EINVAL, "%lld bytes", (long long)n);
  }
  place_remove(&p);
}

Test(tenants_backup, leaves_no_half_file_when_the_disk_is_full) {
  struct place p;
  struct qun_error err = {0};
  struct rlimit limit = {100000, 100000};
  place_make(&p);
  signal(SIGXFSZ, SIG_IGN);
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
  cr_assert_eq(write_backup(&p, 99000, &err), QUN_EFAIL); /* more than the limit once it is framed */
  cr_assert_not_null(strstr(err.message, "cannot be written"), "%s", err.message);
  cr_assert_eq(files_in(p.dir), 0);
  place_remove(&p);
}
