/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WeChat chats as three tools write them: MemoTrace's CSV in its older and newer layout, chatlog's CSV and JSON.
 * Message types: 1 text, 3 image, 34 voice, 43 video, 49 share (part 6 file, 57 quote, 87 notice), 10000 system. System
 * messages name people by shown names alone and are skipped.
 */
#include "host/intake/import_internal.h"
#include "host/intake/normalise_data.h"

#include <sodium.h>
#include <stdlib.h>

enum column { ID, TALKER, GROUP, TYPE, PART, MINE, SENDER, NAME, TIME, CONTENT, COLUMNS };

struct layout {
  const char *columns[COLUMNS]; /* name in the first row; NULL: the layout has none */
  const char *marks[3];         /* names that tell the layout */
};

static const struct layout layouts[] = {
    {.columns = {[ID] = "localId",
                 [TALKER] = "TalkerId",
                 [TYPE] = "Type",
                 [PART] = "SubType",
                 [MINE] = "IsSender",
                 [TIME] = "CreateTime",
                 [CONTENT] = "StrContent",
                 [SENDER] = "Sender",
                 [NAME] = "NickName"},
     .marks = {"localId", "StrContent", "CreateTime"}},
    {.columns =
         {[ID] = "消息ID", [TYPE] = "类型", [SENDER] = "发送人", [TIME] = "时间", [CONTENT] = "内容", [NAME] = "昵称"},
     .marks = {"消息ID", "发送人", "时间"}},
    {.columns = {[TALKER] = "Talker",
                 [GROUP] = "TalkerName",
                 [SENDER] = "Sender",
                 [NAME] = "SenderName",
                 [TIME] = "Time",
                 [CONTENT] = "Content"},
     .marks = {"Talker", "SenderName", "Content"}},
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

static const struct {
  int type, part;
  const char *word, *kind; /* the newer layout's word */
} kinds[] = {
    {1, -1, "文本", "text"},     {3, -1, "图片", "image"},    {34, -1, "语音", "voice"}, {43, -1, "视频", "video"},
    {47, -1, "表情包", "image"}, {49, 6, "文件", "file"},     {49, 57, "引用", "quote"}, {49, 87, "群公告", "notice"},
    {49, -1, "分享", "link"},    {10000, -1, "系统消息", ""},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* One message, from whichever layout. */
struct message {
  qun_slice talker, group, id, sender, name, content;
  const char *kind; /* "": a system message */
  bool mine;
  int64_t time;
};

static int number_of(qun_slice text, int64_t *v) {
  char digits[24], *end;
  if (text.len == 0 || text.len >= sizeof digits) return 0;
  memcpy(digits, text.ptr, (size_t)text.len);
  digits[text.len] = '\0';
  *v = strtoll(digits, &end, 10);
  return *end == '\0';
}

static const char *kind_of_number(int64_t type, int64_t part) {
  for (size_t i = 0; i < KINDS; i++)
    if (kinds[i].type == type && (kinds[i].part == part || kinds[i].part < 0)) return kinds[i].kind;
  return "text";
}

static const char *kind_of_word(qun_slice word) {
  for (size_t i = 0; i < KINDS; i++)
    if (qun_slice_eq(word, qun_str(kinds[i].word))) return kinds[i].kind;
  return "text";
}

/* How often the sum came before at the same time: two equal messages of one second are two messages. */
static unsigned count_equal(struct qun__import_context *context, int64_t time, const unsigned char sum[16]) {
  unsigned equal = 0;
  if (context->tick != time) qun_pack_clear(&context->tick_sums);
  context->tick = time;
  for (size_t at = 0; at < context->tick_sums.len; at += 16) equal += memcmp(context->tick_sums.buf + at, sum, 16) == 0;
  qun_pack_raw(&context->tick_sums, qun_slice_of(sum, 16));
  return equal;
}

/* Rows without an id get one from their content, so that the same file gives the same ids. */
static void put_id(struct qun__import_context *context, struct qun__event *e, const struct message *m) {
  crypto_generichash_state h;
  unsigned char sum[16];
  char text[2 * sizeof sum + 1];
  if (m->id.len > 0) {
    qun__event_text(e, "id", m->id);
    return;
  }
  crypto_generichash_init(&h, NULL, 0, sizeof sum);
  crypto_generichash_update(&h, (const unsigned char *)&m->time, sizeof m->time);
  crypto_generichash_update(&h, m->sender.ptr, m->sender.len);
  crypto_generichash_update(&h, (const unsigned char *)"", 1);
  crypto_generichash_update(&h, m->content.ptr, m->content.len);
  crypto_generichash_final(&h, sum, sizeof sum);
  sodium_bin2hex(text, sizeof text, sum, sizeof sum);
  qun__event_format(e, "id", "%lld/%s/%u", (long long)m->time, text, count_equal(context, m->time, sum));
}

static int put_message(struct qun__import_context *context, struct message *m, struct qun_pack *events,
                       struct qun_error *err) {
  struct qun__event e;
  char source[128];
  qun_slice talker = m->talker.len > 0 ? m->talker : qun_str(context->name);
  if (*m->kind == '\0') return QUN_OK;
  if (m->sender.len == 0) m->sender = m->mine ? qun_str("self") : m->name;
  if (m->sender.len == 0) return qun_error_set(err, QUN_EINVAL, "no column says who sent it");
  snprintf(source, sizeof source, "wechat/%.*s", (int)(talker.len < 100 ? talker.len : 100), (const char *)talker.ptr);
  qun__event_profile(context, events, source, m->sender, m->name, qun_str(""), m->time);
  qun__event_begin(&e, events, "message");
  put_id(context, &e, m);
  qun__event_text(&e, "source", qun_str(source));
  qun__event_text(&e, "group", m->group.len > 0 ? m->group : talker);
  qun__event_text(&e, "member", m->sender);
  qun__event_time(&e, m->time);
  qun__event_data(&e);
  /* what stands in a picture's or a voice's row is the client's own XML, not words of a person */
  if (m->content.len > 0 && *(const char *)m->content.ptr != '<') qun__event_data_text(&e, "text", m->content);
  if (strcmp(m->kind, "text") != 0) qun__event_data_text(&e, "kind", qun_str(m->kind));
  qun__event_end(&e);
  return QUN_OK;
}

/* ---------------------------------------------------------------- CSV */

static const struct layout *layout_of(qun_slice row) {
  qun_slice v;
  for (size_t i = 0; i < LAYOUTS; i++)
    if (qun_mp_find(row, layouts[i].marks[0], &v) && qun_mp_find(row, layouts[i].marks[1], &v) &&
        qun_mp_find(row, layouts[i].marks[2], &v))
      return &layouts[i];
  return NULL;
}

static qun_slice column(const struct layout *l, qun_slice row, enum column which) {
  return l->columns[which] ? qun_mp_str(row, l->columns[which]) : qun_slice_of(NULL, 0);
}

static int map_row(struct qun__import_context *context, qun_slice row, struct qun_pack *events, struct qun_error *err) {
  const struct layout *l = layout_of(row);
  struct message m = {.kind = "text"};
  int64_t type, part = 0, v;
  if (!l)
    return qun_error_set(
        err, QUN_EINVAL,
        "the first line names the columns of no layout that is known; these tell them: localId, StrContent and "
        "CreateTime; 消息ID, 发送人 and 时间; Talker, SenderName and Content");
  m.talker = column(l, row, TALKER);
  m.group = column(l, row, GROUP);
  m.id = column(l, row, ID);
  m.sender = column(l, row, SENDER);
  m.name = column(l, row, NAME);
  m.content = column(l, row, CONTENT);
  m.mine = number_of(column(l, row, MINE), &v) && v == 1;
  if (number_of(column(l, row, TYPE), &type)) {
    number_of(column(l, row, PART), &part);
    m.kind = kind_of_number(type, part);
  } else if (column(l, row, TYPE).len > 0) {
    m.kind = kind_of_word(column(l, row, TYPE));
  }
  qun_slice time = column(l, row, TIME);
  if (number_of(time, &v))
    m.time = v < 100000000000 ? v * 1000 : v; /* seconds, or milliseconds already */
  else if (qun__local_time(time, context->zone, &m.time) < 0)
    return qun_error_set(err, QUN_EINVAL, "column %s: \"%s\" is no time such as 2026-11-21 16:00:00", l->columns[TIME],
                         qun__quote(time).text);
  return put_message(context, &m, events, err);
}

static int sniff_csv(const struct qun__probe *probe) {
  char line[1024];
  const char *at = probe->head.ptr;
  size_t n = (size_t)probe->head.len, all;
  if (n >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) at += 3;
  n = strcspn(at, "\r\n");
  if (n >= sizeof line) return 0;
  memcpy(line, at, n);
  line[n] = '\0';
  for (size_t i = 0; i < LAYOUTS; i++) {
    for (all = 0; all < 3 && strstr(line, layouts[i].marks[all]);) all++;
    if (all == 3 && strchr(line, ',')) return 1;
  }
  return 0;
}

const struct qun_importer qun__import_chatlog_csv = {
    .info = {"wechat-csv", "WeChat chats as CSV: MemoTrace's two layouts, chatlog's", "csv"},
    .unit = "line",
    .records = &qun__csv_records,
    .sniff = sniff_csv,
    .map = map_row,
};

/* ---------------------------------------------------------------- JSON */

static int map_element(struct qun__import_context *context, qun_slice element, struct qun_pack *events,
                       struct qun_error *err) {
  struct message m = {.kind = "text"};
  struct qun__digits digits;
  qun_slice v;
  int64_t type = qun_mp_int(element, "type", -1);
  if (!qun_mp_find(element, "talker", &v)) return qun_error_set(err, QUN_EINVAL, "talker is missing");
  if (type < 0) return qun_error_set(err, QUN_EINVAL, "type is missing, or no integer");
  m.talker = qun_mp_str(element, "talker");
  m.group = qun_mp_str(element, "talkerName");
  m.id = qun__as_text(element, "seq", &digits);
  m.sender = qun_mp_str(element, "sender");
  m.name = qun_mp_str(element, "senderName");
  m.content = qun_mp_str(element, "content");
  m.mine = qun_mp_bool(element, "isSelf", 0) != 0;
  m.kind = kind_of_number(type, qun_mp_int(element, "subType", 0));
  if (qun__local_time(qun_mp_str(element, "time"), context->zone, &m.time) < 0)
    return qun_error_set(err, QUN_EINVAL, "time is missing, or no time");
  return put_message(context, &m, events, err);
}

static int sniff_json(const struct qun__probe *probe) {
  return qun__probe_first(probe) == '[' && qun__probe_has(probe, "\"talker\"");
}

const struct qun_importer qun__import_chatlog_json = {
    .info = {"chatlog", "WeChat chats as chatlog's JSON", "json"},
    .unit = "entry",
    .records = &qun__list_records,
    .sniff = sniff_json,
    .map = map_element,
};
