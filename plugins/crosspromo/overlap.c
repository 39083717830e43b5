/* SPDX-License-Identifier: Apache-2.0 */
#include "overlap.h"

#include "bridge.h"
#include "members.h"
#include "partner.h"

#include <stdio.h>
#include <stdlib.h>

static struct cross_key requests_key(qun_slice partner, int32_t month) {
  return cross_key_named_number('R', partner, month);
}

static int within_budget(const struct cross_call *c, qun_slice partner, int64_t budget, const char *message) {
  struct cross_key key = requests_key(partner, qun_month_of(c->ctx->clock_day));
  int64_t used;
  int rc = cross_counted(c, &key, &used);
  if (rc < 0) return rc;
  return used >= budget ? cross_fail(c, QUN_EQUOTA, message) : QUN_OK;
}

int cross_overlap_allowed(const struct cross_call *c, qun_slice partner, struct cross_agreement *a) {
  const struct cross_settings *s = &c->t->settings;
  struct cross_partner p;
  struct cross_fit fit;
  int rc = cross_agreement_with(c, partner, CROSS_COUNT, c->ctx->clock_ms, a);
  if (rc == QUN_ENOTFOUND)
    return cross_fail(c, QUN_EDENIED, "crosspromo.overlap: no open agreement with this partner lists counts");
  if (rc >= 0) rc = cross_partner_get(c, partner, &p, NULL);
  if (rc < 0) return rc;
  cross_partner_fit(c, &p, 0, &fit);
  if (fit.rival) return cross_fail(c, QUN_EDENIED, "crosspromo.overlap: the partner is of a competing sector");
  rc = within_budget(c, partner, s->overlap_per_pair,
                     "crosspromo.overlap: this month's requests with this partner are used up");
  if (rc < 0) return rc;
  return within_budget(c, qun_slice_of(NULL, 0), s->overlap_per_month,
                       "crosspromo.overlap: this month's requests are used up");
}

int cross_overlap_requested(const struct cross_call *c, const struct qun_event *e) {
  qun_slice partner = qun_mp_str(e->data, "partner");
  int32_t month = qun_month_of(c->ctx->clock_day);
  struct cross_key pair = requests_key(partner, month), all = requests_key(qun_slice_of(NULL, 0), month);
  struct cross_agreement a;
  struct qun_pack body;
  char name[32];
  int64_t now;
  int rc;
  if (!cross_name_ok(partner)) return cross_fail(c, QUN_EINVAL, "crosspromo.overlap.requested without a partner");
  rc = cross_agreement_with(c, partner, CROSS_COUNT, c->ctx->clock_ms, &a);
  if (rc == QUN_ENOTFOUND)
    return cross_fail(c, QUN_EDENIED, "crosspromo: no open agreement lets an overlap be counted");
  if (rc >= 0) rc = cross_count(c, &pair, &now);
  if (rc >= 0) rc = cross_count(c, &all, &now);
  if (rc < 0) return rc;
  (void)snprintf(name, sizeof name, "%llu", (unsigned long long)e->seq);
  cross_bridge_begin(&body, &a, "overlap", 0);
  return cross_bridge_send(c, &a, "overlap", qun_str(name), &body);
}

struct counted {
  uint32_t person, number;
};

struct list {
  const struct cross_call *c;
  qun_slice partner;
  struct counted *at;
  uint32_t count, cap;
};

static int grow(struct list *l) {
  uint32_t cap = l->cap ? 2 * l->cap : 256;
  struct counted *at = realloc(l->at, cap * sizeof *at);
  if (!at) return cross_fail(l->c, QUN_EFAIL, "crosspromo: out of memory for the members");
  l->at = at;
  l->cap = cap;
  return QUN_OK;
}

/* The person may be counted: still here, long enough, agreed. */
static int eligible(const struct cross_call *c, const struct cross_member *person, qun_slice partner, bool *yes) {
  *yes = false;
  if (person->left || c->ctx->clock_day - person->first_day < c->t->settings.overlap_min_days) return QUN_OK;
  return cross_member_agreed(c, person->number, partner, c->ctx->clock_ms, yes);
}

static int add_member(void *arg, qun_slice key, qun_slice row) {
  struct list *l = arg;
  struct cross_member m, person;
  uint32_t number = cross_key_read(key, 1);
  bool yes;
  int rc;
  cross_member_decode(&m, number, row);
  if (!m.phone && !m.unionid) return QUN_OK; /* nothing that could match */
  rc = cross_member_find(l->c, number, &person);
  if (rc == QUN_ENOTFOUND) return QUN_OK; /* an alias of somebody who was erased */
  if (rc >= 0) rc = eligible(l->c, &person, l->partner, &yes);
  if (rc < 0 || !yes) return rc;
  rc = l->count == l->cap ? grow(l) : QUN_OK;
  if (rc < 0) return rc;
  l->at[l->count++] = (struct counted){person.number, number};
  return QUN_OK;
}

static int by_person(const void *left, const void *right) {
  const struct counted *a = left, *b = right;
  if (a->person != b->person) return a->person > b->person ? 1 : -1;
  return (a->number > b->number) - (a->number < b->number);
}

static int by_number(const void *left, const void *right) {
  const struct counted *a = left, *b = right;
  return (a->number > b->number) - (a->number < b->number);
}

/* Keeps the smallest number of each person, in order of number. */
static void keep_one_each(struct list *l) {
  uint32_t kept = 0;
  if (l->count == 0) return;
  qsort(l->at, l->count, sizeof *l->at, by_person);
  for (uint32_t i = 0; i < l->count; i++)
    if (kept == 0 || l->at[kept - 1].person != l->at[i].person) l->at[kept++] = l->at[i];
  l->count = kept;
  qsort(l->at, l->count, sizeof *l->at, by_number);
}

int cross_overlap_members(const struct cross_call *c, qun_slice partner, struct qun_pack *p) {
  struct cross_key prefix = cross_key_of('m');
  struct list l = {.c = c, .partner = partner};
  int64_t minimum = c->t->settings.overlap_min_members;
  struct cross_agreement a;
  bool few;
  int rc = cross_agreement_with(c, partner, CROSS_COUNT, c->ctx->clock_ms, &a);
  if (rc == QUN_ENOTFOUND)
    rc = cross_fail(c, QUN_EDENIED, "crosspromo.overlap_members: no open agreement with this partner lists counts");
  if (rc >= 0) rc = cross_scan(c, &prefix, add_member, &l);
  if (rc < 0) goto out;
  keep_one_each(&l);
  few = (int64_t)l.count < minimum;
  qun_pack_map(p, few ? 7 : 6);
  qun_pack_kv_str(p, "partner", partner);
  qun_pack_kv_cstr(p, "agreement", a.id.at);
  qun_pack_kv_int(p, "minimum", minimum);
  qun_pack_kv_int(p, "pair_budget", c->t->settings.overlap_per_pair);
  qun_pack_kv_int(p, "tenant_budget", c->t->settings.overlap_per_month);
  qun_pack_cstr(p, "members");
  qun_pack_array(p, few ? 0 : l.count);
  for (uint32_t i = 0; !few && i < l.count; i++) qun_pack_uint(p, l.at[i].number);
  if (few) qun_pack_kv_cstr(p, "refused", "too few");
out:
  free(l.at);
  return rc;
}
