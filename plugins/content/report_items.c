/* SPDX-License-Identifier: Apache-2.0 */
/* Content items, the calendar, and the quotas of accounts. */
#include "content.h"

#include <qun/report.h>

#include <stdio.h>
#include <string.h>

enum { ROWS = 5000, AHEAD_DAYS = 31, ACCOUNTS = 200 };

static void text_of(struct qun_pack *p, const char *prefix, const char *name) {
  char id[64];
  snprintf(id, sizeof id, "%s%s", prefix, name);
  qun_report_text(p, id);
}

static void int_or_nil(struct qun_pack *p, int64_t v, bool known) {
  if (known)
    qun_pack_int(p, v);
  else
    qun_pack_nil(p);
}

/* ---- items */

struct items {
  struct qun__view *view;
  uint32_t left;
  int64_t states[QUN_STATES];
  bool write;
};

static void verdict_text(struct qun_pack *p, qun_slice verdict) {
  static const char *const known[] = {"fine", "needs_label", "needs_person", "block"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (qun_slice_is(verdict, known[i])) {
      text_of(p, "content.verdict.", known[i]);
      return;
    }
  }
  qun_report_text(p, "content.verdict.unchecked");
}

static int write_item(struct items *l, const struct qun__item *item) {
  char key[QUN_KEY_MAX];
  struct qun_pack *p = &l->view->report->pack;
  struct qun__post counts;
  bool found;
  int error = qun__post_get(l->view->self, l->view->ctx->tenant, qun__text_key(key, 'n', item->id), &counts, &found);
  if (error) return error;
  qun_report_row(l->view->report, 17);
  qun_pack_str(p, item->id);
  qun_pack_str(p, item->title);
  text_of(p, "content.kind.", qun__kind_names[item->kind]);
  text_of(p, "content.state.", qun__state_names[item->state]);
  qun_pack_str(p, item->account);
  int_or_nil(p, item->score, item->score >= 0);
  verdict_text(p, item->verdict);
  int_or_nil(p, item->findings, item->findings >= 0);
  int_or_nil(p, item->planned_ms, item->planned_ms != 0);
  int_or_nil(p, item->published_ms, item->published_ms != 0);
  qun_pack_int(p, counts.reads);
  qun_pack_int(p, counts.shares);
  qun_pack_int(p, counts.clicks);
  qun_pack_int(p, counts.replies);
  qun_pack_int(p, counts.reactions);
  qun_pack_int(p, (int64_t)counts.agrees + counts.passes + counts.disagrees);
  qun_pack_str(p, item->reason);
  return 0;
}

static int each_item(void *arg, const struct qun_pair *row) {
  struct items *l = arg;
  struct qun__item item;
  if (!qun__item_decode(&item, qun_slice_of((const char *)row->key.ptr + 1, (size_t)row->key.len - 1), row->value))
    return 0;
  if (!l->write) {
    l->states[item.state]++;
    return 0;
  }
  if (l->left == 0) return 1;
  l->left--;
  return write_item(l, &item);
}

int qun__view_items(struct qun__view *v) {
  static const struct qun__column columns[] = {
      {"item", "content.item", "str"},           {"title", "content.item_title", "str"},
      {"kind", "content.kind", "text"},          {"state", "content.state", "text"},
      {"account", "content.account", "str"},     {"score", "content.score", "int"},
      {"verdict", "content.verdict", "text"},    {"findings", "content.findings", "int"},
      {"planned", "content.planned", "time"},    {"published", "content.published_at", "time"},
      {"reads", "content.reads", "int"},         {"shares", "content.shares", "int"},
      {"clicks", "content.clicks", "int"},       {"replies", "content.replies", "int"},
      {"reactions", "content.reactions", "int"}, {"votes", "content.votes", "int"},
      {"reason", "content.reason", "str"}};
  struct items l = {.view = v, .left = ROWS};
  char label[64];
  int error = qun__each(v->self, v->ctx, qun_str("i"), qun_slice_of(NULL, 0), each_item, &l);
  if (error) return error;
  qun_report_figures(v->report, "states", "content.states");
  for (int i = 0; i < QUN_STATES; i++) {
    snprintf(label, sizeof label, "content.state.%s", qun__state_names[i]);
    qun_report_figure(v->report, qun__state_names[i], label, "int", l.states[i],
                      l.states[i] && (i == QUN_STATE_FAILED || i == QUN_STATE_BLOCKED) ? "warn" : NULL);
  }
  qun_report_list_end(v->report);
  qun__table(v, "items", "content.title_items", columns, sizeof columns / sizeof *columns);
  l.write = true;
  error = qun__each(v->self, v->ctx, qun_str("i"), qun_slice_of(NULL, 0), each_item, &l);
  qun_report_list_end(v->report);
  return error > 0 ? 0 : error;
}

