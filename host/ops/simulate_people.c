/* SPDX-License-Identifier: Apache-2.0 */
/* Members: who they are, how they come, what they do of a day, and what follows from it. */
#include "host/ops/simulate_internal.h"

#include <stdlib.h>

/* Shares after the sources named in the operating plan; staying as that plan reports it for each. */
const struct qun__source_channel qun__source_channels[] = {
    {"wechat-ads", 220000, 220000, 900, 12},    {"xiaohongshu", 160000, 420000, 700, 9},
    {"store-qr", 160000, 520000, 150, 3},       {"kol", 150000, 300000, 800, 8},
    {"ground-push", 140000, 100000, 400, 4},    {"referral", 80000, 600000, 200, 2},
    {"cross-promotion", 60000, 450000, 250, 5}, {"brand-partner", 30000, 280000, 500, 6},
};

static const char *const groups[] = {"好物分享群", "妈妈交流群", "English Lounge"};

static const char *const chinese[] = {"大家早上好，今天有什么新品吗？",
                                      "刚收到货，包装很用心，谢谢。",
                                      "这个颜色还有吗？想再买一件。",
                                      "请问几点开始打卡？",
                                      "今天的文章写得很清楚，收藏了。",
                                      "有人一起拼单吗？我差一件。",
                                      "用了两周，感觉不错，推荐给同事了。",
                                      "周末的活动在哪里报名？",
                                      "我家孩子也喜欢这个味道。",
                                      "已打卡，第七天。",
                                      "物流有点慢，三天才到。",
                                      "客服回复很快，问题解决了。",
                                      "新手提问：这个怎么清洗？",
                                      "楼上说得对，先看说明再用。",
                                      "晚上好，今天聊什么话题？",
                                      "分享一个收纳的小办法，亲测有用。",
                                      "这次的尺码偏小，建议买大一号。",
                                      "谢谢群主整理的清单。",
                                      "请问发票在哪里开？",
                                      "收到了，晚点晒图。"};
static const char *const english[] = {
    "Good morning everyone, any news today?",    "My parcel arrived, thank you for the quick help.",
    "Is the blue one still in stock?",           "When does the check-in start?",
    "Great article, I saved it for later.",      "Does anyone want to share an order?",
    "I have used it for two weeks and like it.", "Where can I sign up for the weekend event?",
    "How do I clean this? I am new here.",       "The size runs small, take one larger."};
/* Posts that compliance should find: a third person's phone number, abuse of the group for gambling, an absolute claim.
 */
static const char *const wrong[] = {"帮朋友问：她的电话是 10012345678，有货请联系她，名字是王小明。",
                                    "加我，稳赚不赔，日入三千，下注秒到账。",
                                    "这是全国第一、最好的面霜，三天根治敏感，无效退款。"};
static const char *const complaints[] = {"广告太多了，一天好几条。", "为什么没经过我同意就把我拉进群？",
                                         "退款三天还没到账。", "Too many ads in this group."};
static const char *const about[] = {"ads", "privacy", "service", "ads"};
static const char *const cities[][2] = {{"上海", "1"}, {"杭州", "new1"}, {"成都", "new1"},
                                        {"无锡", "2"}, {"绵阳", "3"},    {"北京", "1"}};
static const uint32_t prices[] = {1990, 2990, 4990, 6900, 9900, 12900, 19900, 39900};

#define PICK(s, list) (list)[qun__chance_below(&(s)->chance, (uint32_t)(sizeof(list) / sizeof *(list)))]

const char *qun__sim_group(const struct qun__sim_member *m) {
  return groups[m->group];
}

/* ---------------------------------------------------------------- who they are */

static uint8_t pick_channel(struct qun__sim *s) {
  uint32_t v = qun__chance_below(&s->chance, 1000000);
  uint8_t i = 0;
  while (i < QUN__CHANNELS - 1 && v >= qun__source_channels[i].share_ppm) v -= qun__source_channels[i++].share_ppm;
  return i;
}

