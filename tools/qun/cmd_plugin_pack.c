/* SPDX-License-Identifier: Apache-2.0 */
/* plugin pack, sign, key new, key show: what an author does with a plugin that works. */
#include "tenants/base64.h"
#include "tenants/sha256.h"
#include "tools/qun/cli.h"
#include "tools/qun/elf.h"
#include "tools/qun/package.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static int fail(const struct qun_cli *cli, int rc, const struct qun_error *err) {
  return qun_cli_fail(cli, rc == QUN_EINVAL ? QUN_EXIT_NO : QUN_EXIT_FAILED, err);
}

/* The machine that the library is for; it must have the entry of a plugin. */
static int read_arch(const char **arch, const struct qun_package *p, struct qun_error *err) {
  struct qun_elf elf;
  const char *library = qun_package_library_part(p), *name = NULL;
  int defined = 0, found = 0;
  if (!library) return qun_error_set(err, QUN_EINVAL, "the package has no library");
  int rc = qun_elf_read(&elf, qun_package_part_of(p, library), err);
  if (rc < 0) {
    qun_error_prefix(err, "%s", library);
    return rc;
  }
  for (uint32_t i = 1; (name = qun_elf_symbol(&elf, i, &defined)); i++)
    found |= defined && strcmp(name, "qun_plugin_v1") == 0;
  if (!found)
    return qun_error_set(err, QUN_EINVAL, "%s does not export qun_plugin_v1 (is QUN_PLUGIN() in it?)", library);
  if (strcmp(elf.arch, qun_package_arch) != 0)
    return qun_error_set(err, QUN_EINVAL, "%s is for %s; pack it on such a machine", library, elf.arch);
  *arch = elf.arch;
  return 0;
}

static void say_packed(const struct qun_cli *cli, const char *path, const struct qun_manifest *m,
                       const struct qun_package *p) {
  struct qun_pack reply;
  unsigned char sum[32];
  char hash[65];
  qun_sha256_of(qun_package_part_of(p, "index"), sum);
  sodium_bin2hex(hash, sizeof hash, sum, sizeof sum);
  qun_pack_init(&reply);
  qun_pack_map(&reply, 5);
  qun_pack_kv_cstr(&reply, "package", path);
  qun_pack_kv_cstr(&reply, "id", m->id);
  qun_pack_kv_cstr(&reply, "version", m->version);
  qun_pack_kv_int(&reply, "files", p->count - 1);
  qun_pack_kv_cstr(&reply, "index_sha256", hash);
  qun_cli_print_map(cli, qun_pack_slice(&reply));
  qun_pack_fini(&reply);
}

int qun_cmd_plugin_pack(struct qun_cli *cli) {
  const char *out = qun_args_flag(&cli->args, "out"), *arch = NULL;
  struct qun_package p;
  struct qun_manifest *m = NULL;
  struct qun_error err = {0};
  char name[200];
  int rc = qun_package_open(&p, qun_args_word(&cli->args, 0), &err);
  if (rc == 0) rc = qun_package_manifest(&m, &p, &err);
  if (rc == 0) rc = read_arch(&arch, &p, &err);
  if (rc == 0) rc = qun_package_make_index(&p, m, arch, &err);
  if (rc == 0) snprintf(name, sizeof name, "%s-%s-%s.qunpkg", m->id, m->version, arch);
  if (rc == 0) rc = qun_package_write(&p, out ? out : name, &err);
  if (rc == 0) say_packed(cli, out ? out : name, m, &p);
  qun_manifest_destroy(m);
  qun_package_fini(&p);
  return rc < 0 ? fail(cli, rc, &err) : QUN_EXIT_OK;
}

/* ---------------------------------------------------------------- keys */

static void say_key(const struct qun_cli *cli, const unsigned char key[32]) {
  char text[QUN_BASE64_SIZE(32)];
  qun_cli_print_text(cli, "key", qun_str(qun_base64_write(text, key, 32)));
  if (!cli->json) fputc('\n', cli->out);
}

int qun_cmd_plugin_key_new(struct qun_cli *cli) {
  unsigned char key[QUN_KEY_SIZE], secret[QUN_SECRET_SIZE];
  struct qun_error err = {0};
  qun_package_key_make(key, secret);
  int rc = qun_package_secret_write(qun_args_word(&cli->args, 0), secret, &err);
  sodium_memzero(secret, sizeof secret);
  if (rc < 0) return qun_cli_fail(cli, QUN_EXIT_FAILED, &err);
  say_key(cli, key);
  return QUN_EXIT_OK;
}

int qun_cmd_plugin_key_show(struct qun_cli *cli) {
  unsigned char key[QUN_KEY_SIZE], secret[QUN_SECRET_SIZE];
  struct qun_error err = {0};
  int rc = qun_package_secret_read(secret, qun_args_word(&cli->args, 0), &err);
  if (rc < 0) return qun_cli_fail(cli, QUN_EXIT_FAILED, &err);
  crypto_sign_ed25519_sk_to_pk(key, secret);
  sodium_memzero(secret, sizeof secret);
  say_key(cli, key);
  return QUN_EXIT_OK;
}

int qun_cmd_plugin_sign(struct qun_cli *cli) {
  const char *path = qun_args_word(&cli->args, 0), *file = qun_args_flag(&cli->args, "key");
  unsigned char secret[QUN_SECRET_SIZE];
  struct qun_package_verdict verdict = {0};
  struct qun_package p = {0};
  struct qun_pack signature;
  struct qun_error err = {0};
  if (!file) return qun_cli_usage(cli, "name the key's file: --key FILE (`qun plugin key new FILE` makes one)");
  qun_pack_init(&signature);
  int rc = qun_package_secret_read(secret, file, &err);
  if (rc == QUN_EINVAL) rc = QUN_EFAIL;
  if (rc == 0) rc = qun_package_open(&p, path, &err);
  if (rc == 0) qun_package_check(&verdict, &p, NULL);
  if (rc == 0 && verdict.standing <= QUN_PACKAGE_BROKEN)
    rc = qun_error_set(&err, QUN_EINVAL, "%s is not signed: %s", path, verdict.reason);
  if (rc == 0) qun_package_sign(&signature, qun_package_part_of(&p, "index"), secret);
  if (rc == 0) rc = qun_package_put(&p, "signature", qun_pack_slice(&signature), &err);
  if (rc == 0) rc = qun_package_write(&p, path, &err);
  if (rc == 0) {
    unsigned char key[QUN_KEY_SIZE];
    crypto_sign_ed25519_sk_to_pk(key, secret);
    say_key(cli, key);
  }
  sodium_memzero(secret, sizeof secret);
  qun_pack_fini(&signature);
  qun_package_verdict_fini(&verdict);
  qun_package_fini(&p);
  return rc < 0 ? fail(cli, rc, &err) : QUN_EXIT_OK;
}
