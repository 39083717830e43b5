/* SPDX-License-Identifier: Apache-2.0 */
/* backup, backup verify, restore. The host writes and reads the files: they are on its machine. */
#include "tenants/backup.h"
#include "tools/qun/cli.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A path as the host understands it, wherever that runs. NULL and a sentence: too long. */
static const char *absolute(char out[PATH_MAX], const char *path, struct qun_error *err) {
  char here[PATH_MAX];
  if (path[0] == '/') here[0] = '\0';
  int n =
      path[0] == '/' || realpath(".", here) ? snprintf(out, PATH_MAX, "%s%s%s", here, here[0] ? "/" : "", path) : -1;
  if (n >= 0 && n < PATH_MAX) return out;
  qun_error_set(err, QUN_EINVAL, "%.80s: this path is too long", path);
  return NULL;
}

static bool is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* PATH, or PATH/NAME<ending> where PATH is a folder. */
static const char *file_for(char out[PATH_MAX], const char *path, const char *name, const char *ending,
                            struct qun_error *err) {
  char joined[PATH_MAX + 128];
  if (is_folder(path))
    snprintf(joined, sizeof joined, "%s/%s%s", path, name, ending);
  else
    snprintf(joined, sizeof joined, "%s", path);
  return absolute(out, joined, err);
}

/* ---- backup */

static int ask_backup(struct qun_cli *cli, const char *name, struct qun_pack *reply) {
  char out[PATH_MAX], keys[PATH_MAX];
  const char *keys_out = qun_args_flag(&cli->args, "keys-out");
  struct qun_error err = {0};
  struct qun_pack url, body;
  const char *file = file_for(out, qun_args_flag(&cli->args, "out"), name, ".tar.zst", &err);
  const char *keys_file = keys_out ? file_for(keys, keys_out, name, ".keys.tar.zst", &err) : NULL;
  if (!file || (keys_out && !keys_file)) return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  qun_pack_init(&url);
  qun_pack_init(&body);
  qun_pack_map(&body, keys_file ? 2 : 1);
  qun_pack_kv_cstr(&body, "path", file);
  if (keys_file) qun_pack_kv_cstr(&body, "keys_path", keys_file);
  int status = qun_cli_ask_map(cli, "POST", qun_url_path(&url, "/v1/tenants/%s/backup", name), NULL,
                               qun_pack_slice(&body), reply);
  qun_pack_fini(&body);
  qun_pack_fini(&url);
  return status;
}

/* From afar: the host sends the file, which is checked before it gets its name. */
static int fetch_backup(struct qun_cli *cli, const char *name, const char *file) {
  char temporary[PATH_MAX + 8];
  struct qun_error err = {0};
  struct qun_client_answer answer;
  struct qun_pack url;
  snprintf(temporary, sizeof temporary, "%s.XXXXXX", file);
  int fd = mkostemp(temporary, O_CLOEXEC);
  if (fd < 0) return qun_cli_usage(cli, "--out %s: no file can be made there", file);
  qun_pack_init(&url);
  struct qun_client_request request = {.method = "GET",
                                       .path = qun_url_path(&url, "/v1/tenants/%s/backup", name),
                                       .to = fd};
  int status = qun_cli_ask(cli, &request, &answer);
  if (status == QUN_EXIT_OK) {
    qun_client_answer_fini(&answer);
    if (fsync(fd) < 0 || qun_backup_check(temporary, NULL, NULL, &err) < 0 || rename(temporary, file) < 0)
      status = qun_cli_fail(cli, QUN_EXIT_FAILED,
                            err.message[0] ? &err : &(struct qun_error){.message = "the file cannot be written"});
  }
  if (status != QUN_EXIT_OK) unlink(temporary);
  if (status == QUN_EXIT_OK && !cli->json) fprintf(cli->out, cli->zh ? "%s：已备份\n" : "%s: backed up\n", name);
  qun_pack_fini(&url);
  close(fd);
  return status;
}

static void print_backup(const struct qun_cli *cli, const char *name, qun_slice reply) {
  qun_slice hash = qun_mp_str(reply, "state_hash");
  if (cli->json) {
    qun_cli_print_map(cli, reply);
    return;
  }
  fprintf(cli->out, cli->zh ? "%s：已备份 %lld 条记录，状态 %.*s\n" : "%s: backed up, %lld records, state %.*s\n", name,
          (long long)qun_mp_int(reply, "seq", 0), (int)hash.len, (const char *)hash.ptr);
}

static int backup_one(struct qun_cli *cli, const char *name) {
  char file[PATH_MAX];
  struct qun_error err = {0};
  struct qun_pack reply;
  if (qun_args_flag(&cli->args, "url")) {
    if (qun_args_flag(&cli->args, "keys-out"))
      return qun_cli_usage(cli, "keys are not sent over a network; use --keys-out on the host's machine, with --data");
    if (!file_for(file, qun_args_flag(&cli->args, "out"), name, ".tar.zst", &err))
      return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
    return fetch_backup(cli, name, file);
  }
  qun_pack_init(&reply);
  int status = ask_backup(cli, name, &reply);
  if (status == QUN_EXIT_OK) print_backup(cli, name, qun_pack_slice(&reply));
  qun_pack_fini(&reply);
  return status;
}

