/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/host/runner/host.h"

#include <criterion/criterion.h>

#include <stdio.h>

static struct mini *mini_of(const struct qun_host *host) {
  return host->ctx;
}

static struct mini_row *find(struct mini *m, qun_slice key) {
  for (uint32_t i = 0; i < m->rows_count; i++)
    if (qun_slice_is(key, m->rows[i].key)) return &m->rows[i];
  return NULL;
}

static int store_get(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice *value) {
  struct mini *m = mini_of(host);
  if (tenant != MINI_TENANT || !m->mode) {
    m->denied++;
    return QUN_EDENIED;
  }
  m->gets++;
  const struct mini_row *row = find(m, key);
  if (!row) return QUN_ENOTFOUND;
  *value = qun_slice_of(row->value, row->len);
  return 0;
}

static int store_put(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice value, uint64_t owner) {
  struct mini *m = mini_of(host);
  (void)owner;
  if (tenant != MINI_TENANT || (m->mode != QUN_MODE_EVENT && m->mode != QUN_MODE_TIMER)) {
    m->denied++;
    return QUN_EDENIED;
  }
  struct mini_row *row = find(m, key);
  if (!row) {
    row = &m->rows[m->rows_count++];
    snprintf(row->key, sizeof row->key, "%.*s", (int)key.len, (const char *)key.ptr);
  }
  free(row->value);
  row->value = malloc((size_t)value.len + 1);
  row->len = (size_t)value.len;
  if (value.len) memcpy(row->value, value.ptr, row->len);
  return 0;
}

static int store_del(const struct qun_host *host, qun_handle tenant, qun_slice key) {
  (void)host;
  (void)tenant;
  (void)key;
  return QUN_EDENIED;
}

static int store_scan(const struct qun_host *host, qun_handle tenant, qun_slice prefix, qun_slice after,
                      struct qun_pair *pairs, uint32_t cap, uint32_t *count) {
  (void)host;
  (void)tenant;
  (void)prefix;
  (void)after;
  (void)pairs;
  (void)cap;
  *count = 0;
  return 0;
}

static int emit(const struct qun_host *host, qun_handle tenant, const struct qun_emit *event) {
  struct mini *m = mini_of(host);
  (void)event;
  m->emits++;
  return tenant == MINI_TENANT && m->mode ? 0 : QUN_EDENIED;
}

static int timer_set(const struct qun_host *host, qun_handle tenant, qun_slice name, int64_t due_ms, qun_slice data) {
  (void)host;
  (void)name;
  (void)due_ms;
  (void)data;
  return tenant == MINI_TENANT ? 0 : QUN_EDENIED;
}

static int timer_cancel(const struct qun_host *host, qun_handle tenant, qun_slice name) {
  return timer_set(host, tenant, name, 0, name);
}

static int reply(const struct qun_host *host, qun_handle request, qun_slice body) {
  struct mini *m = mini_of(host);
  if (m->mode != QUN_MODE_REQUEST || request != 1) return QUN_EGONE;
  return qun_mp_valid(body, 32) ? 0 : QUN_EINVAL;
}

static const struct qun_store_v1 store = {
    .struct_size = sizeof store, .get = store_get, .put = store_put, .del = store_del, .scan = store_scan};
static const struct qun_events_v1 events = {.struct_size = sizeof events, .emit = emit};
static const struct qun_timer_v1 timers = {.struct_size = sizeof timers, .set = timer_set, .cancel = timer_cancel};
static const struct qun_reply_v1 replies = {.struct_size = sizeof replies, .reply = reply};

static int query(const struct qun_host *host, const char *id, const void **out) {
  static const struct {
    const char *id;
    const void *vtable;
  } all[] = {{QUN_STORE_1, &store}, {QUN_EVENTS_1, &events}, {QUN_TIMER_1, &timers}, {QUN_REPLY_1, &replies}};
  (void)host;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (strcmp(all[i].id, id) != 0) continue;
    *out = all[i].vtable;
    return 0;
  }
  return QUN_EDENIED;
}

static void log_line(const struct qun_host *host, int level, qun_slice msg) {
  (void)host;
  (void)level;
  (void)msg;
}

static int fail(const struct qun_host *host, int code, qun_slice msg) {
  struct mini *m = mini_of(host);
  snprintf(m->message, sizeof m->message, "%.*s", (int)msg.len, (const char *)msg.ptr);
  return code;
}