/* ---- calendar */

struct slots {
  struct qun__view *view;
  int64_t end_ms;
};

static int each_slot(void *arg, const struct qun_pair *row) {
  struct slots *s = arg;
  struct qun_pack *p = &s->view->report->pack;
  struct qun__item item;
  int64_t at = qun__key_time(row->key, 1);
  int error;
  if (at >= s->end_ms) return 1;
  error = qun__item_get(s->view->self, s->view->ctx->tenant,
                        qun_slice_of((const char *)row->key.ptr + 9, (size_t)row->key.len - 9), &item);
  if (error) return error == QUN_ENOTFOUND ? 0 : error;
  qun_report_row(s->view->report, 6);
  qun_pack_int(p, at);
  qun_pack_str(p, item.id);
  qun_pack_str(p, item.title);
  text_of(p, "content.kind.", qun__kind_names[item.kind]);
  text_of(p, "content.state.", qun__state_names[item.state]);
  qun_pack_str(p, row->value);
  return 0;
}

int qun__view_calendar(struct qun__view *v) {
  static const struct qun__column columns[] = {
      {"at", "content.at", "time"},     {"item", "content.item", "str"},    {"title", "content.item_title", "str"},
      {"kind", "content.kind", "text"}, {"state", "content.state", "text"}, {"account", "content.account", "str"}};
  char key[QUN_KEY_MAX];
  struct slots s = {.view = v};
  int64_t begin;
  int error = v->self->calendar->from_local(v->self->host, v->ctx->tenant, v->from, 0, &begin);
  /* What is planned lies ahead of the clock. */
  if (error >= 0)
    error = v->self->calendar->from_local(v->self->host, v->ctx->tenant, v->ranged ? v->to + 1 : v->to + AHEAD_DAYS, 0,
                                          &s.end_ms);
  if (error < 0) return error;
  qun__table(v, "calendar", "content.title_calendar", columns, sizeof columns / sizeof *columns);
  error =
      qun__each(v->self, v->ctx, qun_str("t"), qun__time_key(key, 't', begin, qun_slice_of(NULL, 0)), each_slot, &s);
  qun_report_list_end(v->report);
  return error > 0 ? 0 : error;
}

/* ---- quotas */

struct uses {
  int64_t end_ms, used, planned;
  size_t skip;
};

static int each_use(void *arg, const struct qun_pair *row) {
  struct uses *u = arg;
  if (qun__key_time(row->key, u->skip) >= u->end_ms) return 1;
  if (qun_slice_is(row->value, "p"))
    u->planned++;
  else
    u->used++;
  return 0;
}

static int count_uses(struct qun__view *v, qun_slice account, int32_t from, int32_t to, struct uses *u) {
  char key[QUN_KEY_MAX], prefix[QUN_KEY_MAX];
  qun_slice all = qun__quota_key(prefix, account, 0, qun_slice_of(NULL, 0));
  int64_t begin;
  int error = v->self->calendar->from_local(v->self->host, v->ctx->tenant, from, 0, &begin);
  *u = (struct uses){.skip = (size_t)account.len + 2};
  if (error >= 0) error = v->self->calendar->from_local(v->self->host, v->ctx->tenant, to, 0, &u->end_ms);
  if (error < 0) return error;
  all.len -= 8;
  error = qun__each(v->self, v->ctx, all, qun__quota_key(key, account, begin, qun_slice_of(NULL, 0)), each_use, u);
  return error > 0 ? 0 : error;
}

