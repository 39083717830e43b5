/* SPDX-License-Identifier: Apache-2.0 */
/* Agreements, what was given and received, overlaps, crossings refused (catalogue X03, X05-X09). */
#include "report.h"

/* ---------------------------------------------------------------- figures */

struct totals {
  int64_t partners, open;
  struct cross_balance balance;
};

static int count_open(void *arg, qun_slice key, qun_slice row) {
  struct cross_view *v = ((void **)arg)[0];
  struct totals *t = ((void **)arg)[1];
  struct cross_agreement a;
  cross_agreement_decode(&a, cross_key_first(key), row);
  t->open += cross_agreement_open(&a, v->c->ctx->clock_ms);
  return QUN_OK;
}

static int add_partner(void *arg, qun_slice key, qun_slice row) {
  struct cross_view *v = ((void **)arg)[0];
  struct totals *t = ((void **)arg)[1];
  struct cross_balance b;
  int rc = cross_balance(v, cross_key_first(key), &b);
  (void)row;
  if (rc < 0) return rc;
  t->partners++;
  t->balance.received.joins += b.received.joins;
  t->balance.received.purchases += b.received.purchases;
  t->balance.received.spend += b.received.spend;
  t->balance.given.joins += b.given.joins;
  return QUN_OK;
}

static int figures(struct cross_view *v) {
  struct cross_key agreements = cross_key_of('A'), partners = cross_key_of('P');
  struct totals t = {.partners = 0};
  void *args[2] = {v, &t};
  int rc = cross_scan(v->c, &agreements, count_open, args);
  if (rc >= 0) rc = cross_scan(v->c, &partners, add_partner, args);
  if (rc < 0) return rc;
  qun_report_figures(&v->r, "now", "crosspromo.section.now");
  qun_report_figure(&v->r, "partners", "crosspromo.m.partners", "int", t.partners, NULL);
  qun_report_figure(&v->r, "open", "crosspromo.m.open", "int", t.open, NULL);
  qun_report_figure(&v->r, "joins", "crosspromo.m.joins", "int", t.balance.received.joins, NULL);
  qun_report_figure(&v->r, "purchases", "crosspromo.m.purchases", "int", t.balance.received.purchases, NULL);
  qun_report_figure(&v->r, "spend", "crosspromo.m.spend", "money", t.balance.received.spend, NULL);
  qun_report_figure(&v->r, "given_joins", "crosspromo.m.given_joins", "int", t.balance.given.joins, NULL);
  qun_report_list_end(&v->r);
  return QUN_OK;
}

/* ---------------------------------------------------------------- agreements */

static const char *state_of(const struct cross_agreement *a, int64_t now) {
  if (a->ended_ms != 0) return "crosspromo.state.ended";
  if (a->accepted_ms == 0) return a->offered ? "crosspromo.state.offered" : "crosspromo.state.proposed";
  if (a->has_to && now > a->to_ms) return "crosspromo.state.expired";
  return a->has_from && now < a->from_ms ? "crosspromo.state.waiting" : "crosspromo.state.open";
}

static int agreement_row(void *arg, qun_slice key, qun_slice row) {
  struct cross_view *v = arg;
  struct qun_pack *p = &v->r.pack;
  struct cross_agreement a;
  char kinds[32];
  cross_agreement_decode(&a, cross_key_first(key), row);
  cross_kinds_text(kinds, a.kinds);
  qun_report_row(&v->r, 8);
  qun_pack_cstr(p, a.id.at);
  qun_pack_cstr(p, a.partner.at);
  qun_report_text(p, state_of(&a, v->c->ctx->clock_ms));
  if (a.form.at[0])
    qun_pack_cstr(p, a.form.at);
  else
    qun_pack_nil(p);
  qun_pack_cstr(p, kinds);
  if (a.has_from)
    qun_pack_int(p, a.from_ms);
  else
    qun_pack_nil(p);
  if (a.has_to)
    qun_pack_int(p, a.to_ms);
  else
    qun_pack_nil(p);
  qun_pack_int(p, a.share);
  return QUN_OK;
}

