/* SPDX-License-Identifier: Apache-2.0 */
/* event send: CloudEvents by the line. event tail: the log. */
#include "host/ops/json.h"
#include "tools/qun/feed.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 1000, LAST = 20, FOLLOW_S = 1 };

/* ---- event send */

struct sending {
  struct qun_cli *cli;
  const char *name; /* of the file, for messages */
  FILE *file;
  struct qun_feed feed;
  int64_t *lines[2]; /* line number of each event of a slot */
  int64_t line, spoilt;
};

static void on_refused(void *arg, int slot, uint32_t index, const char *reason) {
  struct sending *s = arg;
  fprintf(s->cli->err, "%s:%lld: %s\n", s->name, (long long)s->lines[slot][index], reason);
}

/* A line that is no JSON at all would spoil its batch: it is refused here. */
static bool fit(struct sending *s, qun_slice line) {
  struct qun_pack value;
  struct qun_error err = {0};
  qun_pack_init(&value);
  int rc = qun_json_to_msgpack(&value, line, &err);
  qun_pack_fini(&value);
  if (rc == 0) return true;
  fprintf(s->cli->err, "%s:%lld: %s\n", s->name, (long long)s->line, err.message);
  s->spoilt++;
  return false;
}

static int send_lines(struct sending *s) {
  char *text = NULL;
  size_t room = 0;
  int status = 0, slot;
  uint32_t index;
  for (ssize_t n; status == 0 && (n = getline(&text, &room, s->file)) >= 0;) {
    s->line++;
    while (n > 0 && strchr("\r\n \t", text[n - 1])) n--;
    qun_slice line = qun_slice_of(text, (size_t)n);
    if (n == 0 || !fit(s, line)) continue;
    qun_feed_place(&s->feed, &slot, &index);
    s->lines[slot][index] = s->line;
    status = qun_feed_add(&s->feed, line);
  }
  free(text);
  return status ? status : qun_feed_flush(&s->feed);
}

static int with_feed(struct sending *s, uint32_t batch) {
  struct qun_pack map;
  int status = qun_feed_init(&s->feed, s->cli, qun_args_word(&s->cli->args, 0), QUN_FEED_CLOUDEVENTS, batch);
  s->feed.on_refused = on_refused;
  s->feed.arg = s;
  for (int i = 0; i < 2; i++) s->lines[i] = calloc(batch, sizeof *s->lines[i]);
  if (!s->lines[0] || !s->lines[1])
    status = qun_cli_fail(s->cli, QUN_EXIT_FAILED, &(struct qun_error){.message = "out of memory"});
  if (status == QUN_EXIT_OK) status = send_lines(s);
  qun_pack_init(&map);
  qun_pack_map(&map, 4);
  qun_pack_kv_int(&map, "accepted", s->feed.accepted);
  qun_pack_kv_int(&map, "duplicates", s->feed.duplicates);
  qun_pack_kv_int(&map, "conflicts", s->feed.conflicts);
  qun_pack_kv_int(&map, "refused", s->feed.refused + s->spoilt);
  qun_cli_print_map(s->cli, qun_pack_slice(&map));
  if (status == QUN_EXIT_OK && s->feed.refused + s->spoilt + s->feed.conflicts) status = QUN_EXIT_NO;
  qun_pack_fini(&map);
  free(s->lines[0]);
  free(s->lines[1]);
  qun_feed_fini(&s->feed);
  return status;
}

int qun_cmd_event_send(struct qun_cli *cli) {
  const char *file = qun_args_word(&cli->args, 1);
  bool from_input = !file || strcmp(file, "-") == 0;
  struct qun_error err = {0};
  int64_t batch;
  if (qun_args_number(&cli->args, "batch", QUN_FEED_BATCH, 1, QUN_FEED_BATCH_MAX, &batch, &err) < 0)
    return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  struct sending s = {.cli = cli, .name = from_input ? "-" : file, .file = from_input ? stdin : fopen(file, "re")};
  if (!s.file) {
    qun_error_set(&err, QUN_ENOTFOUND, "%s cannot be read: %m", file);
    return qun_cli_fail(cli, QUN_EXIT_FAILED, &err);
  }
  int status = with_feed(&s, (uint32_t)batch);
  if (!from_input) fclose(s.file);
  return status;
}