void mini_open(struct mini *m, const char *dir, const char *id) {
  static const char *const requires[] = {QUN_STORE_1, QUN_EVENTS_1, QUN_TIMER_1, QUN_REPLY_1};
  static char program[4096];
  char file[4096];
  struct qun_error err = {0};
  memset(m, 0, sizeof *m);
  snprintf(file, sizeof file, QUN_BUILD_DIR "/%s/%s/%s.so", dir, id, id);
  snprintf(program, sizeof program, QUN_BUILD_DIR "/bin/qun-runner");
  cr_assert_eq(qun__library_read(&m->library, file, &err), 0, "%s", err.message);
  m->host = (struct qun_host){.struct_size = sizeof m->host,
                              .abi_minor = QUN_ABI_MINOR,
                              .ctx = m,
                              .query = query,
                              .log = log_line,
                              .fail = fail};
  m->options = (struct qun_runner_options){.program = program,
                                           .memory_bytes = (uint64_t)1 << 30,
                                           .cpu_s = 60,
                                           .callback_ms = 120000,
                                           .require = "landlock>=1,seccomp,rlimits"};
  m->config = (struct qun_proxy_config){.options = &m->options,
                                        .plugin = {.id = id,
                                                   .version = "1.0.0",
                                                   .requires = requires,
                                                   .requires_count = sizeof requires / sizeof *requires,
                                                   .library = m->library.fd}};
  cr_assert_eq(qun_proxy_plugin.create(&m->host, qun_slice_of(&m->config, sizeof m->config), &m->self), 0);
  cr_assert_eq(mini_tenant(m), 0, "%s", m->message);
}

void mini_close(struct mini *m) {
  qun_proxy_plugin.on_tenant_close(m->self, m->local);
  qun_proxy_plugin.destroy(m->self);
  qun__library_drop(&m->library);
  for (uint32_t i = 0; i < m->rows_count; i++) free(m->rows[i].value);
}

static struct qun_context context(struct mini *m, uint32_t mode, int64_t clock_ms) {
  m->message[0] = '\0';
  m->mode = mode;
  return (struct qun_context){.struct_size = sizeof(struct qun_context),
                              .mode = mode,
                              .tenant = MINI_TENANT,
                              .local = m->local,
                              .clock_ms = clock_ms};
}

static int ended(struct mini *m, int rc) {
  m->mode = 0;
  return rc;
}

int mini_tenant(struct mini *m) {
  struct qun_context ctx = context(m, QUN_MODE_TENANT, 0);
  struct qun_tenant_info info = {.struct_size = sizeof info, .name = qun_str("mini")};
  return ended(m, qun_proxy_plugin.on_tenant(m->self, &ctx, &info, &m->local));
}

static struct qun_event event_of(const char *group, uint64_t member, int64_t clock_ms, uint64_t seq) {
  return (struct qun_event){.struct_size = sizeof(struct qun_event),
                            .seq = seq,
                            .time_ms = clock_ms,
                            .member = member,
                            .type = qun_str("message"),
                            .group = qun_str(group)};
}

int mini_event(struct mini *m, const char *group, uint64_t member, int64_t clock_ms) {
  struct qun_context ctx = context(m, QUN_MODE_EVENT, clock_ms);
  struct qun_event e = event_of(group, member, clock_ms, ++m->seq);
  return ended(m, qun_proxy_plugin.on_event(m->self, &ctx, &e));
}

void mini_announce(struct mini *m, const char *group, uint64_t member, int64_t clock_ms, uint64_t ahead) {
  struct qun_context ctx = context(m, QUN_MODE_EVENT, clock_ms);
  struct qun_event e = event_of(group, member, clock_ms, m->seq + ahead);
  m->mode = 0;
  cr_assert_eq(qun_proxy_announce(m->local, &ctx, &e, clock_ms), 0, "%s", m->message);
}

int mini_timer(struct mini *m, int64_t due_ms) {
  struct qun_context ctx = context(m, QUN_MODE_TIMER, due_ms);
  struct qun_timer t = {.struct_size = sizeof t, .due_ms = due_ms, .name = qun_str("t")};
  return ended(m, qun_proxy_plugin.on_timer(m->self, &ctx, &t));
}

int mini_request(struct mini *m, const char *service) {
  struct qun_context ctx = context(m, QUN_MODE_REQUEST, 0);
  struct qun_request r = {.struct_size = sizeof r, .id = 1, .service = qun_str(service)};
  return ended(m, qun_proxy_plugin.on_request(m->self, &ctx, &r));
}

int64_t mini_int(struct mini *m, const char *key) {
  const struct mini_row *row = find(m, qun_str(key));
  struct qun_unpack u;
  int64_t n;
  if (!row) return INT64_MIN;
  qun_unpack_init(&u, qun_slice_of(row->value, row->len));
  return qun_unpack_int(&u, &n) ? n : INT64_MIN;
}
