/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/quarantine.h"

#include "host/engine/internal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct tenant_skips {
  char tenant[64];
  struct qun_skips *skips;
  UT_hash_handle hh;
};

struct qun_quarantine {
  struct qun_crumbs *crumbs;
  struct qun_ledger *ledger;
  bool safe_mode;
  char **sentences;
  uint32_t sentences_count;
  struct tenant_skips *skips;
  const struct qun_plugin_set *plugins; /* while skips are made */
};

/* ---------------------------------------------------------------- what the life before left */

static void what_of(char *out, size_t room, const struct qun_crumb_left *l) {
  const char *name = l->mark == QUN_MARK_CRASH ? sigabbrev_np(l->number) : NULL;
  if (name)
    snprintf(out, room, "SIG%s", name);
  else if (l->mark == QUN_MARK_CRASH)
    snprintf(out, room, "signal %d", l->number);
  else if (l->mark == QUN_MARK_HANG)
    snprintf(out, room, "for %d ms", l->number);
  else
    snprintf(out, room, "it ended the process");
}

void qun__ledger_entry_of(struct qun_ledger_entry *out, const struct qun_crumb_left *l, int64_t now_ms) {
  *out = (struct qun_ledger_entry){.at_ms = now_ms,
                                   .kind = l->mark == QUN_MARK_HANG ? QUN_LEDGER_HANG : QUN_LEDGER_CRASH,
                                   .seq = l->seq,
                                   .key = l->key};
  memcpy(out->plugin, l->plugin, sizeof out->plugin);
  memcpy(out->version, l->version, sizeof out->version);
  memcpy(out->sum, l->sum, sizeof out->sum);
  memcpy(out->tenant, l->tenant, sizeof out->tenant);
  memcpy(out->event, l->text, sizeof out->event);
  memcpy(out->stack, l->stack, sizeof out->stack);
  snprintf(out->callback, sizeof out->callback, "%s", qun_callback_name(l->callback));
  what_of(out->what, sizeof out->what, l);
}

static int note(struct qun_quarantine *q, const struct qun_crumb_left *l, int64_t now_ms, struct qun_error *err) {
  struct qun_ledger_entry e;
  char text[600];
  qun__ledger_entry_of(&e, l, now_ms);
  qun_ledger_sentence(&e, text, sizeof text);
  q->sentences[q->sentences_count] = strdup(text);
  if (!q->sentences[q->sentences_count]) return qun_error_set(err, QUN_EFAIL, "out of memory");
  q->sentences_count++;
  return qun_ledger_add(q->ledger, &e, err);
}

/* A process that ends itself at once leaves no mark. Whoever was in a callback then may have done it: the only one, or
   the only one that is not this host's own. */
static const struct qun_crumb_left *who_ended(const struct qun_crumb_left *left, uint32_t count) {
  const struct qun_crumb_left *any = NULL, *other = NULL;
  uint32_t all = 0, others = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (left[i].mark) return NULL;
    any = &left[i];
    all++;
    if (left[i].trusted) continue;
    other = &left[i];
    others++;
  }
  return all == 1 ? any : others == 1 ? other : NULL;
}

static int settle(struct qun_quarantine *q, int64_t now_ms, bool exited, struct qun_error *err) {
  uint32_t count = 0;
  const struct qun_crumb_left *left = qun_crumbs_left(q->crumbs, &count);
  int rc = 0;
  q->sentences = calloc(count + 1, sizeof *q->sentences);
  if (!q->sentences) return qun_error_set(err, QUN_EFAIL, "out of memory");
  for (uint32_t i = 0; i < count && rc == 0; i++)
    if (left[i].mark) rc = note(q, &left[i], now_ms, err);
  const struct qun_crumb_left *silent = exited ? who_ended(left, count) : NULL;
  return rc == 0 && silent ? note(q, silent, now_ms, err) : rc;
}

int qun__quarantine_open(struct qun_quarantine **out, const char *data_dir, int64_t now_ms, bool exited, bool safe_mode,
                         struct qun_error *err) {
  struct qun_quarantine *q = calloc(1, sizeof *q);
  if (!q) return qun_error_set(err, QUN_EFAIL, "out of memory");
  q->safe_mode = safe_mode;
  int rc = qun_crumbs_open(&q->crumbs, data_dir, err);
  if (rc == 0) rc = qun_ledger_open(&q->ledger, data_dir, err);
  if (rc == 0) rc = settle(q, now_ms, exited, err);
  if (rc < 0)
    qun__quarantine_close(q);
  else
    *out = q;
  return rc;
}

void qun__quarantine_close(struct qun_quarantine *q) {
  struct tenant_skips *t, *next;
  if (!q) return;
  HASH_ITER(hh, q->skips, t, next) {
    HASH_DEL(q->skips, t);
    qun_skips_destroy(t->skips);
    free(t);
  }
  for (uint32_t i = 0; i < q->sentences_count; i++) free(q->sentences[i]);
  free(q->sentences);
  qun_ledger_close(q->ledger);
  qun_crumbs_close(q->crumbs);
  free(q);
}

struct qun_crumbs *qun__quarantine_crumbs(struct qun_quarantine *q) {
  return q->crumbs;
}

struct qun_ledger *qun__quarantine_ledger(struct qun_quarantine *q) {
  return q->ledger;
}

uint32_t qun__quarantine_sentences(const struct qun_quarantine *q, const char *const **sentences) {
  *sentences = (const char *const *)q->sentences;
  return q->sentences_count;
}

/* ---------------------------------------------------------------- who may run */

