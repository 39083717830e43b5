/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/library.h"

#include "host/plugins/entry.h"

#include <openssl/evp.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIBRARY_MAX_BYTES = 256 << 20, COPY_BYTES = 1 << 16 };

static int write_all(int fd, const unsigned char *at, size_t n) {
  while (n > 0) {
    ssize_t done = write(fd, at, n);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return -1;
    at += done;
    n -= (size_t)done;
  }
  return 0;
}

/* Copies `from` to `to`, hashing what is copied. */
static int copy_hashed(int to, int from, unsigned char sha256[32]) {
  static const size_t most = LIBRARY_MAX_BYTES;
  unsigned char part[COPY_BYTES];
  size_t total = 0;
  EVP_MD_CTX *hash = EVP_MD_CTX_new();
  int rc = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) ? 0 : -1;
  while (rc == 0) {
    ssize_t n = read(from, part, sizeof part);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) rc = -1;
    if (n <= 0) break;
    total += (size_t)n;
    if (total > most) {
      errno = EFBIG;
      rc = -1;
    } else if (!EVP_DigestUpdate(hash, part, (size_t)n) || write_all(to, part, (size_t)n)) {
      rc = -1;
    }
  }
  if (rc == 0 && !EVP_DigestFinal_ex(hash, sha256, NULL)) rc = -1;
  EVP_MD_CTX_free(hash);
  return rc;
}

int qun__library_read(struct qun__library *lib, const char *file, struct qun_error *err) {
  static const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  struct stat st;
  int rc = QUN_EFAIL;
  int memory = -1;
  memset(lib, 0, sizeof *lib);
  lib->fd = -1;
  int from = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (from < 0 && errno == ENOENT) return qun_error_set(err, QUN_ENOTFOUND, "there is no %s", file);
  if (from < 0) return qun_error_set(err, QUN_EFAIL, "%s cannot be opened: %s", file, strerror(errno));
  if (fstat(from, &st) < 0 || !S_ISREG(st.st_mode)) {
    rc = qun_error_set(err, QUN_EINVAL, "%s is not a regular file", file);
    goto out;
  }
  const char *slash = strrchr(file, '/');
  memory = memfd_create(slash ? slash + 1 : file, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory < 0 || copy_hashed(memory, from, lib->sha256) || fcntl(memory, F_ADD_SEALS, seals) < 0) {
    qun_error_set(err, rc, "%s cannot be read into memory: %s", file, strerror(errno));
    goto out;
  }
  lib->fd = memory;
  memory = -1;
  rc = 0;
out:
  if (memory >= 0) close(memory);
  close(from);
  return rc;
}

void qun__library_drop(struct qun__library *lib) {
  if (lib->fd >= 0 && !lib->handle) close(lib->fd);
  lib->fd = -1;
}

int qun__library_open(struct qun__library *lib, const char *id, const char *version, struct qun_error *err) {
  char path[64];
  /* Not /proc/self: the helper processes of debuggers and sanitizers read this path too. */
  snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getpid(), lib->fd);
  lib->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!lib->handle) return qun_error_set(err, QUN_EINVAL, "its library cannot be loaded: %s", dlerror());
  return qun__entry_take(&lib->vtable, &lib->magic, dlsym(lib->handle, "qun_plugin_v1"), id, version, err);
}
