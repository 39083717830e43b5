/* SPDX-License-Identifier: Apache-2.0 */
/* What all commands share: asking, saying why not, laying an answer out for a person. */
#include "host/ops/json.h"
#include "host/reports/text.h"
#include "tools/qun/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_TRIES = 60 };

int qun_cli_fail(const struct qun_cli *cli, int status, const struct qun_error *err) {
  fprintf(cli->err, "qun: %s\n", err->message);
  return status;
}

int qun_cli_usage(const struct qun_cli *cli, const char *format, ...) {
  va_list args;
  fputs("qun: ", cli->err);
  va_start(args, format);
  vfprintf(cli->err, format, args);
  va_end(args);
  fputc('\n', cli->err);
  return QUN_EXIT_USAGE;
}

int qun_cli_open(struct qun_cli *cli) {
  struct qun_error err = {0};
  struct qun_client_options options = {.data = qun_args_flag(&cli->args, "data"),
                                       .keys = qun_args_flag(&cli->args, "keys"),
                                       .plugins = qun_args_flag(&cli->args, "plugins"),
                                       .url = qun_args_flag(&cli->args, "url"),
                                       .token_file = qun_args_flag(&cli->args, "token-file"),
                                       .locale = qun_args_flag(&cli->args, "locale")};
  if (cli->client) return 0;
  if (!options.url == !options.data) return qun_cli_usage(cli, "say where: --data DIR or --url URL, one of them");
  if (qun_client_open(&cli->client, &options, &err) < 0) return qun_cli_fail(cli, QUN_EXIT_FAILED, &err);
  return 0;
}

int qun_cli_refused(const struct qun_cli *cli, const struct qun_client_answer *answer) {
  struct qun_pack map;
  qun_slice detail = {0};
  qun_pack_init(&map);
  if (qun_json_to_msgpack(&map, qun_pack_slice(&answer->body), NULL) == 0)
    detail = qun_mp_str(qun_pack_slice(&map), "detail");
  if (detail.len)
    fprintf(cli->err, "qun: %.*s\n", (int)detail.len, (const char *)detail.ptr);
  else
    fprintf(cli->err, "qun: the host answered with status %d\n", answer->status);
  if (cli->json && answer->body.len) fprintf(cli->out, "%.*s\n", (int)answer->body.len, (const char *)answer->body.buf);
  qun_pack_fini(&map);
  return QUN_EXIT_FAILED;
}

bool qun_cli_should_wait(const struct qun_client_answer *answer) {
  return answer->retry_after > 0 && (answer->status == 429 || answer->status == 503);
}

int qun_cli_ask_patiently(struct qun_cli *cli, const struct qun_client_request *request,
                          struct qun_client_answer *answer) {
  struct qun_error err = {0};
  int status = qun_cli_open(cli);
  if (status) return status;
  for (int tries = 0;; tries++) {
    if (qun_client_request(cli->client, request, answer, &err) < 0) return qun_cli_fail(cli, QUN_EXIT_FAILED, &err);
    if (tries == BUSY_TRIES || !qun_cli_should_wait(answer)) return 0;
    int wait = answer->retry_after;
    qun_client_answer_fini(answer);
    sleep((unsigned)wait);
  }
}

int qun_cli_ask(struct qun_cli *cli, const struct qun_client_request *request, struct qun_client_answer *answer) {
  int status = qun_cli_ask_patiently(cli, request, answer);
  if (status || (answer->status >= 200 && answer->status < 300)) return status;
  status = qun_cli_refused(cli, answer);
  qun_client_answer_fini(answer);
  return status;
}

/* ---- laying out */

static void print_scalar(FILE *to, struct qun_unpack *u) {
  struct qun_pack text, line;
  qun_slice value, s;
  struct qun_unpack peek = *u;
  if (!qun_unpack_any(u, &value)) return;
  qun_pack_init(&text);
  qun_pack_init(&line);
  if (qun_unpack_str(&peek, &s))
    qun_pack_raw(&text, s);
  else if (qun_unpack_nil(&peek))
    qun_pack_raw(&text, qun_str("-"));
  else if (qun_msgpack_to_json(&text, value, false, NULL) < 0)
    qun_pack_raw(&text, qun_str("?"));
  qun__out_padded(&line, qun_pack_slice(&text), 0, 0);
  if (line.len) fwrite(line.buf, 1, line.len, to);
  qun_pack_fini(&text);
  qun_pack_fini(&line);
}

