/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/cli.h"

#include <string.h>

static const char *tenant_path(struct qun_cli *cli, struct qun_pack *room) {
  return qun_url_path(room, "/v1/tenants/%s", qun_args_word(&cli->args, 0));
}

int qun_cli_tenant_create(struct qun_cli *cli, const char *name, bool simulated, struct qun_pack *reply) {
  static const struct {
    const char *flag, *key;
  } texts[] = {{"profile", "profile"}, {"title", "title"}, {"lang", "locale"}, {"zone", "zone"}};
  struct qun_pack body;
  uint32_t n = 1;
  qun_pack_init(&body);
  size_t at = qun_pack_open_map(&body);
  qun_pack_kv_cstr(&body, "name", name);
  if (simulated) {
    qun_pack_kv_bool(&body, "simulated", 1);
    n++;
  }
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    const char *value = qun_args_flag(&cli->args, texts[i].flag);
    if (!value) continue;
    qun_pack_kv_cstr(&body, texts[i].key, value);
    n++;
  }
  qun_pack_close(&body, at, n);
  int status = qun_cli_ask_map(cli, "POST", "/v1/tenants", NULL, qun_pack_slice(&body), reply);
  qun_pack_fini(&body);
  return status;
}

int qun_cmd_tenant_create(struct qun_cli *cli) {
  struct qun_pack reply;
  qun_pack_init(&reply);
  int status = qun_cli_tenant_create(cli, qun_args_word(&cli->args, 0), false, &reply);
  if (status == QUN_EXIT_OK) qun_cli_print_map(cli, qun_pack_slice(&reply));
  qun_pack_fini(&reply);
  return status;
}

int qun_cmd_tenant_list(struct qun_cli *cli) {
  struct qun_pack reply;
  struct qun_unpack u;
  qun_slice list, t;
  uint32_t n = 0;
  if (cli->json) return qun_cli_ask_and_print(cli, "GET", "/v1/tenants", NULL, qun_slice_of(NULL, 0));
  qun_pack_init(&reply);
  int status = qun_cli_ask_map(cli, "GET", "/v1/tenants", NULL, qun_slice_of(NULL, 0), &reply);
  if (status == 0 && qun_mp_find(qun_pack_slice(&reply), "tenants", &list)) {
    qun_unpack_init(&u, list);
    for (qun_unpack_array(&u, &n); n > 0 && qun_unpack_any(&u, &t); n--) {
      qun_slice name = qun_mp_str(t, "name"), title = qun_mp_str(t, "title"), locale = qun_mp_str(t, "locale");
      fprintf(cli->out, "%-24.*s %-8.*s %.*s%s\n", (int)name.len, (const char *)name.ptr, (int)locale.len,
              (const char *)locale.ptr, (int)title.len, (const char *)title.ptr,
              qun_mp_bool(t, "simulated", 0) ? cli->zh ? "（模拟）" : " (simulated)" : "");
    }
  }
  qun_pack_fini(&reply);
  return status;
}

static int ask_tenant(struct qun_cli *cli, const char *method, qun_slice body) {
  struct qun_pack path;
  qun_pack_init(&path);
  int status = qun_cli_ask_and_print(cli, method, tenant_path(cli, &path), NULL, body);
  qun_pack_fini(&path);
  return status;
}

int qun_cmd_tenant_show(struct qun_cli *cli) {
  return ask_tenant(cli, "GET", qun_slice_of(NULL, 0));
}

int qun_cmd_tenant_set(struct qun_cli *cli) {
  struct qun_pack body;
  if (cli->args.count < 2) return qun_cli_usage(cli, "tenant set NAME KEY=VALUE...");
  qun_pack_init(&body);
  qun_pack_map(&body, 1);
  qun_pack_cstr(&body, "settings");
  qun_pack_map(&body, cli->args.count - 1);
  for (uint32_t i = 1; i < cli->args.count; i++) {
    const char *text = cli->args.words[i], *equals = strchr(text, '=');
    if (!equals || equals == text) {
      qun_pack_fini(&body);
      return qun_cli_usage(cli, "\"%s\" must be KEY=VALUE, such as growth.tier_core_over=0.5", text);
    }
    qun_pack_str(&body, qun_slice_of(text, (size_t)(equals - text)));
    qun_pack_cstr(&body, equals + 1);
  }
  int status = ask_tenant(cli, "PATCH", qun_pack_slice(&body));
  qun_pack_fini(&body);
  return status;
}

int qun_cmd_tenant_delete(struct qun_cli *cli) {
  if (!qun_args_flag(&cli->args, "yes"))
    return qun_cli_usage(cli, "deleting %s leaves nothing behind, not even for you; add --yes",
                         qun_args_word(&cli->args, 0));
  return ask_tenant(cli, "DELETE", qun_slice_of(NULL, 0));
}
