/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/tenants/NAME/events shows the log as it is stored: members as numbers, sealed fields only as {"sealed":
 * true}. */
#include "host/ops/api_internal.h"

enum { LIMIT = 100, LIMIT_MAX = 1000, DEPTH = 16 };

/* Copies one value; a sealed field becomes {"sealed": true}, any other ext value nil. */
static void copy_shown(struct qun_pack *out, struct qun_unpack *u, unsigned depth) {
  uint32_t n;
  qun_slice bytes;
  int type;
  if (depth > DEPTH) {
    qun_unpack_skip(u);
    qun_pack_nil(out);
  } else if (qun_unpack_map(u, &n)) {
    qun_pack_map(out, n);
    for (n *= 2; n > 0; n--) copy_shown(out, u, depth + 1);
  } else if (qun_unpack_array(u, &n)) {
    qun_pack_array(out, n);
    for (; n > 0; n--) copy_shown(out, u, depth + 1);
  } else if (qun_unpack_ext(u, &type, &bytes)) {
    if (type != QUN_EXT_SEALED) {
      qun_pack_nil(out);
      return;
    }
    qun_pack_map(out, 1);
    qun_pack_kv_bool(out, "sealed", 1);
  } else if (qun_unpack_any(u, &bytes)) {
    qun_pack_raw(out, bytes);
  } else {
    out->failed = 1;
  }
}

struct listing {
  struct qun_pack *out;
  uint32_t count;
  uint64_t last;
};

static void write_optional(struct qun_pack *out, const char *name, qun_slice text, uint32_t *members) {
  if (text.len == 0) return;
  qun_pack_kv_str(out, name, text);
  ++*members;
}

static void write_flags(struct qun_pack *out, uint32_t flags, uint32_t *members) {
  static const struct {
    uint32_t flag;
    const char *name;
  } table[] = {{QUN_EVENT_DERIVED, "derived"},
               {QUN_EVENT_CONTROL, "control"},
               {QUN_EVENT_IMPORTED, "imported"},
               {QUN_EVENT_LATE, "late"}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (!(flags & table[i].flag)) continue;
    qun_pack_kv_bool(out, table[i].name, 1);
    ++*members;
  }
}

static int write_entry(void *arg, const struct qun_log_entry *entry) {
  struct listing *list = arg;
  struct qun_pack *out = list->out;
  char time[25], clock[25];
  uint32_t members = 6;
  qun_time_format(entry->time_ms, time);
  qun_time_format(entry->clock_ms, clock);
  size_t at = qun_pack_open_map(out);
  qun_pack_kv_int(out, "seq", (int64_t)entry->seq);
  qun_pack_kv_str(out, "id", entry->id);
  qun_pack_kv_str(out, "source", entry->source);
  qun_pack_kv_str(out, "type", entry->type);
  qun_pack_kv_cstr(out, "time", time);
  qun_pack_kv_cstr(out, "clock", clock);
  write_flags(out, entry->flags, &members);
  if (entry->member) {
    qun_pack_kv_int(out, "member", (int64_t)entry->member);
    members++;
  }
  if (entry->cause) {
    qun_pack_kv_int(out, "cause", (int64_t)entry->cause);
    members++;
  }
  write_optional(out, "subject", entry->subject, &members);
  write_optional(out, "group", entry->group, &members);
  write_optional(out, "channel", entry->channel, &members);
  write_optional(out, "lang", entry->lang, &members);
  if (entry->data.len > 0) {
    struct qun_unpack u;
    qun_unpack_init(&u, entry->data);
    qun_pack_cstr(out, "data");
    copy_shown(out, &u, 0);
    members++;
  }
  qun_pack_close(out, at, members);
  list->count++;
  list->last = entry->seq;
  return 0;
}

void qun__get_events(struct qun__call *c) {
  uint64_t after = 0, limit = LIMIT;
  int rc = qun__query_uint(c, "after", 0, INT64_MAX, &after);
  if (rc == 0) rc = qun__query_uint(c, "limit", LIMIT, LIMIT_MAX, &limit);
  if (rc < 0 || limit == 0) {
    qun__answer_problem(c, 400, rc < 0 ? c->err.message : "query parameter \"limit\" must be at least 1", NULL);
    return;
  }
  struct listing list = {.out = &c->out, .last = after};
  qun_pack_map(&c->out, 2);
  qun_pack_cstr(&c->out, "events");
  size_t at = qun_pack_open_array(&c->out);
  rc = qun_engine_log_each(c->engine, c->params[0], after, limit, write_entry, &list, &c->err);
  qun_pack_close(&c->out, at, list.count);
  qun_pack_kv_int(&c->out, "last", (int64_t)list.last);
  if (rc < 0)
    qun__answer_error(c, rc, NULL);
  else
    qun__answer_map(c, 200);
}

/* ---- POST /v1/tenants/NAME/imports */

static void write_begin(struct qun__call *c, struct qun_pack *data) {
  const char *format = qun__body_text(c, "format"), *name = qun__body_text(c, "name");
  qun_pack_map(data, 2);
  qun_pack_kv_cstr(data, "format", format ? format : "");
  qun_pack_kv_cstr(data, "name", name ? name : "");
}

static void write_end(struct qun__call *c, struct qun_pack *data) {
  qun_slice body = qun_pack_slice(&c->in);
  qun_pack_map(data, 2);
  qun_pack_kv_int(data, "events", qun_mp_int(body, "events", 0));
  qun_pack_kv_int(data, "duplicates", qun_mp_int(body, "duplicates", 0));
}

void qun__post_imports(struct qun__call *c) {
  struct qun_pack data;
  uint64_t seq = 0;
  const char *state = qun__body_text(c, "state");
  bool begins = state && !strcmp(state, "begin");
  if (!begins && (!state || strcmp(state, "end") != 0)) {
    qun__answer_problem(c, 400, "\"state\" must be begin or end", NULL);
    return;
  }
  qun_pack_init(&data);
  if (begins)
    write_begin(c, &data);
  else
    write_end(c, &data);
  int rc = data.failed
               ? qun_error_set(&c->err, QUN_EFAIL, "there is no memory for the record")
               : qun_engine_control(c->engine, c->params[0], begins ? "qun.import.begin" : "qun.import.end",
                                    qun_slice_of(NULL, 0), qun_slice_of(NULL, 0), qun_pack_slice(&data), &seq, &c->err);
  qun_pack_fini(&data);
  if (rc < 0) {
    qun__answer_error(c, rc, NULL);
    return;
  }
  qun_pack_map(&c->out, 2);
  qun_pack_kv_cstr(&c->out, "state", state);
  qun_pack_kv_int(&c->out, "position", (int64_t)seq);
  qun__answer_map(c, 200);
}
