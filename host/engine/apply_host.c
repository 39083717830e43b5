/* SPDX-License-Identifier: Apache-2.0 */
/* What the host itself does with a record: settings, plugins on and off, imports, agreements, the gate and the outbox.
 */
#include "host/engine/apply.h"
#include "host/engine/lag.h"
#include "tenants/agreement.h"
#include "tenants/outbox.h"

static int reconfigure(struct qun_apply *a, struct qun_error *err) {
  struct qun_config *config = NULL;
  int rc = qun_config_read(&config, a->o.name, &a->batch.view, a->o.rt->plugins, a->o.overrides, err);
  if (rc < 0) return rc;
  a->config_changed = true;
  return qun_runtime_configure(a->o.rt, a->slot, config, &a->batch.view, err);
}

static int on_settings(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  qun_slice values;
  if (!qun_mp_find(r->data, "values", &values)) return 0;
  if (!a->o.no_log && qun__was_write(a, r->seq, values) < 0)
    return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  if (qun_config_store(&a->batch, values) < 0) return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  return reconfigure(a, err);
}

/* A plugin that is switched off has seen all before that record. The commit moves cursors of live plugins only, and what
   came earlier in this batch must not be told to it again when it is switched on. */
static int stop_at(struct qun_apply *a, uint32_t plugin, uint64_t seq) {
  uint32_t bit = 1u << plugin;
  bool behind = ((a->catch_up | ~a->o.rt->here) & bit) != 0;
  a->catch_up &= ~bit;
  return behind ? 0 : qun_cursor_write(&a->batch, a->o.rt->plugins->plugins[plugin].manifest->id, seq);
}

static int on_runtime(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  qun_slice versions;
  if (!qun_mp_find(r->data, "versions", &versions)) return 0;
  if (qun_batch_put(&a->batch, QUN_TABLE_META, qun_str("runtime"), versions) < 0)
    return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  return 0;
}

/* enabled, disabled; parked: held by the host; released: on again, unless somebody has switched it off meanwhile. */
static int on_plugin(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  qun_slice status = qun_mp_str(r->data, "status"), none = {NULL, 0};
  bool park = qun_slice_is(status, "parked"), release = qun_slice_is(status, "released");
  bool on = qun_slice_is(status, "enabled") || release;
  for (uint32_t i = 0; i < a->o.rt->plugins->count; i++) {
    const char *id = a->o.rt->plugins->plugins[i].manifest->id;
    if (!qun_slice_is(r->subject, id)) continue;
    bool live = (a->slot->config->live >> i) & 1u, held = (a->slot->config->parked >> i) & 1u;
    if (on == live && !held) return 0;
    if (release && !held) return 0;
    qun_slice reason = park ? qun_mp_str(r->data, "reason") : none;
    if (qun_plugin_set_parked(&a->batch, id, park && !reason.len ? status : reason) < 0 ||
        qun_plugin_set_live(&a->batch, id, on) < 0)
      return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
    bool here = (a->o.rt->here >> i) & 1u;
    if (!here && on && qun__since_write(a, id, r->seq) < 0)
      return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
    if (here && on && qun_cursor_read(&a->batch.view, id) + 1 < r->seq) a->catch_up |= 1u << i;
    if (here && !on && live && stop_at(a, i, r->seq - 1) < 0)
      return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
    a->due_known = false;
    return reconfigure(a, err);
  }
  return 0; /* a plugin that this host does not have */
}

static int on_skipped(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  uint64_t seq = (uint64_t)qun_mp_int(r->data, "seq", 0);
  if (!qun_slice_is(r->origin, "qun") || !seq) return 0;
  return qun_skip_add(&a->batch, r->subject, seq) < 0 ? qun_error_set(err, QUN_EFAIL, "out of memory for a batch") : 0;
}

static int on_import_begin(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  (void)r;
  (void)err;
  a->head.importing = 1;
  return 0;
}

static int on_import_end(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  (void)r;
  (void)err;
  a->head.importing = 0;
  return 0;
}

