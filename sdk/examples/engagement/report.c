/* SPDX-License-Identifier: Apache-2.0 */
/* engagement.report: the views overview and draws. */
#include "engagement.h"

enum { PERIOD = 30 };

struct sums {
  int64_t active, checkins, earned, spent, members, holders;
  int64_t by_level[STEPS_MAX + 1];
  int32_t from, to;
};

static int add_day(void *arg, qun_slice key, qun_slice value) {
  struct sums *s = (struct sums *)arg;
  int64_t n[4] = {0}, day = (int64_t)(key_number(key, 4) ^ 0x80000000u);
  struct qun_unpack u;
  uint32_t count = 0;
  if (day >= 0x80000000) day -= (int64_t)1 << 32;
  if (day < s->from || day > s->to) return 0;
  qun_unpack_init(&u, value);
  if (!qun_unpack_array(&u, &count) || count != 4) return QUN_EFAIL;
  for (int i = 0; i < 4; i++) qun_unpack_int(&u, &n[i]);
  s->active += n[0];
  s->checkins += n[1];
  s->earned += n[2];
  s->spent += n[3];
  return 0;
}

static int add_member(void *arg, qun_slice key, qun_slice value) {
  struct sums *s = (struct sums *)arg;
  int64_t n[3] = {0};
  struct qun_unpack u;
  uint32_t count = 0;
  (void)key;
  qun_unpack_init(&u, value);
  if (!qun_unpack_array(&u, &count) || count < 3) return QUN_EFAIL;
  for (int i = 0; i < 3; i++) qun_unpack_int(&u, &n[i]);
  s->members++;
  if (n[0] - n[1] > 0) s->holders++;
  if (n[2] >= 0 && n[2] <= STEPS_MAX) s->by_level[n[2]]++;
  return 0;
}

static int64_t share(int64_t part, int64_t whole) {
  return whole > 0 ? part * 1000000 / whole : 0;
}

/* A ratio and how it stands to what is wanted. */
static void ratio(struct qun_report *r, const char *id, const char *label, int64_t value, int64_t wanted) {
  qun_report_figure(r, id, label, "ratio", value, value >= wanted ? "good" : "warn");
}

static int write_overview(const struct call *c, struct qun_report *r, struct sums *s) {
  int rc = rows_each(c, qun_str("s"), add_day, s);
  if (rc >= 0) rc = rows_each(c, qun_str("m"), add_member, s);
  if (rc < 0) return rc;
  qun_report_figures(r, "points", "engagement.section.points");
  qun_report_figure(r, "members", "engagement.members", "int", s->members, NULL);
  qun_report_figure(r, "holders", "engagement.holders", "int", s->holders, NULL);
  qun_report_figure(r, "earned", "engagement.earned", "int", s->earned, NULL);
  qun_report_figure(r, "spent", "engagement.spent", "int", s->spent, NULL);
  ratio(r, "redeem_share", "engagement.redeem_share", share(s->spent, s->earned), c->set->redeem_share);
  qun_report_list_end(r);
  qun_report_figures(r, "checkins", "engagement.section.checkins");
  qun_report_figure(r, "active", "engagement.active", "int", s->active, NULL);
  qun_report_figure(r, "checkins", "engagement.checkins", "int", s->checkins, NULL);
  ratio(r, "checkin_share", "engagement.checkin_share", share(s->checkins, s->active), c->set->checkin_share);
  qun_report_list_end(r);
  qun_report_table(r, "levels", "engagement.section.levels");
  qun_report_column(r, "level", "engagement.level", "int");
  qun_report_column(r, "from", "engagement.level_from", "int");
  qun_report_column(r, "members", "engagement.members", "int");
  qun_report_rows(r);
  for (uint32_t i = 0; i <= c->set->levels_count; i++) {
    qun_report_row(r, 3);
    qun_pack_int(&r->pack, i);
    qun_pack_int(&r->pack, i ? c->set->levels[i - 1] : 0);
    qun_pack_int(&r->pack, s->by_level[i]);
  }
  qun_report_list_end(r);
  qun_report_glossary(r);
  qun_report_term(r, "redeem_share", "engagement.redeem_share", "engagement.formula.redeem_share", "G73");
  qun_report_term(r, "checkin_share", "engagement.checkin_share", "engagement.formula.checkin_share", "G73");
  return 0;
}

