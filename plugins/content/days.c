/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the day and week: mix (C02), topics (C03), quality pieces (C04), cadence (C09), ad share (C10); evaluation
 * (C14). */
#include "content.h"

#include <string.h>

enum { SCAN = 64 };

static const char timer_name[] = "day";

static void sum_day(struct qun__day *sum, const struct qun__day *day) {
  for (int i = 0; i < QUN_KINDS; i++) sum->published[i] += day->published[i];
  sum->posts += day->posts;
  sum->ads += day->ads;
  sum->quality += day->quality;
  sum->answers += day->answers;
  sum->too_many += day->too_many;
}

int qun__day_sum(struct qun__content *self, qun_handle tenant, int32_t from, int32_t to, struct qun__day *out) {
  char begin[QUN_KEY_MAX];
  struct qun_pair rows[SCAN];
  struct qun__day day;
  qun_slice after = qun__day_key(begin, 'd', from == INT32_MIN ? from : from - 1, qun_slice_of(NULL, 0));
  uint32_t n = SCAN;
  memset(out, 0, sizeof *out);
  while (n == SCAN) {
    int error = self->store->scan(self->host, tenant, qun_slice_of("d", 1), after, rows, SCAN, &n);
    if (error < 0) return error;
    for (uint32_t i = 0; i < n; i++) {
      if (qun__key_day(rows[i].key, 1) > to) return 0;
      qun__day_decode(&day, rows[i].value);
      sum_day(out, &day);
    }
    if (n) after = rows[n - 1].key;
  }
  return 0;
}

int qun__ads_meter(struct qun__content *self, const struct qun_context *ctx, int32_t day, struct qun__ads *out) {
  const struct qun__settings *s = ctx->local;
  struct qun__day sum;
  int error = qun__day_sum(self, ctx->tenant, day - (int32_t)s->ad_window + 1, day, &sum);
  *out = (struct qun__ads){.share = -1, .feedback = -1};
  if (error) return error;
  out->posts = sum.posts;
  out->ads = sum.ads;
  if (out->posts) out->share = out->ads * 1000000 / out->posts;
  error = qun__day_sum(self, ctx->tenant, day - (int32_t)s->feedback_window + 1, day, &sum);
  if (error) return error;
  out->answers = sum.answers;
  out->too_many = sum.too_many;
  if (out->answers >= s->feedback_least) out->feedback = out->too_many * 1000000 / out->answers;
  out->limited = out->feedback >= 0 && out->feedback >= s->ad_feedback;
  return 0;
}

/* ---- alarms: an event when a rule's value leaves its bounds, and one when it comes back */

struct alarm {
  const char *rule;
  qun_slice account;
  int32_t day;
  int64_t value, limit;
  bool wrong;
};

static int alarm(struct qun__content *self, const struct qun_context *ctx, const struct alarm *a) {
  char key[QUN_KEY_MAX];
  qun_slice row = qun__post_key(key, 'a', qun_str(a->rule), a->account), old;
  struct qun_emit e = {.struct_size = sizeof e, .type = qun_str("content.alarm"), .subject = qun_str(a->rule)};
  struct qun_pack *p = &self->data;
  int error = qun__get(self, ctx->tenant, row, &old);
  bool raised = error >= 0;
  if (error < 0 && error != QUN_ENOTFOUND) return error;
  if (raised == a->wrong) return 0;
  qun_pack_clear(p);
  qun_pack_map(p, 5);
  qun_pack_kv_cstr(p, "state", a->wrong ? "raised" : "cleared");
  qun_pack_kv_int(p, "day", a->day);
  qun_pack_kv_str(p, "account", a->account);
  qun_pack_kv_int(p, "value", a->value);
  qun_pack_kv_int(p, "limit", a->limit);
  if (p->failed) return qun__refuse(self, QUN_EFAIL, "memory ran out");
  e.data = qun_pack_slice(p);
  error = self->events->emit(self->host, ctx->tenant, &e);
  if (error < 0) return error;
  return a->wrong ? qun__put(self, ctx->tenant, row, e.data) : qun__del(self, ctx->tenant, row);
}

