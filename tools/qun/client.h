/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of the API, over one of two transports: HTTP (to a URL, or to the Unix socket of the daemon that holds a
 * data directory), or the API's own dispatch in this process when no daemon runs. One request at a time, so that
 * batches of one file arrive in its order. One thread.
 */
#ifndef QUN_TOOLS_QUN_CLIENT_H
#define QUN_TOOLS_QUN_CLIENT_H

#include "tenants/error.h"

#include <qun/msgpack.h>

#include <stdbool.h>

struct qun_client_options {
  const char *data;       /* data directory, or NULL */
  const char *keys;       /* NULL: beside it */
  const char *plugins;    /* NULL: beside the program */
  const char *url;        /* instead of data */
  const char *token_file; /* with url; "-": standard input. NULL: no token */
  const char *locale;     /* for Accept-Language; NULL: none */
};

struct qun_client_request {
  const char *method, *path;
  const char *query;        /* encoded, without "?"; NULL none */
  const char *content_type; /* NULL: no body */
  qun_slice body;
  int to; /* > 0: the body of an answer of 200 is written to this descriptor, if the transport is HTTP */
};

struct qun_client_answer {
  int status;
  int retry_after; /* seconds; 0: none */
  char content_type[96];
  struct qun_pack body;
};

struct qun_client;

/* What a transport does. Comments of the functions below hold for its slots; all are mandatory. */
struct qun_client_ops {
  int (*begin)(void *self, const struct qun_client_request *request, struct qun_error *err);
  int (*end)(void *self, struct qun_client_answer *answer, struct qun_error *err);
  void (*close)(void *self);
};

/* QUN_ECONFLICT: another process holds the data directory and does not answer. QUN_EINVAL, QUN_ENOTFOUND, QUN_EFAIL.
 * Blocking. */
int qun_client_open(struct qun_client **out, const struct qun_client_options *options, struct qun_error *err);
/* NULL is fine. Waits for a request that is under way. */
void qun_client_close(struct qun_client *c);
/* Sends a request and returns once it is on its way; its bytes must live until end. */
int qun_client_begin(struct qun_client *c, const struct qun_client_request *request, struct qun_error *err);
/* Waits for the answer to the request begun; init'ed here, fini it. Any HTTP status is an answer. QUN_EFAIL: the
 * connection broke. */
int qun_client_end(struct qun_client *c, struct qun_client_answer *answer, struct qun_error *err);
int qun_client_request(struct qun_client *c, const struct qun_client_request *request, struct qun_client_answer *answer,
                       struct qun_error *err);
void qun_client_answer_fini(struct qun_client_answer *answer);

/* ---- transports. Each answers its own self, given to its ops. */
extern const struct qun_client_ops qun_client_http_ops;
extern const struct qun_client_ops qun_client_local_ops;
/* `socket`: path of a Unix socket to go through, or NULL. */
int qun_client_http_open(void **self, const struct qun_client_options *options, const char *socket,
                         struct qun_error *err);
int qun_client_local_open(void **self, const struct qun_client_options *options, struct qun_error *err);

#endif
