/* SPDX-License-Identifier: Apache-2.0 */
/* plugin inspect ID|PACKAGE|FOLDER: of a plugin in the host what the host says, of a file or folder what its bytes say. Nothing of it is run. */
#include "tenants/base64.h"
#include "tenants/sha256.h"
#include "tools/qun/cli.h"
#include "tools/qun/elf.h"
#include "tools/qun/package.h"

#include <limits.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

static void write_list(struct qun_pack *out, const char *key, const char *const *list, uint32_t count) {
  qun_pack_cstr(out, key);
  qun_pack_array(out, count);
  for (uint32_t i = 0; i < count; i++) qun_pack_cstr(out, list[i]);
}

static void write_files(struct qun_pack *out, const struct qun_package *p) {
  unsigned char sum[32];
  char hash[65];
  qun_pack_cstr(out, "files");
  qun_pack_array(out, p->count);
  for (uint32_t i = 0; i < p->count; i++) {
    qun_sha256_of(qun_pack_slice(&p->parts[i].bytes), sum);
    sodium_bin2hex(hash, sizeof hash, sum, sizeof sum);
    qun_pack_map(out, 3);
    qun_pack_kv_cstr(out, "path", p->parts[i].path);
    qun_pack_kv_int(out, "bytes", (int64_t)p->parts[i].bytes.len);
    qun_pack_kv_cstr(out, "sha256", hash);
  }
}

/* Own symbols that others see, or those that others must have. */
static void write_symbols(struct qun_pack *out, const char *key, const struct qun_elf *elf, int which) {
  const char *name;
  int defined = 0;
  uint32_t count = 0;
  qun_pack_cstr(out, key);
  size_t at = qun_pack_open_array(out);
  for (uint32_t i = 1; (name = qun_elf_symbol(elf, i, &defined)); i++) {
    if (defined != which) continue;
    qun_pack_cstr(out, name);
    count++;
  }
  qun_pack_close(out, at, count);
}

static void write_library(struct qun_pack *out, const struct qun_package *p) {
  struct qun_elf elf;
  struct qun_error why;
  const char *library = qun_package_library_part(p);
  qun_pack_cstr(out, "library");
  if (!library || qun_elf_read(&elf, qun_package_part_of(p, library), &why) < 0) {
    qun_pack_map(out, 1);
    qun_pack_kv_cstr(out, "refused", library ? why.message : "there is none");
    return;
  }
  qun_pack_map(out, 5);
  qun_pack_kv_cstr(out, "path", library);
  qun_pack_kv_cstr(out, "arch", elf.arch);
  qun_pack_kv_int(out, "constructors", elf.initialisers);
  write_symbols(out, "exports", &elf, 1);
  write_symbols(out, "imports", &elf, 0);
}

static const char *standing_name(enum qun_package_standing s) {
  static const char *const names[] = {[QUN_PACKAGE_NONE] = "folder",
                                      [QUN_PACKAGE_BROKEN] = "broken",
                                      [QUN_PACKAGE_UNSIGNED] = "unsigned",
                                      [QUN_PACKAGE_STRANGER] = "stranger",
                                      [QUN_PACKAGE_SIGNED] = "trusted"};
  return names[s];
}

static void write_signature(struct qun_pack *out, const struct qun_package_verdict *v) {
  char key[QUN_BASE64_SIZE(32)];
  qun_pack_cstr(out, "signature");
  qun_pack_map(out, 3);
  qun_pack_kv_cstr(out, "standing", standing_name(v->standing));
  qun_pack_kv_cstr(out, "key", v->standing >= QUN_PACKAGE_STRANGER ? qun_base64_write(key, v->key, 32) : "");
  qun_pack_kv_cstr(out, "reason", v->reason);
}

static void write_manifest(struct qun_pack *out, const struct qun_manifest *m) {
  qun_pack_kv_cstr(out, "id", m->id);
  qun_pack_kv_cstr(out, "version", m->version);
  qun_pack_kv_int(out, "abi", m->abi);
  qun_pack_kv_cstr(out, "isolation", m->isolation);
  qun_pack_kv_bool(out, "personal_text", m->personal_text);
  write_list(out, "requires", m->requires, m->requires_count);
  write_list(out, "subscribe", m->subscribe, m->subscribe_count);
  write_list(out, "emit", m->emit, m->emit_count);
  qun_pack_cstr(out, "services");
  qun_pack_array(out, m->services_count);
  for (uint32_t i = 0; i < m->services_count; i++) qun_pack_cstr(out, m->services[i].name);
  qun_pack_cstr(out, "settings");
  qun_pack_array(out, m->settings_count);
  for (uint32_t i = 0; i < m->settings_count; i++) qun_pack_cstr(out, m->settings[i].name);
}

static int inspect_path(struct qun_cli *cli, const char *path) {
  const char *data = qun_args_flag(&cli->args, "data");
  struct qun_package p;
  struct qun_package_verdict verdict = {0};
  struct qun_trust_store trust = {0};
  struct qun_manifest *m = NULL;
  struct qun_error err = {0};
  struct qun_pack reply;
  char folder[PATH_MAX];
  qun_pack_init(&reply);
  int rc = qun_package_open(&p, path, &err);
  if (rc == 0 && data && snprintf(folder, sizeof folder, "%s/plugins", data) < (int)sizeof folder)
    rc = qun_trust_store_load(&trust, folder, &err);
  if (rc == 0) rc = qun_package_manifest(&m, &p, &err);
  if (rc == 0) {
    qun_package_check(&verdict, &p, &trust);
    qun_pack_map(&reply, 13);
    write_manifest(&reply, m);
    write_signature(&reply, &verdict);
    write_files(&reply, &p);
    write_library(&reply, &p);
    qun_cli_print_map(cli, qun_pack_slice(&reply));
  }
  bool broken = verdict.standing == QUN_PACKAGE_BROKEN;
  qun_pack_fini(&reply);
  qun_manifest_destroy(m);
  qun_trust_store_fini(&trust);
  qun_package_verdict_fini(&verdict);
  qun_package_fini(&p);
  if (rc < 0) return qun_cli_fail(cli, rc == QUN_EINVAL ? QUN_EXIT_NO : QUN_EXIT_FAILED, &err);
  return broken ? QUN_EXIT_NO : QUN_EXIT_OK;
}

static int inspect_id(struct qun_cli *cli, const char *id) {
  struct qun_pack path;
  qun_pack_init(&path);
  int status =
      qun_cli_ask_and_print(cli, "GET", qun_url_path(&path, "/v1/plugins/%s", id), NULL, qun_slice_of(NULL, 0));
  qun_pack_fini(&path);
  return status;
}

int qun_cmd_plugin_inspect(struct qun_cli *cli) {
  const char *what = qun_args_word(&cli->args, 0);
  bool path = strchr(what, '/') || strchr(what, '.') || access(what, F_OK) == 0;
  return path ? inspect_path(cli, what) : inspect_id(cli, what);
}