/* ---- publications */

static int set_timer(struct qun__content *self, const struct qun_context *ctx) {
  int64_t due;
  int error = self->calendar->from_local(self->host, ctx->tenant, ctx->clock_day + 1, 0, &due);
  if (error >= 0) error = self->timer->set(self->host, ctx->tenant, qun_str(timer_name), due, qun_slice_of(NULL, 0));
  return error < 0 ? error : 0;
}

/* Last day of the account and how many it published then: 4 and 4 bytes, as day keys have them. */
static int count_account(struct qun__content *self, const struct qun_context *ctx, qun_slice account, int32_t day,
                         int64_t *today) {
  char key[QUN_KEY_MAX], row[QUN_KEY_MAX];
  qun_slice value = qun_slice_of(NULL, 0), at = qun__text_key(key, 'c', account);
  int32_t last = day;
  int error = qun__get(self, ctx->tenant, at, &value);
  if (error < 0 && error != QUN_ENOTFOUND) return error;
  *today = 1;
  if (error >= 0 && value.len == 9) {
    last = qun__key_day(value, 1);
    if (last == day) *today = 1 + qun__key_day(value, 5);
    if (last > day) return 0; /* an item of the past, told late */
  }
  (void)qun__day_key(row, 'c', day, qun_slice_of(NULL, 0));
  (void)qun__day_key(row + 4, row[4], (int32_t)*today, qun_slice_of(NULL, 0));
  return qun__put(self, ctx->tenant, at, qun_slice_of(row, 9));
}

int qun__day_published(struct qun__content *self, const struct qun_context *ctx, const struct qun__item *item,
                       int32_t on) {
  const struct qun__settings *s = ctx->local;
  struct qun__day day;
  int64_t today = 0;
  int error = qun__day_get(self, ctx->tenant, on, &day);
  if (error) return error;
  day.published[item->kind]++;
  day.posts++;
  day.ads += item->is_ad;
  day.quality += item->score >= s->quality_score;
  error = qun__day_put(self, ctx->tenant, on, &day);
  if (!error) error = count_account(self, ctx, item->account, on, &today);
  if (!error && today > s->burst_day)
    error = alarm(self, ctx,
                  &(struct alarm){.rule = "too_often",
                                  .account = item->account,
                                  .day = on,
                                  .value = today,
                                  .limit = s->burst_day,
                                  .wrong = true});
  return error ? error : set_timer(self, ctx);
}

/* ---- the end of a day */

static int judge_mix(struct qun__content *self, const struct qun_context *ctx, int32_t on, const struct qun__day *day) {
  static const char *const rules[3] = {"mix_practical", "mix_interactive", "mix_emotional"};
  const struct qun__settings *s = ctx->local;
  int64_t topics = 0;
  int error = 0;
  for (int i = 0; i < 3 && !error; i++) {
    struct alarm a = {.rule = rules[i], .day = on, .value = day->published[i], .limit = s->mix[i]};
    a.wrong = a.value < a.limit && !s->holiday;
    topics += a.value;
    error = alarm(self, ctx, &a);
  }
  if (error) return error;
  return alarm(self, ctx,
               &(struct alarm){.rule = "topics",
                               .day = on,
                               .value = topics,
                               .limit = s->topics_min,
                               .wrong = topics < s->topics_min && !s->holiday});
}

static int judge_week(struct qun__content *self, const struct qun_context *ctx, int32_t on) {
  const struct qun__settings *s = ctx->local;
  struct qun__day sum;
  int error;
  if (qun__week_begin(on + 1) != on + 1) return 0; /* only after a Sunday */
  error = qun__day_sum(self, ctx->tenant, on - 6, on, &sum);
  if (error) return error;
  return alarm(self, ctx,
               &(struct alarm){.rule = "quality",
                               .day = on,
                               .value = sum.quality,
                               .limit = s->quality_min,
                               .wrong = sum.quality < s->quality_min && !s->holiday});
}

