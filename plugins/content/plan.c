/* SPDX-License-Identifier: Apache-2.0 */
/* When an item may go out: quiet hours (C12), the account's quota (C11, note 6) and the ad limiter (C10); then the
 * outbox. */
#include "content.h"

#include <qun/days.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SCAN = 64, MOVES = 120, KEY_TEXT = 160 };

/* ---- windows and quotas */

static enum qun__window window_of_class(const struct qun__settings *s, qun_slice account_class,
                                        struct qun__quota *out) {
  if (qun_slice_is(account_class, "service")) {
    out->account_class = "service";
    out->limit = s->service_quota;
    return s->service_window;
  }
  if (qun_slice_is(account_class, "subscription")) {
    out->account_class = "subscription";
    out->limit = s->subscription_quota;
    return s->subscription_window;
  }
  return QUN_WINDOW_NONE;
}

void qun__quota_of(const struct qun__settings *s, qun_slice account, struct qun__quota *out) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice entry;
  *out = (struct qun__quota){.account_class = "none"};
  qun_unpack_init(&u, s->accounts);
  if (account.len == 0 || !qun_unpack_array(&u, &n)) return;
  while (n-- > 0 && qun_unpack_str(&u, &entry)) {
    const char *text = entry.ptr;
    if (entry.len <= account.len + 1 || memcmp(text, account.ptr, (size_t)account.len) != 0 || text[account.len] != '=')
      continue;
    out->window = window_of_class(s, qun_slice_of(text + account.len + 1, (size_t)(entry.len - account.len - 1)), out);
    return;
  }
}

int32_t qun__week_begin(int32_t day) {
  return qun_week_first(qun_week_of(day));
}

void qun__window_days(enum qun__window window, int32_t day, int32_t *from, int32_t *to) {
  *from = day;
  *to = day + 1;
  if (window == QUN_WINDOW_WEEK) {
    *from = qun__week_begin(day);
    *to = *from + 7;
  } else if (window == QUN_WINDOW_MONTH) {
    *from = qun_month_first(qun_month_of(day));
    *to = qun_month_first(qun_month_of(day) + 1);
  }
}

int qun__quota_count(struct qun__content *self, qun_handle tenant, qun_slice account, int64_t from_ms, int64_t to_ms,
                     int64_t *count) {
  char prefix[QUN_KEY_MAX], begin[QUN_KEY_MAX];
  struct qun_pair rows[SCAN];
  qun_slice all = qun__quota_key(prefix, account, 0, qun_slice_of(NULL, 0));
  qun_slice after = qun__quota_key(begin, account, from_ms, qun_slice_of(NULL, 0));
  uint32_t n = SCAN;
  *count = 0;
  all.len -= 8; /* without the time */
  while (n == SCAN) {
    int error = self->store->scan(self->host, tenant, all, after, rows, SCAN, &n);
    if (error < 0) return error;
    for (uint32_t i = 0; i < n; i++) {
      if (qun__key_time(rows[i].key, (size_t)account.len + 2) >= to_ms) return 0;
      (*count)++;
    }
    if (n) after = rows[n - 1].key;
  }
  return 0;
}

/* ---- planning */

static bool is_quiet(const struct qun__settings *s, int32_t minute) {
  if (s->quiet_from <= s->quiet_to) return minute >= s->quiet_from && minute < s->quiet_to;
  return minute >= s->quiet_from || minute < s->quiet_to;
}

static int check_ads(struct qun__content *self, const struct qun_context *ctx, const struct qun__item *item,
                     struct qun__plan *out) {
  const struct qun__settings *s = ctx->local;
  struct qun__ads ads;
  int error;
  if (!item->is_ad) return 0;
  error = qun__ads_meter(self, ctx, ctx->clock_day, &ads);
  if (error || !ads.limited) return error;
  out->value = (ads.ads + 1) * 1000000 / (ads.posts + 1);
  out->limit = s->ad_limit;
  if (out->value > out->limit) out->refused = "ad_share";
  return 0;
}

