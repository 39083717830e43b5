/* SPDX-License-Identifier: Apache-2.0 */
/* Reader threads: service calls over a snapshot. What a plugin emits while it answers is appended through the tenant's
 * shard before the answer goes out. */
#include "host/engine/internal.h"
#include "host/engine/services_call.h"
#include "tenants/members.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

struct call {
  struct call *next;
  struct qun_engine *engine;
  char tenant[64], service[128], locale[44], role[16];
  struct qun_pack params;
  qun_call_done done;
  void *arg;
  bool settled;           /* what was journaled before it is applied */
  struct qun_arena arena; /* the reply, until `done` */
  qun_slice reply;
};

struct qun_readers {
  struct qun_engine *engine;
  pthread_t *threads;
  struct qun_runtime **runtimes;
  uint32_t count, started;
  uint64_t purge; /* counts up with each deletion */
  pthread_mutex_t lock;
  pthread_cond_t work;
  struct call *head, **tail;
  uint32_t awaited; /* calls that come again */
  bool stop;
};

struct reader_arg {
  struct qun_readers *readers;
  struct qun_runtime *runtime;
};

static void call_end(struct call *c, int code, const char *message) {
  c->done(c->arg, code, c->reply, message);
  qun_pack_fini(&c->params);
  qun_arena_fini(&c->arena);
  free(c);
}

/* ---------------------------------------------------------------- who may */

static int rank_of(const char *role) {
  static const char *const roles[] = {"auditor", "operator", "owner", "agency", "host"};
  for (int i = 0; i < 5; i++) {
    if (strcmp(role, roles[i]) == 0) return i + 1;
  }
  return strcmp(role, "plugin") == 0 ? 5 : 0;
}

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

static int check(const struct call *c, const struct qun_manifest_service *entry, const struct qun_loaded_plugin *plugin,
                 bool live, struct qun_error *err) {
  const struct qun_manifest *m = plugin->manifest;
  if (rank_of(c->role) < rank_of(entry->role))
    return qun_error_set(err, QUN_EDENIED, "%s needs role %s; the caller has %s", entry->name, entry->role, c->role);
  if (plugin->where == QUN_PARKED)
    return qun_error_set(err, QUN_ENOTFOUND, "plugin %s is parked: %s", m->id, plugin->aside);
  bool state = entry->emits || ends_with(entry->name, ".report") || ends_with(entry->name, ".audit");
  if (!live && state) return qun_error_set(err, QUN_ENOTFOUND, "plugin %s is off for tenant %s", m->id, c->tenant);
  return 0;
}

/* ---------------------------------------------------------------- what it emitted */

static void emitted_done(void *arg, const struct qun_submit_result *result) {
  struct call *c = arg;
  call_end(c, result->code, result->code < 0 ? result->message : NULL);
}

static int emitted_input(struct qun_input_batch *b, const struct qun_emitted *e, const char *plugin, const char *id,
                         qun_slice data) {
  char full[80], source[48];
  struct qun_input *in = qun_input_batch_add(b);
  if (!in) return QUN_EFAIL;
  int n = snprintf(full, sizeof full, "%s/%u", id, e->ordinal);
  int m = snprintf(source, sizeof source, "qun:%s", plugin);
  in->type_flags = e->hearers->type->flags;
  in->time_ms = INT64_MIN;
  in->member_no = e->member;
  in->origin = qun_arena_copy(&b->arena, qun_str(plugin));
  in->type = qun_arena_copy(&b->arena, e->type);
  in->id = qun_arena_copy(&b->arena, qun_slice_of(full, (size_t)n));
  in->source = qun_arena_copy(&b->arena, qun_slice_of(source, (size_t)m));
  in->subject = qun_arena_copy(&b->arena, e->subject);
  in->group = qun_arena_copy(&b->arena, e->group);
  in->channel = qun_arena_copy(&b->arena, e->channel);
  in->lang = qun_arena_copy(&b->arena, e->lang);
  in->data = qun_arena_copy(&b->arena, data);
  return 0;
}