/* One that fails does not keep the others from being backed up. */
static int backup_all(struct qun_cli *cli) {
  struct qun_pack reply;
  struct qun_unpack u;
  struct qun_progress progress;
  qun_slice list, tenant;
  uint32_t n = 0, done = 0;
  qun_pack_init(&reply);
  int worst = qun_cli_ask_map(cli, "GET", "/v1/tenants", NULL, qun_slice_of(NULL, 0), &reply);
  if (worst == 0 && qun_mp_find(qun_pack_slice(&reply), "tenants", &list)) {
    qun_unpack_init(&u, list);
    qun_unpack_array(&u, &n);
    qun_progress_begin(&progress, cli, cli->zh ? "备份" : "backup");
    for (uint32_t total = n; n > 0 && qun_unpack_any(&u, &tenant); n--) {
      char name[64];
      qun_slice text = qun_mp_str(tenant, "name");
      snprintf(name, sizeof name, "%.*s", (int)text.len, (const char *)text.ptr);
      qun_progress_draw(&progress, done++, total, name);
      int status = backup_one(cli, name);
      if (status != QUN_EXIT_OK) worst = status;
    }
    qun_progress_end(&progress);
  }
  qun_pack_fini(&reply);
  return worst;
}

int qun_cmd_backup(struct qun_cli *cli) {
  const char *name = qun_args_word(&cli->args, 0), *out = qun_args_flag(&cli->args, "out");
  const char *keys = qun_args_flag(&cli->args, "keys-out");
  bool all = qun_args_flag(&cli->args, "all") != NULL;
  if (!out) return qun_cli_usage(cli, "backup needs --out FILE, where it goes");
  if (all == (name != NULL)) return qun_cli_usage(cli, "say what to back up: NAME or --all, one of them");
  if (!all) return backup_one(cli, name);
  if (!is_folder(out) && mkdir(out, 0700) < 0) return qun_cli_usage(cli, "--out %s: no folder can be made there", out);
  if (keys && !is_folder(keys) && mkdir(keys, 0700) < 0)
    return qun_cli_usage(cli, "--keys-out %s: no folder can be made there", keys);
  return backup_all(cli);
}

/* ---- backup verify */

static void on_bytes(void *arg, uint64_t done, uint64_t total) {
  qun_progress_draw(arg, done, total, NULL);
}

int qun_cmd_backup_verify(struct qun_cli *cli) {
  const char *path = qun_args_word(&cli->args, 0);
  struct qun_error err = {0};
  struct qun_progress progress;
  struct qun_pack text;
  qun_pack_init(&text);
  qun_progress_begin(&progress, cli, cli->zh ? "校验" : "verify");
  int rc = qun_backup_check(path, on_bytes, &progress, &err);
  qun_progress_end(&progress);
  if (rc == 0) rc = qun_backup_manifest(&text, path, &err);
  if (rc == 0) fprintf(cli->out, "%.*s\n", (int)text.len, (const char *)text.buf);
  qun_pack_fini(&text);
  if (rc == 0) return QUN_EXIT_OK;
  return qun_cli_fail(cli, rc == QUN_EINVAL ? QUN_EXIT_NO : QUN_EXIT_FAILED, &err);
}

/* ---- restore */

int qun_cmd_restore(struct qun_cli *cli) {
  char file[PATH_MAX], keys_file[PATH_MAX];
  const char *keys = qun_args_flag(&cli->args, "keys-in"), *as = qun_args_flag(&cli->args, "as"),
             *until = qun_args_flag(&cli->args, "until");
  struct qun_error err = {0};
  struct qun_pack body;
  uint32_t n = 1;
  if (!absolute(file, qun_args_word(&cli->args, 0), &err) || (keys && !absolute(keys_file, keys, &err)))
    return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  qun_pack_init(&body);
  size_t at = qun_pack_open_map(&body);
  qun_pack_kv_cstr(&body, "path", file);
  if (keys) qun_pack_kv_cstr(&body, "keys_path", keys_file);
  if (as) qun_pack_kv_cstr(&body, "as", as);
  if (until) qun_pack_kv_cstr(&body, "until", until);
  n += (keys ? 1u : 0u) + (as ? 1u : 0u) + (until ? 1u : 0u);
  if (qun_args_flag(&cli->args, "replace")) {
    qun_pack_kv_bool(&body, "replace", 1);
    n++;
  }
  qun_pack_close(&body, at, n);
  int status = qun_cli_ask_and_print(cli, "POST", "/v1/restore", NULL, qun_pack_slice(&body));
  qun_pack_fini(&body);
  return status;
}
