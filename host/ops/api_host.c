/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers about the host itself. None of them needs a token, and none tells anything about a tenant. */
#include "host/console/page.h"
#include "host/ops/api_internal.h"

#include <stdio.h>

void qun__get_index(struct qun__call *c) {
  qun_pack_raw(&c->text, qun_console_page());
  qun__answer_text(c, 200, "text/html; charset=utf-8", qun_console_security());
}

static void write_roles(struct qun_pack *out, uint32_t roles) {
  uint32_t n = 0;
  size_t at = qun_pack_open_array(out);
  for (int role = QUN_ROLE_INGEST; role <= QUN_ROLE_AGENCY; role++) {
    if (!(roles >> role & 1u)) continue;
    qun_pack_cstr(out, qun_role_name((enum qun_role)role));
    n++;
  }
  qun_pack_close(out, at, n);
}

static void write_params(struct qun_pack *out, const struct qun__param *params) {
  static const char *const kinds[] = {
      [QUN__TEXT] = "text", [QUN__INT] = "integer", [QUN__BOOL] = "boolean", [QUN__MAP] = "object"};
  uint32_t n = 0;
  size_t at = qun_pack_open_array(out);
  for (const struct qun__param *p = params; p && p->name; p++, n++) {
    qun_pack_map(out, 5);
    qun_pack_kv_cstr(out, "name", p->name);
    qun_pack_kv_cstr(out, "in", p->where == QUN__IN_QUERY ? "query" : "body");
    qun_pack_kv_cstr(out, "kind", kinds[p->kind]);
    qun_pack_kv_bool(out, "required", p->required);
    qun_pack_kv_cstr(out, "doc", p->doc);
  }
  qun_pack_close(out, at, n);
}

void qun__get_routes(struct qun__call *c) {
  qun_pack_map(&c->out, 1);
  qun_pack_cstr(&c->out, "routes");
  qun_pack_array(&c->out, qun__routes_count);
  for (uint32_t i = 0; i < qun__routes_count; i++) {
    const struct qun__route *route = &qun__routes[i];
    qun_pack_map(&c->out, 5);
    qun_pack_kv_cstr(&c->out, "method", route->method);
    qun_pack_kv_cstr(&c->out, "path", route->pattern);
    qun_pack_cstr(&c->out, "roles");
    write_roles(&c->out, route->roles);
    qun_pack_kv_cstr(&c->out, "summary", route->summary);
    qun_pack_cstr(&c->out, "params");
    write_params(&c->out, route->params);
  }
  qun__answer_map(c, 200);
}

static void answer_status(struct qun__call *c, int status, const char *word) {
  qun_pack_map(&c->out, 1);
  qun_pack_kv_cstr(&c->out, "status", word);
  qun__answer_map(c, status);
}

void qun__get_health(struct qun__call *c) {
  struct qun_error err;
  if (qun_engine_health(c->api->engine, &err) < 0)
    qun__answer_later(c, 503, err.message, 60);
  else
    answer_status(c, 200, "alive");
}

void qun__get_ready(struct qun__call *c) {
  if (c->api->draining)
    qun__answer_later(c, 503, "the process is stopping", 5);
  else
    answer_status(c, 200, "ready");
}

static int count_tenant(void *arg, const char *name) {
  (void)name;
  ++*(int64_t *)arg;
  return 0;
}

struct counters {
  struct qun_pack *out;
  uint32_t count;
};

/* Names are of [a-z0-9_], so nothing needs escapes. */
static void write_counter(void *arg, const char *plugin, const char *name, uint64_t value) {
  static const char head[] = "# HELP qun_plugin_counter_total What plugins count, and what the host counts of them.\n"
                             "# TYPE qun_plugin_counter_total counter\n";
  struct counters *counters = arg;
  char line[200];
  if (counters->count++ == 0) qun_pack_raw(counters->out, qun_str(head));
  int n = snprintf(line, sizeof line, "qun_plugin_counter_total{plugin=\"%s\",name=\"%s\"} %llu\n", plugin, name,
                   (unsigned long long)value);
  if (n > 0 && (size_t)n < sizeof line) qun_pack_raw(counters->out, qun_slice_of(line, (size_t)n));
}

