/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/signature.h"

#include "host/plugins/small_file.h"
#include "tenants/base64.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char signature_head[] = "qun-signature/1 ", secret_head[] = "qun-secret/1 ";

/* ---------------------------------------------------------------- verdict */

void qun_package_verdict_fini(struct qun_package_verdict *verdict) {
  qun_package_index_fini(&verdict->index);
}

static void say(struct qun_package_verdict *v, enum qun_package_standing standing, const char *reason) {
  v->standing = standing;
  snprintf(v->reason, sizeof v->reason, "%s", reason);
}

/* The key, and whether its signature is one of these bytes. */
static bool well_signed(unsigned char key[32], qun_slice index, qun_slice text) {
  enum { HEAD = sizeof signature_head - 1, KEY = QUN_BASE64_SIZE(32) - 1, SIGNATURE = QUN_BASE64_SIZE(64) - 1 };
  unsigned char signature[64];
  const char *at = text.ptr;
  if (text.len != HEAD + KEY + 1 + SIGNATURE + 1 || memcmp(at, signature_head, HEAD) != 0) return false;
  if (at[HEAD + KEY] != ' ' || at[text.len - 1] != '\n') return false;
  return qun_base64_read_exactly(key, 32, qun_slice_of(at + HEAD, KEY)) &&
         qun_base64_read_exactly(signature, 64, qun_slice_of(at + HEAD + KEY + 1, SIGNATURE)) &&
         crypto_sign_verify_detached(signature, index.ptr, index.len, key) == 0;
}

void qun_package_judge(struct qun_package_verdict *verdict, qun_slice index, qun_slice signature,
                       const struct qun_trust_store *trust) {
  static const struct qun_trust_store nobody = {0};
  struct qun_error why;
  memset(verdict, 0, sizeof *verdict);
  if (qun_package_index_read(&verdict->index, index, &why) < 0) {
    say(verdict, QUN_PACKAGE_BROKEN, why.message);
    return;
  }
  if (signature.len == 0) {
    say(verdict, QUN_PACKAGE_UNSIGNED, "it is not signed");
    return;
  }
  if (!well_signed(verdict->key, index, signature)) {
    qun_package_index_fini(&verdict->index);
    say(verdict, QUN_PACKAGE_BROKEN, "its signature is not one of its index: the package was changed");
    return;
  }
  const struct qun_trusted_key *k = qun_trust_store_find(trust ? trust : &nobody, verdict->key, verdict->index.id);
  char text[QUN_BASE64_SIZE(32)];
  verdict->standing = k ? QUN_PACKAGE_SIGNED : QUN_PACKAGE_STRANGER;
  snprintf(verdict->reason, sizeof verdict->reason,
           k ? "signed by the trusted key %s%s%s" : "signed by the key %s, which is not trusted for %s%s",
           qun_base64_write(text, verdict->key, 32), k ? (k->name[0] ? " " : "") : verdict->index.id, k ? k->name : "");
}

static int read_part(struct qun_pack *out, const char *dir, const char *name, size_t most, struct qun_error *err) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
    return qun_error_set(err, QUN_EFAIL, "%.200s...: the path is too long", dir);
  int rc = qun__small_file_read(out, path, most, err);
  return rc == QUN_ENOTFOUND ? 0 : rc;
}

int qun_package_verify(struct qun_package_verdict *verdict, const char *dir, const struct qun_trust_store *trust,
                       struct qun_error *err) {
  struct qun_pack index, signature;
  qun_pack_init(&index);
  qun_pack_init(&signature);
  memset(verdict, 0, sizeof *verdict);
  int rc = read_part(&index, dir, "index", QUN_PACKAGE_INDEX_MAX, err);
  if (rc == 0) rc = read_part(&signature, dir, "signature", 4096, err);
  if (rc == 0 && index.len)
    qun_package_judge(verdict, qun_pack_slice(&index), qun_pack_slice(&signature), trust);
  else if (rc == 0)
    say(verdict, QUN_PACKAGE_NONE, "it has no index: a folder that was built, not a package");
  else if (rc == QUN_EINVAL) {
    say(verdict, QUN_PACKAGE_BROKEN, err ? err->message : "its index cannot be read");
    rc = 0;
  }
  qun_pack_fini(&index);
  qun_pack_fini(&signature);
  return rc;
}

