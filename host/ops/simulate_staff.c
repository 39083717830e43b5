/* SPDX-License-Identifier: Apache-2.0 */
/* What the community's staff does: posts of the day, money spent on channels, and the records that the law asks for. */
#include "host/ops/simulate_internal.h"

static const char *const knowledge[] = {"【每日知识】换季护肤三步：清洁、补水、防晒。",
                                        "【每日知识】收纳的三个小习惯。", "【每日知识】如何看懂成分表。",
                                        "【Daily tip】Three ways to store winter clothes."};
static const char *const questions[] = {"【互动】今天你打卡了吗？晒出你的早餐。", "【互动】周末想去哪里？评论区聊聊。",
                                        "【Poll】Tea or coffee this morning?"};

struct advertisement {
  const char *text, *label, *category;
};
/* Two with the label, two without, and one of these with words that the law forbids. */
static const struct advertisement advertisements[] = {
    {"广告 新品面霜今日上架，群友价 99 元，数量 200 件，今晚 22 点截止。", "广告", "cosmetics"},
    {"广告 秋季外套两件八折，活动到本周日。", "广告", ""},
    {"新品面霜今日上架，群友专享 99 元，点链接下单。", "", "cosmetics"},
    {"全网最低价！国家级品质，顶级口感，错过再等一年。", "", "food"},
};
enum { ADVERTISEMENTS = sizeof advertisements / sizeof *advertisements };

#define PICK(s, list) (list)[qun__chance_below(&(s)->chance, (uint32_t)(sizeof(list) / sizeof *(list)))]

static void begin(struct qun__sim *s, struct qun__event *e, const char *type, int64_t ms, const char *subject) {
  qun__sim_begin(s, e, type, ms, NULL);
  qun__event_text(e, "subject", qun_str(subject));
  qun__event_data(e);
}

static void text(struct qun__event *e, const char *name, const char *value) {
  qun__event_data_text(e, name, qun_str(value));
}

static void put_texts(struct qun__event *e, const char *name, const char *const *list) {
  uint32_t count = 0;
  while (list[count]) count++;
  qun_pack_cstr(e->out, name);
  qun_pack_array(e->out, count);
  for (uint32_t i = 0; i < count; i++) qun_pack_cstr(e->out, list[i]);
  e->data_count++;
}

/* ---------------------------------------------------------------- posts */

static void put_post(struct qun__sim *s, const char *words, const char *item, const struct advertisement *ad,
                     int64_t ms) {
  struct qun__event e;
  char id[40];
  qun__sim_begin(s, &e, "message", ms, id);
  qun__event_text(&e, "member", qun_str("sim-staff"));
  qun__event_text(&e, "group", qun_str("好物分享群"));
  qun__event_text(&e, "lang", qun_str("zh-CN"));
  qun__event_data(&e);
  text(&e, "text", words);
  text(&e, "msg", id);
  text(&e, "item", item);
  qun__event_data_bool(&e, "staff", 1);
  if (ad) {
    qun__event_data_bool(&e, "is_ad", 1);
    text(&e, "label", ad->label);
    text(&e, "category", ad->category);
  }
  qun__sim_end(s, &e);
}

/* Three pieces of knowledge, two questions, one advertisement. */
static void put_posts(struct qun__sim *s) {
  static const int64_t at[] = {8 * QUN__HOUR_MS, 12 * QUN__HOUR_MS, 17 * QUN__HOUR_MS, 10 * QUN__HOUR_MS,
                               20 * QUN__HOUR_MS};
  char item[40];
  for (uint32_t i = 0; i < 5; i++) {
    snprintf(item, sizeof item, "item-%u-%u", s->today, i);
    if (i < 3) memcpy(s->item[i], item, sizeof item);
    put_post(s, i < 3 ? PICK(s, knowledge) : PICK(s, questions), item, NULL,
             at[i] + qun__chance_below(&s->chance, 20 * QUN__MINUTE_MS));
  }
  /* mostly the labelled ones */
  uint32_t which = qun__chance_hit(&s->chance, 850000) ? qun__chance_below(&s->chance, 2)
                                                       : 2 + qun__chance_below(&s->chance, ADVERTISEMENTS - 2);
  snprintf(s->ad_item, sizeof s->ad_item, "ad-%u", s->today);
  put_post(s, advertisements[which].text, s->ad_item, &advertisements[which], 21 * QUN__HOUR_MS);
}

/* ---------------------------------------------------------------- channels */

static void put_channels(struct qun__sim *s) {
  uint32_t joins[QUN__CHANNELS] = {0};
  for (uint32_t i = s->joined; i-- > 0;) {
    const struct qun__sim_member *m = &s->members[s->by_day[i]];
    if (m->join_day + 7 < s->today) break;
    joins[m->channel]++;
  }
  for (uint32_t i = 0; i < QUN__CHANNELS; i++) {
    const struct qun__source_channel *c = &qun__source_channels[i];
    struct qun__event e;
    if (joins[i] == 0) continue;
    qun__sim_begin(s, &e, "channel.reach", 23 * QUN__HOUR_MS, NULL);
    qun__event_text(&e, "channel", qun_str(c->name));
    qun__event_data(&e);
    qun__event_data_int(&e, "people", (int64_t)joins[i] * c->reach + qun__chance_below(&s->chance, c->reach));
    qun__sim_end(s, &e);
    qun__sim_begin(s, &e, "channel.cost", 23 * QUN__HOUR_MS + QUN__MINUTE_MS, NULL);
    qun__event_text(&e, "channel", qun_str(c->name));
    qun__event_data(&e);
    qun__event_data_int(&e, "amount", (int64_t)joins[i] * c->cost + qun__chance_below(&s->chance, c->cost));
    text(&e, "currency", "CNY");
    qun__sim_end(s, &e);
  }
}