/* What people wrote is sealed before it goes to the log; the handlers get it open. */
static int seal_input(struct qun_slot *slot, const struct qun_view *view, struct qun_input_batch *b,
                      const struct qun_emitted *e, const char *plugin, const char *id, struct qun_error *err) {
  struct qun_batch batch = {.view = *view};
  struct qun_apply a = {.o = {.vault = slot->vault, .seal = true}, .slot = slot, .batch = batch};
  qun_slice open = e->data;
  a.batch.view.overlay = qun_overlay_create();
  if (!a.batch.view.overlay) return qun_error_set(err, QUN_EFAIL, "out of memory");
  qun_pack_init(&a.pack2);
  qun_slice stored = qun__apply_seal(&a, e, err);
  int rc = stored.ptr ? emitted_input(b, e, plugin, id, stored) : QUN_EFAIL;
  if (rc == 0 && stored.ptr != open.ptr && open.len) b->items[b->count - 1].data_open = qun_arena_copy(&b->arena, open);
  qun_pack_fini(&a.pack2);
  qun_overlay_destroy(a.batch.view.overlay);
  return rc;
}

static int submit_emitted(struct call *c, struct qun_slot *slot, const struct qun_view *view,
                          const struct qun_emit_list *list, struct qun_error *err) {
  struct qun_input_batch b;
  char id[33];
  int rc = 0;
  qun_input_batch_init(&b);
  qun__fresh_id(id);
  for (uint32_t i = 0; i < list->count && rc == 0; i++) {
    const char *plugin = c->engine->plugins->plugins[list->items[i].plugin].manifest->id;
    rc = seal_input(slot, view, &b, &list->items[i], plugin, id, err);
  }
  if (rc == 0) rc = qun_engine_submit(c->engine, c->tenant, &b, emitted_done, c, err);
  qun_input_batch_fini(&b);
  return rc;
}

/* ---------------------------------------------------------------- one call */

static int run_request(struct call *c, struct qun_runtime *rt, struct qun_slot *slot, const struct qun_view *view,
                       uint32_t number, const struct qun_manifest_service *entry, struct qun_emit_list *emits,
                       struct qun_error *err) {
  struct qun_head head;
  struct qun_scope scope = {.mode = QUN_MODE_REQUEST,
                            .slot = slot,
                            .view = entry->pure ? NULL : view,
                            .arena = &c->arena,
                            .emits = entry->emits ? emits : NULL,
                            .request = 1};
  if (qun_head_read(view, &head) < 0) return qun_error_set(err, QUN_ECONFLICT, "the store's head is damaged");
  scope.clock_ms = head.clock_ms == INT64_MIN ? 0 : head.clock_ms;
  scope.seq = scope.seed = head.seq;
  qun_calendar_to_local(slot->calendar, scope.clock_ms, &scope.clock_day, &scope.clock_minute);
  struct qun_request request = {.struct_size = sizeof request,
                                .id = 1,
                                .service = qun_str(c->service),
                                .params = qun_pack_slice(&c->params),
                                .locale = qun_str(c->locale[0] ? c->locale : slot->config->locale),
                                .role = qun_str(c->role)};
  int rc = qun_instance_request(&rt->instances[number], &scope, &request);
  if (rc < 0)
    return qun_error_set(err, rc, "%s: %s", c->service,
                         scope.message && scope.message[0] ? scope.message
                         : rc == QUN_ENOTFOUND             ? "not found"
                                                           : "refused without a reason");
  if (scope.request) return qun_error_set(err, QUN_EFAIL, "%s gave no answer", c->service);
  c->reply = scope.reply;
  return 0;
}

static void push(struct qun_readers *r, struct call *c) {
  c->next = NULL;
  *r->tail = c;
  r->tail = &c->next;
  pthread_cond_signal(&r->work);
}

/* On the tenant's shard: what the call waited for is applied. */
static void settled(void *arg, const struct qun_submit_result *result) {
  struct call *c = arg;
  struct qun_readers *r = c->engine->readers;
  (void)result;
  pthread_mutex_lock(&r->lock);
  push(r, c);
  r->awaited--;
  if (r->stop) pthread_cond_broadcast(&r->work);
  pthread_mutex_unlock(&r->lock);
}

