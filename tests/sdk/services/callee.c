/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sdk/services/callee.h"

#include <stdio.h>

static struct callee *of(const struct qun_host *host) {
  return host->ctx;
}

static struct qun_pack *heard(const struct qun_host *host, const char *what) {
  struct callee *c = of(host);
  qun_pack_clear(&c->heard);
  qun_pack_cstr(&c->heard, what);
  return &c->heard;
}

static int store_get(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice *value) {
  struct qun_pack *p = heard(host, "store.get");
  qun__wire_put_u64(p, tenant);
  qun_pack_bin(p, key);
  *value = of(host)->lends;
  return of(host)->code;
}

static int store_put(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice value, uint64_t owner) {
  struct qun_pack *p = heard(host, "store.put");
  qun__wire_put_u64(p, tenant);
  qun_pack_bin(p, key);
  qun_pack_bin(p, value);
  qun__wire_put_u64(p, owner);
  return of(host)->code;
}

static int store_del(const struct qun_host *host, qun_handle tenant, qun_slice key) {
  struct qun_pack *p = heard(host, "store.del");
  qun__wire_put_u64(p, tenant);
  qun_pack_bin(p, key);
  return of(host)->code;
}

void callee_key(char out[16], uint32_t nth) {
  snprintf(out, 16, "k%08u", nth);
}

static int store_scan(const struct qun_host *host, qun_handle tenant, qun_slice prefix, qun_slice after,
                      struct qun_pair *pairs, uint32_t cap, uint32_t *count) {
  static char keys[QUN__PAIRS_MAX][16];
  struct callee *c = of(host);
  struct qun_pack *p = heard(host, "store.scan");
  unsigned from = 0;
  qun__wire_put_u64(p, tenant);
  qun_pack_bin(p, prefix);
  qun_pack_bin(p, after);
  if (c->code < 0) return c->code;
  if (after.len > 1 && after.len < 16) {
    char text[16] = "";
    memcpy(text, after.ptr, (size_t)after.len);
    if (sscanf(text, "k%u", &from) == 1) from++;
  }
  *count = 0;
  for (uint32_t i = from; i < c->rows && *count < cap; i++) {
    callee_key(keys[*count], i);
    pairs[*count] = (struct qun_pair){.key = qun_str(keys[*count]), .value = c->row};
    ++*count;
  }
  return 0;
}

static int store_get_many(const struct qun_host *host, qun_handle tenant, const qun_slice *keys, uint32_t count,
                          qun_slice *values) {
  struct qun_pack *p = heard(host, "store2.get_many");
  qun__wire_put_u64(p, tenant);
  qun_pack_int(p, count);
  if (of(host)->code < 0) return of(host)->code;
  for (uint32_t i = 0; i < count; i++)
    values[i] = qun_slice_is(keys[i], "none") ? (qun_slice){NULL, 0} : keys[i].len == 0 ? qun_str("") : of(host)->lends;
  return 0;
}

static int store_batch(const struct qun_host *host, qun_handle tenant, const struct qun_store_op *ops, uint32_t count) {
  struct qun_pack *p = heard(host, "store2.batch");
  qun__wire_put_u64(p, tenant);
  for (uint32_t i = 0; i < count; i++) qun__wire_put_store_op(p, &ops[i]);
  return of(host)->code;
}

static int events_emit(const struct qun_host *host, qun_handle tenant, const struct qun_emit *event) {
  struct qun_pack *p = heard(host, "events.emit");
  qun__wire_put_u64(p, tenant);
  qun_pack_int(p, event->struct_size);
  qun__wire_put_emit(p, event);
  return of(host)->code;
}

static int timer_set(const struct qun_host *host, qun_handle tenant, qun_slice name, int64_t due_ms, qun_slice data) {
  struct qun_pack *p = heard(host, "timer.set");
  qun__wire_put_u64(p, tenant);
  qun_pack_bin(p, name);
  qun_pack_int(p, due_ms);
  qun_pack_bin(p, data);
  return of(host)->code;
}

static int timer_cancel(const struct qun_host *host, qun_handle tenant, qun_slice name) {
  struct qun_pack *p = heard(host, "timer.cancel");
  qun__wire_put_u64(p, tenant);
  qun_pack_bin(p, name);
  return of(host)->code;
}