static int agreements(struct cross_view *v) {
  static const struct cross_column columns[] = {{"agreement", "crosspromo.col.agreement", "str"},
                                                {"partner", "crosspromo.col.partner", "str"},
                                                {"state", "crosspromo.col.state", "text"},
                                                {"form", "crosspromo.col.form", "str"},
                                                {"kinds", "crosspromo.col.kinds", "str"},
                                                {"from", "crosspromo.col.from", "time"},
                                                {"to", "crosspromo.col.to", "time"},
                                                {"share", "crosspromo.col.share", "ratio"}};
  struct cross_key prefix = cross_key_of('A');
  int rc;
  qun_report_table(&v->r, "agreements", "crosspromo.section.agreements");
  cross_columns(v, columns, sizeof columns / sizeof columns[0]);
  rc = cross_scan(v->c, &prefix, agreement_row, v);
  qun_report_list_end(&v->r);
  return rc;
}

/* ---------------------------------------------------------------- balance */

/* What the partner may ask of what came by it: the largest share of an open agreement. */
struct owing {
  qun_slice partner;
  int64_t share;
};

static int find_share(void *arg, qun_slice key, qun_slice row) {
  struct owing *o = arg;
  struct cross_agreement a;
  cross_agreement_decode(&a, cross_key_first(key), row);
  if (a.accepted_ms != 0 && qun_slice_is(o->partner, a.partner.at) && a.share > o->share) o->share = a.share;
  return QUN_OK;
}

static int balance_row(struct cross_view *v, const struct cross_partner *partner) {
  struct cross_key prefix = cross_key_of('A');
  struct owing owing = {cross_text_slice(&partner->name), 0};
  struct qun_pack *p = &v->r.pack;
  struct cross_balance b;
  int64_t spend;
  int rc = cross_balance(v, owing.partner, &b);
  if (rc >= 0) rc = cross_scan(v->c, &prefix, find_share, &owing);
  if (rc < 0) return rc;
  spend = b.received.spend > 0 ? b.received.spend : 0;
  qun_report_row(&v->r, 10);
  qun_pack_cstr(p, partner->name.at);
  qun_pack_int(p, b.received.clicks);
  qun_pack_int(p, b.received.joins);
  qun_pack_int(p, b.received.purchases);
  qun_pack_int(p, b.received.spend);
  qun_pack_int(p, spend / 1000000 * owing.share + spend % 1000000 * owing.share / 1000000);
  qun_pack_int(p, b.given.clicks);
  qun_pack_int(p, b.given.joins);
  qun_pack_int(p, b.given.purchases);
  qun_pack_int(p, cross_points(&v->c->t->settings, &b.received) - cross_points(&v->c->t->settings, &b.given));
  return QUN_OK;
}

static int balance(struct cross_view *v) {
  static const struct cross_column columns[] = {{"partner", "crosspromo.col.partner", "str"},
                                                {"clicks", "crosspromo.m.clicks", "int"},
                                                {"joins", "crosspromo.m.joins", "int"},
                                                {"purchases", "crosspromo.m.purchases", "int"},
                                                {"spend", "crosspromo.m.spend", "money"},
                                                {"owed", "crosspromo.m.owed", "money"},
                                                {"given_clicks", "crosspromo.m.given_clicks", "int"},
                                                {"given_joins", "crosspromo.m.given_joins", "int"},
                                                {"given_purchases", "crosspromo.m.given_purchases", "int"},
                                                {"balance", "crosspromo.m.balance", "int"}};
  int rc;
  qun_report_table(&v->r, "balance", "crosspromo.section.balance");
  cross_columns(v, columns, sizeof columns / sizeof columns[0]);
  rc = cross_partners_each(v, balance_row);
  qun_report_list_end(&v->r);
  return rc;
}

/* ---------------------------------------------------------------- overlaps, items, refusals */

static void pack_known(struct qun_pack *p, int64_t v) {
  if (v == CROSS_UNKNOWN)
    qun_pack_nil(p);
  else
    qun_pack_int(p, v);
}

static int overlap_row(void *arg, qun_slice key, qun_slice row) {
  struct cross_view *v = arg;
  struct qun_pack *p = &v->r.pack;
  qun_slice refused = qun_mp_str(row, "refused");
  int64_t count = qun_mp_int(row, "count", CROSS_UNKNOWN), own = qun_mp_int(row, "own", 0);
  (void)key;
  qun_report_row(&v->r, 6);
  qun_pack_int(p, qun_mp_int(row, "ms", 0));
  qun_pack_str(p, qun_mp_str(row, "partner"));
  pack_known(p, count);
  pack_known(p, own > 0 ? own : CROSS_UNKNOWN);
  pack_known(p, count != CROSS_UNKNOWN && own > 0 ? count * 1000000 / own : CROSS_UNKNOWN);
  if (refused.len > 0)
    qun_pack_str(p, refused);
  else
    qun_pack_nil(p);
  return QUN_OK;
}