/* One look at out->at_ms. 1: it was moved, look again. */
static int settle(struct qun__content *self, const struct qun_context *ctx, qun_slice account,
                  const struct qun__quota *quota, bool refuse, struct qun__plan *out) {
  const struct qun__settings *s = ctx->local;
  int32_t day, minute, from, to;
  int64_t from_ms, to_ms, count;
  int error = self->calendar->to_local(self->host, ctx->tenant, out->at_ms, &day, &minute);
  if (error < 0) return error;
  if (is_quiet(s, minute)) {
    out->quiet = true;
    if (minute >= s->quiet_to) day++;
    error = self->calendar->from_local(self->host, ctx->tenant, day, (int32_t)s->quiet_to, &out->at_ms);
    return error < 0 ? error : 1;
  }
  if (quota->window == QUN_WINDOW_NONE) return 0;
  qun__window_days(quota->window, day, &from, &to);
  error = self->calendar->from_local(self->host, ctx->tenant, from, 0, &from_ms);
  if (error >= 0) error = self->calendar->from_local(self->host, ctx->tenant, to, 0, &to_ms);
  if (error >= 0) error = qun__quota_count(self, ctx->tenant, account, from_ms, to_ms, &count);
  if (error < 0 || count < quota->limit) return error < 0 ? error : 0;
  out->quota = true;
  out->value = count;
  out->limit = quota->limit;
  if (refuse || quota->limit == 0) {
    out->refused = "quota";
    return 0;
  }
  out->at_ms = to_ms;
  return 1;
}

int qun__plan_make(struct qun__content *self, const struct qun_context *ctx, const struct qun__item *item,
                   qun_slice account, int64_t asked_ms, qun_slice over, struct qun__plan *out) {
  const struct qun__settings *s = ctx->local;
  struct qun__quota quota;
  bool refuse = over.len ? qun_slice_is(over, "refuse") : s->refuse_over;
  int error, moves = 0;
  *out = (struct qun__plan){.at_ms = asked_ms > ctx->clock_ms ? asked_ms : ctx->clock_ms};
  if (!qun__state_follows(item->state, QUN_STATE_SCHEDULED) || item->state == QUN_STATE_SCHEDULED) {
    out->refused = "state";
    return 0;
  }
  error = check_ads(self, ctx, item, out);
  if (error || out->refused) return error;
  qun__quota_of(s, account, &quota);
  while ((error = settle(self, ctx, account, &quota, refuse, out)) == 1) {
    if (++moves < MOVES) continue;
    out->refused = "no_window";
    return 0;
  }
  return error;
}

/* ---- the handler */

static int emit_refused(struct qun__content *self, const struct qun_context *ctx, qun_slice item, qun_slice account,
                        const struct qun__plan *plan) {
  struct qun_emit e = {.struct_size = sizeof e, .type = qun_str("content.refused"), .subject = item};
  struct qun_pack *p = &self->data;
  qun_pack_clear(p);
  qun_pack_map(p, 4);
  qun_pack_kv_cstr(p, "reason", plan->refused);
  qun_pack_kv_str(p, "account", account);
  qun_pack_kv_int(p, "value", plan->value);
  qun_pack_kv_int(p, "limit", plan->limit);
  if (p->failed) return qun__refuse(self, QUN_EFAIL, "memory ran out");
  e.data = qun_pack_slice(p);
  return self->events->emit(self->host, ctx->tenant, &e);
}

/* What compliance judges and what is sent: the same words. */
static void pack_words(struct qun_pack *p, const struct qun__item *item) {
  qun_pack_kv_str(p, "item", item->id);
  qun_pack_kv_str(p, "account", item->account);
  qun_pack_kv_str(p, "title", item->title);
  qun_pack_kv_str(p, "text", item->body);
  qun_pack_kv_cstr(p, "kind", qun__kind_names[item->kind]);
  qun_pack_kv_bool(p, "is_ad", item->is_ad);
  qun_pack_kv_str(p, "label", item->label);
  qun_pack_kv_str(p, "category", item->category);
}

static int emit_send(struct qun__content *self, const struct qun_context *ctx, const struct qun__item *item,
                     const struct qun__plan *plan) {
  struct qun_emit e = {.struct_size = sizeof e,
                       .type = qun_str("content.send"),
                       .subject = item->id,
                       .group = item->account};
  struct qun_pack *p = &self->data;
  qun_pack_clear(p);
  qun_pack_map(p, 12);
  qun_pack_kv_str(p, "key", item->outbox_key);
  qun_pack_kv_int(p, "at", item->planned_ms);
  qun_pack_kv_int(p, "asked", item->asked_ms);
  qun_pack_kv_cstr(p, "moved",
                   plan->quiet && plan->quota ? "quiet+quota"
                   : plan->quiet              ? "quiet"
                   : plan->quota              ? "quota"
                                              : "");
  pack_words(p, item);
  if (p->failed) return qun__refuse(self, QUN_EFAIL, "memory ran out");
  e.data = qun_pack_slice(p);
  return self->events->emit(self->host, ctx->tenant, &e);
}