static int calendar_to_local(const struct qun_host *host, qun_handle tenant, int64_t ms, int32_t *day,
                             int32_t *minute) {
  struct qun_pack *p = heard(host, "calendar.to_local");
  qun__wire_put_u64(p, tenant);
  qun_pack_int(p, ms);
  *day = (int32_t)of(host)->number;
  *minute = (int32_t)-of(host)->number;
  return of(host)->code;
}

static int calendar_from_local(const struct qun_host *host, qun_handle tenant, int32_t day, int32_t minute,
                               int64_t *ms) {
  struct qun_pack *p = heard(host, "calendar.from_local");
  qun__wire_put_u64(p, tenant);
  qun_pack_int(p, day);
  qun_pack_int(p, minute);
  *ms = of(host)->number;
  return of(host)->code;
}

static int reply_reply(const struct qun_host *host, qun_handle request, qun_slice body) {
  struct qun_pack *p = heard(host, "reply.reply");
  qun__wire_put_u64(p, request);
  qun_pack_bin(p, body);
  return of(host)->code;
}

static int outbox_enqueue(const struct qun_host *host, qun_handle tenant, const struct qun_outbox_row *row) {
  struct qun_pack *p = heard(host, "outbox.enqueue");
  qun__wire_put_u64(p, tenant);
  qun_pack_int(p, row->struct_size);
  qun__wire_put_outbox_row(p, row);
  return of(host)->code;
}

static int outbox_cancel(const struct qun_host *host, qun_handle tenant, qun_slice key) {
  struct qun_pack *p = heard(host, "outbox.cancel");
  qun__wire_put_u64(p, tenant);
  qun_pack_bin(p, key);
  return of(host)->code;
}

static int call_call(const struct qun_host *host, qun_handle tenant, const char *service, qun_slice params,
                     qun_slice *reply) {
  struct qun_pack *p = heard(host, "call.call");
  qun__wire_put_u64(p, tenant);
  qun_pack_bin(p, qun_str(service));
  qun_pack_bin(p, params);
  *reply = of(host)->lends;
  return of(host)->code;
}

static int package_read(const struct qun_host *host, const char *plugin, const char *path, qun_slice *body) {
  struct qun_pack *p = heard(host, "package.read");
  qun_pack_bin(p, qun_str(plugin));
  qun_pack_bin(p, qun_str(path));
  *body = of(host)->lends;
  return of(host)->code;
}

static int package_list(const struct qun_host *host, const char *plugin, uint32_t nth, qun_slice *path) {
  struct qun_pack *p = heard(host, "package.list");
  qun_pack_bin(p, qun_str(plugin));
  qun_pack_int(p, nth);
  *path = of(host)->lends;
  return of(host)->code;
}

static void metrics_add(const struct qun_host *host, const char *name, uint64_t delta) {
  struct qun_pack *p = heard(host, "metrics.add");
  qun_pack_bin(p, qun_str(name));
  qun__wire_put_u64(p, delta);
}

static int http_respond(const struct qun_host *host, qun_handle request, uint32_t status, qun_slice content_type,
                        qun_slice body) {
  struct qun_pack *p = heard(host, "http.respond");
  qun__wire_put_u64(p, request);
  qun_pack_int(p, status);
  qun_pack_bin(p, content_type);
  qun_pack_bin(p, body);
  return of(host)->code;
}

static int http_client_fetch(const struct qun_host *host, qun_handle tenant, const struct qun_http_fetch *request) {
  struct qun_pack *p = heard(host, "http_client.fetch");
  qun__wire_put_u64(p, tenant);
  qun__wire_put_http_fetch(p, request);
  return of(host)->code;
}

static int work_submit(const struct qun_host *host, qun_handle tenant, qun_slice key, const char *service,
                       qun_slice params) {
  struct qun_pack *p = heard(host, "work.submit");
  qun__wire_put_u64(p, tenant);
  qun_pack_bin(p, key);
  qun_pack_bin(p, qun_str(service));
  qun_pack_bin(p, params);
  return of(host)->code;
}

static int secrets_verify(const struct qun_host *host, qun_handle tenant, const char *name, uint32_t algorithm,
                          qun_slice message, qun_slice signature) {
  struct qun_pack *p = heard(host, "secrets.verify");
  qun__wire_put_u64(p, tenant);
  qun_pack_bin(p, qun_str(name));
  qun_pack_int(p, algorithm);
  qun_pack_bin(p, message);
  qun_pack_bin(p, signature);
  return of(host)->code;
}

