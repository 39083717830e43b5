/* SPDX-License-Identifier: Apache-2.0 */
/* tenant export: the log, page by page, as CloudEvents 1.0. Members are the tenant's numbers; what is sealed stays so:
   a backup carries it, and its keys open it. */
#include "host/ops/json.h"
#include "tools/qun/cli.h"

enum { PAGE = 1000 };

static uint32_t copy_text(struct qun_pack *out, qun_slice entry, const char *from, const char *to) {
  qun_slice text = qun_mp_str(entry, from);
  if (!text.len) return 0;
  qun_pack_kv_str(out, to, text);
  return 1;
}

static uint32_t copy_number(struct qun_pack *out, qun_slice entry, const char *from, const char *to) {
  char text[24];
  int64_t n = qun_mp_int(entry, from, 0);
  if (n == 0) return 0;
  snprintf(text, sizeof text, "%lld", (long long)n); /* integers of CloudEvents have 32 bits */
  qun_pack_kv_cstr(out, to, text);
  return 1;
}

static uint32_t copy_flag(struct qun_pack *out, qun_slice entry, const char *name) {
  if (!qun_mp_bool(entry, name, 0)) return 0;
  qun_pack_kv_bool(out, name, 1);
  return 1;
}

static void pack_event(struct qun_pack *out, qun_slice entry) {
  static const char *const texts[] = {"id", "source", "type", "time", "subject", "group", "channel", "lang"};
  static const char *const flags[] = {"derived", "control", "imported", "late"};
  qun_slice data;
  uint32_t n = 1;
  size_t at = qun_pack_open_map(out);
  qun_pack_kv_cstr(out, "specversion", "1.0");
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) n += copy_text(out, entry, texts[i], texts[i]);
  if (!qun_mp_str(entry, "id").len) { /* a control record may have none; its place is one */
    n += copy_number(out, entry, "seq", "id");
  }
  n += copy_number(out, entry, "seq", "sequence");
  n += copy_number(out, entry, "member", "membernumber");
  n += copy_number(out, entry, "cause", "cause");
  n += copy_text(out, entry, "clock", "tenantclock");
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) n += copy_flag(out, entry, flags[i]);
  if (qun_mp_find(entry, "data", &data)) {
    qun_pack_kv_cstr(out, "datacontenttype", "application/json");
    qun_pack_cstr(out, "data");
    qun_pack_raw(out, data);
    n += 2;
  }
  qun_pack_close(out, at, n);
}

/* Prints a page. *last moves on; false: that was all, or the output is gone. */
static bool print_page(struct qun_cli *cli, qun_slice reply, int64_t *last, int *status) {
  struct qun_pack event, line;
  struct qun_unpack u;
  qun_slice list, entry;
  uint32_t n = 0;
  if (!qun_mp_find(reply, "events", &list)) return false;
  qun_unpack_init(&u, list);
  qun_unpack_array(&u, &n);
  bool more = n == PAGE;
  qun_pack_init(&event);
  qun_pack_init(&line);
  for (; n > 0 && qun_unpack_any(&u, &entry); n--) {
    qun_pack_clear(&event);
    qun_pack_clear(&line);
    pack_event(&event, entry);
    if (event.failed || qun_msgpack_to_json(&line, qun_pack_slice(&event), false, NULL) < 0) *status = QUN_EXIT_FAILED;
    fprintf(cli->out, "%.*s\n", (int)line.len, (const char *)line.buf);
  }
  if (ferror(cli->out)) *status = QUN_EXIT_FAILED;
  *last = qun_mp_int(reply, "last", *last);
  qun_pack_fini(&event);
  qun_pack_fini(&line);
  return more && *status == QUN_EXIT_OK;
}

int qun_cmd_tenant_export(struct qun_cli *cli) {
  struct qun_error err = {0};
  int64_t last;
  int status = QUN_EXIT_OK;
  if (qun_args_number(&cli->args, "after", 0, 0, INT64_MAX, &last, &err) < 0)
    return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  for (bool more = true; more && status == QUN_EXIT_OK;) {
    struct qun_pack url, query, reply;
    char after[24], limit[24];
    snprintf(after, sizeof after, "%lld", (long long)last);
    snprintf(limit, sizeof limit, "%d", PAGE);
    qun_pack_init(&url);
    qun_pack_init(&query);
    qun_pack_init(&reply);
    const char *path = qun_url_path(&url, "/v1/tenants/%s/events", qun_args_word(&cli->args, 0));
    status = qun_cli_ask_map(cli, "GET", path, qun_url_query(&query, "after=%s&limit=%s", after, limit),
                             qun_slice_of(NULL, 0), &reply);
    more = status == QUN_EXIT_OK && print_page(cli, qun_pack_slice(&reply), &last, &status);
    qun_pack_fini(&url);
    qun_pack_fini(&query);
    qun_pack_fini(&reply);
  }
  return status;
}