/* ---- event tail */

static void print_event(const struct qun_cli *cli, qun_slice event) {
  struct qun_pack text;
  qun_pack_init(&text);
  if (cli->json) {
    if (qun_msgpack_to_json(&text, event, false, NULL) == 0)
      fprintf(cli->out, "%.*s\n", (int)text.len, (const char *)text.buf);
  } else {
    qun_slice data = {0}, time = qun_mp_str(event, "time"), type = qun_mp_str(event, "type"),
              subject = qun_mp_str(event, "subject");
    if (qun_mp_find(event, "data", &data)) qun_msgpack_to_json(&text, data, false, NULL);
    fprintf(cli->out, "%8lld  %.*s  %-20.*s #%-6lld %.*s %.*s\n", (long long)qun_mp_int(event, "seq", 0), (int)time.len,
            (const char *)time.ptr, (int)type.len, (const char *)type.ptr, (long long)qun_mp_int(event, "member", 0),
            (int)subject.len, (const char *)subject.ptr, (int)text.len, text.buf ? (const char *)text.buf : "");
  }
  qun_pack_fini(&text);
}

/* One page behind *after; *count is how many came. */
static int print_page(struct qun_cli *cli, int64_t *after, int64_t limit, int64_t *count) {
  struct qun_pack path, query, reply;
  struct qun_unpack u;
  qun_slice list, event;
  char from[24], most[24];
  uint32_t n = 0;
  qun_pack_init(&path);
  qun_pack_init(&query);
  qun_pack_init(&reply);
  snprintf(from, sizeof from, "%lld", (long long)*after);
  snprintf(most, sizeof most, "%lld", (long long)(limit < PAGE ? limit : PAGE));
  const char *p = qun_url_path(&path, "/v1/tenants/%s/events", qun_args_word(&cli->args, 0));
  const char *q = qun_url_query(&query, "after=%s&limit=%s", from, most);
  int status = qun_cli_ask_map(cli, "GET", p, q, qun_slice_of(NULL, 0), &reply);
  *count = 0;
  if (status == 0 && qun_mp_find(qun_pack_slice(&reply), "events", &list)) {
    qun_unpack_init(&u, list);
    for (qun_unpack_array(&u, &n); n > 0 && qun_unpack_any(&u, &event); n--) {
      print_event(cli, event);
      ++*count;
    }
    *after = qun_mp_int(qun_pack_slice(&reply), "last", *after);
  }
  qun_pack_fini(&path);
  qun_pack_fini(&query);
  qun_pack_fini(&reply);
  return status;
}

/* The log's last sequence. */
static int last_seq(struct qun_cli *cli, int64_t *seq) {
  struct qun_pack path, reply;
  qun_pack_init(&path);
  qun_pack_init(&reply);
  const char *p = qun_url_path(&path, "/v1/tenants/%s", qun_args_word(&cli->args, 0));
  int status = qun_cli_ask_map(cli, "GET", p, NULL, qun_slice_of(NULL, 0), &reply);
  if (status == 0) *seq = qun_mp_int(qun_pack_slice(&reply), "seq", 0);
  qun_pack_fini(&path);
  qun_pack_fini(&reply);
  return status;
}

int qun_cmd_event_tail(struct qun_cli *cli) {
  struct qun_error err = {0};
  int64_t after, left, count, seq = 0;
  bool follow = qun_args_flag(&cli->args, "follow") != NULL;
  int rc = qun_args_number(&cli->args, "after", -1, 0, INT64_MAX, &after, &err);
  if (rc == 0)
    rc = qun_args_number(&cli->args, "limit", after < 0 && !follow ? LAST : INT64_MAX, 1, INT64_MAX, &left, &err);
  if (rc < 0) return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  int status = after < 0 ? last_seq(cli, &seq) : QUN_EXIT_OK;
  if (after < 0) after = seq > (follow ? LAST : left) ? seq - (follow ? LAST : left) : 0;
  while (status == QUN_EXIT_OK && left > 0) {
    status = print_page(cli, &after, left, &count);
    left -= count;
    if (count == 0 && !follow) break;
    fflush(cli->out);
    if (count == 0) sleep(FOLLOW_S);
  }
  return status;
}