void qun__sum_text(char out[17], const unsigned char sha256[32]) {
  for (size_t i = 0; i < 8; i++) snprintf(out + 2 * i, 3, "%02x", sha256[i]);
}

enum qun_where qun__quarantine_where(void *quarantine, const struct qun_manifest *m, const unsigned char sha256[32],
                                     bool trusted, char aside[QUN_ASIDE_MAX]) {
  struct qun_quarantine *q = quarantine;
  char sum[17], reason[QUN_LEDGER_REASON];
  qun__sum_text(sum, sha256);
  if (q->safe_mode && !trusted) {
    snprintf(aside, QUN_ASIDE_MAX, "safe mode: only the plugins of this build run");
    return QUN_PARKED;
  }
  if (!qun_ledger_is_out(q->ledger, m->id, sum, false, NULL, reason)) return QUN_HERE;
  snprintf(aside, QUN_ASIDE_MAX, "%s; qun plugin release %s", reason, m->id);
  return QUN_PARKED;
}

int qun__quarantine_runs(struct qun_quarantine *q, const struct qun_plugin_set *plugins, int64_t now_ms,
                         struct qun_error *err) {
  int rc = 0;
  for (uint32_t i = 0; i < plugins->count && rc == 0; i++) {
    const struct qun_loaded_plugin *p = &plugins->plugins[i];
    char sum[17];
    qun__sum_text(sum, p->sha256);
    if (p->where != QUN_PARKED)
      rc = qun_ledger_runs(q->ledger, now_ms, p->manifest->id, p->manifest->version, sum, err);
  }
  return rc;
}

/* ---------------------------------------------------------------- events that are passed over */

static int take_poison(void *arg, const struct qun_ledger_entry *e) {
  struct qun_quarantine *q = arg;
  struct tenant_skips *t = NULL;
  uint32_t n = 0;
  while (n < q->plugins->count && strcmp(q->plugins->plugins[n].manifest->id, e->plugin) != 0) n++;
  if (n == q->plugins->count) return 0;
  HASH_FIND_STR(q->skips, e->tenant, t);
  if (!t) {
    t = calloc(1, sizeof *t);
    if (!t) return QUN_EFAIL;
    memcpy(t->tenant, e->tenant, sizeof t->tenant);
    t->skips = qun_skips_create();
    HASH_ADD_STR(q->skips, tenant, t);
  }
  return t->skips ? qun_skips_add(t->skips, n, e->seq, e->key) : QUN_EFAIL;
}

int qun__quarantine_skips_make(struct qun_quarantine *q, const struct qun_plugin_set *plugins, struct qun_error *err) {
  q->plugins = plugins;
  return qun_ledger_poison_each(q->ledger, take_poison, q) < 0 ? qun_error_set(err, QUN_EFAIL, "out of memory") : 0;
}

const struct qun_skips *qun__quarantine_skips(const struct qun_quarantine *q, const char *tenant) {
  struct tenant_skips *t = NULL;
  if (!q || !q->skips) return NULL;
  HASH_FIND_STR(q->skips, tenant, t);
  return t ? t->skips : NULL;
}

/* ---------------------------------------------------------------- what a tenant's log says */

static int state_one(struct qun_apply *a, uint32_t n, bool park, struct qun_error *err) {
  const struct qun_loaded_plugin *p = &a->o.rt->plugins->plugins[n];
  struct qun_pack data;
  char id[33];
  qun__fresh_id(id);
  qun_pack_init(&data);
  qun_pack_map(&data, park ? 3 : 2);
  qun_pack_kv_cstr(&data, "status", park ? "parked" : "released");
  qun_pack_kv_cstr(&data, "version", p->manifest->version);
  if (park) qun_pack_kv_cstr(&data, "reason", p->aside);
  struct qun_arena *arena = qun_overlay_arena(a->batch.view.overlay);
  struct qun_input in = {.flags = QUN_INPUT_CONTROL,
                         .time_ms = INT64_MIN,
                         .type = qun_str("qun.plugin"),
                         .source = qun_str("qun"),
                         .id = qun_arena_copy(arena, qun_str(id)),
                         .subject = qun_str(p->manifest->id),
                         .data = qun_arena_copy(arena, qun_pack_slice(&data))};
  int rc = data.failed ? qun_error_set(err, QUN_EFAIL, "out of memory") : qun_apply_input(a, &in, err);
  qun_pack_fini(&data);
  return rc;
}

/* One record, one commit: a plugin that is released goes over its past before anything else is appended. */
static int state_alone(const struct qun_apply_options *o, struct qun_slot *slot, int64_t now_ms, uint32_t n, bool park,
                       struct qun_error *err) {
  struct qun_apply a = {0};
  int rc = qun_apply_begin(&a, o, slot, now_ms, err);
  if (rc == 0) rc = state_one(&a, n, park, err);
  if (rc == 0) rc = qun_apply_commit(&a, err);
  if (rc < 0 && o->dup) qun_dupguard_settle(o->dup, false);
  bool behind = rc == 0 && a.catch_up != 0;
  qun_apply_end(&a);
  return behind ? qun_apply_catch_up(o, slot, now_ms, err) : rc;
}

int qun__quarantine_state(const struct qun_apply_options *o, struct qun_slot *slot, int64_t now_ms, bool *stated,
                          struct qun_error *err) {
  uint32_t park = slot->config->live & o->rt->held, release = slot->config->parked & ~o->rt->held;
  int rc = 0;
  *stated = (park | release) != 0;
  for (uint32_t i = 0; i < o->rt->plugins->count && rc == 0; i++)
    if ((park | release) & (1u << i)) rc = state_alone(o, slot, now_ms, i, (park >> i) & 1u, err);
  return rc;
}
