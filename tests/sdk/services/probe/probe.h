/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin that tries the services from within: the text of a message names a trial, which runs in on_event; the service probe.try runs one in a request.
 * What goes as it should is emitted as probe.passed (or answered); what does not, fails with the place. The same trials must pass in the
 * host, in the fake host and in a process of its own. One file a service: trial_<service>.c.
 */
#ifndef QUN_TESTS_SDK_SERVICES_PROBE_H
#define QUN_TESTS_SDK_SERVICES_PROBE_H

#include <qun/msgpack.h>
#include <qun/plugin.h>

struct probe {
  const struct qun_host *host;
  const struct qun_store_v1 *store1;
  const struct qun_store_v2 *store;
  const struct qun_events_v1 *events;
  const struct qun_reply_v1 *reply;
};

/* 0 or the line that failed. */
typedef int (*probe_trial)(struct probe *p, const struct qun_context *ctx);

struct probe_row {
  const char *name;
  probe_trial run;
};

extern const struct probe_row probe_store[];

#define PROBE(CONDITION)                                                                                               \
  do {                                                                                                                 \
    if (!(CONDITION)) return __LINE__;                                                                                 \
  } while (0)

#endif
