/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service calls as bytes, for what sdk/services/generate.py makes of sdk/services.def: the runner's stubs, the host's dispatch, and the structs that
 * callbacks are given.
 *
 * Arguments are a msgpack array, one value an argument: integers as int64 (64-bit unsigned ones by their bits), slices and texts as bin, a struct as an
 * array of its fields. An answer is an array of the code and, when that is no refusal, what the call lends. One call: [service, method]
 * are numbers of the table in this build.
 */
#ifndef QUN_SERVICES_WIRE_H
#define QUN_SERVICES_WIRE_H

#include <qun/msgpack.h>

#include <stdbool.h>

enum {
  QUN__PAIRS_MAX = 1024,       /* rows of one answer of a scan */
  QUN__PAIRS_BYTES = 1 << 20,  /* after so many bytes an answer takes no further row */
  QUN__LIST_MAX = 1024,        /* items of a list */
  QUN__TEXT_MAX = 255,         /* bytes of a C string that crosses */
  QUN__ARGUMENT_MAX = 32 << 20 /* bytes of a slice that crosses as an argument */
};

enum {
  QUN__IN_CREATE = 1u << 0,
  QUN__IN_EVENT = 1u << 1,
  QUN__IN_TIMER = 1u << 2,
  QUN__IN_REQUEST = 1u << 3,
  QUN__IN_PURE = 1u << 4, /* a request to a service that the manifest calls pure */
  QUN__IN_TENANT = 1u << 5
};

struct qun__method {
  const char *name;
  const char *doc;
  unsigned modes; /* QUN__IN_* */
  bool any_thread;
  bool lasting; /* what it lends is good until destroy() */
  bool oneway;  /* nothing comes back */
};

struct qun__service {
  const char *name; /* "store" */
  const char *id;   /* "qun.store/1" */
  const char *doc;
  unsigned since; /* ABI minor */
  uint32_t count;
  const struct qun__method *methods;
};

/* ---------------------------------------------------------------- the runner's side */

/* The first member of what host->ctx points to in a runner. */
struct qun__transport {
  /* Carries a call over and sets *reply, which stays as it is until the callback returns (a lasting method: until destroy). The two numbers come from
     the table. Less than 0: the call did not get through, and the plugin gets this code. A oneway call leaves *reply empty. On the thread of
     the caller: a method of any thread may come at any time. */
  int (*roundtrip)(void *ctx, uint32_t service, uint32_t method, qun_slice args, qun_slice *reply);
  void *ctx;
};

/* Sends what is packed in `args` and finishes it. Answers the callee's code, with `lent` at what follows it; `outs` is how many values must. */
int qun__stub_send(const struct qun_host *host, uint32_t service, uint32_t method, struct qun_pack *args, uint32_t outs,
                   struct qun_unpack *lent);
/* Whether a slice may cross as an argument. */
bool qun__stub_fits(qun_slice s);
bool qun__stub_fits_all(const qun_slice *list, uint32_t count);
/* Whether a C string may; NULL counts as "". */
bool qun__stub_fits_text(const char *text);

/* ---------------------------------------------------------------- the host's side */

/* A C string out of bin: at most QUN__TEXT_MAX bytes, none of them NUL. */
bool qun__wire_text(struct qun_unpack *u, char out[QUN__TEXT_MAX + 1]);

/* ---------------------------------------------------------------- both */

bool qun__wire_u32(struct qun_unpack *u, uint32_t *v);
bool qun__wire_i32(struct qun_unpack *u, int32_t *v);
bool qun__wire_i64(struct qun_unpack *u, int64_t *v);
bool qun__wire_u64(struct qun_unpack *u, uint64_t *v);
void qun__wire_put_u64(struct qun_pack *p, uint64_t v);

#endif
