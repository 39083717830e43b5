/* SPDX-License-Identifier: Apache-2.0 */
/* Content items: topic -> make -> review -> ready -> scheduled -> published -> evaluated (catalogue row C14). */
#include "content.h"

#include <string.h>

/* What may follow what. History may step over states, but never runs back, except for rework and another try. */
static const uint32_t followers[QUN_STATES] = {
    [QUN_STATE_TOPIC] = 1u << QUN_STATE_MAKE | 1u << QUN_STATE_REVIEW | 1u << QUN_STATE_READY |
                        1u << QUN_STATE_PUBLISHED | 1u << QUN_STATE_DROPPED,
    [QUN_STATE_MAKE] =
        1u << QUN_STATE_REVIEW | 1u << QUN_STATE_READY | 1u << QUN_STATE_PUBLISHED | 1u << QUN_STATE_DROPPED,
    [QUN_STATE_REVIEW] =
        1u << QUN_STATE_MAKE | 1u << QUN_STATE_READY | 1u << QUN_STATE_PUBLISHED | 1u << QUN_STATE_DROPPED,
    [QUN_STATE_READY] = 1u << QUN_STATE_MAKE | 1u << QUN_STATE_REVIEW | 1u << QUN_STATE_SCHEDULED |
                        1u << QUN_STATE_PUBLISHED | 1u << QUN_STATE_DROPPED,
    [QUN_STATE_SCHEDULED] = 1u << QUN_STATE_PUBLISHED | 1u << QUN_STATE_FAILED | 1u << QUN_STATE_BLOCKED |
                            1u << QUN_STATE_DROPPED | 1u << QUN_STATE_MAKE,
    [QUN_STATE_PUBLISHED] = 1u << QUN_STATE_EVALUATED,
    [QUN_STATE_FAILED] = 1u << QUN_STATE_MAKE | 1u << QUN_STATE_READY | 1u << QUN_STATE_SCHEDULED |
                         1u << QUN_STATE_PUBLISHED | 1u << QUN_STATE_DROPPED,
    [QUN_STATE_BLOCKED] = 1u << QUN_STATE_MAKE | 1u << QUN_STATE_DROPPED,
};

bool qun__state_follows(enum qun__state from, enum qun__state to) {
  return from == to || (followers[from] >> to & 1u);
}

int qun__item_emit(struct qun__content *self, const struct qun_context *ctx, qun_slice id, enum qun__state state,
                   qun_slice reason) {
  struct qun_emit e = {.struct_size = sizeof e, .type = qun_str("content.item"), .subject = id};
  struct qun_pack *p = &self->data;
  qun_pack_clear(p);
  qun_pack_map(p, reason.len ? 2 : 1);
  qun_pack_kv_cstr(p, "state", qun__state_names[state]);
  if (reason.len) qun_pack_kv_str(p, "reason", reason);
  if (p->failed) return qun__refuse(self, QUN_EFAIL, "memory ran out");
  e.data = qun_pack_slice(p);
  return self->events->emit(self->host, ctx->tenant, &e);
}

/* Puts the fields that the event names over those of the item. */
static int merge(struct qun__content *self, struct qun__item *item, qun_slice data) {
  static const struct {
    const char *name;
    size_t at;
  } texts[] = {{"title", offsetof(struct qun__item, title)},       {"text", offsetof(struct qun__item, body)},
               {"account", offsetof(struct qun__item, account)},   {"label", offsetof(struct qun__item, label)},
               {"category", offsetof(struct qun__item, category)}, {"verdict", offsetof(struct qun__item, verdict)}};
  qun_slice value, kind = qun_mp_str(data, "kind"), account = item->account;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (qun_mp_find(data, texts[i].name, &value)) {
      value = qun_mp_str(data, texts[i].name);
      memcpy((char *)item + texts[i].at, &value, sizeof value);
    }
  }
  item->reason = qun_mp_str(data, "reason");
  if (kind.len) {
    int place = qun__kind_of(kind);
    if (place < 0)
      return qun__refuse(self, QUN_EINVAL,
                         "content.item: kind must be practical, interactive, emotional, ad, service or ugc");
    item->kind = (enum qun__kind)place;
  }
  item->is_ad = qun_mp_bool(data, "is_ad", item->is_ad) != 0 || item->kind == QUN_KIND_AD;
  item->score = qun_mp_int(data, "score", item->score);
  item->findings = qun_mp_int(data, "findings", item->findings);
  if (item->planned_ms && !qun_slice_eq(account, item->account))
    return qun__refuse(self, QUN_ECONFLICT, "content.item: the account cannot change while the item is planned");
  if (item->account.len > QUN_ACCOUNT_MAX)
    return qun__refuse(self, QUN_EINVAL, "content.item: account is longer than %d bytes", QUN_ACCOUNT_MAX);
  return 0;
}

