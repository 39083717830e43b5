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
  const struct qun_http_v1 *http;
  const struct qun_http_client_v1 *client;
  const struct qun_work_v1 *work;
  const struct qun_secrets_v1 *secrets;
  const struct qun_outbox_v1 *outbox;
};

/* 0 or the line that failed. */
typedef int (*probe_trial)(struct probe *p, const struct qun_context *ctx);

struct probe_row {
  const char *name;
  probe_trial run;
};

extern const struct probe_row probe_store[];
/* probe.page and probe.owner: echoes what it was given. */
int probe_page(struct probe *p, const struct qun_context *ctx, const struct qun_request *request);

/* A message "fetch URL", "work N", "send TARGET" or "gated TARGET" (by spool): puts it down under the event's id. 1: it is neither. */
int probe_order(struct probe *p, const struct qun_context *ctx, const struct qun_event *event);
/* http.answer and work.answer: keeps the data. */
int probe_answer(struct probe *p, const struct qun_context *ctx, const struct qun_event *event);
/* probe.read {key}, probe.verify {message, signature}, probe.sum {n}. */
int probe_asked(struct probe *p, const struct qun_context *ctx, const struct qun_request *request);

#define PROBE(CONDITION)                                                                                               \
  do {                                                                                                                 \
    if (!(CONDITION)) return __LINE__;                                                                                 \
  } while (0)

#endif
