/* SPDX-License-Identifier: Apache-2.0 */
/* What the community does: posts and what they meet with. Busiest path of the plugin: fixed rows, keys on the stack, no
 * memory. */
#include "content.h"

#include <string.h>

static void bump(uint32_t *counter, int64_t by) {
  *counter = by > 0 && (uint64_t)by <= UINT32_MAX - *counter ? *counter + (uint32_t)by : *counter;
}

/* What a message says of itself that counts here. One pass over its data. */
struct said {
  qun_slice msg, item;
  struct qun_unpack reply_to;
  uint32_t replies;
  int is_ad, staff;
};

static void read_said(struct said *s, qun_slice data) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice key;
  memset(s, 0, sizeof *s);
  qun_unpack_init(&u, data);
  if (!qun_unpack_map(&u, &n)) return;
  while (n-- > 0 && qun_unpack_str(&u, &key)) {
    struct qun_unpack v = u;
    if (!qun_unpack_skip(&u)) return;
    if (qun_slice_is(key, "msg"))
      (void)qun_unpack_str(&v, &s->msg);
    else if (qun_slice_is(key, "item"))
      (void)qun_unpack_str(&v, &s->item);
    else if (qun_slice_is(key, "is_ad"))
      (void)qun_unpack_bool(&v, &s->is_ad);
    else if (qun_slice_is(key, "staff"))
      (void)qun_unpack_bool(&v, &s->staff);
    else if (qun_slice_is(key, "reply_to") && qun_unpack_array(&v, &s->replies))
      s->reply_to = v;
  }
}

/* A change of one counter. */
struct change {
  enum { AGREE, PASS, DISAGREE, REACTION, REPLY, READ, SHARE, CLICK } what;
  int64_t by;
};

static void apply(struct qun__post *post, struct change c) {
  uint32_t *const counters[] = {&post->agrees,  &post->passes, &post->disagrees, &post->reactions,
                                &post->replies, &post->reads,  &post->shares,    &post->clicks};
  bump(counters[c.what], c.by);
}

static int count_at(struct qun__content *self, qun_handle tenant, qun_slice key, struct change c,
                    struct qun__post *post) {
  bool found;
  int error = qun__post_get(self, tenant, key, post, &found);
  if (error) return error;
  if (!found) post->kind = QUN_KIND_UGC;
  apply(post, c);
  return qun__post_put(self, tenant, key, post);
}

/* Counts on a post, and on the content item that the post publishes. */
static int count_on(struct qun__content *self, qun_handle tenant, qun_slice group, qun_slice message, struct change c) {
  char key[QUN_KEY_MAX];
  struct qun__post post;
  qun_slice item, at = qun__post_key(key, 'm', group, message);
  int error;
  if (at.len == 0 || message.len == 0) return 0; /* what no row can name is not counted */
  error = count_at(self, tenant, at, c, &post);
  if (error || !(post.flags & QUN_POST_LINKED)) return error;
  error = qun__get(self, tenant, qun__post_key(key, 'l', group, message), &item);
  if (error < 0) return error == QUN_ENOTFOUND ? 0 : error;
  return count_at(self, tenant, qun__text_key(key, 'n', item), c, &post);
}

int qun__on_reaction(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct qun_unpack u;
  struct change c = {REACTION, 1};
  uint32_t n;
  int64_t value = 0;
  qun_slice key, msg = event->subject;
  qun_unpack_init(&u, event->data);
  if (!qun_unpack_map(&u, &n)) return 0;
  while (n-- > 0 && qun_unpack_str(&u, &key)) {
    struct qun_unpack v = u;
    if (!qun_unpack_skip(&u)) return 0;
    if (qun_slice_is(key, "msg"))
      (void)qun_unpack_str(&v, &msg);
    else if (qun_slice_is(key, "count"))
      (void)qun_unpack_int(&v, &c.by);
    else if (qun_slice_is(key, "value") && qun_unpack_int(&v, &value))
      c.what = value > 0 ? AGREE : value < 0 ? DISAGREE : PASS;
  }
  return count_on(self, ctx->tenant, event->group, msg, c);
}