/* An item that leaves the plan gives its quota and its place in the calendar back, and its outbox row if that still
 * waits. */
static int unplan(struct qun__content *self, const struct qun_context *ctx, struct qun__item *item) {
  char key[QUN_KEY_MAX];
  int error = self->outbox->cancel(self->host, ctx->tenant, item->outbox_key);
  /* Sent already, or ended in another way: nothing is left to take back. */
  if (error < 0 && error != QUN_ENOTFOUND && error != QUN_ECONFLICT) return error;
  error = qun__del(self, ctx->tenant, qun__text_key(key, 'o', item->outbox_key));
  if (!error) error = qun__del(self, ctx->tenant, qun__quota_key(key, item->account, item->planned_ms, item->id));
  if (!error) error = qun__del(self, ctx->tenant, qun__time_key(key, 't', item->planned_ms, item->id));
  item->planned_ms = 0;
  return error;
}

/* Counts of the item stand where those of posts stand, so that a reader's event finds them in the same way. */
static int publish_post(struct qun__content *self, const struct qun_context *ctx, const struct qun__item *item,
                        int32_t day, int32_t minute) {
  char key[QUN_KEY_MAX];
  struct qun__post post;
  bool found;
  int error = qun__post_get(self, ctx->tenant, qun__text_key(key, 'n', item->id), &post, &found);
  if (error) return error;
  post.time_ms = item->published_ms;
  post.day = day;
  post.minute = (uint16_t)minute;
  post.kind = (uint8_t)item->kind;
  post.flags = (uint8_t)(QUN_POST_STAFF | (item->is_ad ? QUN_POST_AD : 0));
  return qun__post_put(self, ctx->tenant, qun__text_key(key, 'n', item->id), &post);
}

static int publish(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event,
                   struct qun__item *item) {
  const struct qun__settings *s = ctx->local;
  char key[QUN_KEY_MAX];
  int error = item->planned_ms ? unplan(self, ctx, item) : 0;
  item->published_ms = event->time_ms;
  if (!error) error = publish_post(self, ctx, item, event->day, event->minute);
  if (!error) error = qun__put(self, ctx->tenant, qun__time_key(key, 't', item->published_ms, item->id), item->account);
  if (!error && item->account.len)
    error = qun__put(self, ctx->tenant, qun__quota_key(key, item->account, item->published_ms, item->id), qun_str("u"));
  if (!error)
    error = qun__put(self, ctx->tenant, qun__day_key(key, 'e', event->day + (int32_t)s->evaluate_days, item->id),
                     qun_str("1"));
  if (!error) error = qun__day_published(self, ctx, item, event->day);
  return error;
}

static int begin(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event,
                 struct qun__item *item, bool *fresh) {
  int error;
  if (event->subject.len == 0 || event->subject.len > QUN_ID_MAX)
    return qun__refuse(self, QUN_EINVAL, "content.item: the subject must be the item's id, at most %d bytes",
                       QUN_ID_MAX);
  error = qun__item_get(self, ctx->tenant, event->subject, item);
  *fresh = error == QUN_ENOTFOUND;
  if (error && !*fresh) return error;
  if (*fresh)
    *item = (struct qun__item){
        .id = event->subject, .kind = QUN_KIND_PRACTICAL, .score = -1, .findings = -1, .created_ms = event->time_ms};
  return 0;
}

int qun__on_item(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct qun__item item;
  bool fresh = false, first;
  int to = qun__state_of(qun_mp_str(event->data, "state"));
  int error = begin(self, ctx, event, &item, &fresh);
  if (error) return error;
  if (to < 0) return qun__refuse(self, QUN_EINVAL, "content.item: there is no such state");
  if (!fresh && !qun__state_follows(item.state, (enum qun__state)to))
    return qun__refuse(self, QUN_ECONFLICT, "content.item: %s does not follow %s", qun__state_names[to],
                       qun__state_names[item.state]);
  error = merge(self, &item, event->data);
  if (error) return error;
  first = to == QUN_STATE_PUBLISHED && !item.published_ms;
  if (item.planned_ms && to != QUN_STATE_SCHEDULED && !first) error = unplan(self, ctx, &item);
  item.state = (enum qun__state)to;
  item.changed_ms = event->time_ms;
  if (!error && first) error = publish(self, ctx, event, &item);
  return error ? error : qun__item_put(self, ctx->tenant, &item);
}