static void make_member(struct qun__sim *s, struct qun__sim_member *m) {
  struct qun__chance *c = &s->chance;
  m->join_day = qun__chance_below(c, s->o.days);
  m->channel = pick_channel(s);
  m->english = qun__chance_hit(c, 120000);
  m->group = m->english ? 2 : (uint8_t)qun__chance_below(c, 2);
  if (qun__chance_hit(c, qun__source_channels[m->channel].stay_ppm)) {
    m->active_ppm = 350000 + qun__chance_below(c, 500000);
    m->end_day = m->join_day + 20 + qun__chance_below(c, 400);
  } else {
    m->active_ppm = 250000 + qun__chance_below(c, 300000);
    m->end_day = m->join_day + 1 + qun__chance_below(c, 4);
  }
  m->leaves = qun__chance_hit(c, 250000);
  m->consents = !qun__chance_hit(c, 40000);
  m->marketing = m->consents && qun__chance_hit(c, 700000);
  m->withdraws = m->marketing && qun__chance_hit(c, 50000);
  m->profiled = qun__chance_hit(c, 800000);
}

int qun__sim_people(struct qun__sim *s) {
  uint32_t n = s->o.members, at = 0;
  s->members = calloc(n, sizeof *s->members);
  s->by_day = calloc(n, sizeof *s->by_day);
  uint32_t *starts = calloc((size_t)s->o.days + 1, sizeof *starts);
  if (!s->members || !s->by_day || !starts) {
    free(starts);
    return QUN_EFAIL;
  }
  for (uint32_t i = 0; i < n; i++) {
    make_member(s, &s->members[i]);
    starts[s->members[i].join_day]++;
  }
  for (uint32_t day = 0; day <= s->o.days; day++) { /* counts become places */
    uint32_t count = starts[day];
    starts[day] = at;
    at += count;
  }
  for (uint32_t i = 0; i < n; i++) s->by_day[starts[s->members[i].join_day]++] = i;
  free(starts);
  return QUN_OK;
}

/* ---------------------------------------------------------------- the first day */

static void begin(struct qun__sim *s, struct qun__event *e, uint32_t member, const char *type, int64_t ms,
                  char id[40]) {
  qun__sim_begin(s, e, type, ms, id);
  qun__sim_member(e, member);
  qun__event_text(e, "group", qun_str(qun__sim_group(&s->members[member])));
}

static void put_consent(struct qun__sim *s, uint32_t member, const char *type, const char *purpose, int separate,
                        int64_t ms) {
  struct qun__event e;
  begin(s, &e, member, type, ms, NULL);
  qun__event_data(&e);
  qun__event_data_text(&e, "purpose", qun_str(purpose));
  if (strcmp(type, "consent.given") == 0) {
    qun__event_data_text(&e, "notice", qun_str(s->today < s->o.days / 2 ? "1" : "2"));
    qun__event_data_text(&e, "method", qun_str("click"));
    qun__event_data_bool(&e, "separate", separate);
  }
  qun__sim_end(s, &e);
}

/* Seven of ten made-up persons turn up in every simulated community under the same number, so that an overlap can be
 * counted. */
static void put_person(struct qun__sim *s, struct qun__event *e, uint32_t member) {
  uint64_t person = qun__chance_hit(&s->chance, 700000) ? member : 1000000 + s->o.seed % 90 * 1000000 + member;
  char text[40];
  snprintf(text, sizeof text, "100%08llu", (unsigned long long)person);
  qun__event_data_text(e, "phone", qun_str(text));
  snprintf(text, sizeof text, "sim-union-%08llu", (unsigned long long)person);
  qun__event_data_text(e, "unionid", qun_str(text));
}

static void put_profile(struct qun__sim *s, uint32_t member, int64_t ms) {
  static const char *const bands[] = {"18-24", "25-45", "25-45", "25-45", "46+"};
  struct qun__chance *c = &s->chance;
  struct qun__event e;
  char name[40];
  uint32_t city = qun__chance_below(c, sizeof cities / sizeof *cities);
  begin(s, &e, member, "member.profile", ms, NULL);
  qun__event_data(&e);
  snprintf(name, sizeof name, s->members[member].english ? "Member %u" : "成员%u", member);
  qun__event_data_text(&e, "name", qun_str(name));
  put_person(s, &e, member);
  int child = qun__chance_hit(c, 4000), young = qun__chance_hit(c, 15000);
  qun__event_data_text(&e, "age_band", qun_str(child ? "0-13" : young ? "14-17" : PICK(s, bands)));
  if (child && qun__chance_hit(c, 500000)) qun__event_data_bool(&e, "guardian", 1);
  qun__event_data_text(&e, "gender", qun_str(qun__chance_hit(c, 650000) ? "f" : "m"));
  qun__event_data_text(&e, "city", qun_str(cities[city][0]));
  qun__event_data_text(&e, "city_tier", qun_str(cities[city][1]));
  if (qun__chance_hit(c, 10000)) qun__event_data_list(&e, "sensitive", qun_str("health"));
  qun__sim_end(s, &e);
}