static bool is_nested(const struct qun_unpack *u) {
  enum qun_mp_type t = qun_unpack_peek(u);
  return t == QUN_MP_MAP || t == QUN_MP_ARRAY;
}

static void print_value(FILE *to, struct qun_unpack *u, int indent);

static void print_map(FILE *to, struct qun_unpack *u, int indent) {
  uint32_t n;
  if (!qun_unpack_map(u, &n)) return;
  if (n == 0) fprintf(to, "%*s-\n", indent, "");
  while (n-- > 0) {
    fprintf(to, "%*s", indent, "");
    print_scalar(to, u);
    fputs(":", to);
    if (is_nested(u)) {
      fputc('\n', to);
      print_value(to, u, indent + 2);
    } else {
      fputc(' ', to);
      print_scalar(to, u);
      fputc('\n', to);
    }
  }
}

static void print_value(FILE *to, struct qun_unpack *u, int indent) {
  uint32_t n;
  if (qun_unpack_peek(u) == QUN_MP_MAP) {
    print_map(to, u, indent);
  } else if (qun_unpack_array(u, &n)) {
    if (n == 0) fprintf(to, "%*s-\n", indent, "");
    for (uint32_t i = 0; i < n; i++) {
      if (i && qun_unpack_peek(u) == QUN_MP_MAP) fputc('\n', to);
      print_value(to, u, indent);
    }
  } else {
    fprintf(to, "%*s", indent, "");
    print_scalar(to, u);
    fputc('\n', to);
  }
}

void qun_cli_print_map(const struct qun_cli *cli, qun_slice map) {
  struct qun_unpack u;
  struct qun_pack json;
  if (!cli->json) {
    qun_unpack_init(&u, map);
    print_value(cli->out, &u, 0);
    return;
  }
  qun_pack_init(&json);
  if (qun_msgpack_to_json(&json, map, false, NULL) == 0)
    fprintf(cli->out, "%.*s\n", (int)json.len, (const char *)json.buf);
  qun_pack_fini(&json);
}

void qun_cli_print_text(const struct qun_cli *cli, const char *name, qun_slice text) {
  struct qun_pack map;
  if (!cli->json) {
    const char *bytes = text.ptr;
    bool ended = text.len && bytes[text.len - 1] == '\n';
    fprintf(cli->out, "%.*s%s", (int)text.len, bytes, ended ? "" : "\n");
    return;
  }
  qun_pack_init(&map);
  qun_pack_map(&map, 1);
  qun_pack_kv_str(&map, name, text);
  qun_cli_print_map(cli, qun_pack_slice(&map));
  qun_pack_fini(&map);
}

/* ---- asking with a map */

static int ask_with(struct qun_cli *cli, const char *method, const char *path, const char *query, qun_slice map,
                    struct qun_client_answer *answer) {
  struct qun_error err = {0};
  struct qun_pack body;
  struct qun_client_request request = {.method = method, .path = path, .query = query};
  qun_pack_init(&body);
  int rc = path ? 0 : qun_error_set(&err, QUN_EFAIL, "out of memory");
  if (rc == 0 && map.len) {
    request.content_type = "application/json";
    rc = qun_msgpack_to_json(&body, map, false, &err);
  }
  request.body = qun_pack_slice(&body);
  int status = rc < 0 ? qun_cli_fail(cli, QUN_EXIT_FAILED, &err) : qun_cli_ask(cli, &request, answer);
  qun_pack_fini(&body);
  return status;
}

int qun_cli_ask_map(struct qun_cli *cli, const char *method, const char *path, const char *query, qun_slice map,
                    struct qun_pack *reply) {
  struct qun_client_answer answer;
  struct qun_error err = {0};
  int status = ask_with(cli, method, path, query, map, &answer);
  if (status) return status;
  if (qun_json_to_msgpack(reply, qun_pack_slice(&answer.body), &err) < 0) {
    qun_error_prefix(&err, "the host's answer");
    status = qun_cli_fail(cli, QUN_EXIT_FAILED, &err);
  }
  qun_client_answer_fini(&answer);
  return status;
}

int qun_cli_ask_and_print(struct qun_cli *cli, const char *method, const char *path, const char *query, qun_slice map) {
  struct qun_pack reply;
  qun_pack_init(&reply);
  int status = qun_cli_ask_map(cli, method, path, query, map, &reply);
  if (status == 0) qun_cli_print_map(cli, qun_pack_slice(&reply));
  qun_pack_fini(&reply);
  return status;
}