struct draw_rows {
  const struct call *c;
  struct qun_report *r;
};

static int write_draw(void *arg, qun_slice key, qun_slice value) {
  static const char *const states[] = {"", "engagement.draw.open", "engagement.draw.closed", "engagement.draw.drawn"};
  struct draw_rows *rows = (struct draw_rows *)arg;
  qun_slice id = qun_slice_of((const char *)key.ptr + 1, (size_t)key.len - 2);
  struct draw d;
  (void)value;
  int rc = draw_get(rows->c, id, &d);
  if (rc < 0) return rc;
  qun_report_row(rows->r, 6);
  qun_pack_str(&rows->r->pack, id);
  qun_report_text(&rows->r->pack, states[d.state]);
  qun_pack_int(&rows->r->pack, d.closes);
  qun_pack_int(&rows->r->pack, d.prizes);
  qun_pack_int(&rows->r->pack, d.entries);
  if (d.entries == 0)
    qun_pack_nil(&rows->r->pack);
  else
    qun_pack_int(&rows->r->pack, d.prizes >= d.entries ? 1000000 : share(d.prizes, d.entries));
  return 0;
}

static int write_draws(const struct call *c, struct qun_report *r, struct sums *s) {
  struct draw_rows rows = {c, r};
  (void)s;
  qun_report_table(r, "draws", "engagement.section.draws");
  qun_report_column(r, "draw", "engagement.draw", "str");
  qun_report_column(r, "state", "engagement.draw.state", "text");
  qun_report_column(r, "closes", "engagement.draw.closes", "time");
  qun_report_column(r, "prizes", "engagement.draw.prizes", "int");
  qun_report_column(r, "entries", "engagement.draw.entries", "int");
  qun_report_column(r, "odds", "engagement.draw.odds", "ratio");
  qun_report_rows(r);
  int rc = rows_each(c, qun_str("d"), write_draw, &rows);
  qun_report_list_end(r);
  qun_report_words(r, "fair", "engagement.section.fair");
  qun_report_text(&r->pack, "engagement.fair");
  qun_report_glossary(r);
  qun_report_term(r, "odds", "engagement.draw.odds", "engagement.formula.odds", "C31");
  return rc;
}

static const struct view {
  const char *name, *title;
  int (*write)(const struct call *c, struct qun_report *r, struct sums *s);
} views[] = {{"overview", "engagement.title.overview", write_overview},
             {"draws", "engagement.title.draws", write_draws}};

int report_answer(const struct call *c, const struct qun_request *request) {
  qun_slice name = qun_mp_str(request->params, "view");
  int64_t to = qun_mp_int(request->params, "to", c->ctx->clock_day);
  int64_t from = qun_mp_int(request->params, "from", to - PERIOD + 1);
  const struct view *view = name.len == 0 || qun_slice_is(name, views[0].name) ? &views[0]
                            : qun_slice_is(name, views[1].name)                ? &views[1]
                                                                               : NULL;
  struct sums sums = {.from = (int32_t)from, .to = (int32_t)to};
  struct qun_report r;
  if (!view) return refuse(c, QUN_ENOTFOUND, "the views are overview and draws");
  if (from > to || from < -10000000 || to > 10000000)
    return refuse(c, QUN_EINVAL, "from and to must be days, from first");
  qun_report_begin(&r, "engagement", view->name, view->title, c->ctx->clock_ms, (int32_t)from, (int32_t)to);
  int rc = view->write(c, &r, &sums);
  qun_slice body = rc < 0 ? qun_slice_of(NULL, 0) : qun_report_end(&r);
  if (rc >= 0 && body.len == 0) rc = refuse(c, QUN_EFAIL, "out of memory");
  if (rc >= 0) rc = c->e->reply->reply(c->e->host, request->id, body);
  qun_report_fini(&r);
  return rc;
}