void qun__sim_join(struct qun__sim *s, uint32_t member) {
  struct qun__chance *c = &s->chance;
  struct qun__sim_member *m = &s->members[member];
  struct qun__event e;
  int64_t ms = qun__sim_moment(s);
  qun__sim_begin(s, &e, "join", ms, NULL);
  qun__sim_member(&e, member);
  qun__event_text(&e, "group", qun_str(qun__sim_group(m)));
  qun__event_text(&e, "channel", qun_str(qun__source_channels[m->channel].name));
  qun__event_data(&e);
  qun__event_data_bool(&e, "consent", m->consents);
  if (m->channel == QUN__CHANNEL_REFERRAL && s->joined > 1) {
    char inviter[24];
    uint32_t by = s->by_day[qun__chance_below(c, s->joined)];
    snprintf(inviter, sizeof inviter, "sim-%06u", by);
    if (by != member && s->members[by].join_day < s->today) qun__event_data_text(&e, "inviter", qun_str(inviter));
  }
  if (m->channel == QUN__CHANNEL_PARTNER) qun__event_data_text(&e, "code", qun_str(s->o.code));
  qun__sim_end(s, &e);
  if (m->consents) put_consent(s, member, "consent.given", "join", 0, ms + QUN__MINUTE_MS);
  if (m->marketing)
    put_consent(s, member, "consent.given", "marketing", 1, ms + 2 * QUN__MINUTE_MS);
  else if (qun__chance_hit(c, 200000))
    put_consent(s, member, "consent.refused", "marketing", 0, ms + 2 * QUN__MINUTE_MS);
  if (m->consents && qun__chance_hit(c, 800000))
    put_consent(s, member, "consent.given", "overlap", 1, ms + 3 * QUN__MINUTE_MS);
  if (m->profiled) put_profile(s, member, ms + 4 * QUN__MINUTE_MS);
}

/* ---------------------------------------------------------------- a day of a member */

static void put_message(struct qun__sim *s, uint32_t member, const char *text, char id[40], int64_t ms) {
  struct qun__sim_member *m = &s->members[member];
  struct qun__event e;
  begin(s, &e, member, "message", ms, id);
  qun__event_text(&e, "lang", qun_str(m->english ? "en" : "zh-CN"));
  qun__event_data(&e);
  qun__event_data_text(&e, "text", qun_str(text));
  qun__event_data_text(&e, "msg", qun_str(id));
  qun__sim_end(s, &e);
}

static void put_wrong(struct qun__sim *s, uint32_t member) {
  struct qun__event e;
  char id[40];
  int64_t ms = qun__sim_moment(s);
  put_message(s, member, PICK(s, wrong), id, ms);
  if (!qun__chance_hit(&s->chance, 700000)) return; /* nobody saw it */
  begin(s, &e, member, "moderation", ms + qun__chance_below(&s->chance, 40) * QUN__MINUTE_MS, NULL);
  qun__event_text(&e, "subject", qun_str(id));
  qun__event_data(&e);
  qun__event_data_text(&e, "action", qun_str("delete"));
  qun__event_data_text(&e, "reason", qun_str("group rules"));
  qun__sim_end(s, &e);
}