static void set_quota_metrics(struct qun__call *c) {
  struct qun_metrics *m = &c->api->metrics;
  struct qun_engine_quota_use use;
  qun_engine_quota_metrics(c->engine, &use);
  qun_metric_set(m, QUN_METRIC_QUOTA_EVENTS, (int64_t)use.refused_events);
  qun_metric_set(m, QUN_METRIC_QUOTA_HANDLER, (int64_t)use.refused_handler);
  qun_metric_set(m, QUN_METRIC_HANDLER_S, (int64_t)(use.handler_us / 1000000));
  qun_metric_set(m, QUN_METRIC_TENANTS_OPEN, (int64_t)use.open);
  qun_metric_set(m, QUN_METRIC_TENANTS_OPENED, (int64_t)use.opened);
}

void qun__get_metrics(struct qun__call *c) {
  int64_t tenants = 0;
  set_quota_metrics(c);
  qun_engine_tenant_each(c->engine, count_tenant, &tenants);
  qun_metric_set(&c->api->metrics, QUN_METRIC_TENANTS, tenants);
  struct qun_journal_stats journal;
  qun_engine_journal_stats(c->engine, &journal);
  qun_metric_set(&c->api->metrics, QUN_METRIC_JOURNAL_SYNCS, (int64_t)journal.syncs);
  qun_metric_set(&c->api->metrics, QUN_METRIC_JOURNAL_ENTRIES, (int64_t)journal.entries);
  qun_metric_set(&c->api->metrics, QUN_METRIC_JOURNAL_BYTES, (int64_t)journal.bytes);
  qun_metric_set(&c->api->metrics, QUN_METRIC_JOURNAL_SEGMENTS, journal.segments_used);
  qun_metric_set(&c->api->metrics, QUN_METRIC_JOURNAL_FAILED, journal.failed);
  qun_metric_set(&c->api->metrics, QUN_METRIC_TENANTS_PARKED, journal.parked);
  qun_metric_set(&c->api->metrics, QUN_METRIC_EVENTS_WAITING, qun_engine_waiting(c->engine));
  qun_metrics_write(&c->api->metrics, &c->text);
  qun_engine_plugin_metrics(c->engine, write_counter, &(struct counters){.out = &c->text});
  qun__answer_text(c, 200, "text/plain; version=0.0.4; charset=utf-8", NULL);
}

void qun__get_worker(struct qun__call *c) {
  const struct qun_api_worker none = {.reason = "none"};
  const struct qun_api_worker *w = c->api->worker ? c->api->worker : &none;
  struct qun_recovery r;
  qun_engine_recovery(c->engine, &r);
  qun_pack_map(&c->out, 11);
  qun_pack_kv_int(&c->out, "recovered_entries", (int64_t)r.entries);
  qun_pack_kv_int(&c->out, "recovered_events", (int64_t)r.events);
  qun_pack_kv_int(&c->out, "recovered_tenants", r.tenants);
  qun_pack_kv_int(&c->out, "spilled_entries", (int64_t)r.spilled);
  qun_pack_kv_int(&c->out, "damaged_segments", r.damaged);
  qun_pack_kv_int(&c->out, "recovery_ms", r.ms);
  qun_pack_kv_bool(&c->out, "supervised", w->supervised);
  qun_pack_kv_int(&c->out, "restarts", w->restarts);
  qun_pack_kv_cstr(&c->out, "last_end", w->reason);
  qun_pack_kv_int(&c->out, "open_ms", w->open_ms);
  qun_pack_kv_int(&c->out, "gap_ms", w->gap_ms);
  qun__answer_map(c, 200);
}