static int item_row(void *arg, qun_slice key, qun_slice row) {
  struct cross_view *v = arg;
  struct qun_pack *p = &v->r.pack;
  (void)key;
  qun_report_row(&v->r, 5);
  qun_pack_int(p, qun_mp_int(row, "ms", 0));
  qun_pack_str(p, qun_mp_str(row, "partner"));
  qun_pack_str(p, qun_mp_str(row, "item"));
  qun_pack_str(p, qun_mp_str(row, "title"));
  qun_pack_str(p, qun_mp_str(row, "label"));
  return QUN_OK;
}

static int refusal_row(void *arg, qun_slice key, qun_slice row) {
  struct cross_view *v = arg;
  struct qun_pack *p = &v->r.pack;
  (void)key;
  qun_report_row(&v->r, 3);
  qun_pack_int(p, qun_mp_int(row, "ms", 0));
  qun_pack_str(p, qun_mp_str(row, "partner"));
  qun_pack_str(p, qun_mp_str(row, "reason"));
  return QUN_OK;
}

static int rows_of(struct cross_view *v, char tag, cross_visit row) {
  struct cross_key prefix = cross_key_of(tag);
  int rc = cross_scan(v->c, &prefix, row, v);
  qun_report_list_end(&v->r);
  return rc;
}

static int crossings(struct cross_view *v) {
  static const struct cross_column overlaps[] = {{"time", "crosspromo.col.time", "time"},
                                                 {"partner", "crosspromo.col.partner", "str"},
                                                 {"count", "crosspromo.m.overlap", "int"},
                                                 {"own", "crosspromo.col.own_set", "int"},
                                                 {"share", "crosspromo.m.overlap_share", "ratio"},
                                                 {"refused", "crosspromo.col.refused", "str"}};
  static const struct cross_column items[] = {{"time", "crosspromo.col.time", "time"},
                                              {"partner", "crosspromo.col.partner", "str"},
                                              {"item", "crosspromo.col.item", "str"},
                                              {"title", "crosspromo.col.title", "str"},
                                              {"label", "crosspromo.col.label", "str"}};
  static const struct cross_column refusals[] = {{"time", "crosspromo.col.time", "time"},
                                                 {"partner", "crosspromo.col.partner", "str"},
                                                 {"reason", "crosspromo.col.refused", "str"}};
  int rc;
  qun_report_table(&v->r, "overlaps", "crosspromo.section.overlaps");
  cross_columns(v, overlaps, sizeof overlaps / sizeof overlaps[0]);
  rc = rows_of(v, 'V', overlap_row);
  if (rc < 0) return rc;
  qun_report_table(&v->r, "items", "crosspromo.section.items");
  cross_columns(v, items, sizeof items / sizeof items[0]);
  rc = rows_of(v, 'I', item_row);
  if (rc < 0) return rc;
  qun_report_table(&v->r, "refusals", "crosspromo.section.refusals");
  cross_columns(v, refusals, sizeof refusals / sizeof refusals[0]);
  return rows_of(v, 'X', refusal_row);
}

int cross_view_overview(struct cross_view *v) {
  int rc = figures(v);
  if (rc >= 0) rc = agreements(v);
  if (rc >= 0) rc = balance(v);
  if (rc >= 0) rc = crossings(v);
  qun_report_glossary(&v->r);
  qun_report_term(&v->r, "joins", "crosspromo.m.joins", "crosspromo.f.joins", "X08");
  qun_report_term(&v->r, "purchases", "crosspromo.m.purchases", "crosspromo.f.purchases", "X08");
  qun_report_term(&v->r, "owed", "crosspromo.m.owed", "crosspromo.f.owed", "X06");
  qun_report_term(&v->r, "given_joins", "crosspromo.m.given_joins", "crosspromo.f.given_joins", "X09");
  qun_report_term(&v->r, "balance", "crosspromo.m.balance", "crosspromo.f.balance", "X09");
  qun_report_term(&v->r, "overlap", "crosspromo.m.overlap", "crosspromo.f.overlap", "X03");
  return rc;
}