static int judge_ads(struct qun__content *self, const struct qun_context *ctx, int32_t on) {
  const struct qun__settings *s = ctx->local;
  struct qun__ads ads;
  int error = qun__ads_meter(self, ctx, on, &ads);
  if (error) return error;
  error = alarm(self, ctx,
                &(struct alarm){.rule = "ad_share",
                                .day = on,
                                .value = ads.share,
                                .limit = s->ad_limit,
                                .wrong = ads.share > s->ad_limit});
  if (error) return error;
  return alarm(self, ctx,
               &(struct alarm){.rule = "ad_feedback",
                               .day = on,
                               .value = ads.feedback,
                               .limit = s->ad_feedback,
                               .wrong = ads.limited});
}

static int judge_account(struct qun__content *self, const struct qun_context *ctx, int32_t on,
                         const struct qun_pair *row) {
  const struct qun__settings *s = ctx->local;
  struct alarm a = {.day = on, .account = qun_slice_of((const char *)row->key.ptr + 1, (size_t)row->key.len - 1)};
  int32_t last = qun__key_day(row->value, 1);
  int64_t today = last == on ? qun__key_day(row->value, 5) : 0;
  int error;
  a.rule = "too_rare";
  a.value = on - last;
  a.limit = s->silence_days;
  a.wrong = a.value >= a.limit && !s->holiday;
  error = alarm(self, ctx, &a);
  if (error) return error;
  a.rule = "too_often";
  a.value = today;
  a.limit = s->burst_day;
  a.wrong = a.value > a.limit;
  return alarm(self, ctx, &a);
}

static int each_row(struct qun__content *self, const struct qun_context *ctx, qun_slice prefix, int32_t on,
                    int (*each)(struct qun__content *, const struct qun_context *, int32_t, const struct qun_pair *)) {
  struct qun_pair rows[SCAN];
  qun_slice after = qun_slice_of(NULL, 0);
  uint32_t n = SCAN;
  while (n == SCAN) {
    int error = self->store->scan(self->host, ctx->tenant, prefix, after, rows, SCAN, &n);
    if (error < 0) return error;
    for (uint32_t i = 0; i < n && !error; i++) error = each(self, ctx, on, &rows[i]);
    if (error) return error;
    if (n) after = rows[n - 1].key;
  }
  return 0;
}

/* An item whose time to be looked back at has come. */
static int evaluate(struct qun__content *self, const struct qun_context *ctx, int32_t on, const struct qun_pair *row) {
  struct qun__item item;
  qun_slice id = qun_slice_of((const char *)row->key.ptr + 5, (size_t)row->key.len - 5);
  int error;
  if (qun__key_day(row->key, 1) > on) return 0;
  error = qun__item_get(self, ctx->tenant, id, &item);
  if (!error && item.state == QUN_STATE_PUBLISHED)
    error = qun__item_emit(self, ctx, id, QUN_STATE_EVALUATED, qun_str(""));
  if (error && error != QUN_ENOTFOUND) return error;
  return qun__del(self, ctx->tenant, row->key);
}

/* The timer stops when the tenant publishes no more: a year of silence has nothing left to judge. */
static int judge_day(struct qun__content *self, const struct qun_context *ctx, int32_t on) {
  struct qun__day day, year;
  int error = qun__day_get(self, ctx->tenant, on, &day);
  if (!error) error = judge_mix(self, ctx, on, &day);
  if (!error) error = judge_week(self, ctx, on);
  if (!error) error = judge_ads(self, ctx, on);
  if (!error) error = each_row(self, ctx, qun_str("c"), on, judge_account);
  if (!error) error = each_row(self, ctx, qun_str("e"), on, evaluate);
  if (!error) error = qun__day_sum(self, ctx->tenant, on - 366, on, &year);
  return error || year.posts == 0 ? error : set_timer(self, ctx);
}

int qun__on_timer(struct qun__content *self, const struct qun_context *ctx, const struct qun_timer *timer) {
  return qun_slice_is(timer->name, timer_name) ? judge_day(self, ctx, ctx->clock_day - 1) : 0;
}
