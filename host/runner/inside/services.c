/* SPDX-License-Identifier: Apache-2.0 */
/* The services as a plugin in a runner sees them: the stubs that sdk/services.def makes, and in front of them what need not
   be asked: rows that are known, writes that the host will take. The host checks all of it again. */
#include "host/runner/inside/serve.h"

#include <stdio.h>
#include <unistd.h>

enum { KEY_MAX = 400, VALUE_MAX = 16 << 20, EXIT_NO_MEMORY = 5 };

static struct qun_serve *serve_of(const struct qun_host *host) {
  return host->ctx;
}

static bool on_loop(const struct qun_serve *s) {
  return pthread_equal(pthread_self(), s->channel.reader);
}

/* ---------------------------------------------------------------- calls */

static void lend(struct qun_waiting **list, qun_slice bytes, qun_slice *out) {
  struct qun_waiting *w = malloc(sizeof *w + (size_t)bytes.len);
  if (!w) _exit(EXIT_NO_MEMORY);
  w->next = *list;
  *list = w;
  if (bytes.len) memcpy(w->args, bytes.ptr, (size_t)bytes.len);
  *out = qun_slice_of(w->args, (size_t)bytes.len);
}

static void pack_call(struct qun_pack *p, uint32_t service, uint32_t method, qun_slice args) {
  qun_pack_init(p);
  qun_pack_array(p, 3);
  qun_pack_int(p, service);
  qun_pack_int(p, method);
  qun_pack_raw(p, args);
}

static int roundtrip(void *ctx, uint32_t service, uint32_t method, qun_slice args, qun_slice *reply) {
  struct qun_serve *s = ctx;
  const struct qun__method *m = &qun__services[service].methods[method];
  struct qun_pack p;
  qun_slice answer;
  if (!m->oneway && !on_loop(s)) return QUN_EDENIED;
  pack_call(&p, service, method, args);
  if (p.failed) {
    qun_pack_fini(&p);
    return QUN_EFAIL;
  }
  if (m->oneway) {
    qun_channel_note(&s->channel, QUN_WIRE_SERVICE, qun_pack_slice(&p));
  } else {
    qun_channel_call(&s->channel, QUN_WIRE_SERVICE, qun_pack_slice(&p), &answer);
    s->distrust = false; /* what the host ships from now on it has read after our writes */
    lend(m->lasting ? &s->kept : &s->lent, answer, reply);
  }
  qun_pack_fini(&p);
  return 0;
}

/* ---------------------------------------------------------------- qun.store/1 */

static bool may_read(const struct qun_serve *s, qun_handle tenant) {
  return on_loop(s) && s->inside && s->mode && !s->pure && tenant == s->tenant;
}

static bool may_write(const struct qun_serve *s, qun_handle tenant) {
  return may_read(s, tenant) && (s->mode == QUN_MODE_EVENT || s->mode == QUN_MODE_TIMER);
}

static int store_get(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice *value) {
  struct qun_serve *s = serve_of(host);
  if (!may_read(s, tenant)) return QUN_EDENIED;
  if (key.len == 0 || key.len > KEY_MAX) return QUN_EINVAL;
  int known = qun_keyspace_get(&s->keyspace, key, value);
  if (known != QUN_ENOTFOUND) return known ? 0 : QUN_ENOTFOUND;
  int rc = s->second ? qun__stub_store2_get(host, tenant, key, value) : qun__stub_store_get(host, tenant, key, value);
  if (rc == 0) qun_keyspace_learn(&s->keyspace, key, value);
  if (rc == QUN_ENOTFOUND) qun_keyspace_learn(&s->keyspace, key, NULL);
  return rc;
}

