/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever changes in a bundle's directory after it was signed is refused, and the message names the file. */
#include "bundle_fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[] = {"MANIFEST",
                                    "key",
                                    "checkpoint",
                                    "audit.json",
                                    "evidence.json",
                                    "consistency.json",
                                    "reports/compliance.html",
                                    "reports/compliance.json",
                                    "reports/empty.csv"};

static struct fixture f;
static struct qun_error err;
static struct qun_bundle_result result;

static void setup(void) {
  fixture_open(&f);
  cr_assert(fixture_write(&f, &err) == 0, "%s", err.message);
}

static void teardown(void) {
  fixture_close(&f);
}

TestSuite(tenants_bundle_tamper, .init = setup, .fini = teardown);

static char *path_of(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", f.dir, name);
  return path;
}

static int open_file(const char *name) {
  int fd = open(path_of(name), O_RDWR);
  cr_assert(fd >= 0, "%s", name);
  return fd;
}

static void must_refuse(const char *name, const char *what, long long at) {
  for (int any = 0; any < 2; any++) {
    int code = qun_bundle_verify(&result, f.dir, any ? NULL : f.vkey, (qun_slice){NULL, 0}, &err);
    cr_expect(code == QUN_EINVAL, "%s: %s at %lld: %d", name, what, at, code);
    cr_expect(strncmp(err.message, name, strlen(name)) == 0, "%s: %s at %lld: '%s'", name, what, at, err.message);
  }
}

static void must_accept(void) {
  cr_expect(qun_bundle_verify(&result, f.dir, f.vkey, (qun_slice){NULL, 0}, &err) == 0, "%s", err.message);
}

/* With any key, MANIFEST is checked by the key file, so that an altered key may show as either; with the right key it
   is always the file itself. */
Test(tenants_bundle_tamper, refuses_every_altered_byte_of_every_file_by_name) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    int fd = open_file(names[i]);
    off_t size = lseek(fd, 0, SEEK_END);
    for (off_t at = 0; at < size; at++) {
      unsigned char byte, changed;
      cr_assert(pread(fd, &byte, 1, at) == 1);
      changed = (unsigned char)(byte ^ 1u << at % 8);
      cr_assert(pwrite(fd, &changed, 1, at) == 1);
      int code = qun_bundle_verify(&result, f.dir, f.vkey, (qun_slice){NULL, 0}, &err);
      cr_expect(code == QUN_EINVAL, "%s: byte %lld", names[i], (long long)at);
      cr_expect(strncmp(err.message, names[i], strlen(names[i])) == 0, "%s: byte %lld: '%s'", names[i], (long long)at,
                err.message);
      code = qun_bundle_verify(&result, f.dir, NULL, (qun_slice){NULL, 0}, &err);
      cr_expect(code == QUN_EINVAL, "%s: byte %lld, any key", names[i], (long long)at);
      cr_assert(pwrite(fd, &byte, 1, at) == 1);
    }
    close(fd);
  }
  must_accept();
}

Test(tenants_bundle_tamper, refuses_bytes_behind_the_end_and_cut_files) {
  static const char *const more[] = {"\n", " ", "x", "\n\n"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    int fd = open_file(names[i]);
    off_t size = lseek(fd, 0, SEEK_END);
    for (size_t k = 0; k < sizeof more / sizeof *more; k++) {
      cr_assert(pwrite(fd, more[k], strlen(more[k]), size) > 0);
      must_refuse(names[i], "bytes behind the end", (long long)k);
      cr_assert(ftruncate(fd, size) == 0);
    }
    if (size) {
      unsigned char last;
      cr_assert(pread(fd, &last, 1, size - 1) == 1);
      cr_assert(ftruncate(fd, size - 1) == 0);
      must_refuse(names[i], "cut", size - 1);
      cr_assert(pwrite(fd, &last, 1, size - 1) == 1);
    }
    close(fd);
  }
  must_accept();
}

Test(tenants_bundle_tamper, refuses_a_missing_file_by_name) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char aside[128];
    snprintf(aside, sizeof aside, "%s/aside", f.root);
    cr_assert(rename(path_of(names[i]), aside) == 0);
    must_refuse(names[i], "missing", 0);
    cr_assert(rename(aside, path_of(names[i])) == 0);
  }
  must_accept();
}

Test(tenants_bundle_tamper, refuses_what_is_not_listed) {
  static const char *const files[] = {"extra", ".hidden", "reports/extra.json", "MANIFEST~", "reports/MANIFEST"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    int fd = open(path_of(files[i]), O_WRONLY | O_CREAT, 0644);
    cr_assert(fd >= 0);
    close(fd);
    must_refuse(files[i], "a file more", 0);
    cr_assert(unlink(path_of(files[i])) == 0);
  }
  cr_assert(mkdir(path_of("folder"), 0755) == 0);
  must_refuse("folder", "an empty folder", 0);
  cr_assert(rmdir(path_of("folder")) == 0);
  cr_assert(mkfifo(path_of("pipe"), 0644) == 0);
  must_refuse("pipe", "a pipe", 0);
  cr_assert(unlink(path_of("pipe")) == 0);
  must_accept();
}

Test(tenants_bundle_tamper, refuses_links_even_to_the_right_bytes) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char aside[128];
    snprintf(aside, sizeof aside, "%s/aside", f.root);
    cr_assert(rename(path_of(names[i]), aside) == 0);
    cr_assert(symlink(aside, path_of(names[i])) == 0);
    must_refuse(names[i], "a link", 0);
    cr_assert(unlink(path_of(names[i])) == 0);
    cr_assert(rename(aside, path_of(names[i])) == 0);
  }
  char aside[128];
  snprintf(aside, sizeof aside, "%s/aside", f.root);
  cr_assert(rename(path_of("reports"), aside) == 0);
  cr_assert(symlink(aside, path_of("reports")) == 0);
  must_refuse("reports", "a linked folder", 0);
}
