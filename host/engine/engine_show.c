/* SPDX-License-Identifier: Apache-2.0 */
/* What there is of a tenant: totals, plugins, hashes; and its log, record by record. */
#include "host/engine/internal.h"

#include "tenants/outbox.h"
#include "tenants/state_hash.h"

#include <stdio.h>

int qun_engine_read_begin(struct qun_engine *e, const char *tenant, struct qun_reading *out, struct qun_error *err) {
  memset(out, 0, sizeof *out);
  int rc = qun_tenant_get(e->pool, tenant, &out->tenant, err);
  if (rc == 0) qun__tenant_settle(e, out->tenant); /* a reader sees what was acknowledged before it asked */
  if (rc == 0) rc = qun_view_begin(&out->view, out->tenant->store, err);
  if (rc < 0)
    qun_engine_read_end(out);
  else
    out->vault = out->tenant->vault;
  return rc;
}

void qun_engine_read_end(struct qun_reading *r) {
  qun_view_end(&r->view);
  qun_tenant_put(r->tenant);
  memset(r, 0, sizeof *r);
}

/* ---------------------------------------------------------------- totals */

struct totals_arg {
  struct qun_pack *out;
  char class_letter;
  uint32_t n;
  uint64_t sum;
};

static int total(void *arg, char class_letter, qun_slice type, uint64_t n) {
  struct totals_arg *t = arg;
  if (class_letter != t->class_letter) return 0;
  qun_pack_str(t->out, type);
  qun_pack_uint(t->out, n);
  t->n++;
  t->sum += n;
  return 0;
}

static uint64_t pack_totals(struct qun_pack *out, const struct qun_view *v, const char *key, char class_letter) {
  struct totals_arg t = {.out = out, .class_letter = class_letter};
  qun_pack_cstr(out, key);
  size_t at = qun_pack_open_map(out);
  qun_total_each(v, total, &t);
  qun_pack_close(out, at, t.n);
  return t.sum;
}

static int outbox_count(void *arg, const struct qun_outbox_entry *entry) {
  uint64_t *counts = arg;
  counts[entry->state]++;
  return 0;
}

static void pack_outbox(struct qun_pack *out, const struct qun_view *v) {
  uint64_t counts[QUN_OUTBOX_STATES] = {0};
  uint32_t n = 0;
  qun_outbox_each(v, outbox_count, counts);
  qun_pack_cstr(out, "outbox");
  size_t at = qun_pack_open_map(out);
  for (int s = QUN_OUTBOX_HELD; s < QUN_OUTBOX_STATES; s++) {
    if (!counts[s]) continue;
    qun_pack_kv_int(out, qun_outbox_state_name((enum qun_outbox_state)s), (int64_t)counts[s]);
    n++;
  }
  qun_pack_close(out, at, n);
}

/* ---------------------------------------------------------------- plugins and hashes */

/* Where an isolated plugin stands, beside its cursor. */
static void pack_isolated(struct qun_pack *out, struct qun_engine *e, const char *tenant, uint32_t plugin) {
  struct qun_isolated_state s;
  char level[64];
  qun__isolated_look(e->isolated, tenant, plugin, &s);
  qun_runner_level_text(&e->plugins->plugins[plugin].sandbox, level);
  qun_pack_kv_cstr(out, "mode", "isolated");
  qun_pack_kv_cstr(out, "sandbox", level);
  qun_pack_kv_int(out, "runner", s.pid);
  qun_pack_kv_int(out, "crashes", s.crashes);
  qun_pack_kv_cstr(out, "reason", s.reason);
}

static const char *status_of(struct qun_engine *e, const char *tenant, uint32_t plugin, bool live, bool behind) {
  struct qun_isolated_state s;
  qun__isolated_look(e->isolated, tenant, plugin, &s);
  return !live ? "off" : s.held ? "parked" : behind ? "catching up" : "live";
}

