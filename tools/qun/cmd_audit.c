/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/arena.h"
#include "tenants/bundle.h"
#include "tools/qun/cli.h"

#include <stdlib.h>

enum { CHECKPOINT_MAX = 64 * 1024, FILES_MAX = 64 };

int qun_cli_read_checkpoint(const char *path, struct qun_pack *out, struct qun_error *err) {
  char buf[4096];
  size_t n;
  FILE *f = fopen(path, "re");
  if (!f) return qun_error_set(err, QUN_ENOTFOUND, "the checkpoint %s cannot be read: %m", path);
  while ((n = fread(buf, 1, sizeof buf, f)) > 0 && out->len < CHECKPOINT_MAX) qun_pack_raw(out, qun_slice_of(buf, n));
  bool failed = ferror(f) || out->failed;
  fclose(f);
  if (failed) return qun_error_set(err, QUN_EFAIL, "the checkpoint %s cannot be read", path);
  if (out->len == 0 || out->len > CHECKPOINT_MAX) return qun_error_set(err, QUN_EINVAL, "%s is no checkpoint", path);
  return 0;
}

/* ---- audit run */

static int pack_run(struct qun_pack *body, const struct qun_args *args, struct qun_error *err) {
  const char *scope = qun_args_flag(args, "scope"), *locale = qun_args_flag(args, "locale"),
             *since = qun_args_flag(args, "since");
  struct qun_pack note;
  uint32_t n = 0;
  int rc = 0;
  qun_pack_init(&note);
  size_t at = qun_pack_open_map(body);
  if (scope) {
    qun_pack_kv_cstr(body, "scope", scope);
    n++;
  }
  if (locale) {
    qun_pack_kv_cstr(body, "locale", locale);
    n++;
  }
  if (since && (rc = qun_cli_read_checkpoint(since, &note, err)) == 0) {
    qun_pack_kv_str(body, "since", qun_pack_slice(&note));
    n++;
  }
  qun_pack_close(body, at, n);
  qun_pack_fini(&note);
  return rc;
}

/* The answer's files into DIR, in their order. Paths are checked by qun_bundle_store: the host may be a stranger. */
static int store_files(const char *dir, qun_slice reply, struct qun_error *err) {
  struct qun_bundle_file files[FILES_MAX];
  struct qun_arena arena;
  struct qun_unpack u;
  qun_slice list, item;
  uint32_t n = 0;
  if (!qun_mp_find(reply, "files", &list)) return qun_error_set(err, QUN_EFAIL, "the host's answer has no files");
  qun_unpack_init(&u, list);
  if (!qun_unpack_array(&u, &n) || n > FILES_MAX)
    return qun_error_set(err, QUN_EFAIL, "the host's answer has no list of files");
  qun_arena_init(&arena);
  for (uint32_t i = 0; i < n; i++) {
    if (!qun_unpack_any(&u, &item)) item = qun_slice_of(NULL, 0);
    const char *path = qun_arena_copy(&arena, qun_mp_str(item, "path")).ptr;
    files[i] = (struct qun_bundle_file){.path = path ? path : "", .bytes = qun_mp_str(item, "text")};
  }
  int rc = qun_bundle_store(dir, files, n, err);
  qun_arena_fini(&arena);
  return rc;
}

static void print_run(const struct qun_cli *cli, const char *dir, qun_slice reply) {
  static const char *const numbers[] = {"seq",       "upto",          "size",          "records",
                                        "satisfied", "not_satisfied", "not_applicable"};
  struct qun_pack map;
  qun_pack_init(&map);
  qun_pack_map(&map, 9);
  qun_pack_kv_cstr(&map, "bundle", dir);
  qun_pack_kv_str(&map, "key", qun_mp_str(reply, "key"));
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    qun_pack_kv_int(&map, numbers[i], qun_mp_int(reply, numbers[i], 0));
  qun_cli_print_map(cli, qun_pack_slice(&map));
  qun_pack_fini(&map);
}

int qun_cmd_audit_run(struct qun_cli *cli) {
  struct qun_pack path, body, reply;
  struct qun_error err = {0};
  const char *dir = qun_args_flag(&cli->args, "out");
  if (!dir)
    return qun_cli_usage(cli, "audit run NAME needs --out DIR, a folder that is empty or not there, for the bundle");
  qun_pack_init(&path);
  qun_pack_init(&body);
  qun_pack_init(&reply);
  const char *p = qun_url_path(&path, "/v1/tenants/%s/audit/run", qun_args_word(&cli->args, 0));
  int status = pack_run(&body, &cli->args, &err) < 0 ? qun_cli_fail(cli, QUN_EXIT_FAILED, &err) : 0;
  if (status == 0) status = qun_cli_ask_map(cli, "POST", p, NULL, qun_pack_slice(&body), &reply);
  if (status == 0 && store_files(dir, qun_pack_slice(&reply), &err) < 0)
    status = qun_cli_fail(cli, QUN_EXIT_FAILED, &err);
  if (status == 0) {
    print_run(cli, dir, qun_pack_slice(&reply));
    if (qun_mp_int(qun_pack_slice(&reply), "not_satisfied", 0) > 0) status = QUN_EXIT_NO;
  }
  qun_pack_fini(&path);
  qun_pack_fini(&body);
  qun_pack_fini(&reply);
  return status;
}

/* ---- the tree */

static int print_text(struct qun_cli *cli, const char *route, const char *name) {
  struct qun_pack path;
  struct qun_client_answer answer;
  qun_pack_init(&path);
  struct qun_client_request request = {.method = "GET",
                                       .path = qun_url_path(&path, route, qun_args_word(&cli->args, 0))};
  int status = request.path ? qun_cli_ask(cli, &request, &answer) : QUN_EXIT_FAILED;
  qun_pack_fini(&path);
  if (status) return status;
  qun_cli_print_text(cli, name, qun_pack_slice(&answer.body));
  qun_client_answer_fini(&answer);
  return QUN_EXIT_OK;
}

int qun_cmd_audit_checkpoint(struct qun_cli *cli) {
  return print_text(cli, "/v1/tenants/%s/audit/checkpoint", "checkpoint");
}

int qun_cmd_audit_key(struct qun_cli *cli) {
  return print_text(cli, "/v1/tenants/%s/audit/key", "key");
}

int qun_cmd_audit_prove(struct qun_cli *cli) {
  struct qun_pack path, body;
  struct qun_error err = {0};
  char *end;
  int64_t size;
  const char *text = qun_args_word(&cli->args, 1);
  long long seq = strtoll(text, &end, 10);
  if (*end || seq < 1) return qun_cli_usage(cli, "\"%s\" must be a record's number, 1 or more", text);
  if (qun_args_number(&cli->args, "size", 0, 1, INT64_MAX, &size, &err) < 0)
    return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  qun_pack_init(&path);
  qun_pack_init(&body);
  qun_pack_map(&body, size ? 2 : 1);
  qun_pack_kv_int(&body, "seq", seq);
  if (size) qun_pack_kv_int(&body, "size", size);
  const char *p = qun_url_path(&path, "/v1/tenants/%s/audit/prove", qun_args_word(&cli->args, 0));
  int status = qun_cli_ask_and_print(cli, "POST", p, NULL, qun_pack_slice(&body));
  qun_pack_fini(&path);
  qun_pack_fini(&body);
  return status;
}
