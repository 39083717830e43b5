/* SPDX-License-Identifier: Apache-2.0 */
/* Posts and what they met with: totals, hot posts (C21), hours (C12), votes. One pass over the counts. */
#include "content.h"

#include <qun/report.h>

#include <stdlib.h>
#include <string.h>

enum { HOT = 10 };

struct hot {
  qun_slice key;
  struct qun__post post;
  uint64_t heat;
};

struct totals {
  const struct qun__view *view;
  uint64_t posts, agrees, passes, disagrees, reactions, replies, reads, shares, clicks;
  uint64_t hours[24];
  struct hot hot[HOT];
  uint32_t hot_count;
};

static bool in_range(const struct qun__view *v, const struct qun__post *p) {
  return !v->ranged || (p->time_ms && p->day >= v->from && p->day <= v->to);
}

/* Replies and reactions, each as one. */
static uint64_t heat_of(const struct qun__post *p) {
  return (uint64_t)p->replies + p->reactions + p->agrees + p->passes + p->disagrees;
}

/* Hotter first; of two equal ones the earlier in key order stays first, since rows come in that order. */
static void keep_hot(struct totals *t, const struct hot *h) {
  uint32_t at = t->hot_count;
  if (h->heat == 0) return;
  while (at > 0 && t->hot[at - 1].heat < h->heat) at--;
  if (at == HOT) return;
  if (t->hot_count < HOT) t->hot_count++;
  memmove(&t->hot[at + 1], &t->hot[at], (t->hot_count - 1 - at) * sizeof t->hot[0]);
  t->hot[at] = *h;
}

static int add_post(void *arg, const struct qun_pair *row) {
  struct totals *t = arg;
  struct hot h = {.key = row->key};
  const struct qun__post *p = &h.post;
  qun__post_decode(&h.post, row->value);
  if (!in_range(t->view, p)) return 0;
  t->posts += p->time_ms != 0;
  t->agrees += p->agrees;
  t->passes += p->passes;
  t->disagrees += p->disagrees;
  t->reactions += p->reactions;
  t->replies += p->replies;
  /* What is counted on a post that publishes an item is counted on the item too. */
  if (!(p->flags & QUN_POST_LINKED)) {
    t->reads += p->reads;
    t->shares += p->shares;
    t->clicks += p->clicks;
  }
  if (p->time_ms) t->hours[p->minute / 60 % 24]++;
  h.heat = heat_of(p);
  keep_hot(t, &h);
  return 0;
}

static int add_item(void *arg, const struct qun_pair *row) {
  struct totals *t = arg;
  struct qun__post p;
  qun__post_decode(&p, row->value);
  if (!in_range(t->view, &p)) return 0;
  t->reads += p.reads;
  t->shares += p.shares;
  t->clicks += p.clicks;
  return 0;
}

/* m<group> NUL <message> */
static void pack_key(struct qun_pack *p, qun_slice key) {
  const char *group = (const char *)key.ptr + 1, *end = (const char *)key.ptr + key.len;
  const char *nul = memchr(group, 0, (size_t)(end - group));
  if (!nul) nul = group;
  qun_pack_str(p, qun_slice_of(group, (size_t)(nul - group)));
  qun_pack_str(p, nul < end ? qun_slice_of(nul + 1, (size_t)(end - nul - 1)) : qun_str(""));
}

static void pack_day(struct qun_pack *p, const struct qun__post *post) {
  if (post->time_ms)
    qun_pack_int(p, post->day);
  else
    qun_pack_nil(p);
}

static void write_figures(struct qun__view *v, const struct totals *t) {
  const struct {
    const char *id, *label;
    uint64_t value;
  } figures[] = {{"posts", "content.posts", t->posts},
                 {"replies", "content.replies", t->replies},
                 {"votes", "content.votes", t->agrees + t->passes + t->disagrees},
                 {"agrees", "content.agrees", t->agrees},
                 {"disagrees", "content.disagrees", t->disagrees},
                 {"passes", "content.passes", t->passes},
                 {"reactions", "content.reactions", t->reactions},
                 {"reads", "content.reads", t->reads},
                 {"shares", "content.shares", t->shares},
                 {"clicks", "content.clicks", t->clicks}};
  qun_report_figures(v->report, "community", "content.community");
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
    qun_report_figure(v->report, figures[i].id, figures[i].label, "int", (int64_t)figures[i].value, NULL);
  qun_report_list_end(v->report);
}

static void write_hot(struct qun__view *v, const struct totals *t) {
  static const struct qun__column columns[] = {{"group", "content.group", "str"},
                                               {"item", "content.item", "str"},
                                               {"day", "content.day", "day"},
                                               {"heat", "content.heat", "int"},
                                               {"replies", "content.replies", "int"},
                                               {"votes", "content.votes", "int"},
                                               {"reactions", "content.reactions", "int"}};
  struct qun_pack *p = &v->report->pack;
  qun__table(v, "hot", "content.hot", columns, sizeof columns / sizeof *columns);
  for (uint32_t i = 0; i < t->hot_count; i++) {
    const struct qun__post *post = &t->hot[i].post;
    qun_report_row(v->report, 7);
    pack_key(p, t->hot[i].key);
    pack_day(p, post);
    qun_pack_int(p, (int64_t)t->hot[i].heat);
    qun_pack_int(p, post->replies);
    qun_pack_int(p, (int64_t)post->agrees + post->passes + post->disagrees);
    qun_pack_int(p, post->reactions);
  }
  qun_report_list_end(v->report);
}

