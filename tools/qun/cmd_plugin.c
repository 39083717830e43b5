/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/cli.h"

static void print_text(const struct qun_cli *cli, const char *before, qun_slice text) {
  if (text.len) fprintf(cli->out, "%-16s %s%.*s\n", "", before, (int)text.len, (const char *)text.ptr);
}

/* A line, and below it why it does not run and what it did last to the host. */
static void print_plugin(const struct qun_cli *cli, qun_slice p) {
  qun_slice title, words = {0};
  qun_slice id = qun_mp_str(p, "id"), version = qun_mp_str(p, "version"), status = qun_mp_str(p, "status");
  if (qun_mp_find(p, "title", &title)) words = qun_mp_str(title, cli->zh ? "zh" : "en");
  fprintf(cli->out, "%-16.*s %-10.*s %-10s %-9.*s %.*s\n", (int)id.len, (const char *)id.ptr, (int)version.len,
          (const char *)version.ptr, qun_mp_bool(p, "trusted", 0) ? "trusted" : "untrusted", (int)status.len,
          (const char *)status.ptr, (int)words.len, (const char *)words.ptr);
  print_text(cli, "", qun_mp_str(p, "reason"));
  print_text(cli, "last: ", qun_mp_str(p, "last_crash"));
  qun_slice why = qun_mp_str(p, "mode_reason"), sandbox = qun_mp_str(p, "sandbox");
  if (!sandbox.len) return;
  fprintf(cli->out, "%-16s %s: %.*s; %s: %.*s\n", "", cli->zh ? "沙箱" : "sandbox", (int)sandbox.len,
          (const char *)sandbox.ptr, cli->zh ? "原因" : "because", (int)why.len, (const char *)why.ptr);
}

static void print_refused(const struct qun_cli *cli, qun_slice p) {
  qun_slice folder = qun_mp_str(p, "folder"), reason = qun_mp_str(p, "reason");
  fprintf(cli->out, "%-16.*s %-10s %-10s %.*s\n", (int)folder.len, (const char *)folder.ptr, "-", "refused",
          (int)reason.len, (const char *)reason.ptr);
}

static void print_list(const struct qun_cli *cli, qun_slice reply, const char *key,
                       void (*print)(const struct qun_cli *, qun_slice)) {
  struct qun_unpack u;
  qun_slice list, p;
  uint32_t n = 0;
  if (!qun_mp_find(reply, key, &list)) return;
  qun_unpack_init(&u, list);
  for (qun_unpack_array(&u, &n); n > 0 && qun_unpack_any(&u, &p); n--) print(cli, p);
}

int qun_cmd_plugin_list(struct qun_cli *cli) {
  struct qun_pack reply;
  if (cli->json) return qun_cli_ask_and_print(cli, "GET", "/v1/plugins", NULL, qun_slice_of(NULL, 0));
  qun_pack_init(&reply);
  int status = qun_cli_ask_map(cli, "GET", "/v1/plugins", NULL, qun_slice_of(NULL, 0), &reply);
  if (status == 0) print_list(cli, qun_pack_slice(&reply), "plugins", print_plugin);
  if (status == 0) print_list(cli, qun_pack_slice(&reply), "refused", print_refused);
  qun_pack_fini(&reply);
  return status;
}

static int turn(struct qun_cli *cli, bool on) {
  struct qun_pack path, body;
  qun_pack_init(&path);
  qun_pack_init(&body);
  qun_pack_map(&body, 1);
  qun_pack_kv_bool(&body, "enabled", on);
  qun_url_path(&path, "/v1/tenants/%s/plugins/%s", qun_args_word(&cli->args, 0), qun_args_word(&cli->args, 1));
  int status = qun_cli_ask_and_print(cli, "POST", (const char *)path.buf, NULL, qun_pack_slice(&body));
  qun_pack_fini(&path);
  qun_pack_fini(&body);
  return status;
}

int qun_cmd_plugin_enable(struct qun_cli *cli) {
  return turn(cli, true);
}

int qun_cmd_plugin_disable(struct qun_cli *cli) {
  return turn(cli, false);
}

int qun_cmd_plugin_release(struct qun_cli *cli) {
  const char *tenant = qun_args_flag(&cli->args, "tenant");
  struct qun_pack path, body;
  qun_pack_init(&path);
  qun_pack_init(&body);
  qun_pack_map(&body, tenant ? 1 : 0);
  if (tenant) qun_pack_kv_cstr(&body, "tenant", tenant);
  qun_url_path(&path, "/v1/plugins/%s/release", qun_args_word(&cli->args, 0));
  int status = qun_cli_ask_and_print(cli, "POST", (const char *)path.buf, NULL, qun_pack_slice(&body));
  qun_pack_fini(&path);
  qun_pack_fini(&body);
  return status;
}
