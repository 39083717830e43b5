/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slack's export, a zip archive or its folder: users.json and <channel>/YYYY-MM-DD.json. Days are read one after the
 * other over all channels, and a day's messages in the order of their time, so that the tenant's clock runs as it did
 * then.
 */
#include "host/intake/import_files.h"
#include "host/intake/import_internal.h"

#include <stdlib.h>

struct day_file {
  size_t index;
  const char *name, *date; /* date: where it begins in the name */
};

struct entry {
  int64_t micros;  /* the message's ts */
  size_t order;    /* as read: ties keep it */
  size_t at, len;  /* {"channel", "message"} in the day's bytes; 0: refused */
  uint64_t number; /* in its file, from 1; 0: the file itself */
  const char *file;
  char *reason; /* NULL: good */
};

struct slack {
  struct qun__files *files;
  struct day_file *days;
  size_t days_count, next_day;
  struct qun_pack text, bytes; /* a file; a day's records */
  struct entry *entries;
  size_t count, cap, given;
  uint64_t done, total;
};

static void forget_day(struct slack *s) {
  for (size_t i = 0; i < s->count; i++) free(s->entries[i].reason);
  s->count = s->given = 0;
  qun_pack_clear(&s->bytes);
}

static void close_slack(void *state) {
  struct slack *s = state;
  if (!s) return;
  forget_day(s);
  qun__files_close(s->files);
  free(s->entries);
  free(s->days);
  qun_pack_fini(&s->text);
  qun_pack_fini(&s->bytes);
  free(s);
}

/* ---------------------------------------------------------------- which files */

/* "general/2026-11-21.json": where the date begins, or NULL. */
static const char *date_in(const char *name) {
  static const char form[] = "####-##-##.json";
  const char *slash = strchr(name, '/');
  if (!slash || slash == name || strlen(slash + 1) != sizeof form - 1) return NULL;
  for (size_t i = 0; form[i]; i++) {
    char c = slash[1 + i];
    if (form[i] == '#' ? c < '0' || c > '9' : c != form[i]) return NULL;
  }
  return slash + 1;
}

static int by_day(const void *left, const void *right) {
  const struct day_file *a = left, *b = right;
  int c = strcmp(a->date, b->date);
  return c ? c : strcmp(a->name, b->name);
}

static int find_days(struct slack *s) {
  size_t n = qun__files_count(s->files);
  s->days = calloc(n + 1, sizeof *s->days);
  if (!s->days) return QUN_EFAIL;
  for (size_t i = 0; i < n; i++) {
    const char *name = qun__files_name(s->files, i), *date = date_in(name);
    if (!date) continue;
    s->days[s->days_count++] = (struct day_file){i, name, date};
    s->total += qun__files_size(s->files, i);
  }
  qsort(s->days, s->days_count, sizeof *s->days, by_day);
  return QUN_OK;
}

/* users.json into the root: id to {name, email}. An export without it, or with a broken one, has no names. */
static void read_users(struct slack *s, struct qun_pack *root) {
  struct qun_pack all;
  struct qun_unpack u;
  qun_slice user;
  uint32_t count = 0, kept = 0;
  qun_pack_init(&all);
  size_t at = qun_pack_open_map(root);
  for (size_t i = 0; i < qun__files_count(s->files); i++) {
    const char *name = qun__files_name(s->files, i), *slash = strrchr(name, '/');
    if (strcmp(slash ? slash + 1 : name, "users.json") != 0) continue;
    if (qun__files_read(s->files, i, &s->text, NULL) == 0 &&
        qun_json_to_msgpack(&all, qun_pack_slice(&s->text), NULL) == 0)
      break;
  }
  qun_unpack_init(&u, qun_pack_slice(&all));
  if (!qun_unpack_array(&u, &count)) count = 0;
  while (count-- > 0 && qun_unpack_any(&u, &user)) {
    qun_slice profile, id = qun_mp_str(user, "id"), name = qun_mp_str(user, "real_name");
    if (!qun_mp_find(user, "profile", &profile)) profile = qun_slice_of(NULL, 0);
    if (name.len == 0) name = qun_mp_str(profile, "real_name");
    if (name.len == 0) name = qun_mp_str(user, "name");
    if (id.len == 0) continue;
    qun_pack_str(root, id);
    qun_pack_map(root, 2);
    qun_pack_kv_str(root, "name", name);
    qun_pack_kv_str(root, "email", qun_mp_str(profile, "email"));
    kept++;
  }
  qun_pack_close(root, at, kept);
  qun_pack_fini(&all);
}

