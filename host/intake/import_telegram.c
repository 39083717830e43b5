/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result.json of Telegram Desktop, one chat: {name, type, id, messages: [...]}. A message's text is a text or a list of
 * texts and {text}. Service messages: who joins is a join; invited people are known by their shown names alone, so an
 * invitation is the inviter's invite.
 */
#include "host/intake/import_internal.h"

#include <stdlib.h>

struct chat {
  char source[128];
  qun_slice group;
};

static struct chat chat_of(const struct qun__import_context *context) {
  struct chat chat;
  struct qun__digits digits;
  qun_slice root = qun_pack_slice(&context->root), id = qun__as_text(root, "id", &digits);
  if (id.len == 0) id = qun_str(context->name);
  snprintf(chat.source, sizeof chat.source, "telegram/%.*s", (int)(id.len < 100 ? id.len : 100), (const char *)id.ptr);
  chat.group = qun_mp_str(root, "name");
  return chat;
}

static int time_of(const struct qun__import_context *context, qun_slice m, int64_t *ms, struct qun_error *err) {
  struct qun__digits digits;
  qun_slice seconds = qun__as_text(m, "date_unixtime", &digits), date = qun_mp_str(m, "date");
  char text[24], *end;
  if (seconds.len > 0 && seconds.len < 16) {
    memcpy(text, seconds.ptr, (size_t)seconds.len);
    text[seconds.len] = '\0';
    long long v = strtoll(text, &end, 10);
    if (*end == '\0') {
      *ms = v * 1000;
      return QUN_OK;
    }
  }
  if (date.len > 0 && qun__local_time(date, context->zone, ms) == 0) return QUN_OK;
  return qun_error_set(err, QUN_EINVAL, "neither date_unixtime nor date says a time");
}

/* The text of a message, put together in `out`. */
static void join_text(struct qun_pack *out, qun_slice m) {
  struct qun_unpack u;
  qun_slice value, s;
  uint32_t count;
  if (!qun_mp_find(m, "text", &value)) return;
  qun_unpack_init(&u, value);
  if (qun_unpack_str(&u, &s))
    qun_pack_raw(out, s);
  else if (qun_unpack_array(&u, &count))
    while (count-- > 0 && qun_unpack_any(&u, &value)) {
      struct qun_unpack part;
      qun_unpack_init(&part, value);
      qun_pack_raw(out, qun_unpack_str(&part, &s) ? s : qun_mp_str(value, "text"));
    }
}

static const char *kind_of(qun_slice m) {
  static const char *const kinds[][2] = {{"voice_message", "voice"}, {"audio_file", "voice"}, {"video_file", "video"},
                                         {"video_message", "video"}, {"animation", "video"},  {"sticker", "image"}};
  qun_slice v, media = qun_mp_str(m, "media_type");
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (qun_slice_eq(media, qun_str(kinds[i][0]))) return kinds[i][1];
  if (qun_mp_find(m, "photo", &v)) return "image";
  return qun_mp_find(m, "file", &v) ? "file" : "";
}

struct head {
  struct chat chat;
  qun_slice id, member, name;
  int64_t time;
  struct qun__digits id_digits, member_digits;
};

static void begin(struct qun__event *e, struct qun_pack *out, const struct head *h, const char *type, const char *part,
                  qun_slice member) {
  qun__event_begin(e, out, type);
  qun__event_format(e, "id", "%.*s%s", (int)h->id.len, (const char *)h->id.ptr, part);
  qun__event_text(e, "source", qun_str(h->chat.source));
  qun__event_text(e, "group", h->chat.group);
  qun__event_text(e, "member", member);
  qun__event_time(e, h->time);
}

static void put_message(struct qun_pack *events, const struct head *h, qun_slice m) {
  struct qun__event e;
  struct qun__digits digits;
  struct qun_pack text;
  qun_pack_init(&text);
  join_text(&text, m);
  begin(&e, events, h, "message", "", h->member);
  qun__event_data(&e);
  qun__event_data_text(&e, "text", qun_pack_slice(&text));
  qun__event_data_text(&e, "msg", h->id);
  qun__event_data_list(&e, "reply_to", qun__as_text(m, "reply_to_message_id", &digits));
  qun__event_data_text(&e, "kind", qun_str(kind_of(m)));
  qun__event_end(&e);
  qun_pack_fini(&text);
}