static int on_erased(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  int rc = qun__apply_erased(a, r, err);
  return rc < 0 ? rc : reconfigure(a, err);
}

static int on_agreement(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  return qun_agreement_apply(&a->batch, r) < 0 ? qun_error_set(err, QUN_EFAIL, "out of memory for a batch") : 0;
}

/* The gate (DECISIONS 14): only what compliance derives counts, never an event from outside. */
static int on_verdict(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  qun_slice verdict = qun_mp_str(r->data, "verdict");
  qun_slice plugin = qun_mp_str(r->data, "plugin");
  qun_slice key = qun_mp_str(r->data, "key");
  struct qun_outbox_entry row;
  if (!qun_slice_is(r->origin, "compliance")) return 0;
  if (qun_outbox_get(&a->batch.view, plugin, key, &row) < 0) return 0;
  if (row.state == QUN_OUTBOX_INTERCEPTED && qun_slice_is(verdict, "fine")) { /* the other word is still to come */
    row.gated = false;
    return qun_outbox_rewrite(&a->batch, &row);
  }
  if (row.state != QUN_OUTBOX_HELD && row.state != QUN_OUTBOX_INTERCEPTED) return 0;
  if (qun_slice_is(verdict, "fine")) {
    a->outbox_changed = true;
    return qun_outbox_move(&a->batch, plugin, key, QUN_OUTBOX_RELEASED);
  }
  if (!qun_slice_is(verdict, "block")) return 0; /* it stays held until a person has acted */
  int rc = qun_outbox_move(&a->batch, plugin, key, QUN_OUTBOX_BLOCKED);
  if (rc < 0) return rc;
  qun_pack_clear(&a->pack2);
  qun_pack_map(&a->pack2, 2);
  qun_pack_kv_str(&a->pack2, "plugin", plugin);
  qun_pack_kv_str(&a->pack2, "reason", qun_mp_str(r->data, "reason"));
  qun_slice data = qun_arena_copy(qun_overlay_arena(a->batch.view.overlay), qun_pack_slice(&a->pack2));
  return qun__apply_derive(a, r, "outbox.blocked", key, data, err);
}

static int on_asked(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  int rc = qun_outbox_ask(&a->batch, qun_mp_str(r->data, "by"), qun_mp_str(r->data, "token"), false);
  return rc == QUN_EFAIL ? qun_error_set(err, rc, "out of memory for a batch") : 0;
}

/* Who was asked is asked no more. */
static int close_question(struct qun_apply *a, const struct qun_record *r) {
  struct qun_arena *arena = qun_overlay_arena(a->batch.view.overlay);
  qun_slice plugin = qun_mp_str(r->data, "plugin");
  size_t n = (size_t)(plugin.len + 1 + r->subject.len);
  char *token = qun_arena_alloc(arena, n);
  if (!token) return QUN_EFAIL;
  memcpy(token, plugin.ptr, (size_t)plugin.len);
  token[plugin.len] = '/';
  memcpy(token + plugin.len + 1, r->subject.ptr, (size_t)r->subject.len);
  int rc = qun_outbox_ask(&a->batch, qun_mp_str(r->data, "by"), qun_slice_of(token, n), true);
  return rc == QUN_EINVAL ? 0 : rc;
}

/* A row is decided on: `release` or block it, and tell so. */
static int decide(struct qun_apply *a, const struct qun_record *r, bool release, qun_slice reason,
                  struct qun_error *err) {
  qun_slice plugin = qun_mp_str(r->data, "plugin"), patch = {NULL, 0};
  (void)qun_mp_find(r->data, "patch", &patch);
  int rc = close_question(a, r);
  if (rc == 0) rc = qun_outbox_decide(&a->batch, plugin, r->subject, release, patch);
  if (rc == QUN_EFAIL) return qun_error_set(err, rc, "out of memory for a batch");
  if (rc < 0) return 0; /* a row that is gone or decided stays so */
  a->outbox_changed = true;
  if (release) return 0;
  qun_pack_clear(&a->pack2);
  qun_pack_map(&a->pack2, 2);
  qun_pack_kv_str(&a->pack2, "plugin", plugin);
  qun_pack_kv_str(&a->pack2, "reason", reason);
  qun_slice data = qun_arena_copy(qun_overlay_arena(a->batch.view.overlay), qun_pack_slice(&a->pack2));
  return qun__apply_derive(a, r, "outbox.blocked", r->subject, data, err);
}

