/* SPDX-License-Identifier: Apache-2.0 */
/* plugin trust add|list|remove, install, uninstall: what an operator does. They write <data>/plugins; a running daemon reads it when it starts anew. */
#include "tenants/base64.h"
#include "tenants/remove_tree.h"
#include "tools/qun/cli.h"
#include "tools/qun/package.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* <data>/plugins, made if absent. */
static int open_folder(char folder[PATH_MAX], const struct qun_cli *cli, struct qun_error *err) {
  const char *data = qun_args_flag(&cli->args, "data");
  if (!data) return qun_error_set(err, QUN_EINVAL, "name the data directory: --data DIR");
  if (snprintf(folder, PATH_MAX, "%s/plugins", data) >= PATH_MAX)
    return qun_error_set(err, QUN_EINVAL, "%.200s...: the path is too long", data);
  if ((mkdir(data, 0700) < 0 && errno != EEXIST) || (mkdir(folder, 0700) < 0 && errno != EEXIST))
    return qun_error_set(err, QUN_EFAIL, "%s cannot be made: %s", folder, strerror(errno));
  return 0;
}

static int fail(const struct qun_cli *cli, int rc, const struct qun_error *err) {
  return qun_cli_fail(cli, rc == QUN_EINVAL ? QUN_EXIT_USAGE : QUN_EXIT_FAILED, err);
}

static int read_key(unsigned char key[32], const char *text, struct qun_error *err) {
  if (qun_base64_read_exactly(key, 32, qun_str(text))) return 0;
  return qun_error_set(err, QUN_EINVAL, "\"%.80s\" is no key; `qun plugin key show FILE` prints one", text);
}

/* ---------------------------------------------------------------- trust */

static void print_store(const struct qun_cli *cli, const struct qun_trust_store *store) {
  struct qun_pack reply;
  char key[QUN_BASE64_SIZE(32)];
  qun_pack_init(&reply);
  qun_pack_map(&reply, 1);
  qun_pack_cstr(&reply, "trusted");
  qun_pack_array(&reply, store->count);
  for (uint32_t i = 0; i < store->count; i++) {
    qun_pack_map(&reply, 3);
    qun_pack_kv_cstr(&reply, "key", qun_base64_write(key, store->keys[i].key, 32));
    qun_pack_kv_cstr(&reply, "prefix", store->keys[i].prefix);
    qun_pack_kv_cstr(&reply, "name", store->keys[i].name);
  }
  qun_cli_print_map(cli, qun_pack_slice(&reply));
  qun_pack_fini(&reply);
}

int qun_cmd_plugin_trust_list(struct qun_cli *cli) {
  struct qun_trust_store store = {0};
  struct qun_error err = {0};
  char folder[PATH_MAX];
  int rc = open_folder(folder, cli, &err);
  if (rc == 0) rc = qun_trust_store_load(&store, folder, &err);
  if (rc == 0) print_store(cli, &store);
  qun_trust_store_fini(&store);
  return rc < 0 ? fail(cli, rc, &err) : QUN_EXIT_OK;
}

int qun_cmd_plugin_trust_add(struct qun_cli *cli) {
  const char *prefix = qun_args_flag(&cli->args, "prefix"), *name = qun_args_flag(&cli->args, "name");
  struct qun_trust_store store = {0};
  struct qun_error err = {0};
  unsigned char key[32];
  char folder[PATH_MAX];
  if (!prefix) return qun_cli_usage(cli, "say for which plugins: --prefix PREFIX, the beginning of their ids, or *");
  int rc = read_key(key, qun_args_word(&cli->args, 0), &err);
  if (rc == 0) rc = open_folder(folder, cli, &err);
  if (rc == 0) rc = qun_trust_store_load(&store, folder, &err);
  if (rc == 0) rc = qun_trust_store_add(&store, key, prefix, name ? name : "", &err);
  if (rc == 0) rc = qun_trust_store_save(&store, folder, &err);
  if (rc == 0) print_store(cli, &store);
  qun_trust_store_fini(&store);
  return rc < 0 ? fail(cli, rc, &err) : QUN_EXIT_OK;
}