static void put_chat(struct qun__sim *s, uint32_t member) {
  uint32_t count = 1 + qun__chance_below(&s->chance, 3);
  while (count-- > 0) {
    struct qun__event e;
    char id[40];
    int64_t ms = qun__sim_moment(s);
    put_message(s, member, s->members[member].english ? PICK(s, english) : PICK(s, chinese), id, ms);
    if (!qun__chance_hit(&s->chance, 150000)) continue;
    uint32_t other = s->by_day[qun__chance_below(&s->chance, s->joined)];
    if (s->members[other].join_day == s->today || s->today >= s->members[other].end_day) continue;
    begin(s, &e, other, "reaction", ms + QUN__MINUTE_MS, NULL);
    qun__event_data(&e);
    qun__event_data_text(&e, "msg", qun_str(id));
    qun__event_data_text(&e, "emoji", qun_str("👍"));
    qun__sim_end(s, &e);
  }
}

static void put_item(struct qun__sim *s, uint32_t member, const char *type, const char *item, int64_t ms) {
  struct qun__event e;
  begin(s, &e, member, type, ms, NULL);
  qun__event_text(&e, "subject", qun_str(item));
  qun__event_data(&e);
  if (strcmp(type, "read") == 0) qun__event_data_int(&e, "seconds", 5 + qun__chance_below(&s->chance, 240));
  if (strcmp(type, "share") == 0)
    qun__event_data_text(&e, "to", qun_str(qun__chance_hit(&s->chance, 600000) ? "friend" : "moments"));
  qun__sim_end(s, &e);
}

static void put_reading(struct qun__sim *s, uint32_t member) {
  const char *item = s->item[qun__chance_below(&s->chance, 3)];
  int64_t ms = 10 * QUN__HOUR_MS + qun__chance_below(&s->chance, 13 * QUN__HOUR_MS);
  put_item(s, member, "read", item, ms);
  if (qun__chance_hit(&s->chance, 60000)) put_item(s, member, "share", item, ms + 3 * QUN__MINUTE_MS);
  if (qun__chance_hit(&s->chance, 50000)) put_item(s, member, "click", s->ad_item, ms + 5 * QUN__MINUTE_MS);
}

static void put_purchase(struct qun__sim *s, uint32_t member) {
  struct qun__event e;
  char id[40], text[60];
  uint32_t sku = qun__chance_below(&s->chance, sizeof prices / sizeof *prices);
  begin(s, &e, member, "purchase", qun__sim_moment(s), id);
  qun__event_data(&e);
  qun__event_data_int(&e, "amount", prices[sku]);
  qun__event_data_text(&e, "currency", qun_str("CNY"));
  snprintf(text, sizeof text, "order-%s", id);
  qun__event_data_text(&e, "order", qun_str(text));
  snprintf(text, sizeof text, "sku-%u", sku + 1);
  qun__event_data_text(&e, "sku", qun_str(text));
  if (s->members[member].channel == QUN__CHANNEL_PARTNER) qun__event_data_text(&e, "code", qun_str(s->o.code));
  qun__sim_end(s, &e);
  if (qun__chance_hit(&s->chance, 30000)) {
    snprintf(text, sizeof text, "%u/%s", prices[sku], id);
    qun__sim_later(s, 2 + qun__chance_below(&s->chance, 6), member, QUN__LATER_REFUND, text);
  }
}

static void put_plain(struct qun__sim *s, uint32_t member, const char *type) {
  struct qun__event e;
  begin(s, &e, member, type, qun__sim_moment(s), NULL);
  qun__sim_end(s, &e);
}

static void put_survey(struct qun__sim *s, uint32_t member, const char *question, int64_t score, int64_t ms) {
  struct qun__event e;
  char survey[24];
  snprintf(survey, sizeof survey, "month-%u", s->today / 30);
  begin(s, &e, member, "survey.answer", ms, NULL);
  qun__event_data(&e);
  qun__event_data_text(&e, "survey", qun_str(survey));
  qun__event_data_text(&e, "question", qun_str(question));
  qun__event_data_int(&e, "score", score);
  qun__sim_end(s, &e);
}

static void put_complaint(struct qun__sim *s, uint32_t member) {
  struct qun__event e;
  char id[40];
  uint32_t which = qun__chance_below(&s->chance, sizeof about / sizeof *about);
  begin(s, &e, member, "complaint", qun__sim_moment(s), id);
  qun__event_data(&e);
  qun__event_data_text(&e, "about", qun_str(about[which]));
  qun__event_data_text(&e, "text", qun_str(complaints[which]));
  qun__sim_end(s, &e);
  if (qun__chance_hit(&s->chance, 800000))
    qun__sim_later(s, 1 + qun__chance_below(&s->chance, 12), member, QUN__LATER_ANSWER, id);
}

