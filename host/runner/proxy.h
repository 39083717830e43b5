/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A struct qun_plugin whose code runs in runners: each callback goes to the runner of its tenant, and the services that the
 * plugin calls meanwhile are made here, through the vtables of the host that created the proxy, with all their checks.
 * So everything that can run a plugin can run an isolated one. One thread an instance, as for any plugin.
 *
 * Without more each callback is a round trip. Who knows what comes next says so first: qun_proxy_announce sends events
 * ahead, and the callbacks that follow find the runner at work or done.
 */
#ifndef QUN_HOST_RUNNER_PROXY_H
#define QUN_HOST_RUNNER_PROXY_H

#include "host/runner/process.h"

/* What create() is given as config: these bytes. Outlives the instance. */
struct qun_proxy_config {
  const struct qun_runner_options *options;
  struct qun_runner_plugin plugin;
};

extern const struct qun_plugin qun_proxy_plugin;

/* `local` is what the proxy's on_tenant left. A tenant whose runner died gets another with the next callback. */

/* Why the last callback did not come back: its runner died, hung, or broke the rules; it is dead now. NULL: it did come
   back. What the callback wrote until then must not be kept. */
const char *qun_proxy_broken(const void *local);
/* The record that the dead runner was at, as far as it is known; 0: none. */
uint64_t qun_proxy_poison(const void *local);
/* False: the runner that is dead came down while it was started, before any event. */
bool qun_proxy_began(const void *local);
/* The pid of its runner; 0: none runs. */
int qun_proxy_pid(const void *local);

/* An event that the next calls of on_event will bring, in order; sent with qun_proxy_send or when much has gathered. All
   slices are copied. Timers that are due up to `hold_ms` (INT64_MIN: none) come before it. QUN_EFAIL: out of memory, or the
   runner could not be started. */
int qun_proxy_announce(void *local, const struct qun_context *ctx, const struct qun_event *event, int64_t hold_ms);
/* A row of the keyspace as it is before the announced events; NULL: there is none. Before qun_proxy_send. */
void qun_proxy_known(void *local, qun_slice key, const qun_slice *value);
void qun_proxy_send(void *local);
/* When the plugin's next timer is due; INT64_MAX: never. Between batches, and after on_timer. */
void qun_proxy_due(void *local, int64_t due_ms);
/* Rows were changed by somebody else: the runner must read them again. With nothing under way. */
void qun_proxy_forget(void *local);
/* Ends the runner; the next callback starts another. */
void qun_proxy_stop(void *local);

/* A key that the plugin had to ask for while it handled an event of member `member`; for who learns what to ship ahead. */
typedef void (*qun_proxy_asked)(void *arg, uint64_t member, qun_slice key);
void qun_proxy_on_asked(void *local, qun_proxy_asked asked, void *arg);

#endif