/* ---------------------------------------------------------------- records */

static void put_notice(struct qun__sim *s, const char *version, const char *const *purposes, int64_t ms) {
  static const char *const fields[] = {"name", "phone", "unionid", "city", "age_band", NULL};
  struct qun__event e;
  begin(s, &e, "notice.published", ms, "");
  text(&e, "version", version);
  text(&e, "handler", "示例品牌有限公司 privacy@example.com");
  put_texts(&e, "purposes", purposes);
  put_texts(&e, "fields", fields);
  text(&e, "retention", "退出社群后 6 个月");
  text(&e, "rights", "在群内发送“我的信息”，或写信至 privacy@example.com");
  text(&e, "officer", "privacy@example.com");
  qun__sim_end(s, &e);
}

static void put_vendors(struct qun__sim *s) {
  struct qun__event e;
  begin(s, &e, "vendor.recorded", QUN__HOUR_MS, "agency");
  text(&e, "role", "processor");
  text(&e, "contract", "DPA-1");
  text(&e, "purpose", "community operations");
  text(&e, "country", "CN");
  qun__event_data_bool(&e, "approved", 1);
  qun__sim_end(s, &e);
  begin(s, &e, "vendor.recorded", QUN__HOUR_MS + 1, "sms-house"); /* without a contract, and not approved */
  text(&e, "role", "processor");
  text(&e, "country", "CN");
  text(&e, "sub_of", "agency");
  qun__event_data_bool(&e, "approved", 0);
  qun__sim_end(s, &e);
}

static void first_day(struct qun__sim *s) {
  static const char *const purposes[] = {"join", "marketing", "overlap", NULL};
  struct qun__event e;
  put_notice(s, "1", purposes, 0);
  begin(s, &e, "rules.published", 1, "");
  text(&e, "version", "1");
  qun__sim_end(s, &e);
  put_vendors(s);
  begin(s, &e, "retention.set", QUN__HOUR_MS + 2, "message");
  qun__event_data_int(&e, "min_days", 180);
  qun__event_data_int(&e, "max_days", 1095);
  qun__sim_end(s, &e);
  begin(s, &e, "assessment.recorded", QUN__HOUR_MS + 3, "profiling");
  text(&e, "scope", "automated");
  qun__event_data_int(&e, "retained_until", s->midnight + 1200 * (int64_t)QUN__DAY_MS);
  qun__sim_end(s, &e);
  begin(s, &e, "training.recorded", QUN__HOUR_MS + 4, "data-protection");
  qun__event_data_int(&e, "taken", 6);
  qun__event_data_int(&e, "passed", 5);
  qun__sim_end(s, &e);
  begin(s, &e, "asset.recorded", QUN__HOUR_MS + 5, "poster-1");
  text(&e, "kind", "portrait");
  text(&e, "source", "studio");
  qun__event_data_bool(&e, "portrait_consent", 0);
  qun__sim_end(s, &e);
}

static void middle_day(struct qun__sim *s) {
  static const char *const purposes[] = {"join", "marketing", "overlap", "profiling", NULL};
  struct qun__event e;
  put_notice(s, "2", purposes, QUN__HOUR_MS);
  begin(s, &e, "promo.recorded", 2 * QUN__HOUR_MS, "autumn-draw");
  qun__event_data_int(&e, "max_prize", 499900);
  qun__event_data_int(&e, "price_ref", 19900);
  qun__event_data_int(&e, "price_low", 12900); /* the reference price was never asked in the week before */
  text(&e, "rules", "1");
  qun__sim_end(s, &e);
  begin(s, &e, "transfer.recorded", 3 * QUN__HOUR_MS, ""); /* abroad, by no path */
  text(&e, "to", "analytics house");
  text(&e, "country", "SG");
  qun__event_data_int(&e, "subjects", (int64_t)s->joined);
  qun__sim_end(s, &e);
}

/* A small incident: reported to the authority after two hours, to the persons not at all. */
static void put_incident(struct qun__sim *s) {
  struct qun__event e;
  char id[40];
  qun__sim_begin(s, &e, "incident.opened", 9 * QUN__HOUR_MS, id);
  qun__event_data(&e);
  text(&e, "class", "leak");
  text(&e, "level", "general");
  qun__event_data_int(&e, "affected", 12);
  qun__sim_end(s, &e);
  begin(s, &e, "incident.reported", 11 * QUN__HOUR_MS, id);
  text(&e, "to", "authority");
  qun__sim_end(s, &e);
}

void qun__sim_staff(struct qun__sim *s) {
  if (s->today == 0) first_day(s);
  if (s->today > 0 && s->today == s->o.days / 2) middle_day(s);
  if (s->today > 0 && s->today == s->o.days / 3) put_incident(s);
  if (s->today % 7 == 6) put_channels(s);
  put_posts(s);
}