static int enqueue(struct qun__content *self, const struct qun_context *ctx, const struct qun__item *item,
                   qun_slice via, qun_slice target) {
  const struct qun__settings *s = ctx->local;
  struct qun_outbox_row row = {.struct_size = sizeof row,
                               .gated = 1,
                               .not_before_ms = item->planned_ms,
                               .key = item->outbox_key};
  struct qun_pack *p = &self->data;
  row.via = via.len ? via : s->via;
  row.target = target.len ? target : s->target.len ? s->target : item->account.len ? item->account : qun_str("default");
  qun_pack_clear(p);
  qun_pack_map(p, 8);
  pack_words(p, item);
  if (p->failed) return qun__refuse(self, QUN_EFAIL, "memory ran out");
  row.body = qun_pack_slice(p);
  return self->outbox->enqueue(self->host, ctx->tenant, &row);
}

static int write_plan(struct qun__content *self, const struct qun_context *ctx, const struct qun__item *item) {
  char key[QUN_KEY_MAX];
  int error = qun__put(self, ctx->tenant, qun__text_key(key, 'o', item->outbox_key), item->id);
  if (!error) error = qun__put(self, ctx->tenant, qun__time_key(key, 't', item->planned_ms, item->id), item->account);
  if (!error && item->account.len)
    error = qun__put(self, ctx->tenant, qun__quota_key(key, item->account, item->planned_ms, item->id), qun_str("p"));
  return error ? error : qun__item_put(self, ctx->tenant, item);
}

int qun__on_plan(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct qun__item item;
  struct qun__plan plan = {.refused = "unknown_item"};
  char outbox_key[KEY_TEXT];
  qun_slice account = qun_mp_str(event->data, "account");
  int64_t asked = qun_mp_int(event->data, "at", event->time_ms);
  int error = qun__item_get(self, ctx->tenant, event->subject, &item);
  if (error == QUN_ENOTFOUND) return emit_refused(self, ctx, event->subject, account, &plan);
  if (error) return error;
  if (account.len > QUN_ACCOUNT_MAX)
    return qun__refuse(self, QUN_EINVAL, "content.plan: account is longer than %d bytes", QUN_ACCOUNT_MAX);
  if (account.len) item.account = account;
  error = qun__plan_make(self, ctx, &item, item.account, asked, qun_mp_str(event->data, "over"), &plan);
  if (error) return error;
  if (plan.refused) return emit_refused(self, ctx, item.id, item.account, &plan);
  item.state = QUN_STATE_SCHEDULED;
  item.attempts++;
  snprintf(outbox_key, sizeof outbox_key, "%.*s.%" PRId64, (int)item.id.len, (const char *)item.id.ptr, item.attempts);
  item.outbox_key = qun_str(outbox_key);
  item.asked_ms = asked;
  item.planned_ms = plan.at_ms;
  item.changed_ms = event->time_ms;
  error = enqueue(self, ctx, &item, qun_mp_str(event->data, "via"), qun_mp_str(event->data, "target"));
  if (error >= 0) error = write_plan(self, ctx, &item);
  return error < 0 ? error : emit_send(self, ctx, &item, &plan);
}

int qun__on_outbox(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event) {
  char key[QUN_KEY_MAX];
  qun_slice id, plugin = qun_mp_str(event->data, "plugin");
  enum qun__state state = QUN_STATE_PUBLISHED;
  int error;
  if (plugin.len && !qun_slice_is(plugin, "content")) return 0;
  error = qun__get(self, ctx->tenant, qun__text_key(key, 'o', event->subject), &id);
  if (error < 0) return error == QUN_ENOTFOUND ? 0 : error;
  if (qun_slice_is(event->type, "outbox.failed"))
    state = QUN_STATE_FAILED;
  else if (qun_slice_is(event->type, "outbox.blocked"))
    state = QUN_STATE_BLOCKED;
  return qun__item_emit(self, ctx, id, state, qun_mp_str(event->data, "reason"));
}

/* What the gate found: the item shows it in place of the advisory check's word. */
int qun__on_verdict(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event) {
  char key[QUN_KEY_MAX];
  struct qun__item item;
  qun_slice id, rules, plugin = qun_mp_str(event->data, "plugin");
  struct qun_unpack u;
  uint32_t n;
  int error;
  if (plugin.len && !qun_slice_is(plugin, "content")) return 0;
  error = qun__get(self, ctx->tenant, qun__text_key(key, 'o', event->subject), &id);
  if (error >= 0) error = qun__item_get(self, ctx->tenant, id, &item);
  if (error < 0) return error == QUN_ENOTFOUND ? 0 : error;
  item.verdict = qun_mp_str(event->data, "verdict");
  if (qun_mp_find(event->data, "rules", &rules)) {
    qun_unpack_init(&u, rules);
    if (qun_unpack_array(&u, &n)) item.findings = n;
  }
  return qun__item_put(self, ctx->tenant, &item);
}