/* Newer exports have reactions: [{type, count, emoji}]; who reacted is told only of the last few. */
static void put_reactions(struct qun_pack *events, const struct head *h, qun_slice m) {
  struct qun_unpack u;
  qun_slice list, r;
  uint32_t count;
  if (!qun_mp_find(m, "reactions", &list)) return;
  qun_unpack_init(&u, list);
  if (!qun_unpack_array(&u, &count)) return;
  for (uint32_t i = 0; i < count && qun_unpack_any(&u, &r); i++) {
    struct qun__event e;
    char part[24];
    snprintf(part, sizeof part, "/reaction/%u", i);
    begin(&e, events, h, "reaction", part, qun_str(""));
    qun__event_data(&e);
    qun__event_data_text(&e, "msg", h->id);
    qun__event_data_text(&e, "emoji", qun_mp_str(r, "emoji"));
    qun__event_data_int(&e, "count", qun_mp_int(r, "count", 1));
    qun__event_end(&e);
  }
}

static void put_invites(struct qun_pack *events, const struct head *h, qun_slice m) {
  struct qun_unpack u;
  qun_slice list;
  uint32_t count;
  if (!qun_mp_find(m, "members", &list)) return;
  qun_unpack_init(&u, list);
  if (!qun_unpack_array(&u, &count)) return;
  for (uint32_t i = 0; i < count; i++) {
    struct qun__event e;
    char part[16];
    snprintf(part, sizeof part, "/%u", i);
    begin(&e, events, h, "invite", part, h->member);
    qun__event_end(&e);
  }
}

static void put_service(struct qun_pack *events, const struct head *h, qun_slice m) {
  struct qun__event e;
  qun_slice action = qun_mp_str(m, "action");
  if (qun_slice_eq(action, qun_str("join_group_by_link")) || qun_slice_eq(action, qun_str("join_group_by_request"))) {
    begin(&e, events, h, "join", "", h->member);
    qun__event_end(&e);
  } else if (qun_slice_eq(action, qun_str("invite_members"))) {
    put_invites(events, h, m);
  } else if (qun_slice_eq(action, qun_str("edit_group_title"))) {
    begin(&e, events, h, "topic", "", h->member);
    qun__event_data(&e);
    qun__event_data_text(&e, "text", qun_mp_str(m, "title"));
    qun__event_end(&e);
  }
}

static int map_message(struct qun__import_context *context, qun_slice m, struct qun_pack *events,
                       struct qun_error *err) {
  struct head h = {.chat = chat_of(context)};
  qun_slice type = qun_mp_str(m, "type");
  bool service = qun_slice_eq(type, qun_str("service"));
  int rc;
  if (!service && !qun_slice_eq(type, qun_str("message")))
    return qun_error_set(err, QUN_EINVAL, "type is neither message nor service");
  h.id = qun__as_text(m, "id", &h.id_digits);
  if (h.id.len == 0 || h.id.len > 60)
    return qun_error_set(err, QUN_EINVAL, "id is missing, or no short text or integer");
  if ((rc = time_of(context, m, &h.time, err)) < 0) return rc;
  h.member = qun__as_text(m, service ? "actor_id" : "from_id", &h.member_digits);
  h.name = qun_mp_str(m, service ? "actor" : "from");
  if (service) {
    put_service(events, &h, m);
    return QUN_OK;
  }
  qun__event_profile(context, events, h.chat.source, h.member, h.name, qun_str(""), h.time);
  put_message(events, &h, m);
  put_reactions(events, &h, m);
  return QUN_OK;
}

static int sniff(const struct qun__probe *probe) {
  return qun__probe_first(probe) == '{' && qun__probe_has(probe, "\"messages\"") && !qun__probe_has(probe, "\"guild\"");
}

const struct qun_importer qun__import_telegram = {
    .info = {"telegram", "result.json of Telegram Desktop, one chat", "json"},
    .unit = "entry",
    .array = "messages",
    .records = &qun__list_records,
    .sniff = sniff,
    .map = map_message,
};
