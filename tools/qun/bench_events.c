/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench_events.h"

#include <stdio.h>

enum { MEMBERS = 1000, GROUPS = 20, TEXT_BYTES = 120, STEP_MS = 4000 };
static const int64_t first_ms = 1735689600000; /* 2025-01-01 */

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

static void put_text(struct qun_pack *out, uint64_t *s) {
  char text[TEXT_BYTES + 32];
  size_t n = 0;
  while (n < TEXT_BYTES) {
    const char *phrase = phrases[next(s) % (sizeof phrases / sizeof phrases[0])];
    size_t len = strlen(phrase);
    if (n + len > sizeof text) break;
    memcpy(text + n, phrase, len);
    n += len;
  }
  qun_pack_kv_str(out, "text", qun_slice_of(text, n));
}

void qun_bench_event(struct qun_pack *out, uint64_t seed, uint64_t nth) {
  static const char *const types[] = {"message", "reaction", "join", "purchase"};
  uint64_t s = seed * 0x2545f4914f6cdd1dull + nth;
  uint64_t roll = next(&s) % 100;
  int type = roll < 80 ? 0 : roll < 94 ? 1 : roll < 99 ? 2 : 3;
  char id[40], member[16], group[16], other[40];
  snprintf(id, sizeof id, "%06llx-%012llx", (unsigned long long)(seed & 0xffffff), (unsigned long long)nth);
  snprintf(member, sizeof member, "m%06u", (unsigned)(next(&s) % MEMBERS));
  snprintf(group, sizeof group, "general-%02u", (unsigned)(next(&s) % GROUPS));
  qun_pack_map(out, 7);
  qun_pack_kv_cstr(out, "id", id);
  qun_pack_kv_cstr(out, "source", "bench");
  qun_pack_kv_cstr(out, "type", types[type]);
  qun_pack_kv_int(out, "time", first_ms + (int64_t)nth * STEP_MS);
  qun_pack_kv_cstr(out, "member", member);
  qun_pack_kv_cstr(out, "group", group);
  qun_pack_cstr(out, "data");
  switch (type) {
  case 0:
    qun_pack_map(out, 1);
    put_text(out, &s);
    break;
  case 1:
    snprintf(other, sizeof other, "%06llx-%012llx", (unsigned long long)(seed & 0xffffff),
             (unsigned long long)(nth ? nth - 1 - next(&s) % (nth < 50 ? nth : 50) : 0));
    qun_pack_map(out, 2);
    qun_pack_kv_cstr(out, "msg", other);
    qun_pack_kv_int(out, "value", next(&s) % 10 ? 1 : -1);
    break;
  case 2: qun_pack_map(out, 0); break;
  default:
    qun_pack_map(out, 2);
    qun_pack_kv_int(out, "amount", (int64_t)(1000 + next(&s) % 50000));
    qun_pack_kv_cstr(out, "order", id);
  }
}
