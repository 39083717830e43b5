/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Community history, one event in JSON a line: id, time, type, group, member, text, reply_to[] and, by type, msg,
 * value, lang, moderated, session, community, new_member, by, time_inferred. Ids may be numbers. What the vocabulary
 * has no place for is left out.
 */
#include "host/intake/import_internal.h"

/* A member of the line and what becomes of it. */
enum shape { TEXT, NUMBER_OR_EMOJI, LIST_OF_TEXTS, FLAG };

static const struct rule {
  const char *type, *key, *field;
  enum shape shape;
} rules[] = {
    {"message", "text", "text", TEXT},
    {"message", "msg", "msg", TEXT},
    {"message", "reply_to", "reply_to", LIST_OF_TEXTS},
    {"message", "session", "session", TEXT},
    {"message", "community", "community", TEXT},
    {"message", "moderated", "moderated", TEXT},
    {"action", "text", "text", TEXT},
    {"action", "reply_to", "reply_to", LIST_OF_TEXTS},
    {"action", "session", "session", TEXT},
    {"reaction", "msg", "msg", TEXT},
    {"reaction", "value", "value", NUMBER_OR_EMOJI},
    {"reaction", "community", "community", TEXT},
    {"join", "session", "session", TEXT},
    {"join", "time_inferred", "time_inferred", FLAG},
    {"leave", "text", "reason", TEXT},
    {"leave", "session", "session", TEXT},
    {"leave", "time_inferred", "time_inferred", FLAG},
    {"kick", "by", "by", TEXT},
    {"kick", "text", "reason", TEXT},
    {"kick", "session", "session", TEXT},
    {"kick", "time_inferred", "time_inferred", FLAG},
    {"rename", "new_member", "new_member", TEXT},
    {"rename", "session", "session", TEXT},
    {"rename", "time_inferred", "time_inferred", FLAG},
    {"topic", "text", "text", TEXT},
    {"topic", "session", "session", TEXT},
    {"topic", "time_inferred", "time_inferred", FLAG},
    {"mode", "text", "text", TEXT},
    {"mode", "by", "by", TEXT},
    {"mode", "session", "session", TEXT},
    {"mode", "time_inferred", "time_inferred", FLAG},
};

static const char *const types[] = {"message", "action", "join", "leave",   "rename",
                                    "topic",   "mode",   "kick", "reaction"};

/* A text, or an integer as text; another value as it is, for the gate to refuse. */
static void put_text(struct qun__event *e, const char *field, qun_slice map, const char *key, qun_slice value) {
  struct qun__digits digits;
  qun_slice text = qun__as_text(map, key, &digits);
  struct qun_unpack u;
  qun_unpack_init(&u, value);
  if (text.len > 0)
    qun__event_data_text(e, field, text);
  else if (qun_unpack_peek(&u) != QUN_MP_STR)
    qun__event_data_value(e, field, value);
}

static void put_list(struct qun__event *e, const char *field, qun_slice value) {
  struct qun_unpack u;
  uint32_t count;
  qun_unpack_init(&u, value);
  if (!qun_unpack_array(&u, &count)) {
    qun__event_data_value(e, field, value);
    return;
  }
  qun_pack_cstr(e->out, field);
  qun_pack_array(e->out, count);
  e->data_count++;
  while (count-- > 0) {
    char digits[24];
    int64_t number;
    qun_slice item;
    if (qun_unpack_int(&u, &number)) {
      int n = snprintf(digits, sizeof digits, "%lld", (long long)number);
      qun_pack_str(e->out, qun_slice_of(digits, (size_t)n));
    } else if (qun_unpack_any(&u, &item)) {
      qun_pack_raw(e->out, item);
    }
  }
}

static void put_field(struct qun__event *e, const struct rule *r, qun_slice map) {
  struct qun_unpack u;
  qun_slice value, text;
  if (!qun_mp_find(map, r->key, &value)) return;
  qun_unpack_init(&u, value);
  if (r->shape == LIST_OF_TEXTS)
    put_list(e, r->field, value);
  else if (r->shape == FLAG)
    qun__event_data_value(e, r->field, value);
  else if (r->shape == NUMBER_OR_EMOJI && qun_unpack_str(&u, &text))
    qun__event_data_text(e, "emoji", text);
  else if (r->shape == NUMBER_OR_EMOJI)
    qun__event_data_value(e, r->field, value);
  else
    put_text(e, r->field, map, r->key, value);
}

static const char *find_type(qun_slice type) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (qun_slice_eq(type, qun_str(types[i]))) return types[i];
  return NULL;
}

static int map_line(struct qun__import_context *context, qun_slice line, struct qun_pack *events,
                    struct qun_error *err) {
  struct qun__event e;
  struct qun__digits digits, community_digits, group_digits;
  qun_slice value, named = qun_mp_str(line, "type");
  qun_slice community = qun__as_text(line, "community", &community_digits);
  qun_slice group = qun__as_text(line, "group", &group_digits);
  (void)context;
  if (!qun_mp_find(line, "type", &value)) return qun_error_set(err, QUN_EINVAL, "type is missing");
  const char *type = find_type(named);
  if (!type)
    return qun_error_set(
        err, QUN_EINVAL,
        "type \"%.*s\" is none of message, action, join, leave, rename, topic, mode, kick and reaction",
        (int)(named.len < 60 ? named.len : 60), named.len ? (const char *)named.ptr : "");
  if (!qun_mp_find(line, "time", &value)) return qun_error_set(err, QUN_EINVAL, "time is missing");
  qun__event_begin(&e, events, type);
  qun_pack_cstr(e.out, "time");
  qun_pack_raw(e.out, value);
  e.count++;
  qun__event_text(&e, "id", qun__as_text(line, "id", &digits));
  qun__event_format(&e, "source", "community/%.*s/%.*s", (int)(community.len ? community.len : 1),
                    community.len ? (const char *)community.ptr : "-", (int)group.len,
                    group.len ? (const char *)group.ptr : "");
  qun__event_text(&e, "group", group);
  qun__event_text(&e, "member", qun__as_text(line, "member", &digits));
  qun__event_text(&e, "lang", qun_mp_str(line, "lang"));
  qun__event_data(&e);
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    if (strcmp(rules[i].type, type) == 0) put_field(&e, &rules[i], line);
  qun__event_end(&e);
  return QUN_OK;
}

static int sniff(const struct qun__probe *probe) {
  struct qun_pack line;
  qun_slice v;
  qun_pack_init(&line);
  int yes = qun__probe_line(probe, &line) && find_type(qun_mp_str(qun_pack_slice(&line), "type")) &&
            !qun_mp_find(qun_pack_slice(&line), "messages", &v);
  qun_pack_fini(&line);
  return yes;
}

const struct qun_importer qun__import_community = {
    .info = {"community", "community history, one event in JSON a line", "jsonl ndjson zst"},
    .unit = "line",
    .records = &qun__line_records,
    .sniff = sniff,
    .map = map_line,
};