static int pack_plugins(struct qun_pack *out, struct qun_engine *e, const struct qun_view *v,
                        const struct qun_config *c, const struct qun_head *head, struct qun_error *err) {
  struct qun_state_part parts[QUN_PLUGINS_MAX];
  unsigned char hash[QUN_STATE_HASH];
  char hex[2 * QUN_STATE_HASH + 1];
  uint32_t n = 0;
  const struct qun_plugin_set *plugins = e->plugins;
  qun_pack_cstr(out, "plugins");
  qun_pack_map(out, plugins->count);
  for (uint32_t i = 0; i < plugins->count; i++) {
    const struct qun_manifest *m = plugins->plugins[i].manifest;
    bool live = (c->live >> i) & 1u;
    uint64_t cursor = qun_cursor_read(v, m->id);
    struct qun_state_part part = {.plugin = m->id, .version = m->version, .settings = qun_pack_slice(&c->settings[i])};
    if (qun_state_hash_table(v, QUN_TABLE_PLUGIN + i, part.hash) < 0)
      return qun_error_set(err, QUN_EFAIL, "keyspace of %s cannot be read", m->id);
    qun_hex(part.hash, sizeof part.hash, hex);
    qun_pack_cstr(out, m->id);
    bool isolated = plugins->plugins[i].mode == QUN_PLUGIN_ISOLATED && plugins->plugins[i].where == QUN_ISOLATED;
    bool parked = ((c->parked >> i) & 1u) || (live && plugins->plugins[i].where == QUN_PARKED);
    qun_pack_map(out, isolated ? 9 : 4);
    qun_pack_kv_cstr(out, "status", parked ? "parked" : status_of(e, c->name, i, live, cursor < head->seq));
    qun_pack_kv_int(out, "cursor", (int64_t)cursor);
    qun_pack_kv_cstr(out, "version", m->version);
    qun_pack_kv_cstr(out, "state_hash", hex);
    if (isolated) pack_isolated(out, e, c->name, i);
    if (live) parts[n++] = part;
  }
  qun_state_hash_tenant(parts, n, hash);
  qun_hex(hash, sizeof hash, hex);
  qun_pack_kv_cstr(out, "state_hash", hex);
  return 0;
}

static int pack_audit(struct qun_pack *out, const struct qun_view *v, const struct qun_head *head) {
  unsigned char root[QUN_HASH_SIZE];
  char hex[2 * QUN_HASH_SIZE + 1] = "";
  if (qun_audit_root(v, head->tree_size, root, NULL) == 0) qun_hex(root, sizeof root, hex);
  qun_pack_cstr(out, "audit");
  qun_pack_map(out, 2);
  qun_pack_kv_int(out, "size", (int64_t)head->tree_size);
  qun_pack_kv_cstr(out, "root", hex);
  return 0;
}

static void pack_quota(struct qun_pack *out, const struct qun_tenant *t, const struct qun_config *c) {
  struct qun_quota_use use;
  qun_quota_used(t->quota, &use);
#define X(name, least, most, otherwise, what) +1
  const uint32_t numbers = 0 QUN_PROFILE_NUMBERS(X);
#undef X
  qun_pack_cstr(out, "quota");
  qun_pack_map(out, numbers + 3);
#define X(name, least, most, otherwise, what) qun_pack_kv_int(out, #name, (int64_t)c->name);
  QUN_PROFILE_NUMBERS(X)
#undef X
  qun_pack_kv_int(out, "handler_ms_used", (int64_t)(use.handler_us / 1000));
  qun_pack_kv_int(out, "refused_events_s", (int64_t)use.refused_events);
  qun_pack_kv_int(out, "refused_handler_ms", (int64_t)use.refused_handler);
}