/* A write that the host takes in any case needs no answer. */
static int write_row(struct qun_serve *s, bool put, qun_handle tenant, qun_slice key, const qun_slice *value,
                     uint64_t owner) {
  struct qun_pack args, p;
  int rc = qun_keyspace_write(&s->keyspace, key, value);
  if (rc < 0) return rc;
  qun_pack_init(&args);
  qun_pack_array(&args, value ? 4 : 2);
  qun__wire_put_u64(&args, tenant);
  qun_pack_bin(&args, key);
  if (value) qun_pack_bin(&args, *value);
  if (value) qun__wire_put_u64(&args, owner);
  if (s->second)
    pack_call(&p, QUN__STORE2, put ? QUN__STORE2_PUT : QUN__STORE2_DEL, qun_pack_slice(&args));
  else
    pack_call(&p, QUN__STORE, put ? QUN__STORE_PUT : QUN__STORE_DEL, qun_pack_slice(&args));
  if (args.failed || p.failed) _exit(EXIT_NO_MEMORY);
  qun_channel_note(&s->channel, QUN_WIRE_SERVICE, qun_pack_slice(&p));
  qun_pack_fini(&args);
  qun_pack_fini(&p);
  return 0;
}

static int store_put(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice value, uint64_t owner) {
  struct qun_serve *s = serve_of(host);
  if (!may_write(s, tenant)) return QUN_EDENIED;
  if (key.len == 0 || key.len > KEY_MAX || value.len > VALUE_MAX) return QUN_EINVAL;
  return write_row(s, true, tenant, key, &value, owner);
}

static int store_del(const struct qun_host *host, qun_handle tenant, qun_slice key) {
  struct qun_serve *s = serve_of(host);
  if (!may_write(s, tenant)) return QUN_EDENIED;
  if (key.len == 0 || key.len > KEY_MAX) return QUN_EINVAL;
  return write_row(s, false, tenant, key, NULL, 0);
}

static int store_scan(const struct qun_host *host, qun_handle tenant, qun_slice prefix, qun_slice after,
                      struct qun_pair *pairs, uint32_t cap, uint32_t *count) {
  return serve_of(host)->second ? qun__stub_store2_scan(host, tenant, prefix, after, pairs, cap, count)
                                : qun__stub_store_scan(host, tenant, prefix, after, pairs, cap, count);
}

/* ---------------------------------------------------------------- qun.store/2 */

/* Those that are not known, asked for at once. */
static int ask_many(struct qun_serve *s, const struct qun_host *host, qun_handle tenant, const qun_slice *keys,
                    uint32_t count, qun_slice *values) {
  static const qun_slice nothing = {NULL, 0};
  qun_slice unknown[QUN_STORE_MANY], found[QUN_STORE_MANY];
  uint32_t place[QUN_STORE_MANY], n = 0;
  for (uint32_t i = 0; i < count; i++) {
    int known = qun_keyspace_get(&s->keyspace, keys[i], &values[i]);
    if (known == 0) values[i] = nothing;
    if (known != QUN_ENOTFOUND) continue;
    place[n] = i;
    unknown[n++] = keys[i];
  }
  int rc = n ? qun__stub_store2_get_many(host, tenant, unknown, n, found) : 0;
  for (uint32_t i = 0; i < n && rc >= 0; i++) {
    values[place[i]] = found[i];
    qun_keyspace_learn(&s->keyspace, unknown[i], found[i].ptr ? &found[i] : NULL);
  }
  return rc;
}

static int store_get_many(const struct qun_host *host, qun_handle tenant, const qun_slice *keys, uint32_t count,
                          qun_slice *values) {
  struct qun_serve *s = serve_of(host);
  if (!may_read(s, tenant)) return QUN_EDENIED;
  if (count > QUN_STORE_MANY) return QUN_EINVAL;
  for (uint32_t i = 0; i < count; i++)
    if (keys[i].len == 0 || keys[i].len > KEY_MAX) return QUN_EINVAL;
  return ask_many(s, host, tenant, keys, count, values);
}

