/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What GET /metrics shows, as one table. Names follow the Prometheus conventions (base units, _total for counters);
 * none carries a tenant's name, since the page needs no token. All functions: any thread, no blocking.
 */
#ifndef QUN_HOST_OPS_METRICS_H
#define QUN_HOST_OPS_METRICS_H

#include <qun/msgpack.h>
#include <stdatomic.h>

/* X(identifier, name, type, help) */
#define QUN_METRICS(X)                                                                                                 \
  X(HTTP_REQUESTS, "qun_http_requests_total", "counter", "HTTP requests answered.")                                    \
  X(HTTP_CLIENT_ERRORS, "qun_http_client_errors_total", "counter", "HTTP answers with status 400 to 499.")             \
  X(HTTP_SERVER_ERRORS, "qun_http_server_errors_total", "counter", "HTTP answers with status 500 to 599.")             \
  X(HTTP_RECEIVED, "qun_http_received_bytes_total", "counter", "Bytes of request bodies taken in.")                    \
  X(HTTP_CONNECTIONS, "qun_http_connections", "gauge", "HTTP connections that are open.")                              \
  X(HTTP_IN_FLIGHT, "qun_http_requests_in_flight", "gauge", "HTTP requests that wait for their answer.")               \
  X(SOCKET_CONNECTIONS, "qun_socket_connections", "gauge", "Intake socket connections that are open.")                 \
  X(SOCKET_BATCHES, "qun_socket_batches_total", "counter", "Batches answered on the intake socket.")                   \
  X(SOCKET_RECEIVED, "qun_socket_received_bytes_total", "counter", "Bytes read from the intake socket.")               \
  X(SOCKET_ERRORS, "qun_socket_protocol_errors_total", "counter",                                                      \
    "Intake socket connections closed for what they sent.")                                                            \
  X(EVENTS_ACCEPTED, "qun_events_accepted_total", "counter", "Events taken in and committed.")                         \
  X(EVENTS_DUPLICATE, "qun_events_duplicate_total", "counter", "Events that were known already.")                      \
  X(EVENTS_CONFLICT, "qun_events_conflict_total", "counter", "Events whose id is known with other content.")           \
  X(EVENTS_REFUSED, "qun_events_refused_total", "counter", "Events refused on intake.")                                \
  X(BACK_PRESSURE, "qun_intake_back_pressure_total", "counter", "Batches that found a full queue.")                    \
  X(DENIED, "qun_requests_denied_total", "counter", "Requests without a good token or a role that suffices.")          \
  X(JOBS_WAITING, "qun_jobs_waiting", "gauge", "Requests that wait for a worker thread.")                              \
  X(EVENTS_WAITING, "qun_events_waiting", "gauge", "Events that wait on the shards.")                                  \
  X(JOURNAL_SYNCS, "qun_journal_syncs_total", "counter", "Disk syncs of the journal.")                                 \
  X(JOURNAL_ENTRIES, "qun_journal_entries_total", "counter", "Batches made durable by the journal.")                   \
  X(JOURNAL_BYTES, "qun_journal_written_bytes_total", "counter", "Bytes written to the journal.")                      \
  X(JOURNAL_SEGMENTS, "qun_journal_segments_used", "gauge", "Files of the journal that may still be needed.")          \
  X(JOURNAL_FAILED, "qun_journal_failed", "gauge", "1 once a write or sync of the journal failed.")                    \
  X(TENANTS_PARKED, "qun_tenants_parked", "gauge", "Tenants whose stores do not take what was acknowledged.")          \
  X(QUOTA_EVENTS, "qun_quota_events_refused_total", "counter", "Batches refused as the quota of events was used up.")  \
  X(QUOTA_HANDLER, "qun_quota_handler_refused_total", "counter",                                                       \
    "Batches refused as the quota of handler time was used up.")                                                       \
  X(HANDLER_S, "qun_handler_seconds_total", "counter", "Time that tenants took on the shards.")                        \
  X(TENANTS_OPEN, "qun_tenants_open", "gauge", "Tenants whose stores are open.")                                       \
  X(TENANTS_OPENED, "qun_tenants_opened_total", "counter", "Times that a tenant's store was opened.")                  \
  X(PLUGINS_LOADED, "qun_plugins_loaded", "gauge", "Plugins that are loaded.")                                         \
  X(PLUGINS_REFUSED, "qun_plugins_refused", "gauge", "Plugin packages that were refused at start.")                    \
  X(TENANTS, "qun_tenants", "gauge", "Tenants that this host has.")                                                    \
  X(RESTARTS, "qun_worker_restarts_total", "counter", "Workers started anew after a crash, since qund was started.")   \
  X(RECOVERED, "qun_worker_recovered_entries", "gauge", "Journal entries that this worker applied as it started.")     \
  X(START_TIME, "qun_start_time_seconds", "gauge", "When the process began, in seconds since 1970.")                   \
  X(READY, "qun_ready", "gauge", "1 while requests are welcome, 0 while the process stops.")

enum qun_metric {
#define X(id, name, type, help) QUN_METRIC_##id,
  QUN_METRICS(X)
#undef X
      QUN_METRIC_COUNT
};

struct qun_metrics {
  _Atomic int64_t values[QUN_METRIC_COUNT];
};

void qun_metric_add(struct qun_metrics *m, enum qun_metric metric, int64_t n);
void qun_metric_set(struct qun_metrics *m, enum qun_metric metric, int64_t n);
int64_t qun_metric_get(const struct qun_metrics *m, enum qun_metric metric);
/* Appends the page in the Prometheus text format 0.0.4. */
void qun_metrics_write(const struct qun_metrics *m, struct qun_pack *out);

#endif