static int show(const struct qun_reading *r, struct qun_engine *e, const struct qun_config *c, struct qun_pack *out,
                struct qun_error *err) {
  struct qun_head head;
  const struct qun_view *v = &r->view;
  if (qun_head_read(v, &head) < 0) return qun_error_set(err, QUN_ECONFLICT, "the store's head is damaged");
  size_t at = qun_pack_open_map(out);
  qun_pack_kv_cstr(out, "name", c->name);
  qun_pack_kv_cstr(out, "title", c->title);
  qun_pack_kv_bool(out, "simulated", c->simulated);
  qun_pack_kv_cstr(out, "locale", c->locale);
  qun_pack_kv_cstr(out, "zone", c->zone);
  qun_pack_kv_cstr(out, "sector", c->sector);
  qun_pack_kv_cstr(out, "country", c->country);
  qun_pack_kv_cstr(out, "currency", c->currency);
  uint64_t events = pack_totals(out, v, "by_type", 'e');
  qun_pack_kv_int(out, "events", (int64_t)events);
  pack_totals(out, v, "derived", 'd');
  pack_totals(out, v, "control", 'c');
  qun_pack_kv_int(out, "members", (int64_t)head.members);
  qun_pack_kv_int(out, "seq", (int64_t)head.seq);
  qun_pack_kv_int(out, "clock", head.clock_ms == INT64_MIN ? 0 : head.clock_ms);
  qun_pack_kv_int(out, "dead_letters", (int64_t)head.dead);
  qun_pack_kv_int(out, "bytes", (int64_t)qun_store_bytes(r->tenant->store));
  pack_quota(out, r->tenant, c);
  pack_audit(out, v, &head);
  pack_outbox(out, v);
  int rc = pack_plugins(out, e, v, c, &head, err);
  qun_pack_close(out, at, 22);
  return rc;
}

int qun_engine_tenant_show(struct qun_engine *e, const char *name, struct qun_pack *out, struct qun_error *err) {
  struct qun_reading r;
  int rc = qun_engine_read_begin(e, name, &r, err);
  if (rc < 0) return rc;
  struct qun_config *c = NULL;
  rc = qun_config_read(&c, name, &r.view, e->plugins, (qun_slice){NULL, 0}, err);
  if (rc == 0) rc = show(&r, e, c, out, err);
  qun_config_unref(c);
  qun_engine_read_end(&r);
  return rc;
}

/* ---------------------------------------------------------------- the log */

static int entry(const struct qun_pair *pair, int (*each)(void *, const struct qun_log_entry *), void *arg,
                 struct qun_error *err) {
  struct qun_record r;
  uint64_t seq = qun_be64_read(pair->key.ptr);
  if (qun_record_read(&r, seq, pair->value) < 0)
    return qun_error_set(err, QUN_ECONFLICT, "record %llu cannot be read", (unsigned long long)seq);
  struct qun_log_entry e = {.seq = seq,
                            .clock_ms = r.clock_ms,
                            .time_ms = r.time_ms,
                            .flags = r.flags,
                            .member = r.member,
                            .cause = r.cause,
                            .type = r.type,
                            .id = r.id,
                            .source = r.source,
                            .subject = r.subject,
                            .group = r.group,
                            .channel = r.channel,
                            .lang = r.lang,
                            .data = r.data,
                            .bytes = pair->value};
  return each(arg, &e);
}

int qun_engine_log_each(struct qun_engine *e, const char *tenant, uint64_t after, uint64_t limit,
                        int (*each)(void *arg, const struct qun_log_entry *entry), void *arg, struct qun_error *err) {
  struct qun_reading r;
  struct qun_pair pairs[128];
  unsigned char key[8];
  uint32_t n = 128;
  int rc = qun_engine_read_begin(e, tenant, &r, err);
  if (rc < 0) return rc;
  qun_be64(key, after);
  while (n == 128 && rc == 0) {
    uint32_t cap = limit && limit < 128 ? (uint32_t)limit : 128;
    rc = qun_view_scan(&r.view, QUN_TABLE_LOG, (qun_slice){NULL, 0}, qun_slice_of(key, 8), pairs, cap, &n);
    for (uint32_t i = 0; i < n && rc == 0; i++) rc = entry(&pairs[i], each, arg, err);
    if (n) memcpy(key, pairs[n - 1].key.ptr, 8);
    if (limit) {
      limit -= n;
      if (!limit) break;
    }
  }
  qun_engine_read_end(&r);
  return rc;
}