/* True: the call comes again once its tenant has applied what was journaled. */
static bool await(struct call *c, struct qun_tenant *t) {
  struct qun_readers *r = c->engine->readers;
  if (c->settled) return false;
  c->settled = true;
  pthread_mutex_lock(&r->lock);
  r->awaited++;
  pthread_mutex_unlock(&r->lock);
  if (qun__tenant_barrier(c->engine, t, settled, c)) return true;
  pthread_mutex_lock(&r->lock);
  r->awaited--;
  pthread_mutex_unlock(&r->lock);
  return false;
}

/* Over a snapshot, on a thread that has the plugin. 1: `done` comes later, after the commit of what was emitted. */
static int answer_over(struct call *c, struct qun_runtime *rt, struct qun_slot *slot, const struct qun_view *view,
                       struct qun_error *err) {
  const struct qun_manifest_service *entry = NULL;
  struct qun_emit_list emits = {0};
  uint32_t number = 0;
  int rc = qun__service_owner(rt->plugins, qun_str(c->service), &number, &entry);
  if (rc == 0) rc = check(c, entry, &rt->plugins->plugins[number], (slot->config->live >> number) & 1u, err);
  if (rc == 0) rc = run_request(c, rt, slot, view, number, entry, &emits, err);
  if (rc == 0 && emits.count) rc = submit_emitted(c, slot, view, &emits, err) < 0 ? err->code : 1;
  free(emits.items);
  return rc;
}

static int errand_run(void *arg, struct qun_runtime *rt, struct qun_slot *slot, const struct qun_view *view,
                      struct qun_error *err) {
  return answer_over(arg, rt, slot, view, err);
}

static void errand_end(void *arg, int rc, const char *message) {
  call_end(arg, rc, message);
}

/* 1: `done` comes later: after what it waits for, after the commit of what was emitted, or from the plugin's follower. */
static int answer(struct call *c, struct qun_runtime *rt, struct qun_error *err) {
  const struct qun_manifest_service *entry = NULL;
  struct qun_tenant *t = NULL;
  struct qun_view view = {0};
  struct qun_slot *slot = NULL;
  uint32_t number = 0;
  int rc = qun__service_owner(rt->plugins, qun_str(c->service), &number, &entry);
  if (rc < 0) return qun_error_set(err, QUN_ENOTFOUND, "no service \"%s\"", c->service);
  rc = qun_tenant_get(c->engine->pool, c->tenant, &t, err);
  if (rc == 0 && await(c, t)) {
    qun_tenant_put(t);
    return 1;
  }
  if (rc == 0 && rt->plugins->plugins[number].where == QUN_ISOLATED) {
    const struct qun_isolated_errand errand = {errand_run, errand_end, c};
    rc = qun__isolated_ask(c->engine->isolated, c->tenant, number, &errand, err);
    qun_tenant_put(t);
    return rc < 0 ? rc : 1;
  }
  if (rc == 0) rc = qun_view_begin(&view, t->store, err);
  if (rc == 0) rc = qun_runtime_slot(rt, t, &view, &slot, err);
  if (rc == 0) rc = answer_over(c, rt, slot, &view, err);
  qun_view_end(&view);
  qun_tenant_put(t);
  return rc;
}

static void *run(void *arg) {
  struct reader_arg *a = arg;
  struct qun_readers *r = a->readers;
  struct qun_runtime *rt = a->runtime;
  uint64_t purged = 0;
  free(a);
  pthread_mutex_lock(&r->lock);
  for (;;) {
    while (!r->head && !r->stop && r->purge == purged) pthread_cond_wait(&r->work, &r->lock);
    if (r->purge != purged) {
      purged = r->purge;
      pthread_mutex_unlock(&r->lock);
      qun_runtime_purge(rt);
      pthread_mutex_lock(&r->lock);
      continue;
    }
    if (!r->head && r->awaited) {
      pthread_cond_wait(&r->work, &r->lock);
      continue;
    }
    if (!r->head) break;
    struct call *c = r->head;
    r->head = c->next;
    if (!r->head) r->tail = &r->head;
    pthread_mutex_unlock(&r->lock);
    struct qun_error err = {0};
    int rc = answer(c, rt, &err);
    if (rc <= 0) call_end(c, rc, rc < 0 ? err.message : NULL);
    pthread_mutex_lock(&r->lock);
  }
  pthread_mutex_unlock(&r->lock);
  return NULL;
}