int qun_cmd_plugin_trust_remove(struct qun_cli *cli) {
  struct qun_trust_store store = {0};
  struct qun_error err = {0};
  unsigned char key[32];
  char folder[PATH_MAX];
  int rc = read_key(key, qun_args_word(&cli->args, 0), &err);
  if (rc == 0) rc = open_folder(folder, cli, &err);
  if (rc == 0) rc = qun_trust_store_load(&store, folder, &err);
  if (rc == 0 && !qun_trust_store_remove(&store, key))
    rc = qun_error_set(&err, QUN_ENOTFOUND, "this key is not trusted");
  if (rc == 0) rc = qun_trust_store_save(&store, folder, &err);
  if (rc == 0) print_store(cli, &store);
  qun_trust_store_fini(&store);
  if (rc == QUN_ENOTFOUND) return qun_cli_fail(cli, QUN_EXIT_NO, &err);
  return rc < 0 ? fail(cli, rc, &err) : QUN_EXIT_OK;
}

/* ---------------------------------------------------------------- install */

/* Puts the package in its place; an older version is away once the new one is there. */
static int put_in_place(const struct qun_package *p, const char *folder, const char *id, struct qun_error *err) {
  char installed[PATH_MAX], fresh[PATH_MAX], old[PATH_MAX], place[PATH_MAX];
  if (snprintf(installed, sizeof installed, "%s/installed", folder) >= (int)sizeof installed ||
      snprintf(fresh, sizeof fresh, "%s/.%s.new", installed, id) >= (int)sizeof fresh ||
      snprintf(old, sizeof old, "%s/.%s.old", installed, id) >= (int)sizeof old ||
      snprintf(place, sizeof place, "%s/%s", installed, id) >= (int)sizeof place)
    return qun_error_set(err, QUN_EINVAL, "%.200s...: the path is too long", folder);
  if (mkdir(installed, 0700) < 0 && errno != EEXIST)
    return qun_error_set(err, QUN_EFAIL, "%s cannot be made: %s", installed, strerror(errno));
  qun_remove_tree(fresh);
  qun_remove_tree(old);
  int rc = qun_package_unpack(p, fresh, err);
  if (rc < 0) return rc;
  if ((rename(place, old) < 0 && errno != ENOENT) || rename(fresh, place) < 0)
    return qun_error_set(err, QUN_EFAIL, "%s cannot be put in place: %s", place, strerror(errno));
  qun_remove_tree(old);
  return 0;
}

struct install {
  struct qun_package package;
  struct qun_package_verdict verdict;
  struct qun_manifest *manifest;
  struct qun_trust_store trust;
  struct qun_service_grants grants;
  char folder[PATH_MAX];
};

static void install_fini(struct install *in) {
  qun_package_fini(&in->package);
  qun_package_verdict_fini(&in->verdict);
  qun_manifest_destroy(in->manifest);
  qun_trust_store_fini(&in->trust);
  qun_service_grants_fini(&in->grants);
}

static int install_open(struct install *in, const struct qun_cli *cli, struct qun_error *err) {
  int rc = open_folder(in->folder, cli, err);
  if (rc == 0) rc = qun_trust_store_load(&in->trust, in->folder, err);
  if (rc == 0) rc = qun_service_grants_load(&in->grants, in->folder, err);
  if (rc == 0) rc = qun_package_open(&in->package, qun_args_word(&cli->args, 0), err);
  return rc == QUN_EINVAL ? QUN_EFAIL : rc;
}

