/* SPDX-License-Identifier: Apache-2.0 */
/* plugin validate DIR|PACKAGE: the checks of validate.h over a plugin, one after the other. */
#include "host/plugins/small_file.h"
#include "tenants/remove_tree.h"
#include "tools/qun/cli.h"
#include "tools/qun/package.h"
#include "tools/qun/validate.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { CHECK_SECONDS = 120 };

/* The package as the fake host has it: the library beside the manifest. */
static int unpack_flat(const struct qun_package *p, const struct qun_manifest *m, const char *dir,
                       struct qun_error *err) {
  char library[4200];
  const char *part = qun_package_library_part(p);
  if (!part) return qun_error_set(err, QUN_EINVAL, "the package has no library");
  int rc = qun_package_unpack(p, dir, err);
  snprintf(library, sizeof library, "%s/%s", dir, m->library);
  return rc < 0 ? rc : qun__small_file_replace(library, qun_package_part_of(p, part), 0644, err);
}

static void write_answer(struct qun_pack *out, const struct qun_cli *cli, const struct qun_check *check,
                         const struct qun_trial *t, bool kept) {
  qun_pack_map(out, 4);
  qun_pack_kv_cstr(out, "check", check->name);
  qun_pack_kv_bool(out, "kept", kept);
  qun_pack_kv_cstr(out, "doc", cli->zh ? check->doc.zh : check->doc.en);
  qun_pack_kv_cstr(out, "reason", t->reason);
}

/* Runs all checks, or the one that is named; how many were not kept. */
static uint32_t run_checks(const struct qun_cli *cli, struct qun_trial *t, const char *only, struct qun_pack *out) {
  uint32_t broken = 0, count = 0;
  size_t at = qun_pack_open_array(out);
  for (const struct qun_check *c = qun_checks; c->name; c++) {
    if (only && strcmp(only, c->name) != 0) continue;
    bool kept = qun_check_run(c, t, CHECK_SECONDS) == 0;
    broken += !kept;
    count++;
    write_answer(out, cli, c, t, kept);
    if (!cli->json)
      fprintf(cli->out, "%-4s %-10s %s%s%s\n", kept ? "ok" : "NOT", c->name, cli->zh ? c->doc.zh : c->doc.en,
              kept ? "" : ": ", t->reason);
  }
  qun_pack_close(out, at, count);
  return broken;
}

static uint32_t validate(const struct qun_cli *cli, struct qun_trial *t, const char *only) {
  struct qun_pack out;
  qun_pack_init(&out);
  qun_pack_map(&out, 4);
  qun_pack_kv_cstr(&out, "id", t->manifest->id);
  qun_pack_kv_cstr(&out, "version", t->manifest->version);
  qun_pack_kv_int(&out, "seed", (int64_t)t->seed);
  qun_pack_cstr(&out, "checks");
  uint32_t broken = run_checks(cli, t, only, &out);
  if (cli->json) qun_cli_print_map(cli, qun_pack_slice(&out));
  qun_pack_fini(&out);
  return broken;
}

static bool is_check(const char *name) {
  for (const struct qun_check *c = qun_checks; c->name; c++)
    if (strcmp(c->name, name) == 0) return true;
  return false;
}

int qun_cmd_plugin_validate(struct qun_cli *cli) {
  const char *only = qun_args_flag(&cli->args, "check");
  char dir[] = "/tmp/qun-validate-XXXXXX";
  struct qun_package p = {0};
  struct qun_manifest *m = NULL;
  struct qun_error err = {0};
  int64_t seed = 1;
  uint32_t broken = 0;
  if (only && !is_check(only)) return qun_cli_usage(cli, "there is no check \"%s\"; without --check all are run", only);
  if (qun_args_number(&cli->args, "seed", 1, 0, INT64_MAX, &seed, &err) < 0)
    return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  if (!mkdtemp(dir)) {
    qun_error_set(&err, QUN_EFAIL, "no scratch folder can be made in /tmp: %s", strerror(errno));
    return qun_cli_fail(cli, QUN_EXIT_FAILED, &err);
  }
  int rc = qun_package_open(&p, qun_args_word(&cli->args, 0), &err);
  if (rc == 0) rc = qun_package_manifest(&m, &p, &err);
  if (rc == 0) rc = unpack_flat(&p, m, dir, &err);
  if (rc == 0) {
    struct qun_trial t = {.dir = dir,
                          .manifest = m,
                          .library = qun_package_part_of(&p, qun_package_library_part(&p)),
                          .seed = (uint64_t)seed};
    broken = validate(cli, &t, only);
  }
  qun_manifest_destroy(m);
  qun_package_fini(&p);
  qun_remove_tree(dir);
  if (rc < 0) return qun_cli_fail(cli, rc == QUN_EINVAL ? QUN_EXIT_NO : QUN_EXIT_FAILED, &err);
  return broken ? QUN_EXIT_NO : QUN_EXIT_OK;
}