static int open_slack(void **state, const char *path, struct qun__import_context *context, struct qun_error *err) {
  struct slack *s = calloc(1, sizeof *s);
  int rc;
  if (!s) return qun_error_set(err, QUN_EFAIL, "out of memory");
  if ((rc = qun__files_open(&s->files, path, err)) < 0) goto fail;
  if (find_days(s) < 0) {
    rc = qun_error_set(err, QUN_EFAIL, "out of memory");
    goto fail;
  }
  if (s->days_count == 0) {
    rc = qun_error_set(err, QUN_EINVAL, "%s: no file is named such as channel/2026-11-21.json", path);
    goto fail;
  }
  read_users(s, &context->root);
  *state = s;
  return QUN_OK;
fail:
  close_slack(s);
  return rc;
}

/* ---------------------------------------------------------------- a day */

/* "1611234567.000200" to microseconds; the digits behind the point count messages of a second. */
static int64_t micros_of(qun_slice ts) {
  const char *at = ts.ptr, *end = ts.len ? at + ts.len : at;
  int64_t whole = 0, part = 0, scale = 100000;
  int digits = 0;
  while (at < end && *at >= '0' && *at <= '9' && digits++ < 12) whole = whole * 10 + (*at++ - '0');
  if (digits == 0) return -1;
  if (at < end && *at == '.') at++;
  for (; at < end && *at >= '0' && *at <= '9' && scale > 0; scale /= 10) part += (*at++ - '0') * scale;
  return at == end ? whole * 1000000 + part : -1;
}

static int keep_entry(struct slack *s, struct entry e, const char *reason) {
  if (s->count == s->cap) {
    size_t cap = s->cap ? 2 * s->cap : 256;
    struct entry *entries = realloc(s->entries, cap * sizeof *entries);
    if (!entries) return QUN_EFAIL;
    s->entries = entries;
    s->cap = cap;
  }
  e.reason = reason ? strdup(reason) : NULL;
  if (reason && !e.reason) return QUN_EFAIL;
  e.order = s->count;
  s->entries[s->count++] = e;
  return QUN_OK;
}

static int keep_message(struct slack *s, const struct day_file *day, const struct qun_json_element *element) {
  struct entry e = {.number = element->number, .file = day->name, .at = s->bytes.len};
  if (element->reason) return keep_entry(s, e, element->reason);
  qun_pack_map(&s->bytes, 2);
  qun_pack_kv_str(&s->bytes, "channel", qun_slice_of(day->name, (size_t)(day->date - day->name) - 1));
  qun_pack_cstr(&s->bytes, "message");
  qun_pack_raw(&s->bytes, element->value);
  e.len = s->bytes.len - e.at;
  e.micros = micros_of(qun_mp_str(element->value, "ts"));
  return s->bytes.failed ? QUN_EFAIL : keep_entry(s, e, NULL);
}

static ptrdiff_t read_text(void *arg, void *buf, size_t size) {
  qun_slice *left = arg;
  size_t n = left->len < size ? (size_t)left->len : size;
  memcpy(buf, left->ptr, n);
  *left = qun_slice_of((const char *)left->ptr + n, (size_t)left->len - n);
  return (ptrdiff_t)n;
}

/* A broken file is one refused entry behind those that could be read. */
static int read_day_file(struct slack *s, const struct day_file *day) {
  struct qun_error why = {0};
  struct qun_json_stream *stream;
  struct qun_json_element element;
  int rc = qun__files_read(s->files, day->index, &s->text, &why);
  s->done += qun__files_size(s->files, day->index);
  if (rc < 0) return rc == QUN_EFAIL ? rc : keep_entry(s, (struct entry){.file = day->name}, why.message);
  qun_slice left = qun_pack_slice(&s->text);
  if (left.len == 0) return QUN_OK;
  if (qun_json_stream_open(&stream, NULL, read_text, &left) < 0) return QUN_EFAIL;
  while ((rc = qun_json_stream_next(stream, &element, &why)) == 1)
    if ((rc = keep_message(s, day, &element)) < 0) break;
  qun_json_stream_close(stream);
  if (rc == QUN_EINVAL) return keep_entry(s, (struct entry){.file = day->name}, why.message);
  return rc;
}