/* Of the plugin that was asked: the services see to it that nobody else writes such a record. */
static int on_intercept_verdict(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  if (!qun_slice_eq(r->origin, qun_mp_str(r->data, "by"))) return 0;
  return decide(a, r, qun_slice_is(qun_mp_str(r->data, "verdict"), "release"), qun_mp_str(r->data, "reason"), err);
}

static int on_intercept_expired(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  struct qun_outbox_entry row;
  if (!(r->flags & QUN_EVENT_CONTROL)) return 0;
  bool there = qun_outbox_get(&a->batch.view, qun_mp_str(r->data, "plugin"), r->subject, &row) == 0;
  return decide(a, r, there && row.open, qun_str("nobody decided in time"), err);
}

static int on_outcome(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  if (!(r->flags & QUN_EVENT_CONTROL) || (r->flags & QUN_EVENT_DERIVED)) return 0;
  qun_slice error;
  bool answered = !qun_slice_is(r->type, "outbox.failed") && !qun_mp_find(r->data, "error", &error);
  enum qun_outbox_state state = answered ? QUN_OUTBOX_SENT : QUN_OUTBOX_FAILED;
  int rc = qun_outbox_move(&a->batch, qun_mp_str(r->data, "plugin"), r->subject, state);
  return rc == QUN_EFAIL ? qun_error_set(err, rc, "out of memory for a batch")
                         : 0; /* a row that is gone or done stays so */
}

static const struct {
  const char *type;
  int (*apply)(struct qun_apply *a, const struct qun_record *r, struct qun_error *err);
} reactions[] = {
    {"qun.settings", on_settings},
    {"qun.runtime", on_runtime},
    {"qun.plugin", on_plugin},
    {"qun.import.begin", on_import_begin},
    {"qun.import.end", on_import_end},
    {"agreement.accepted", on_agreement},
    {"agreement.ended", on_agreement},
    {"compliance.verdict", on_verdict},
    {"outbox.sent", on_outcome},
    {"outbox.failed", on_outcome},
    {"http.answer", on_outcome},
    {"work.answer", on_outcome},
    {"intercept.asked", on_asked},
    {"intercept.verdict", on_intercept_verdict},
    {"intercept.expired", on_intercept_expired},
    {"qun.erased", on_erased},
    {"qun.skipped", on_skipped},
};

int qun__apply_host(struct qun_apply *a, const struct qun_record *r, struct qun_error *err) {
  const char *t = r->type.ptr;
  /* most records are messages: look at the first letter before the table */
  if (r->type.len == 0 ||
      (t[0] != 'q' && t[0] != 'a' && t[0] != 'c' && t[0] != 'o' && t[0] != 'h' && t[0] != 'w' && t[0] != 'i'))
    return 0;
  for (size_t i = 0; i < sizeof reactions / sizeof reactions[0]; i++) {
    if (qun_slice_is(r->type, reactions[i].type)) return reactions[i].apply(a, r, err);
  }
  return 0;
}

int qun__apply_derive(struct qun_apply *a, const struct qun_record *cause, const char *type, qun_slice subject,
                      qun_slice data, struct qun_error *err) {
  struct qun_arena *arena = qun_overlay_arena(a->batch.view.overlay);
  struct qun_emitted *e = qun_emit_list_add(&a->emits);
  if (!e) return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  *e = (struct qun_emitted){.plugin = QUN_PLUGINS_MAX,
                            .cause = cause->seq,
                            .hops = cause->hops + 1,
                            .hearers = qun_subscriptions_find(a->o.rt->subscriptions, qun_str(type)),
                            .member = cause->member,
                            .type = qun_str(type),
                            .subject = qun_arena_copy(arena, subject),
                            .data = data};
  return 0;
}
