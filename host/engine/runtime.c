/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/runtime.h"

#include <stdio.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- what a plugin sees of its host */

static struct qun_instance *instance_of(const struct qun_host *host) {
  return host->ctx;
}

static int host_query(const struct qun_host *host, const char *service_id, const void **out) {
  const struct qun_instance *in = instance_of(host);
  const struct qun_manifest *m = in->plugin->manifest;
  const void *vtable = NULL;
  char sentence[200];
  int rc = qun__service_find(service_id, &vtable);
  if (rc < 0) {
    snprintf(sentence, sizeof sentence, "this host is too old: ABI %d.%d does not have the service %.60s",
             QUN_ABI_MAJOR, QUN_ABI_MINOR, service_id);
    return in->scope ? host->fail(host, rc, qun_str(sentence)) : rc;
  }
  for (uint32_t i = 0; i < m->requires_count; i++) {
    if (strcmp(m->requires[i], service_id) != 0) continue;
    *out = vtable;
    return 0;
  }
  snprintf(sentence, sizeof sentence, "the service %.60s is not granted: plugin.yaml does not list it under `requires`",
           service_id);
  return in->scope ? host->fail(host, QUN_EDENIED, qun_str(sentence)) : QUN_EDENIED;
}

static void host_log(const struct qun_host *host, int level, qun_slice msg) {
  static const char *const names[] = {"debug", "info", "warn", "error"};
  if (level < QUN_LOG_INFO) return;
  fprintf(stderr, "%s %s: %.*s\n", names[level > 3 ? 3 : level], instance_of(host)->plugin->manifest->id,
          (int)(msg.len > 1000 ? 1000 : msg.len), (const char *)msg.ptr);
}

static int host_fail(const struct qun_host *host, int code, qun_slice msg) {
  struct qun_scope *scope = instance_of(host)->scope;
  if (scope)
    snprintf(scope->message, sizeof instance_of(host)->message, "%.*s", (int)(msg.len > 250 ? 250 : msg.len),
             (const char *)msg.ptr);
  return code < 0 ? code : QUN_EFAIL;
}

/* ---------------------------------------------------------------- instances */

/* A callback of the instance begins: what it says goes into the instance's own buffer. */
static struct qun_crumb_was enter(struct qun_instance *in, struct qun_scope *scope, enum qun_callback callback,
                                  const void *what) {
  static const char nobody[64] = "";
  in->message[0] = '\0';
  scope->message = in->message;
  in->scope = scope;
  if (in->plugin->where == QUN_ISOLATED)
    return (struct qun_crumb_was){0}; /* whatever it does, it does not do it here */
  return qun_crumb_enter(in->runtime->crumb, in->plugin->code, callback, scope->slot ? scope->slot->name : nobody,
                         scope->seq, what, in->plugin->manifest->callback_ms);
}

static void leave(struct qun_instance *in, const struct qun_crumb_was *was) {
  if (in->plugin->where != QUN_ISOLATED) qun_crumb_leave(in->runtime->crumb, was);
  in->scope = NULL;
}

static int instance_create(struct qun_runtime *rt, uint32_t n, struct qun_error *err) {
  struct qun_instance *in = &rt->instances[n];
  static const unsigned char empty_map = 0x80;
  *in = (struct qun_instance){.host = {.struct_size = sizeof in->host,
                                       .abi_minor = QUN_ABI_MINOR,
                                       .ctx = in,
                                       .query = host_query,
                                       .log = host_log,
                                       .fail = host_fail},
                              .runtime = rt,
                              .plugin = &rt->plugins->plugins[n],
                              .number = n};
  struct qun_scope scope = {0};
  bool isolated = in->plugin->where == QUN_ISOLATED;
  qun_slice config =
      isolated ? qun_slice_of(&in->plugin->proxy, sizeof in->plugin->proxy) : qun_slice_of(&empty_map, 1);
  struct qun_crumb_was was = enter(in, &scope, QUN_CALLBACK_CREATE, NULL);
  int rc = in->plugin->vtable->create(&in->host, config, &in->self);
  leave(in, &was);
  if (rc < 0)
    return qun_error_set(err, QUN_EFAIL, "plugin %s cannot start: %s", in->plugin->manifest->id,
                         scope.message[0] ? scope.message : "no reason given");
  rt->here |= 1u << n;
  return 0;
}