static int by_time(const void *left, const void *right) {
  const struct entry *a = left, *b = right;
  if (a->micros != b->micros) return a->micros < b->micros ? -1 : 1;
  return (a->order > b->order) - (a->order < b->order);
}

static int read_day(struct slack *s) {
  const char *date = s->days[s->next_day].date;
  forget_day(s);
  while (s->next_day < s->days_count && strcmp(s->days[s->next_day].date, date) == 0) {
    int rc = read_day_file(s, &s->days[s->next_day++]);
    if (rc < 0) return rc;
  }
  if (s->count > 1) qsort(s->entries, s->count, sizeof *s->entries, by_time);
  return QUN_OK;
}

static int next_slack(void *state, struct qun__record *record, struct qun_error *err) {
  struct slack *s = state;
  while (s->given == s->count) {
    if (s->next_day == s->days_count) return 0;
    if (read_day(s) < 0) return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  const struct entry *e = &s->entries[s->given++];
  record->number = e->number;
  record->file = e->file;
  if (e->reason)
    snprintf(record->reason, sizeof record->reason, "%s", e->reason);
  else
    record->value = qun_slice_of(s->bytes.buf + e->at, e->len);
  return 1;
}

static void progress(const void *state, uint64_t *done, uint64_t *total) {
  const struct slack *s = state;
  *done = s->done;
  *total = s->total;
}

const struct qun__records_ops qun__slack_records = {.open = open_slack,
                                                    .next = next_slack,
                                                    .progress = progress,
                                                    .close = close_slack};

/* ---------------------------------------------------------------- a message */

struct head {
  char source[160];
  qun_slice channel, ts, user;
  int64_t time;
};

static void begin(struct qun__event *e, struct qun_pack *out, const struct head *h, const char *type,
                  qun_slice member) {
  qun__event_begin(e, out, type);
  qun__event_text(e, "source", qun_str(h->source));
  qun__event_text(e, "group", h->channel);
  qun__event_text(e, "member", member);
  qun__event_time(e, h->time);
}

static void put_profile(struct qun__import_context *context, struct qun_pack *events, const struct head *h) {
  char id[64];
  qun_slice user;
  if (h->user.len == 0 || h->user.len >= sizeof id || !qun__profile_wanted(context, h->user)) return;
  memcpy(id, h->user.ptr, (size_t)h->user.len);
  id[h->user.len] = '\0';
  if (!qun_mp_find(qun_pack_slice(&context->root), id, &user)) return;
  qun__event_profile(context, events, "slack/users", h->user, qun_mp_str(user, "name"), qun_mp_str(user, "email"),
                     h->time);
}

static void put_message(struct qun_pack *events, const struct head *h, qun_slice m, const char *type) {
  struct qun__event e;
  qun_slice thread = qun_mp_str(m, "thread_ts");
  begin(&e, events, h, type, h->user);
  qun__event_text(&e, "id", h->ts);
  qun__event_data(&e);
  qun__event_data_text(&e, "text", qun_mp_str(m, "text"));
  if (strcmp(type, "message") == 0) qun__event_data_text(&e, "msg", h->ts);
  if (!qun_slice_eq(thread, h->ts)) qun__event_data_list(&e, "reply_to", thread);
  qun__event_end(&e);
}

static void put_reaction(struct qun_pack *events, const struct head *h, qun_slice name, qun_slice user, int64_t count) {
  struct qun__event e;
  begin(&e, events, h, "reaction", user);
  qun__event_format(&e, "id", "%.*s/%.*s/%.*s", (int)h->ts.len, (const char *)h->ts.ptr,
                    (int)(name.len < 80 ? name.len : 80), name.len ? (const char *)name.ptr : "",
                    (int)(user.len < 60 ? user.len : 60), user.len ? (const char *)user.ptr : "");
  qun__event_data(&e);
  qun__event_data_text(&e, "msg", h->ts);
  qun__event_data_text(&e, "emoji", name);
  if (count != 1) qun__event_data_int(&e, "count", count);
  qun__event_end(&e);
}

/* [{name, users: [id], count}]; Slack may list fewer users than it counts. */
static void put_reactions(struct qun_pack *events, const struct head *h, qun_slice m) {
  struct qun_unpack u, w;
  qun_slice list, r, users, user;
  uint32_t count, n;
  if (!qun_mp_find(m, "reactions", &list)) return;
  qun_unpack_init(&u, list);
  if (!qun_unpack_array(&u, &count)) return;
  while (count-- > 0 && qun_unpack_any(&u, &r)) {
    qun_slice name = qun_mp_str(r, "name");
    int64_t rest = qun_mp_int(r, "count", 0);
    n = 0;
    if (qun_mp_find(r, "users", &users)) {
      qun_unpack_init(&w, users);
      if (!qun_unpack_array(&w, &n)) n = 0;
    }
    while (n-- > 0 && qun_unpack_str(&w, &user)) {
      put_reaction(events, h, name, user, 1);
      rest--;
    }
    if (rest > 0) put_reaction(events, h, name, qun_str(""), rest);
  }
}

static void put_plain(struct qun_pack *events, const struct head *h, const char *type, const char *field,
                      qun_slice text) {
  struct qun__event e;
  begin(&e, events, h, type, h->user);
  qun__event_text(&e, "id", h->ts);
  qun__event_data(&e);
  if (field) qun__event_data_text(&e, field, text);
  qun__event_end(&e);
}

static int one_of(qun_slice s, const char *const *names) {
  for (; *names; names++)
    if (qun_slice_eq(s, qun_str(*names))) return 1;
  return 0;
}

static int map_message(struct qun__import_context *context, qun_slice record, struct qun_pack *events,
                       struct qun_error *err) {
  static const char *const messages[] = {"",           "bot_message",  "thread_broadcast",
                                         "file_share", "file_comment", "reply_broadcast",
                                         NULL};
  static const char *const joins[] = {"channel_join", "group_join", NULL}, *const leaves[] = {"channel_leave",
                                                                                              "group_leave", NULL};
  static const char *const topics[] = {"channel_topic", "group_topic", NULL};
  struct head h = {.channel = qun_mp_str(record, "channel")};
  qun_slice m, subtype;
  int64_t micros;
  if (!qun_mp_find(record, "message", &m)) return qun_error_set(err, QUN_EINVAL, "there is no message");
  h.ts = qun_mp_str(m, "ts");
  micros = h.ts.len <= 20 ? micros_of(h.ts) : -1;
  if (micros < 0) return qun_error_set(err, QUN_EINVAL, "ts is missing, or not such as 1611234567.000200");
  h.time = micros / 1000;
  h.user = qun_mp_str(m, "user");
  if (h.user.len == 0) h.user = qun_mp_str(m, "bot_id");
  snprintf(h.source, sizeof h.source, "slack/%.*s", (int)(h.channel.len < 100 ? h.channel.len : 100),
           (const char *)h.channel.ptr);
  subtype = qun_mp_str(m, "subtype");
  if (one_of(subtype, joins))
    put_plain(events, &h, "join", qun_mp_str(m, "inviter").len ? "inviter" : NULL, qun_mp_str(m, "inviter"));
  else if (one_of(subtype, leaves))
    put_plain(events, &h, "leave", NULL, qun_str(""));
  else if (one_of(subtype, topics))
    put_plain(events, &h, "topic", "text", qun_mp_str(m, "topic"));
  else if (qun_slice_eq(subtype, qun_str("me_message")))
    put_message(events, &h, m, "action");
  else if (one_of(subtype, messages)) {
    put_profile(context, events, &h);
    put_message(events, &h, m, "message");
    put_reactions(events, &h, m);
  }
  return QUN_OK;
}

static int sniff(const struct qun__probe *probe) {
  return probe->folder || (probe->head.len > 4 && memcmp(probe->head.ptr, "PK\3\4", 4) == 0);
}

const struct qun_importer qun__import_slack = {
    .info = {"slack", "Slack's export, a zip archive or its folder", "zip"},
    .unit = "entry",
    .records = &qun__slack_records,
    .sniff = sniff,
    .map = map_message,
};