/* ---------------------------------------------------------------- the pool */

int qun__readers_push(struct qun_readers *r, const struct qun_call_spec *spec, qun_call_done done, void *arg,
                      struct qun_error *err) {
  struct call *c = calloc(1, sizeof *c);
  if (!c) return qun_error_set(err, QUN_EFAIL, "out of memory");
  c->engine = r->engine;
  c->done = done;
  c->arg = arg;
  snprintf(c->tenant, sizeof c->tenant, "%s", spec->tenant);
  snprintf(c->service, sizeof c->service, "%s", spec->service);
  snprintf(c->locale, sizeof c->locale, "%s", spec->locale ? spec->locale : "");
  snprintf(c->role, sizeof c->role, "%s", spec->role);
  qun_arena_init(&c->arena);
  qun_pack_init(&c->params);
  if (spec->params.len)
    qun_pack_raw(&c->params, spec->params);
  else
    qun_pack_map(&c->params, 0);
  pthread_mutex_lock(&r->lock);
  bool stop = r->stop || c->params.failed;
  if (!stop) {
    push(r, c);
  }
  pthread_mutex_unlock(&r->lock);
  if (!stop) return 0;
  qun_pack_fini(&c->params);
  free(c);
  return qun_error_set(err, QUN_EFAIL, "the engine is closing");
}

void qun__readers_purge(struct qun_readers *r) {
  pthread_mutex_lock(&r->lock);
  r->purge++;
  pthread_cond_broadcast(&r->work);
  pthread_mutex_unlock(&r->lock);
}

static int start_one(struct qun_readers *r, uint32_t i, struct qun_error *err) {
  struct qun_engine *e = r->engine;
  struct reader_arg *a = calloc(1, sizeof *a);
  int rc = a ? qun_runtime_create(&r->runtimes[i], e->plugins, e->subscriptions, e->metrics, err)
             : qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc == 0) {
    r->runtimes[i]->keys_dir = e->keys_dir;
    *a = (struct reader_arg){r, r->runtimes[i]};
    if (pthread_create(&r->threads[i], NULL, run, a) == 0) {
      r->started++;
      pthread_setname_np(r->threads[i], "qun-reader");
      return 0;
    }
    rc = qun_error_set(err, QUN_EFAIL, "a reader's thread cannot start");
  }
  free(a);
  return rc;
}

int qun__readers_start(struct qun_readers **out, struct qun_engine *e, uint32_t count, struct qun_error *err) {
  int rc = 0;
  struct qun_readers *r = calloc(1, sizeof *r);
  if (!r) return qun_error_set(err, QUN_EFAIL, "out of memory");
  r->engine = e;
  r->tail = &r->head;
  pthread_mutex_init(&r->lock, NULL);
  pthread_cond_init(&r->work, NULL);
  r->count = count;
  r->threads = calloc(count, sizeof *r->threads);
  r->runtimes = calloc(count, sizeof(struct qun_runtime *));
  if (!r->threads || !r->runtimes) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  for (uint32_t i = 0; i < count && rc == 0; i++) rc = start_one(r, i, err);
  if (rc < 0)
    qun__readers_stop(r);
  else
    *out = r;
  return rc;
}

void qun__readers_stop(struct qun_readers *r) {
  if (!r) return;
  pthread_mutex_lock(&r->lock);
  r->stop = true;
  pthread_cond_broadcast(&r->work);
  pthread_mutex_unlock(&r->lock);
  for (uint32_t i = 0; i < r->started; i++) pthread_join(r->threads[i], NULL);
  for (uint32_t i = 0; r->runtimes && i < r->count; i++) qun_runtime_destroy(r->runtimes[i]);
  pthread_cond_destroy(&r->work);
  pthread_mutex_destroy(&r->lock);
  free(r->threads);
  free(r->runtimes);
  free(r);
}