int qun__on_use(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event) {
  char key[QUN_KEY_MAX];
  struct change c = {READ, 1};
  struct qun__post post;
  qun_slice value, item = qun__text_key(key, 'n', event->subject);
  int error;
  if (qun_slice_is(event->type, "share"))
    c.what = SHARE;
  else if (qun_slice_is(event->type, "click"))
    c.what = CLICK;
  if (item.len == 0 || event->subject.len == 0) return 0;
  error = qun__get(self, ctx->tenant, item, &value);
  if (error >= 0) return count_at(self, ctx->tenant, item, c, &post);
  return error == QUN_ENOTFOUND ? count_on(self, ctx->tenant, event->group, event->subject, c) : error;
}

/* The staff's own posts are what the ad share is a share of. */
static int count_staff(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event,
                       bool is_ad) {
  struct qun__day day;
  int error = qun__day_get(self, ctx->tenant, event->day, &day);
  if (error) return error;
  bump(&day.posts, 1);
  if (is_ad) bump(&day.ads, 1);
  return qun__day_put(self, ctx->tenant, event->day, &day);
}

/* A message that carries an item publishes it, unless it is published already. */
static int link_item(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event,
                     const struct said *s, qun_slice name) {
  char key[QUN_KEY_MAX];
  struct qun__item item;
  int error = qun__put(self, ctx->tenant, qun__post_key(key, 'l', event->group, name), s->item);
  if (!error) error = qun__item_get(self, ctx->tenant, s->item, &item);
  if (error) return error == QUN_ENOTFOUND ? 0 : error;
  if (item.published_ms || !qun__state_follows(item.state, QUN_STATE_PUBLISHED)) return 0;
  return qun__item_emit(self, ctx, s->item, QUN_STATE_PUBLISHED, qun_str(""));
}

static int write_post(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event,
                      const struct said *s, qun_slice name) {
  char key[QUN_KEY_MAX];
  struct qun__post post;
  bool found;
  qun_slice at = qun__post_key(key, 'm', event->group, name);
  int error;
  if (at.len == 0) return 0;
  error = qun__post_get(self, ctx->tenant, at, &post, &found);
  if (error || post.time_ms) return error;
  post.time_ms = event->time_ms;
  post.day = event->day;
  post.minute = (uint16_t)event->minute;
  post.kind = QUN_KIND_UGC;
  post.flags =
      (uint8_t)((s->staff ? QUN_POST_STAFF : 0) | (s->is_ad ? QUN_POST_AD : 0) | (s->item.len ? QUN_POST_LINKED : 0));
  error = qun__post_put(self, ctx->tenant, at, &post);
  if (!error && s->item.len) error = link_item(self, ctx, event, s, name);
  return error;
}

int qun__on_message(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct said s;
  qun_slice other;
  int error;
  read_said(&s, event->data);
  error = write_post(self, ctx, event, &s, s.msg.len ? s.msg : event->id);
  /* A message that publishes an item counts with the item. */
  if (!error && s.staff && !s.item.len) error = count_staff(self, ctx, event, s.is_ad);
  for (uint32_t i = 0; !error && i < s.replies && qun_unpack_str(&s.reply_to, &other); i++)
    error = count_on(self, ctx->tenant, event->group, other, (struct change){REPLY, 1});
  return error;
}

int qun__on_answer(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct qun__day day;
  int error;
  if (!qun_slice_is(qun_mp_str(event->data, "question"), "too_many_ads")) return 0;
  error = qun__day_get(self, ctx->tenant, event->day, &day);
  if (error) return error;
  bump(&day.answers, 1);
  if (qun_mp_int(event->data, "score", 0) > 0) bump(&day.too_many, 1);
  return qun__day_put(self, ctx->tenant, event->day, &day);
}