/* Whether the operator lets it in; says why not. */
static int install_judge(struct install *in, const struct qun_cli *cli, struct qun_error *err) {
  const unsigned char *key;
  qun_package_check(&in->verdict, &in->package, &in->trust);
  if (in->verdict.standing <= QUN_PACKAGE_BROKEN) return qun_error_set(err, QUN_EDENIED, "%s", in->verdict.reason);
  int rc = qun_package_manifest(&in->manifest, &in->package, err);
  if (rc < 0) return rc;
  if (strcmp(in->manifest->id, in->verdict.index.id) != 0 ||
      strcmp(in->manifest->version, in->verdict.index.version) != 0)
    return qun_error_set(err, QUN_EDENIED, "the index is of %s %s, plugin.yaml says %s %s", in->verdict.index.id,
                         in->verdict.index.version, in->manifest->id, in->manifest->version);
  key = in->verdict.standing >= QUN_PACKAGE_STRANGER ? in->verdict.key : NULL;
  const char *missing = qun_service_grants_missing(&in->grants, in->manifest, key);
  if (!missing) return 0;
  if (qun_args_flag(&cli->args, "grant")) return qun_service_grants_set(&in->grants, in->manifest, key, err);
  return qun_error_set(
      err, QUN_EDENIED,
      "%s asks for %s, which was not granted; `qun plugin inspect` shows all that it asks for, --grant grants it",
      in->manifest->id, missing);
}

static void install_say(const struct install *in, const struct qun_cli *cli) {
  struct qun_pack reply;
  qun_pack_init(&reply);
  qun_pack_map(&reply, 4);
  qun_pack_kv_cstr(&reply, "id", in->manifest->id);
  qun_pack_kv_cstr(&reply, "version", in->manifest->version);
  qun_pack_kv_bool(&reply, "trusted", in->verdict.standing == QUN_PACKAGE_SIGNED);
  qun_pack_kv_cstr(&reply, "signature", in->verdict.reason);
  qun_cli_print_map(cli, qun_pack_slice(&reply));
  qun_pack_fini(&reply);
}

int qun_cmd_plugin_install(struct qun_cli *cli) {
  struct install in = {0};
  struct qun_error err = {0};
  int rc = install_open(&in, cli, &err);
  int no = rc == 0 ? install_judge(&in, cli, &err) : 0;
  if (rc == 0 && no == 0) rc = qun_service_grants_save(&in.grants, in.folder, &err);
  if (rc == 0 && no == 0) rc = put_in_place(&in.package, in.folder, in.manifest->id, &err);
  if (rc == 0 && no == 0) install_say(&in, cli);
  install_fini(&in);
  if (no < 0) return qun_cli_fail(cli, QUN_EXIT_NO, &err);
  return rc < 0 ? fail(cli, rc, &err) : QUN_EXIT_OK;
}

int qun_cmd_plugin_uninstall(struct qun_cli *cli) {
  const char *id = qun_args_word(&cli->args, 0);
  char folder[PATH_MAX], place[PATH_MAX];
  struct qun_service_grants grants = {0};
  struct qun_error err = {0};
  int rc = open_folder(folder, cli, &err);
  if (rc == 0 && (strchr(id, '/') || snprintf(place, sizeof place, "%s/installed/%s", folder, id) >= (int)sizeof place))
    rc = qun_error_set(&err, QUN_EINVAL, "\"%.60s\" is no id of a plugin", id);
  if (rc == 0 && access(place, F_OK) < 0) {
    qun_error_set(&err, QUN_ENOTFOUND, "%s is not installed", id);
    return qun_cli_fail(cli, QUN_EXIT_NO, &err);
  }
  if (rc == 0) rc = qun_service_grants_load(&grants, folder, &err);
  if (rc == 0) qun_service_grants_remove(&grants, id);
  if (rc == 0) rc = qun_service_grants_save(&grants, folder, &err);
  if (rc == 0 && qun_remove_tree(place) < 0) rc = qun_error_set(&err, QUN_EFAIL, "%s cannot be removed", place);
  qun_service_grants_fini(&grants);
  return rc < 0 ? fail(cli, rc, &err) : QUN_EXIT_OK;
}
