/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way out by HTTP, shared by webhooks and by qun.http_client/1 (DECISIONS 19): https, certificates checked, no redirect, no proxy whatever the
 * environment says, no user in the URL, and the address is checked when the socket for it is made, so a name cannot resolve to another one in
 * between. This machine's own addresses, and plain http to them, only by the operator's own setting. One thread: all functions but qun_egress_wake.
 */
#ifndef QUN_HOST_DELIVERY_EGRESS_H
#define QUN_HOST_DELIVERY_EGRESS_H

#include "tenants/error.h"

#include <curl/curl.h>
#include <qun/plugin.h>
#include <stdbool.h>

struct qun_egress;

/* What every transfer begins with. */
struct qun_egress_transfer {
  struct qun_egress *owner;
  CURL *curl;
  struct curl_slist *headers;
  bool refused; /* its address may not be used */
  char why[CURL_ERROR_SIZE];
  /* It is over, and no longer the egress's. */
  void (*ended)(struct qun_egress_transfer *t, CURLcode code, int64_t now_ms);
  void (*drop)(struct qun_egress_transfer *t); /* the egress goes: free it, nobody asks */
  struct qun_egress_transfer *next;
};

struct qun_egress_request {
  const char *method;
  const char *url;
  qun_slice body; /* must live until the transfer ends */
  long seconds;
  curl_write_callback take; /* the answer's bytes, with the transfer as its last argument */
};

int qun_egress_create(struct qun_egress **out, bool allow_loopback, struct qun_error *err);
/* Drops what is under way. NULL is fine. */
void qun_egress_destroy(struct qun_egress *e);
/* Whether a URL may be gone to at all. QUN_EINVAL: `what` and the reason. */
int qun_egress_check_url(const struct qun_egress *e, const char *url, const char *what, struct qun_error *err);
/* Adds a line "name: value" to a transfer that is to begin. False: no memory. */
bool qun_egress_header(struct qun_egress_transfer *t, const char *line);
/* Begins. On failure (QUN_EAGAIN) the transfer stays the caller's. */
int qun_egress_begin(struct qun_egress *e, struct qun_egress_transfer *t, const struct qun_egress_request *request,
                     struct qun_error *err);
/* Frees what libcurl has of a transfer that is over or never began. */
void qun_egress_transfer_fini(struct qun_egress_transfer *t);
/* Moves transfers on, tells of those that ended, and waits for the next thing or timeout_ms. */
void qun_egress_run(struct qun_egress *e, int timeout_ms, int64_t now_ms);
/* Ends the wait. Any thread. */
void qun_egress_wake(struct qun_egress *e);
uint32_t qun_egress_underway(const struct qun_egress *e);

#endif
