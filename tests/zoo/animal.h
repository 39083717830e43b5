/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the animals of the zoo have in common. Each is a plugin that is fine until its deed: it counts the messages that it
 * hears of, and a message of group "zoo" (or a call of <id>.act, for those that misbehave while they answer) makes it do
 * what it should not. How far it got is a row of its keyspace, which <id>.look shows:
 *   {messages: int, tried: bool, result: int}   result: 0 it was let; an errno or a code of the SDK: it was not
 */
#ifndef QUN_TESTS_ZOO_ANIMAL_H
#define QUN_TESTS_ZOO_ANIMAL_H

#include <qun/msgpack.h>
#include <qun/plugin.h>

#include <stdlib.h>

struct animal {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_timer_v1 *timer;
  const struct qun_reply_v1 *reply;
  uint64_t kept; /* for those that keep what they must not */
};

/* The deed: answers 0 or what refused it. `event` is NULL when the deed is done while it answers a request. */
typedef int (*animal_deed)(struct animal *a, const struct qun_context *ctx, const struct qun_event *event);

static inline int animal_create(const struct qun_host *host, qun_slice config, void **self) {
  struct animal *a = (struct animal *)calloc(1, sizeof *a);
  int rc = a ? 0 : QUN_EFAIL;
  (void)config;
  if (rc == 0) rc = host->query(host, QUN_STORE_1, (const void **)&a->store);
  if (rc == 0) rc = host->query(host, QUN_EVENTS_1, (const void **)&a->events);
  if (rc == 0) rc = host->query(host, QUN_TIMER_1, (const void **)&a->timer);
  if (rc == 0) rc = host->query(host, QUN_REPLY_1, (const void **)&a->reply);
  if (rc < 0) {
    free(a);
    return host->fail(host, rc, qun_str("a service is missing"));
  }
  a->host = host;
  *self = a;
  return 0;
}

static inline void animal_destroy(void *self) {
  free(self);
}

static inline int64_t animal_read(struct animal *a, qun_handle tenant, const char *key, int64_t otherwise) {
  qun_slice value;
  struct qun_unpack u;
  int64_t n;
  if (a->store->get(a->host, tenant, qun_str(key), &value) < 0) return otherwise;
  qun_unpack_init(&u, value);
  return qun_unpack_int(&u, &n) ? n : otherwise;
}

static inline int animal_write(struct animal *a, qun_handle tenant, const char *key, int64_t n) {
  struct qun_pack p;
  int rc;
  qun_pack_init(&p);
  qun_pack_int(&p, n);
  rc = p.failed ? QUN_EFAIL : a->store->put(a->host, tenant, qun_str(key), qun_pack_slice(&p), 0);
  qun_pack_fini(&p);
  return rc;
}

/* on_event of all of them. */
static inline int animal_event(void *self, const struct qun_context *ctx, const struct qun_event *event,
                               animal_deed deed) {
  struct animal *a = (struct animal *)self;
  int rc = animal_write(a, ctx->tenant, "messages", animal_read(a, ctx->tenant, "messages", 0) + 1);
  if (rc < 0 || !deed || !qun_slice_is(event->group, "zoo")) return rc;
  return animal_write(a, ctx->tenant, "result", deed(a, ctx, event));
}

/* on_request of all of them. */
static inline int animal_request(void *self, const struct qun_context *ctx, const struct qun_request *request,
                                 animal_deed deed) {
  struct animal *a = (struct animal *)self;
  int64_t result = animal_read(a, ctx->tenant, "result", INT64_MAX);
  struct qun_pack body;
  int rc, did = 0;
  const char *name = (const char *)request->service.ptr;
  if (deed && request->service.len > 4 && memcmp(name + request->service.len - 4, ".act", 4) == 0) {
    rc = deed(a, ctx, NULL);
    if (rc == QUN_PENDING) return 0; /* it has answered, in its way */
    result = rc;
    did = 1;
  }
  qun_pack_init(&body);
  qun_pack_map(&body, 3);
  qun_pack_kv_int(&body, "messages", animal_read(a, ctx->tenant, "messages", 0));
  qun_pack_kv_bool(&body, "tried", did || result != INT64_MAX);
  qun_pack_kv_int(&body, "result", result == INT64_MAX ? 0 : result);
  rc = body.failed ? QUN_EFAIL : a->reply->reply(a->host, request->id, qun_pack_slice(&body));
  qun_pack_fini(&body);
  return rc;
}

/* Ends each file. DEED: what a message of group "zoo" makes it do. */
#define ANIMAL(ID, DEED)                                                                                               \
  static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {                      \
    return animal_event(self, ctx, event, DEED);                                                                       \
  }                                                                                                                    \
  static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {                \
    return animal_request(self, ctx, request, NULL);                                                                   \
  }                                                                                                                    \
  static const struct qun_plugin animal = {.struct_size = sizeof(struct qun_plugin),                                   \
                                           .create = animal_create,                                                    \
                                           .destroy = animal_destroy,                                                  \
                                           .on_event = on_event,                                                       \
                                           .on_request = on_request};                                                  \
  QUN_PLUGIN(ID, "1.0.0", animal)

/* The same; DEED: what a call of <id>.act makes it do. */
#define ANIMAL_ASKED(ID, DEED)                                                                                         \
  static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {                      \
    return animal_event(self, ctx, event, NULL);                                                                       \
  }                                                                                                                    \
  static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {                \
    return animal_request(self, ctx, request, DEED);                                                                   \
  }                                                                                                                    \
  static const struct qun_plugin animal = {.struct_size = sizeof(struct qun_plugin),                                   \
                                           .create = animal_create,                                                    \
                                           .destroy = animal_destroy,                                                  \
                                           .on_event = on_event,                                                       \
                                           .on_request = on_request};                                                  \
  QUN_PLUGIN(ID, "1.0.0", animal)

/* A write through a pointer that the compiler cannot look through. */
static inline void animal_crash(void) {
  volatile int *volatile nowhere = NULL;
  *nowhere = 1;
}

#endif