static void instance_destroy(struct qun_instance *in) {
  struct qun_scope scope = {0};
  struct qun_crumb_was was = enter(in, &scope, QUN_CALLBACK_DESTROY, NULL);
  in->plugin->vtable->destroy(in->self);
  leave(in, &was);
  in->self = NULL;
  in->plugin = NULL;
}

static void instances_destroy(struct qun_runtime *rt) {
  for (uint32_t i = 0; i < rt->plugins->count; i++) {
    if (rt->here & (1u << i)) instance_destroy(&rt->instances[i]);
  }
  rt->here = 0;
}

uint32_t qun_runtime_inside(const struct qun_plugin_set *plugins) {
  uint32_t inside = 0;
  for (uint32_t i = 0; i < plugins->count; i++)
    if (plugins->plugins[i].where == QUN_HERE) inside |= 1u << i;
  return inside;
}

int qun_runtime_create(struct qun_runtime **out, const struct qun_plugin_set *plugins,
                       const struct qun_subscriptions *subscriptions, struct qun_plugin_metrics *metrics,
                       struct qun_error *err) {
  return qun_runtime_create_for(out, plugins, qun_runtime_inside(plugins), subscriptions, metrics, err);
}

int qun_runtime_create_for(struct qun_runtime **out, const struct qun_plugin_set *plugins, uint32_t here,
                           const struct qun_subscriptions *subscriptions, struct qun_plugin_metrics *metrics,
                           struct qun_error *err) {
  struct qun_runtime *rt = calloc(1, sizeof *rt);
  if (!rt) return qun_error_set(err, QUN_EFAIL, "out of memory");
  rt->plugins = plugins;
  rt->subscriptions = subscriptions;
  rt->metrics = metrics;
  rt->slots_max = QUN_SLOTS_MAX;
  rt->crumb = qun_crumbs_take(plugins->crumbs);
  int rc = rt->crumb ? 0 : qun_error_set(err, QUN_EFAIL, "out of memory");
  for (uint32_t i = 0; i < plugins->count && rc == 0; i++) {
    if (plugins->plugins[i].where == QUN_PARKED) rt->held |= 1u << i;
    if ((here & (1u << i)) && plugins->plugins[i].vtable) rc = instance_create(rt, i, err);
  }
  if (rc < 0)
    qun_runtime_destroy(rt);
  else
    *out = rt;
  return rc;
}

/* ---------------------------------------------------------------- slots */

static void tenant_close(struct qun_instance *in, struct qun_slot *slot) {
  struct qun_scope scope = {0};
  if (!in->plugin->vtable->on_tenant_close) return;
  struct qun_crumb_was was = enter(in, &scope, QUN_CALLBACK_TENANT_CLOSE, NULL);
  in->plugin->vtable->on_tenant_close(in->self, slot->local[in->number]);
  leave(in, &was);
}

static void slot_leave(struct qun_runtime *rt, struct qun_slot *slot) {
  for (uint32_t i = 0; i < rt->plugins->count; i++) {
    if (slot->met & rt->here & (1u << i)) tenant_close(&rt->instances[i], slot);
    slot->local[i] = NULL;
  }
  slot->met = 0;
}

void qun_runtime_slot_close(struct qun_runtime *rt, struct qun_slot *slot) {
  if (!slot) return;
  slot_leave(rt, slot);
  if (slot->name[0]) HASH_DEL(rt->slots, slot);
  for (struct qun_slot **at = &rt->scratch; *at; at = &(*at)->next) {
    if (*at != slot) continue;
    *at = slot->next;
    break;
  }
  qun_calendar_close(slot->calendar);
  qun_config_unref(slot->config);
  free(slot);
}

void qun_runtime_destroy(struct qun_runtime *rt) {
  if (!rt) return;
  while (rt->slots) qun_runtime_slot_close(rt, rt->slots);
  while (rt->scratch) qun_runtime_slot_close(rt, rt->scratch);
  instances_destroy(rt);
  qun_rooms_fini(&rt->rooms);
  qun_crumbs_give(rt->crumb);
  free(rt);
}