/* The host decides; what it did is known here then. */
static int store_batch(const struct qun_host *host, qun_handle tenant, const struct qun_store_op *ops, uint32_t count) {
  struct qun_serve *s = serve_of(host);
  if (!may_write(s, tenant)) return QUN_EDENIED;
  int rc = qun__stub_store2_batch(host, tenant, ops, count);
  for (uint32_t i = 0; i < count && rc >= 0; i++) {
    bool put = ops[i].kind == QUN_STORE_PUT;
    if (!put && ops[i].kind != QUN_STORE_DEL) continue;
    if (qun_keyspace_write(&s->keyspace, ops[i].key, put ? &ops[i].value : NULL) < 0) _exit(EXIT_NO_MEMORY);
  }
  return rc;
}

/* ---------------------------------------------------------------- qun.timer/1 */

/* An event that comes after the timer must wait for it. */
static int timer_set(const struct qun_host *host, qun_handle tenant, qun_slice name, int64_t due_ms, qun_slice data) {
  struct qun_serve *s = serve_of(host);
  int rc = qun__stub_timer_set(host, tenant, name, due_ms, data);
  if (rc == 0 && due_ms < s->due_ms) s->due_ms = due_ms;
  return rc;
}

/* ---------------------------------------------------------------- struct qun_host */

static int host_query(const struct qun_host *host, const char *service_id, const void **out) {
  struct qun_serve *s = serve_of(host);
  const void *vtable = NULL;
  int rc = qun__stub_find(service_id, &vtable);
  if (rc < 0) return rc;
  for (uint32_t i = 0; i < s->requires_count; i++) {
    if (strcmp(s->requires[i], service_id) != 0) continue;
    if (strcmp(service_id, QUN_STORE_1) == 0) vtable = &s->store;
    if (strcmp(service_id, QUN_STORE_2) == 0) vtable = &s->store2;
    if (strcmp(service_id, QUN_TIMER_1) == 0) vtable = &s->timer;
    *out = vtable;
    return 0;
  }
  return QUN_EDENIED;
}

static void host_log(const struct qun_host *host, int level, qun_slice msg) {
  struct qun_serve *s = serve_of(host);
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_array(&p, 2);
  qun_pack_int(&p, level);
  qun_pack_str(&p, qun_slice_of(msg.ptr, msg.len > 1000 ? 1000 : (size_t)msg.len));
  if (!p.failed) qun_channel_note(&s->channel, QUN_WIRE_LOG, qun_pack_slice(&p));
  qun_pack_fini(&p);
}

static int host_fail(const struct qun_host *host, int code, qun_slice msg) {
  struct qun_serve *s = serve_of(host);
  if (on_loop(s) && s->inside)
    snprintf(s->message, sizeof s->message, "%.*s", (int)(msg.len > 250 ? 250 : msg.len), (const char *)msg.ptr);
  return code < 0 ? code : QUN_EFAIL;
}

void qun__serve_services(struct qun_serve *s) {
  const void *stubs = NULL;
  s->transport = (struct qun__transport){.roundtrip = roundtrip, .ctx = s};
  s->host = (struct qun_host){.struct_size = sizeof s->host,
                              .abi_minor = QUN_ABI_MINOR,
                              .ctx = s,
                              .query = host_query,
                              .log = host_log,
                              .fail = host_fail};
  if (qun__stub_find(QUN_STORE_1, &stubs) == 0) memcpy(&s->store, stubs, sizeof s->store);
  if (qun__stub_find(QUN_STORE_2, &stubs) == 0) memcpy(&s->store2, stubs, sizeof s->store2);
  if (qun__stub_find(QUN_TIMER_1, &stubs) == 0) memcpy(&s->timer, stubs, sizeof s->timer);
  s->store.get = store_get;
  s->store.put = store_put;
  s->store.del = store_del;
  s->store2.get = store_get;
  s->store2.put = store_put;
  s->store2.del = store_del;
  s->store2.scan = store_scan;
  s->store2.get_many = store_get_many;
  s->store2.batch = store_batch;
  s->store.scan = store_scan;
  s->timer.set = timer_set;
}
