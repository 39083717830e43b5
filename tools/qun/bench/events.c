/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench/events.h"

#include <stdio.h>
#include <time.h>

enum { GROUPS = 20, TEXT_BYTES = 120, STEP_MS = 4000 };
static const int64_t first_ms = 1735689600000; /* 2025-01-01 */

const char *const qun_bench_type_names[QUN_BENCH_TYPES] = {"message", "reaction", "join", "purchase"};

static const char *const phrases[] = {"今天",         "大家好",   "请问一下",   "这个活动",   "什么时候开始",
                                      "我已经报名了", "谢谢分享", "群主",       "周末一起",   "去喝茶吧",
                                      "新到的",       "龙井",     "味道不错",   "推荐给你",   "下单了",
                                      "快递到了",     "包装很好", "有点贵",     "能便宜吗",   "有优惠券",
                                      "收到",         "明白了",   "好的好的",   "哈哈哈",     "我也想要",
                                      "在哪里买",     "发个链接", "讲座几点",   "老师讲得好", "学到了",
                                      "昨天的直播",   "没赶上",   "有回放吗",   "已经签到",   "连续七天",
                                      "积分换了",     "小礼物",   "孩子很喜欢", "天气真好",   "下雨了"};

/* splitmix64 */
static uint64_t next(uint64_t *s) {
  uint64_t z = (*s += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

static uint64_t start(uint64_t seed, uint64_t nth) {
  uint64_t s = seed;
  return next(&s) + nth * 0xd1342543de82ef95ull;
}

/* Random, and known from seed and place alone, so that a round can be made again. */
static void put_id(char out[QUN_BENCH_ID + 1], uint64_t seed, uint64_t nth) {
  uint64_t s = ~start(seed, nth), high = next(&s), low = next(&s);
  snprintf(out, QUN_BENCH_ID + 1, "%016llx%010llx", (unsigned long long)high, (unsigned long long)(low >> 24));
}

/* A platform numbers its messages in order; only the event's id is random. */
static void put_number(char out[QUN_BENCH_ID + 1], uint64_t nth) {
  snprintf(out, QUN_BENCH_ID + 1, "%llu", 7000000000000000000ull + nth);
}

static unsigned group_of(uint64_t seed, uint64_t nth) {
  uint64_t s = start(seed, nth) ^ 0x5bf03635u;
  return (unsigned)(next(&s) % GROUPS);
}

static void put_text(struct qun_bench_event *e, uint64_t *s) {
  while (e->text_len < TEXT_BYTES) {
    const char *phrase = phrases[next(s) % (sizeof phrases / sizeof phrases[0])];
    size_t len = strlen(phrase);
    if (e->text_len + len > sizeof e->text) break;
    memcpy(e->text + e->text_len, phrase, len);
    e->text_len += (uint32_t)len;
  }
}

void qun_bench_event_make(struct qun_bench_event *e, uint64_t seed, uint64_t nth, uint32_t members) {
  uint64_t s = start(seed, nth), roll = next(&s) % 100;
  e->type = roll < 80   ? QUN_BENCH_MESSAGE
            : roll < 94 ? QUN_BENCH_REACTION
            : roll < 99 ? QUN_BENCH_JOIN
                        : QUN_BENCH_PURCHASE;
  e->time_ms = first_ms + (int64_t)nth * STEP_MS;
  e->text_len = 0;
  put_id(e->id, seed, nth);
  snprintf(e->member, sizeof e->member, "m%06u", (unsigned)(next(&s) % members));
  uint64_t of = nth; /* the message that it is or speaks of */
  if (e->type == QUN_BENCH_MESSAGE) put_text(e, &s);
  if (e->type == QUN_BENCH_REACTION) {
    of = nth ? nth - 1 - next(&s) % (nth < 50 ? nth : 50) : 0;
    e->value = next(&s) % 10 ? 1 : -1;
  }
  if (e->type == QUN_BENCH_PURCHASE) e->amount = (int64_t)(1000 + next(&s) % 50000);
  put_number(e->of, of);
  snprintf(e->group, sizeof e->group, "general-%02u", group_of(seed, of));
}

static void pack_data(struct qun_pack *out, const struct qun_bench_event *e) {
  switch (e->type) {
  case QUN_BENCH_MESSAGE:
    qun_pack_map(out, 2);
    qun_pack_kv_cstr(out, "msg", e->of);
    qun_pack_kv_str(out, "text", qun_slice_of(e->text, e->text_len));
    break;
  case QUN_BENCH_REACTION:
    qun_pack_map(out, 2);
    qun_pack_kv_cstr(out, "msg", e->of);
    qun_pack_kv_int(out, "value", e->value);
    break;
  case QUN_BENCH_PURCHASE:
    qun_pack_map(out, 2);
    qun_pack_kv_int(out, "amount", e->amount);
    qun_pack_kv_cstr(out, "order", e->id);
    break;
  default: qun_pack_map(out, 0);
  }
}

void qun_bench_event_pack(struct qun_pack *out, const struct qun_bench_event *e) {
  qun_pack_map(out, 7);
  qun_pack_kv_cstr(out, "id", e->id);
  qun_pack_kv_cstr(out, "source", "bench");
  qun_pack_kv_cstr(out, "type", qun_bench_type_names[e->type]);
  qun_pack_kv_int(out, "time", e->time_ms);
  qun_pack_kv_cstr(out, "member", e->member);
  qun_pack_kv_cstr(out, "group", e->group);
  qun_pack_cstr(out, "data");
  pack_data(out, e);
}

void qun_bench_event_data(struct qun_pack *out, const struct qun_bench_event *e) {
  char text[sizeof e->text + 128];
  int n;
  switch (e->type) {
  case QUN_BENCH_MESSAGE:
    n = snprintf(text, sizeof text, "{\"msg\":\"%s\",\"text\":\"%.*s\"}", e->of, (int)e->text_len, e->text);
    break;
  case QUN_BENCH_REACTION: n = snprintf(text, sizeof text, "{\"msg\":\"%s\",\"value\":%d}", e->of, e->value); break;
  case QUN_BENCH_PURCHASE:
    n = snprintf(text, sizeof text, "{\"amount\":%lld,\"order\":\"%s\"}", (long long)e->amount, e->id);
    break;
  default: n = snprintf(text, sizeof text, "{}");
  }
  qun_pack_raw(out, qun_slice_of(text, (size_t)n));
}

void qun_bench_event_json(struct qun_pack *out, const struct qun_bench_event *e) {
  char text[320], when[32];
  time_t seconds = (time_t)(e->time_ms / 1000);
  struct tm tm;
  strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
  int n = snprintf(text, sizeof text,
                   "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"bench\",\"type\":\"%s\",\"time\":\"%s\","
                   "\"member\":\"%s\",\"group\":\"%s\",\"data\":",
                   e->id, qun_bench_type_names[e->type], when, e->member, e->group);
  qun_pack_raw(out, qun_slice_of(text, (size_t)n));
  qun_bench_event_data(out, e);
  qun_pack_raw(out, qun_slice_of("}", 1));
}