/* Tells one plugin the slot's config. */
static int tell(struct qun_runtime *rt, struct qun_slot *slot, uint32_t n, const struct qun_view *view,
                struct qun_error *err) {
  struct qun_instance *in = &rt->instances[n];
  struct qun_tenant_info info;
  struct qun_scope scope = {.mode = QUN_MODE_TENANT, .slot = slot, .view = view};
  slot->met |= 1u << n;
  if (!(rt->here & (1u << n)) || !in->plugin->vtable->on_tenant) return 0;
  if (in->scope) return qun_error_set(err, QUN_ECONFLICT, "plugin %s is busy", in->plugin->manifest->id);
  qun_config_info(slot->config, n, &info);
  struct qun_context ctx = {.struct_size = sizeof ctx,
                            .mode = QUN_MODE_TENANT,
                            .tenant = slot->handle,
                            .local = slot->local[n]};
  struct qun_crumb_was was = enter(in, &scope, QUN_CALLBACK_TENANT, NULL);
  int rc = in->plugin->vtable->on_tenant(in->self, &ctx, &info, &slot->local[n]);
  leave(in, &was);
  if (rc < 0)
    return qun_error_set(err, QUN_EFAIL, "plugin %s refuses the tenant: %s", in->plugin->manifest->id, scope.message);
  return 0;
}

int qun_runtime_configure(struct qun_runtime *rt, struct qun_slot *slot, struct qun_config *config,
                          const struct qun_view *view, struct qun_error *err) {
  int rc = 0;
  if (!slot->config || strcmp(slot->config->zone, config->zone) != 0) {
    struct qun_calendar *calendar = NULL;
    rc = qun_calendar_open(&calendar, config->zone, err);
    if (rc < 0) {
      qun_config_unref(config);
      return rc;
    }
    qun_calendar_close(slot->calendar);
    slot->calendar = calendar;
  }
  qun_config_unref(slot->config);
  slot->config = config;
  for (uint32_t i = 0; i < rt->plugins->count && rc == 0; i++) {
    if (!(rt->shy & ~slot->met & (1u << i))) rc = tell(rt, slot, i, view, err);
  }
  return rc;
}

int qun__runtime_meet(struct qun_runtime *rt, struct qun_slot *slot, uint32_t n, const struct qun_view *view,
                      struct qun_error *err) {
  uint32_t bit = 1u << n;
  if (!(rt->here & bit) && (rt->lends & bit)) {
    rt->here |= bit;
    int rc = instance_create(rt, n, err);
    if (rc < 0) return rc;
  }
  if (!(rt->here & bit))
    return qun_error_set(err, QUN_EUNSUPPORTED, "plugin %s runs in a process of its own, and nobody waits for it here",
                         rt->plugins->plugins[n].manifest->id);
  return slot->met & bit ? 0 : tell(rt, slot, n, view, err);
}

/* The tenant's slot, which becomes the newest; a slot of an earlier tenant of that name goes. */
static int slot_for(struct qun_runtime *rt, const struct qun_tenant *t, struct qun_slot **out) {
  struct qun_slot *slot;
  HASH_FIND_STR(rt->slots, t->name, slot);
  if (slot && memcmp(slot->incarnation, t->incarnation, sizeof slot->incarnation) != 0) {
    qun_runtime_slot_close(rt, slot);
    slot = NULL;
  }
  if (slot) {
    HASH_DEL(rt->slots, slot);
  } else {
    if (HASH_COUNT(rt->slots) >= rt->slots_max) qun_runtime_slot_close(rt, rt->slots);
    slot = calloc(1, sizeof *slot);
    if (!slot) return QUN_EFAIL;
    slot->handle = ++rt->handles;
    memcpy(slot->name, t->name, sizeof slot->name);
    memcpy(slot->incarnation, t->incarnation, sizeof slot->incarnation);
  }
  HASH_ADD_STR(rt->slots, name, slot);
  *out = slot;
  return 0;
}