static int write_account(struct qun__view *v, qun_slice account) {
  static const char *const windows[] = {"none", "day", "week", "month"};
  struct qun_pack *p = &v->report->pack;
  struct qun__quota quota;
  struct uses u;
  int32_t from, to;
  int64_t left;
  int error;
  qun__quota_of(v->ctx->local, account, &quota);
  qun__window_days(quota.window, v->to, &from, &to);
  error = count_uses(v, account, from, to, &u);
  if (error) return error;
  left = quota.limit - u.used - u.planned;
  qun_report_row(v->report, 9);
  qun_pack_str(p, account);
  text_of(p, "content.class.", quota.account_class);
  text_of(p, "content.window.", windows[quota.window]);
  qun_pack_int(p, from);
  qun_pack_int(p, to - 1);
  int_or_nil(p, quota.limit, quota.window != QUN_WINDOW_NONE);
  qun_pack_int(p, u.used);
  qun_pack_int(p, u.planned);
  int_or_nil(p, left > 0 ? left : 0, quota.window != QUN_WINDOW_NONE);
  return 0;
}

struct accounts {
  struct qun__view *view;
  qun_slice listed; /* the setting */
  uint32_t left;
};

static bool is_listed(qun_slice listed, qun_slice account) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice entry;
  qun_unpack_init(&u, listed);
  if (!qun_unpack_array(&u, &n)) return false;
  while (n-- > 0 && qun_unpack_str(&u, &entry)) {
    if (entry.len > account.len && ((const char *)entry.ptr)[account.len] == '=' &&
        memcmp(entry.ptr, account.ptr, (size_t)account.len) == 0)
      return true;
  }
  return false;
}

static int each_seen(void *arg, const struct qun_pair *row) {
  struct accounts *a = arg;
  qun_slice account = qun_slice_of((const char *)row->key.ptr + 1, (size_t)row->key.len - 1);
  if (account.len == 0 || is_listed(a->listed, account)) return 0;
  if (a->left == 0) return 1;
  a->left--;
  return write_account(a->view, account);
}

static int each_listed(struct accounts *a) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice entry;
  int error = 0;
  qun_unpack_init(&u, a->listed);
  if (!qun_unpack_array(&u, &n)) return 0;
  while (!error && n-- > 0 && a->left > 0 && qun_unpack_str(&u, &entry)) {
    const char *equals = entry.len ? memchr(entry.ptr, '=', (size_t)entry.len) : NULL;
    size_t len = equals ? (size_t)(equals - (const char *)entry.ptr) : 0;
    if (len == 0 || len > QUN_ACCOUNT_MAX) continue;
    a->left--;
    error = write_account(a->view, qun_slice_of(entry.ptr, len));
  }
  return error;
}

int qun__view_quota(struct qun__view *v) {
  static const struct qun__column columns[] = {
      {"account", "content.account", "str"}, {"class", "content.class", "text"},
      {"window", "content.window", "text"},  {"from", "content.from", "day"},
      {"to", "content.to", "day"},           {"limit", "content.limit", "int"},
      {"used", "content.used", "int"},       {"planned", "content.planned_uses", "int"},
      {"left", "content.left", "int"}};
  const struct qun__settings *s = v->ctx->local;
  struct accounts a = {.view = v, .listed = s->accounts, .left = ACCOUNTS};
  int error;
  qun__table(v, "quota", "content.title_quota", columns, sizeof columns / sizeof *columns);
  error = each_listed(&a);
  if (!error) error = qun__each(v->self, v->ctx, qun_str("c"), qun_slice_of(NULL, 0), each_seen, &a);
  qun_report_list_end(v->report);
  return error > 0 ? 0 : error;
}