static void put_request(struct qun__sim *s, uint32_t member) {
  static const char *const kinds[] = {"access", "export", "correct", "erase", "object"};
  struct qun__event e;
  char id[40];
  begin(s, &e, member, "request.opened", qun__sim_moment(s), id);
  qun__event_data(&e);
  qun__event_data_text(&e, "kind", qun_str(PICK(s, kinds)));
  qun__sim_end(s, &e);
  if (qun__chance_hit(&s->chance, 750000))
    qun__sim_later(s, 1 + qun__chance_below(&s->chance, 20), member, QUN__LATER_REQUEST, id);
}

static void last_day(struct qun__sim *s, uint32_t member) {
  struct qun__sim_member *m = &s->members[member];
  if (m->withdraws) put_consent(s, member, "consent.withdrawn", "marketing", 0, qun__sim_moment(s));
  if (m->leaves)
    put_plain(s, member, "leave");
  else if (qun__chance_hit(&s->chance, 30000))
    put_plain(s, member, "optout");
}

void qun__sim_live(struct qun__sim *s, uint32_t member) {
  struct qun__chance *c = &s->chance;
  struct qun__sim_member *m = &s->members[member];
  if (s->today == m->end_day) last_day(s, member);
  if (s->today >= m->end_day || !qun__chance_hit(c, m->active_ppm)) return;
  if (qun__chance_hit(c, 450000)) put_chat(s, member);
  if (qun__chance_hit(c, 500000)) put_reading(s, member);
  if (qun__chance_hit(c, 300000)) put_plain(s, member, "checkin");
  if (qun__chance_hit(c, 60000)) put_purchase(s, member);
  if (qun__chance_hit(c, 15000)) put_plain(s, member, "invite");
  if (qun__chance_hit(c, 1500)) put_complaint(s, member);
  if (qun__chance_hit(c, 500)) put_request(s, member);
  if (qun__chance_hit(c, 700)) put_wrong(s, member);
  if (s->today % 30 == 14 && qun__chance_hit(c, 400000)) {
    int64_t ms = qun__sim_moment(s);
    put_survey(s, member, "nps", 5 + qun__chance_below(c, 6), ms);
    put_survey(s, member, "satisfaction", 60 + qun__chance_below(c, 41), ms + 1000);
    put_survey(s, member, "too_many_ads", qun__chance_hit(c, 180000), ms + 2000);
  }
}

/* ---------------------------------------------------------------- what follows */

static void put_refund(struct qun__sim *s, const struct qun__sim_later *l) {
  struct qun__event e;
  char order[60];
  char *id;
  long amount = strtol(l->subject, &id, 10);
  begin(s, &e, l->member, "refund", qun__sim_moment(s), NULL);
  qun__event_data(&e);
  qun__event_data_int(&e, "amount", amount);
  snprintf(order, sizeof order, "order-%s", id + 1);
  qun__event_data_text(&e, "order", qun_str(order));
  qun__sim_end(s, &e);
}

void qun__sim_follow(struct qun__sim *s, const struct qun__sim_later *l) {
  struct qun__event e;
  if (l->kind == QUN__LATER_REFUND) {
    put_refund(s, l);
    return;
  }
  begin(s, &e, l->member, l->kind == QUN__LATER_ANSWER ? "complaint.answered" : "request.answered",
        9 * QUN__HOUR_MS + qun__chance_below(&s->chance, 9 * QUN__HOUR_MS), NULL);
  qun__event_text(&e, "subject", qun_str(l->subject));
  qun__event_data(&e);
  int refused = qun__chance_hit(&s->chance, 100000);
  const char *fine = l->kind == QUN__LATER_ANSWER ? "resolved" : "done";
  qun__event_data_text(&e, "outcome", qun_str(refused ? "refused" : fine));
  if (!refused) qun__event_data_text(&e, "reason", qun_str("settled with the member"));
  qun__sim_end(s, &e);
}