int qun_runtime_slot(struct qun_runtime *rt, struct qun_tenant *t, const struct qun_view *view, struct qun_slot **out,
                     struct qun_error *err) {
  struct qun_slot *slot = NULL;
  if (slot_for(rt, t, &slot) < 0) return qun_error_set(err, QUN_EFAIL, "out of memory");
  slot->tenant = t;
  slot->vault = t->vault;
  struct qun_config *newest = qun_tenant_config(t);
  int rc = 0;
  if (slot->config != newest)
    rc = qun_runtime_configure(rt, slot, newest, view, err);
  else
    qun_config_unref(newest);
  if (rc < 0)
    qun_runtime_slot_close(rt, slot);
  else
    *out = slot;
  return rc;
}

int qun_runtime_scratch_slot(struct qun_runtime *rt, struct qun_vault *vault, struct qun_config *config,
                             struct qun_slot **out, struct qun_error *err) {
  struct qun_slot *slot = calloc(1, sizeof *slot);
  if (!slot) {
    qun_config_unref(config);
    return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  slot->handle = ++rt->handles;
  slot->vault = vault;
  slot->config = config;
  slot->next = rt->scratch;
  rt->scratch = slot;
  int rc = qun_calendar_open(&slot->calendar, config->zone, err);
  if (rc < 0)
    qun_runtime_slot_close(rt, slot);
  else
    *out = slot;
  return rc;
}

void qun_runtime_purge(struct qun_runtime *rt) {
  while (rt->slots) qun_runtime_slot_close(rt, rt->slots);
}

/* ---------------------------------------------------------------- callbacks */

static struct qun_context context_of(const struct qun_instance *in, const struct qun_scope *scope) {
  return (struct qun_context){.struct_size = sizeof(struct qun_context),
                              .mode = scope->mode,
                              .tenant = scope->slot->handle,
                              .local = scope->slot->local[in->number],
                              .clock_ms = scope->clock_ms,
                              .clock_day = scope->clock_day,
                              .clock_minute = scope->clock_minute,
                              .seed = scope->seed};
}

int qun_instance_event(struct qun_instance *in, struct qun_scope *scope, const struct qun_event *event) {
  if (in->scope) return QUN_ECONFLICT;
  if (!in->plugin) return QUN_EGONE;
  if (!in->plugin->vtable->on_event) return 0;
  struct qun_context ctx = context_of(in, scope);
  struct qun_crumb_was was = enter(in, scope, QUN_CALLBACK_EVENT, event);
  int rc = in->plugin->vtable->on_event(in->self, &ctx, event);
  leave(in, &was);
  return rc;
}

int qun_instance_timer(struct qun_instance *in, struct qun_scope *scope, const struct qun_timer *timer) {
  if (in->scope) return QUN_ECONFLICT;
  if (!in->plugin) return QUN_EGONE;
  if (!in->plugin->vtable->on_timer) return 0;
  struct qun_context ctx = context_of(in, scope);
  struct qun_crumb_was was = enter(in, scope, QUN_CALLBACK_TIMER, timer);
  int rc = in->plugin->vtable->on_timer(in->self, &ctx, timer);
  leave(in, &was);
  return rc;
}

int qun_instance_request(struct qun_instance *in, struct qun_scope *scope, const struct qun_request *request) {
  if (in->scope) return QUN_ECONFLICT;
  if (!in->plugin) return QUN_EGONE;
  if (!in->plugin->vtable->on_request) return QUN_EUNSUPPORTED;
  struct qun_context ctx = context_of(in, scope);
  struct qun_crumb_was was = enter(in, scope, QUN_CALLBACK_REQUEST, request);
  int rc = in->plugin->vtable->on_request(in->self, &ctx, request);
  leave(in, &was);
  return rc;
}

struct qun_emitted *qun_emit_list_add(struct qun_emit_list *list) {
  if (list->count == list->cap) {
    uint32_t cap = list->cap ? list->cap * 2 : 16;
    struct qun_emitted *items = realloc(list->items, cap * sizeof *items);
    if (!items) return NULL;
    list->items = items;
    list->cap = cap;
  }
  struct qun_emitted *e = &list->items[list->count++];
  memset(e, 0, sizeof *e);
  return e;
}