static int intercept_complete(const struct qun_host *host, qun_handle tenant, qun_slice token, uint32_t verdict,
                              qun_slice reason, qun_slice patch) {
  struct qun_pack *p = heard(host, "intercept.complete");
  qun__wire_put_u64(p, tenant);
  qun_pack_bin(p, token);
  qun_pack_int(p, verdict);
  qun_pack_bin(p, reason);
  qun_pack_bin(p, patch);
  return of(host)->code;
}

static const struct qun_store_v1 store = {
    .struct_size = sizeof store, .get = store_get, .put = store_put, .del = store_del, .scan = store_scan};
static const struct qun_store_v2 store2 = {.struct_size = sizeof store2,
                                           .get = store_get,
                                           .put = store_put,
                                           .del = store_del,
                                           .scan = store_scan,
                                           .get_many = store_get_many,
                                           .batch = store_batch};
static const struct qun_events_v1 events = {.struct_size = sizeof events, .emit = events_emit};
static const struct qun_timer_v1 timer = {.struct_size = sizeof timer, .set = timer_set, .cancel = timer_cancel};
static const struct qun_calendar_v1 calendar = {.struct_size = sizeof calendar,
                                                .to_local = calendar_to_local,
                                                .from_local = calendar_from_local};
static const struct qun_reply_v1 reply = {.struct_size = sizeof reply, .reply = reply_reply};
static const struct qun_outbox_v1 outbox = {.struct_size = sizeof outbox,
                                            .enqueue = outbox_enqueue,
                                            .cancel = outbox_cancel};
static const struct qun_call_v1 call = {.struct_size = sizeof call, .call = call_call};
static const struct qun_package_v1 package = {.struct_size = sizeof package,
                                              .read = package_read,
                                              .list = package_list};
static const struct qun_metrics_v1 metrics = {.struct_size = sizeof metrics, .add = metrics_add};

static const struct qun_http_client_v1 http_client = {.struct_size = sizeof http_client, .fetch = http_client_fetch};
static const struct qun_work_v1 work = {.struct_size = sizeof work, .submit = work_submit};
static const struct qun_secrets_v1 secrets = {.struct_size = sizeof secrets, .verify = secrets_verify};
static const struct qun_intercept_v1 intercept = {.struct_size = sizeof intercept, .complete = intercept_complete};
static const struct qun_http_v1 http = {.struct_size = sizeof http, .respond = http_respond};

static const struct {
  const char *id;
  const void *vtable;
} vtables[] = {{QUN_STORE_1, &store},     {QUN_STORE_2, &store2},      {QUN_EVENTS_1, &events},
               {QUN_TIMER_1, &timer},     {QUN_CALENDAR_1, &calendar}, {QUN_REPLY_1, &reply},
               {QUN_OUTBOX_1, &outbox},   {QUN_CALL_1, &call},         {QUN_PACKAGE_1, &package},
               {QUN_METRICS_1, &metrics}, {QUN_HTTP_1, &http},         {QUN_HTTP_CLIENT_1, &http_client},
               {QUN_WORK_1, &work},       {QUN_SECRETS_1, &secrets},   {QUN_INTERCEPT_1, &intercept}};

static int query(const struct qun_host *host, const char *id, const void **out) {
  if (of(host)->denied && strcmp(of(host)->denied, id) == 0) return QUN_EDENIED;
  for (size_t i = 0; i < sizeof vtables / sizeof *vtables; i++) {
    if (strcmp(vtables[i].id, id) != 0) continue;
    *out = vtables[i].vtable;
    return 0;
  }
  return QUN_EUNSUPPORTED;
}

static int roundtrip(void *ctx, uint32_t service, uint32_t method, qun_slice args, qun_slice *answer) {
  struct callee *c = ctx;
  c->frames++;
  if (c->cut) return QUN_EGONE;
  qun_pack_clear(&c->reply);
  int rc = qun__dispatch(&c->far, service, method, args, &c->reply);
  *answer = qun_pack_slice(&c->reply);
  return rc;
}

void callee_open(struct callee *c) {
  memset(c, 0, sizeof *c);
  qun_pack_init(&c->heard);
  qun_pack_init(&c->reply);
  c->transport = (struct qun__transport){.roundtrip = roundtrip, .ctx = c};
  c->near = (struct qun_host){.struct_size = sizeof c->near, .ctx = &c->transport};
  c->far = (struct qun_host){.struct_size = sizeof c->far, .ctx = c, .query = query};
}

void callee_close(struct callee *c) {
  qun_pack_fini(&c->heard);
  qun_pack_fini(&c->reply);
}