bool qun_package_holds(const struct qun_package_verdict *verdict, const char *path, const unsigned char sha256[32]) {
  if (verdict->standing == QUN_PACKAGE_NONE) return true;
  const struct qun_package_file *f = qun_package_index_find(&verdict->index, path);
  return f && memcmp(f->sha256, sha256, 32) == 0;
}

int qun_package_library(char *out, size_t size, const struct qun_package_verdict *verdict, const char *library,
                        struct qun_error *err) {
  if (verdict->standing == QUN_PACKAGE_NONE) {
    snprintf(out, size, "%s", library);
    return 0;
  }
  if (strcmp(verdict->index.arch, qun_package_arch) != 0)
    return qun_error_set(err, QUN_EUNSUPPORTED, "the package is for %s, this host is %s", verdict->index.arch,
                         qun_package_arch);
  snprintf(out, size, "lib/%s/%s", qun_package_arch, library);
  return 0;
}

/* ---------------------------------------------------------------- keys */

void qun_package_key_make(unsigned char key[QUN_KEY_SIZE], unsigned char secret[QUN_SECRET_SIZE]) {
  if (sodium_init() < 0) abort();
  crypto_sign_keypair(key, secret);
}

int qun_package_secret_write(const char *path, const unsigned char secret[QUN_SECRET_SIZE], struct qun_error *err) {
  char line[sizeof secret_head + QUN_BASE64_SIZE(64) + 1], text[QUN_BASE64_SIZE(64)];
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST) return qun_error_set(err, QUN_ECONFLICT, "%s is there already", path);
  if (fd < 0) return qun_error_set(err, QUN_EFAIL, "%s cannot be written: %s", path, strerror(errno));
  int n = snprintf(line, sizeof line, "%s%s\n", secret_head, qun_base64_write(text, secret, 64));
  bool wrote = write(fd, line, (size_t)n) == n && fsync(fd) == 0;
  sodium_memzero(line, sizeof line);
  sodium_memzero(text, sizeof text);
  if (close(fd) == 0 && wrote) return 0;
  return qun_error_set(err, QUN_EFAIL, "%s cannot be written: %s", path, strerror(errno));
}

int qun_package_secret_read(unsigned char secret[QUN_SECRET_SIZE], const char *path, struct qun_error *err) {
  enum { HEAD = sizeof secret_head - 1 };
  struct qun_pack text;
  qun_pack_init(&text);
  int rc = qun__small_file_read(&text, path, 4096, err);
  size_t n = text.len;
  if (rc == 0 && n > 0 && text.buf[n - 1] == '\n') n--;
  if (rc == 0 && (n <= HEAD || memcmp(text.buf, secret_head, HEAD) != 0 ||
                  !qun_base64_read_exactly(secret, QUN_SECRET_SIZE, qun_slice_of(text.buf + HEAD, n - HEAD))))
    rc = qun_error_set(err, QUN_EINVAL, "%s is not a key that `qun plugin key new` wrote", path);
  if (text.buf) sodium_memzero(text.buf, text.cap);
  qun_pack_fini(&text);
  return rc;
}

void qun_package_sign(struct qun_pack *out, qun_slice index, const unsigned char secret[QUN_SECRET_SIZE]) {
  unsigned char signature[64], key[32];
  char text[QUN_BASE64_SIZE(64)];
  crypto_sign_detached(signature, NULL, index.ptr, index.len, secret);
  crypto_sign_ed25519_sk_to_pk(key, secret);
  qun_pack_raw(out, qun_str(signature_head));
  qun_pack_raw(out, qun_str(qun_base64_write(text, key, sizeof key)));
  qun_pack_raw(out, qun_str(" "));
  qun_pack_raw(out, qun_str(qun_base64_write(text, signature, sizeof signature)));
  qun_pack_raw(out, qun_str("\n"));
}
