/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qund's settings: ONE table, from which come the command line, the configuration file (YAML, the same names) and
 * --help. What the command line says goes before what the file says. Main thread; reads the file.
 */
#ifndef QUN_HOST_QUND_SETTINGS_H
#define QUN_HOST_QUND_SETTINGS_H

#include "tenants/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum qun_qund_kind { QUN_QUND_TEXT = 1, QUN_QUND_NUMBER, QUN_QUND_SIZE, QUN_QUND_BOOL };

/* X(name, kind, default, least, most, placeholder, help). Sizes take the endings K, M, G. */
#define QUN_QUND_SETTINGS(X)                                                                                           \
  X(data, TEXT, NULL, 0, 0, "DIR", "data directory; made if absent (needed)")                                          \
  X(keys, TEXT, NULL, 0, 0, "DIR", "keys directory; outside the data directory. Default: DIR.keys beside it")          \
  X(listen, TEXT, "127.0.0.1:8480", 0, 0, "ADDR:PORT", "address for HTTP; port 0: any free one; \"off\": none")        \
  X(socket, TEXT, NULL, 0, 0, "PATH", "Unix socket for batches of events. Default: <data>/intake.sock")                \
  X(plugins, TEXT, NULL, 0, 0, "DIR",                                                                                  \
    "folder of plugin packages. Default: beside the program, else the installed one")                                  \
  X(shards, NUMBER, "2", 1, 64, "N", "threads that apply events")                                                      \
  X(readers, NUMBER, "2", 1, 64, "N", "threads that answer reports and services")                                      \
  X(journal, BOOL, "true", 0, 0, "", "single events are made durable together, in one journal of all tenants")         \
  X(journal_segment, SIZE, "16M", 1048576, 1073741824, "BYTES", "size of the journal's files")                         \
  X(queue, NUMBER, "65536", 20000, 16777216, "EVENTS", "events that may wait on a shard")                              \
  X(open_tenants, NUMBER, "0", 0, 10000, "N",                                                                          \
    "tenants whose stores may be open at a time; 0: what the limits allow, at most 1200")                              \
  X(tenant_memory, SIZE, "512M", 1048576, 1099511627776, "BYTES", "memory of open tenants that nobody uses")           \
  X(body_limit, SIZE, "16M", 1024, 1073741824, "BYTES", "largest body of a request and largest frame of the socket")   \
  X(body_budget, SIZE, "256M", 1024, 1099511627776, "BYTES", "all bodies on their way together")                       \
  X(connections, NUMBER, "1000", 1, 1000000, "N", "HTTP connections at a time")                                        \
  X(socket_connections, NUMBER, "256", 1, 100000, "N", "intake socket connections at a time")                          \
  X(window, NUMBER, "8", 1, 1024, "N", "batches of a socket connection that may wait for their answer")                \
  X(timeout, NUMBER, "30", 1, 3600, "SECONDS", "an HTTP connection that does nothing is closed after this")            \
  X(drain, NUMBER, "10", 1, 3600, "SECONDS", "on stop: how long clients may take to fetch their answers")              \
  X(allow_untrusted, BOOL, "false", 0, 0, "",                                                                          \
    "run plugins that nobody trusted answers for inside the host, not isolated")                                       \
  X(isolate, TEXT, "none", 0, 0, "IDS", "trusted plugins that run isolated all the same: ids by commas, all, none")    \
  X(sandbox_require, TEXT, "landlock>=1,seccomp", 0, 0, "LEVEL",                                                       \
    "least sandbox of an isolated plugin, else it is refused: landlock>=N, seccomp, rlimits, none")                    \
  X(runners, NUMBER, "32", 1, 1024, "N", "isolated plugins that follow a tenant's log at a time")                      \
  X(runner_memory, SIZE, "512M", 67108864, 1099511627776, "BYTES", "address space of a runner")                        \
  X(runner_cpu, NUMBER, "3600", 1, 31536000, "SECONDS", "processor time of a runner, over its life")                   \
  X(runner_idle, NUMBER, "30", 1, 86400, "SECONDS", "a runner without work ends after this")                           \
  X(runner_callback, NUMBER, "5000", 10, 600000, "MS", "a callback that takes longer is a hang: its runner is killed") \
  X(signatures, TEXT, "warn", 0, 0, "POLICY",                                                                          \
    "plugins that no trusted key signed: strict refuses them, warn says so, off is silent")                            \
  X(callback_ms, NUMBER, "60000", 0, 3600000, "MS", "a plugin's callback that takes longer hangs; 0: nobody looks")    \
  X(hang, TEXT, "abort", 0, 0, "POLICY", "what then: abort (the worker starts anew) or log")                           \
  X(safe_mode, BOOL, "false", 0, 0, "", "run only the plugins of this build; others are parked and catch up later")    \
  X(allow_loopback, BOOL, "false", 0, 0, "", "webhooks may go to this machine, also by plain http")                    \
  X(supervise, BOOL, "true", 0, 0, "", "start the worker anew when it crashes; --no-supervise: one process")           \
  X(log_level, TEXT, "info", 0, 0, "LEVEL", "debug, info, warn or error")

struct qun_qund_settings {
#define X(name, kind, fallback, least, most, placeholder, help) char *name;
  QUN_QUND_SETTINGS(X)
#undef X
};

enum qun_qund_wish { QUN_QUND_RUN = 0, QUN_QUND_HELP, QUN_QUND_VERSION };

/* Reads the command line, then the file that --config names, then fills in the defaults, and checks each value.
 *QUN_EINVAL: what is wrong and where. wish: what else was asked for; then the settings are not checked. Fini in any
 *case. */
int qun_qund_settings_read(struct qun_qund_settings *s, int argc, char **argv, enum qun_qund_wish *wish,
                           struct qun_error *err);
void qun_qund_settings_fini(struct qun_qund_settings *s);
/* A checked number, size or boolean. */
uint64_t qun_qund_number(const char *text);
void qun_qund_help(FILE *out);

#endif