static void write_hours(struct qun__view *v, const struct totals *t) {
  qun_report_chart(v->report, "hours", "content.hours", "bar", "content.hour", "int", 24);
  for (int i = 0; i < 24; i++) qun_pack_int(&v->report->pack, i);
  qun_report_chart_series(v->report);
  qun_report_series(v->report, "posts", "content.posts", "int", 24);
  for (int i = 0; i < 24; i++) qun_pack_int(&v->report->pack, (int64_t)t->hours[i]);
  qun_report_list_end(v->report);
}

int qun__view_posts(struct qun__view *v) {
  struct totals t = {.view = v};
  int error = qun__each(v->self, v->ctx, qun_str("m"), qun_slice_of(NULL, 0), add_post, &t);
  if (!error) error = qun__each(v->self, v->ctx, qun_str("n"), qun_slice_of(NULL, 0), add_item, &t);
  if (error) return error;
  write_figures(v, &t);
  write_hot(v, &t);
  write_hours(v, &t);
  return 0;
}

/* ---- votes */

struct voted {
  qun_slice key;
  struct qun__post post;
};

struct votes {
  const struct qun__view *view;
  struct voted *rows;
  size_t count, capacity;
};

static int keep_voted(void *arg, const struct qun_pair *row) {
  struct votes *votes = arg;
  struct qun__post p;
  qun__post_decode(&p, row->value);
  if (p.agrees + (uint64_t)p.passes + p.disagrees == 0 || !in_range(votes->view, &p)) return 0;
  if (votes->count == votes->capacity) {
    size_t capacity = votes->capacity ? votes->capacity * 2 : 256;
    struct voted *more = realloc(votes->rows, capacity * sizeof *more);
    if (!more) return QUN_EFAIL;
    votes->rows = more;
    votes->capacity = capacity;
  }
  votes->rows[votes->count++] = (struct voted){row->key, p};
  return 0;
}

static int by_time(const void *a, const void *b) {
  const struct voted *x = a, *y = b;
  if (x->post.time_ms != y->post.time_ms) return x->post.time_ms < y->post.time_ms ? -1 : 1;
  return qun_slice_cmp(x->key, y->key);
}

static void write_votes(struct qun__view *v, const struct votes *votes) {
  static const struct qun__column columns[] = {{"group", "content.group", "str"},
                                               {"item", "content.item", "str"},
                                               {"day", "content.day", "day"},
                                               {"agrees", "content.agrees", "int"},
                                               {"disagrees", "content.disagrees", "int"},
                                               {"passes", "content.passes", "int"},
                                               {"votes", "content.votes", "int"},
                                               {"agree_share", "content.agree_share", "ratio"}};
  struct qun_pack *p = &v->report->pack;
  qun__table(v, "votes", "content.title_votes", columns, sizeof columns / sizeof *columns);
  for (size_t i = 0; i < votes->count; i++) {
    const struct qun__post *post = &votes->rows[i].post;
    int64_t all = (int64_t)post->agrees + post->passes + post->disagrees;
    qun_report_row(v->report, 8);
    pack_key(p, votes->rows[i].key);
    pack_day(p, post);
    qun_pack_int(p, post->agrees);
    qun_pack_int(p, post->disagrees);
    qun_pack_int(p, post->passes);
    qun_pack_int(p, all);
    qun_pack_int(p, (int64_t)post->agrees * 1000000 / all);
  }
  qun_report_list_end(v->report);
}

int qun__view_votes(struct qun__view *v) {
  struct votes votes = {.view = v};
  uint64_t agrees = 0, disagrees = 0, passes = 0;
  int error = qun__each(v->self, v->ctx, qun_str("m"), qun_slice_of(NULL, 0), keep_voted, &votes);
  if (error) goto out;
  if (votes.count) qsort(votes.rows, votes.count, sizeof *votes.rows, by_time);
  for (size_t i = 0; i < votes.count; i++) {
    agrees += votes.rows[i].post.agrees;
    disagrees += votes.rows[i].post.disagrees;
    passes += votes.rows[i].post.passes;
  }
  qun_report_figures(v->report, "totals", "content.votes_total");
  qun_report_figure(v->report, "items", "content.voted_items", "int", (int64_t)votes.count, NULL);
  qun_report_figure(v->report, "agrees", "content.agrees", "int", (int64_t)agrees, NULL);
  qun_report_figure(v->report, "disagrees", "content.disagrees", "int", (int64_t)disagrees, NULL);
  qun_report_figure(v->report, "passes", "content.passes", "int", (int64_t)passes, NULL);
  qun_report_figure(v->report, "votes", "content.votes", "int", (int64_t)(agrees + disagrees + passes), NULL);
  qun_report_list_end(v->report);
  write_votes(v, &votes);
out:
  free(votes.rows);
  return error;
}
