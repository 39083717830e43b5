/* SPDX-License-Identifier: Apache-2.0 */
/* DiscordChatExporter's JSON, one channel: {guild, channel{id, name}, messages: [{id, type, timestamp, content, author,
 * reference, reactions}]}. */
#include "host/intake/import_internal.h"

struct head {
  char source[128];
  qun_slice group, id, member;
  int64_t time;
};

static qun_slice inner(qun_slice map, const char *key) {
  qun_slice v;
  return qun_mp_find(map, key, &v) ? v : qun_slice_of(NULL, 0);
}

static void begin(struct qun__event *e, struct qun_pack *out, const struct head *h, const char *type,
                  qun_slice member) {
  qun__event_begin(e, out, type);
  qun__event_text(e, "source", qun_str(h->source));
  qun__event_text(e, "group", h->group);
  qun__event_text(e, "member", member);
  qun__event_time(e, h->time);
}

static void put_message(struct qun_pack *events, const struct head *h, qun_slice m) {
  struct qun__event e;
  struct qun_unpack u;
  uint32_t attachments = 0;
  qun_slice content = qun_mp_str(m, "content");
  qun_unpack_init(&u, inner(m, "attachments"));
  if (!qun_unpack_array(&u, &attachments)) attachments = 0;
  begin(&e, events, h, "message", h->member);
  qun__event_text(&e, "id", h->id);
  qun__event_data(&e);
  qun__event_data_text(&e, "text", content);
  qun__event_data_text(&e, "msg", h->id);
  qun__event_data_list(&e, "reply_to", qun_mp_str(inner(m, "reference"), "messageId"));
  if (attachments > 0 && content.len == 0) qun__event_data_text(&e, "kind", qun_str("file"));
  qun__event_end(&e);
}

static void put_reaction(struct qun_pack *events, const struct head *h, qun_slice emoji, qun_slice user,
                         uint32_t number, int64_t count) {
  struct qun__event e;
  begin(&e, events, h, "reaction", user);
  qun__event_format(&e, "id", "%.*s/reaction/%u/%.*s", (int)h->id.len, (const char *)h->id.ptr, number,
                    (int)(user.len < 60 ? user.len : 60), user.len ? (const char *)user.ptr : "");
  qun__event_data(&e);
  qun__event_data_text(&e, "msg", h->id);
  qun__event_data_text(&e, "emoji", emoji);
  if (count != 1) qun__event_data_int(&e, "count", count);
  qun__event_end(&e);
}

/* [{emoji{name}, count, users[{id}]}]; older exports have no users. */
static void put_reactions(struct qun_pack *events, const struct head *h, qun_slice m) {
  struct qun_unpack u, w;
  qun_slice r, user;
  uint32_t count, users;
  qun_unpack_init(&u, inner(m, "reactions"));
  if (!qun_unpack_array(&u, &count)) return;
  for (uint32_t i = 0; i < count && qun_unpack_any(&u, &r); i++) {
    qun_slice emoji = qun_mp_str(inner(r, "emoji"), "name");
    int64_t rest = qun_mp_int(r, "count", 1);
    qun_unpack_init(&w, inner(r, "users"));
    if (!qun_unpack_array(&w, &users)) users = 0;
    while (users-- > 0 && qun_unpack_any(&w, &user)) {
      put_reaction(events, h, emoji, qun_mp_str(user, "id"), i, 1);
      rest--;
    }
    if (rest > 0) put_reaction(events, h, emoji, qun_str(""), i, rest);
  }
}

static int map_message(struct qun__import_context *context, qun_slice m, struct qun_pack *events,
                       struct qun_error *err) {
  struct head h;
  qun_slice channel = inner(qun_pack_slice(&context->root), "channel"), author = inner(m, "author");
  qun_slice channel_id = qun_mp_str(channel, "id"), type = qun_mp_str(m, "type");
  struct qun__event e;
  if (channel_id.len == 0) channel_id = qun_str(context->name);
  snprintf(h.source, sizeof h.source, "discord/%.*s", (int)(channel_id.len < 100 ? channel_id.len : 100),
           (const char *)channel_id.ptr);
  h.group = qun_mp_str(channel, "name");
  h.id = qun_mp_str(m, "id");
  h.member = qun_mp_str(author, "id");
  if (h.id.len == 0 || h.id.len > 60) return qun_error_set(err, QUN_EINVAL, "id is missing, or no short text");
  if (qun__local_time(qun_mp_str(m, "timestamp"), context->zone, &h.time) < 0)
    return qun_error_set(err, QUN_EINVAL, "timestamp is missing, or no time");
  if (qun_slice_eq(type, qun_str("Default")) || qun_slice_eq(type, qun_str("Reply"))) {
    qun__event_profile(context, events, h.source, h.member, qun_mp_str(author, "name"), qun_str(""), h.time);
    put_message(events, &h, m);
    put_reactions(events, &h, m);
  } else if (qun_slice_eq(type, qun_str("GuildMemberJoin"))) {
    begin(&e, events, &h, "join", h.member);
    qun__event_text(&e, "id", h.id);
    qun__event_end(&e);
  } else if (type.len == 0) {
    return qun_error_set(err, QUN_EINVAL, "type is missing");
  }
  return QUN_OK;
}

static int sniff(const struct qun__probe *probe) {
  return qun__probe_first(probe) == '{' && qun__probe_has(probe, "\"guild\"") && qun__probe_has(probe, "\"channel\"");
}

const struct qun_importer qun__import_discord = {
    .info = {"discord", "DiscordChatExporter's JSON, one channel", "json"},
    .unit = "entry",
    .array = "messages",
    .records = &qun__list_records,
    .sniff = sniff,
    .map = map_message,
};
