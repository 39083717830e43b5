/* SPDX-License-Identifier: Apache-2.0 */
/* The services of qun/plugin.h, revision 1, as a plugin under test meets them. */
#include "fake_internal.h"

enum { KEY_MAX = 200, NAME_MAX_BYTES = 64, HOPS_MAX = 16 };

static struct qun__fake_plugin *plugin_of(const struct qun_host *host) {
  return host->ctx;
}

static struct qun__fake_space *space_of(const struct qun__fake_frame *frame) {
  return qun__fake_space_of(frame->tenant, frame->plugin);
}

/* ---------------------------------------------------------------- events */

static int events_emit(const struct qun_host *host, qun_handle tenant, const struct qun_emit *event) {
  struct qun__fake_plugin *p = plugin_of(host);
  struct qun_fake *f = p->f;
  struct qun__fake_frame *frame = qun__fake_frame_of(host, tenant, "events.emit");
  if (!frame) return QUN_EDENIED;
  if (frame->mode == QUN_MODE_TENANT) return qun__fake_fail(f, QUN_EDENIED, "events.emit in on_tenant");
  if (!frame->may_emit)
    return qun__fake_fail(f, QUN_EDENIED, "events.emit in a service that the manifest does not mark `emits`");
  if (p->manifest && !qun__fake_list_has(&p->manifest->emit, event->type))
    return qun__fake_fail(f, QUN_EDENIED, "events.emit: %.*s is not under events.emit of the manifest",
                          (int)event->type.len, (const char *)event->type.ptr);
  if (frame->hops + 1 > HOPS_MAX) return qun__fake_fail(f, QUN_EDENIED, "events.emit: 16 hops deep");
  int rc = qun__fake_check_data(f, event->type, event->data);
  if (rc) return rc;
  struct qun_fake_emitted *e = qun__fake_keep(&f->kept, sizeof *e);
  *e = (struct qun_fake_emitted){.plugin = p->id,
                                 .cause = frame->cause,
                                 .member = event->member,
                                 .hops = frame->mode == QUN_MODE_REQUEST ? 0 : frame->hops + 1,
                                 .clock_ms = frame->clock_ms,
                                 .type = qun__fake_copy(&f->kept, event->type),
                                 .subject = qun__fake_copy(&f->kept, event->subject),
                                 .group = qun__fake_copy(&f->kept, event->group),
                                 .channel = qun__fake_copy(&f->kept, event->channel),
                                 .lang = qun__fake_copy(&f->kept, event->lang),
                                 .data = qun__fake_copy(&f->kept, event->data)};
  QUN__FAKE_GROW(frame->emits.at, frame->emits.count, frame->emits.cap);
  frame->emits.at[frame->emits.count++] = e;
  return 0;
}

static const struct qun_events_v1 events = {.struct_size = sizeof(struct qun_events_v1), .emit = events_emit};

/* ---------------------------------------------------------------- timers, calendar */

static int timer_set(const struct qun_host *host, qun_handle tenant, qun_slice name, int64_t due_ms, qun_slice data) {
  struct qun__fake_frame *frame = qun__fake_handler_of(host, tenant, "timer.set");
  if (!frame) return QUN_EDENIED;
  if (name.len < 1 || name.len > NAME_MAX_BYTES)
    return qun__fake_fail(plugin_of(host)->f, QUN_EINVAL, "timer.set: a name has 1 to 64 bytes");
  qun__fake_table_put(&space_of(frame)->timers, name, data, (uint64_t)due_ms);
  return 0;
}

static int timer_cancel(const struct qun_host *host, qun_handle tenant, qun_slice name) {
  struct qun__fake_frame *frame = qun__fake_handler_of(host, tenant, "timer.cancel");
  if (!frame) return QUN_EDENIED;
  qun__fake_table_del(&space_of(frame)->timers, name);
  return 0;
}

static const struct qun_timer_v1 timer = {.struct_size = sizeof(struct qun_timer_v1),
                                          .set = timer_set,
                                          .cancel = timer_cancel};

static int calendar_to_local(const struct qun_host *host, qun_handle tenant, int64_t ms, int32_t *day,
                             int32_t *minute) {
  struct qun__fake_frame *frame = qun__fake_frame_of(host, tenant, "calendar.to_local");
  return frame ? qun__fake_to_local(frame->tenant->zone, ms, day, minute) : QUN_EDENIED;
}

static int calendar_from_local(const struct qun_host *host, qun_handle tenant, int32_t day, int32_t minute,
                               int64_t *ms) {
  struct qun__fake_frame *frame = qun__fake_frame_of(host, tenant, "calendar.from_local");
  return frame ? qun__fake_from_local(frame->tenant->zone, day, minute, ms) : QUN_EDENIED;
}

static const struct qun_calendar_v1 calendar = {.struct_size = sizeof(struct qun_calendar_v1),
                                                .to_local = calendar_to_local,
                                                .from_local = calendar_from_local};

/* ---------------------------------------------------------------- reply, call */

static int reply_reply(const struct qun_host *host, qun_handle request, qun_slice body) {
  struct qun__fake_plugin *p = plugin_of(host);
  struct qun__fake_frame *frame = p->f->frame;
  if (!frame || frame->plugin != p || frame->mode != QUN_MODE_REQUEST || frame->request != request || frame->answered)
    return qun__fake_fail(p->f, QUN_EGONE, "reply: the request was answered or has ended");
  if (!qun_mp_valid(body, 32)) return qun__fake_fail(p->f, QUN_EINVAL, "reply: the body is not one msgpack value");
  frame->answered = true;
  frame->reply = qun__fake_copy(&p->f->kept, body);
  return 0;
}

static const struct qun_reply_v1 reply = {.struct_size = sizeof(struct qun_reply_v1), .reply = reply_reply};

static int call_provided(struct qun__fake_frame *frame, const struct qun__fake_provided *s, bool handler,
                         qun_slice params, qun_slice *out) {
  struct qun_fake *f = frame->plugin->f;
  struct qun_pack pack;
  if (handler && !s->pure)
    return qun__fake_fail(f, QUN_EDENIED, "call: %s is not pure, so no handler may call it", s->service);
  qun_pack_init(&pack);
  int rc = s->answer(s->arg, params, &pack);
  if (rc >= 0)
    *out = qun__fake_copy(&frame->lent, qun_pack_slice(&pack));
  else
    qun__fake_fail(f, rc, "call: %s answered %d", s->service, rc);
  qun_pack_fini(&pack);
  return rc < 0 ? rc : 0;
}

static int call_call(const struct qun_host *host, qun_handle tenant, const char *service, qun_slice params,
                     qun_slice *out) {
  struct qun__fake_plugin *p = plugin_of(host);
  struct qun_fake *f = p->f;
  struct qun__fake_frame *frame = qun__fake_frame_of(host, tenant, "call");
  if (!frame) return QUN_EDENIED;
  if (frame->mode == QUN_MODE_TENANT) return qun__fake_fail(f, QUN_EDENIED, "call in on_tenant");
  bool handler = frame->mode != QUN_MODE_REQUEST || frame->pure;
  for (size_t i = 0; i < f->provided_count; i++)
    if (strcmp(f->provided[i].service, service) == 0)
      return call_provided(frame, &f->provided[i], handler, params, out);
  for (size_t i = 0; i < f->plugins_count; i++) {
    struct qun__fake_plugin *to = f->plugins[i];
    const struct qun__fake_service *s = qun__fake_manifest_service(to->manifest, qun_str(service));
    if (!s) continue;
    if (handler && !s->pure)
      return qun__fake_fail(f, QUN_EDENIED, "call: %s is not pure, so no handler may call it", service);
    if (to->entered) return qun__fake_fail(f, QUN_ECONFLICT, "call: %s is a cycle of calls", service);
    return qun__fake_ask(f, to, frame->tenant, service, params, p->id, &frame->lent, out);
  }
  return qun__fake_fail(f, QUN_ENOTFOUND, "call: there is no service %s", service);
}

static const struct qun_call_v1 call = {.struct_size = sizeof(struct qun_call_v1), .call = call_call};

/* ---------------------------------------------------------------- outbox */

static struct qun__fake_outbox *outbox_find(const struct qun__fake_frame *frame, qun_slice key) {
  struct qun__fake_tenant *t = frame->tenant;
  for (size_t i = 0; i < t->outbox_count; i++)
    if (strcmp(t->outbox[i]->row.plugin, frame->plugin->id) == 0 && qun_slice_eq(t->outbox[i]->row.key, key))
      return t->outbox[i];
  return NULL;
}

int qun__fake_outbox_add(struct qun__fake_frame *frame, const struct qun_fake_row *row, const char *what) {
  struct qun_fake *f = frame->plugin->f;
  struct qun__fake_tenant *t = frame->tenant;
  if (row->key.len < 1 || row->key.len > KEY_MAX)
    return qun__fake_fail(f, QUN_EINVAL, "%s: a key has 1 to %d bytes", what, KEY_MAX);
  if (outbox_find(frame, row->key)) return qun__fake_fail(f, QUN_ECONFLICT, "%s: the key was used before", what);
  struct qun__fake_outbox *o = qun__fake_keep(&f->kept, sizeof *o);
  o->row = *row;
  o->row.plugin = frame->plugin->id;
  o->row.key = qun__fake_copy(&f->kept, row->key);
  o->row.via = qun__fake_copy(&f->kept, row->via);
  o->row.target = qun__fake_copy(&f->kept, row->target);
  o->row.body = qun__fake_copy(&f->kept, row->body);
  o->touched = true;
  QUN__FAKE_GROW(t->outbox, t->outbox_count, t->outbox_cap);
  t->outbox[t->outbox_count++] = o;
  if (!qun_slice_is(row->via, "http") && !qun_slice_is(row->via, "work")) qun__fake_intercept(frame, o);
  return 0;
}

static int outbox_enqueue(const struct qun_host *host, qun_handle tenant, const struct qun_outbox_row *row) {
  struct qun__fake_plugin *p = plugin_of(host);
  struct qun_fake *f = p->f;
  struct qun__fake_frame *frame = qun__fake_handler_of(host, tenant, "outbox.enqueue");
  if (!frame) return QUN_EDENIED;
  if (!row->via.len) return qun__fake_fail(f, QUN_EINVAL, "outbox.enqueue: via is empty");
  if (qun_slice_is(row->via, "http") || qun_slice_is(row->via, "work"))
    return qun__fake_fail(f, QUN_EINVAL, "outbox.enqueue: http and work are services of their own");
  if (row->body.len && !qun_mp_valid(row->body, 16))
    return qun__fake_fail(f, QUN_EINVAL, "outbox.enqueue: the body is no msgpack");
  struct qun_fake_row to = {.state = row->gated ? QUN_FAKE_HELD : QUN_FAKE_RELEASED,
                            .not_before_ms = row->not_before_ms,
                            .key = row->key,
                            .via = row->via,
                            .target = row->target,
                            .body = row->body};
  return qun__fake_outbox_add(frame, &to, "outbox.enqueue");
}

static int outbox_cancel(const struct qun_host *host, qun_handle tenant, qun_slice key) {
  struct qun_fake *f = plugin_of(host)->f;
  struct qun__fake_frame *frame = qun__fake_handler_of(host, tenant, "outbox.cancel");
  if (!frame) return QUN_EDENIED;
  struct qun__fake_outbox *o = outbox_find(frame, key);
  if (!o || o->row.state == QUN_FAKE_CANCELLED) return qun__fake_fail(f, QUN_ENOTFOUND, "outbox.cancel: no such row");
  if (o->row.state > QUN_FAKE_CANCELLED && o->row.state != QUN_FAKE_INTERCEPTED)
    return qun__fake_fail(f, QUN_ECONFLICT, "outbox.cancel: the row has ended");
  if (!o->touched) {
    o->touched = true;
    o->undo_state = o->row.state;
  }
  o->row.state = QUN_FAKE_CANCELLED;
  return 0;
}

static const struct qun_outbox_v1 outbox = {.struct_size = sizeof(struct qun_outbox_v1),
                                            .enqueue = outbox_enqueue,
                                            .cancel = outbox_cancel};

/* ---------------------------------------------------------------- package, metrics */

static const struct qun__fake_file *file_find(const struct qun_fake *f, const char *plugin, const char *path) {
  for (size_t i = 0; i < f->files_count; i++)
    if (strcmp(f->files[i].plugin, plugin) == 0 && strcmp(f->files[i].path, path) == 0) return &f->files[i];
  return NULL;
}

static int file_load(struct qun_fake *f, const struct qun__fake_plugin *of, const char *path, qun_slice *body) {
  char name[4096];
  if (!of->dir || path[0] == '/' || strstr(path, "..")) return QUN_ENOTFOUND;
  snprintf(name, sizeof name, "%s/%s", of->dir, path);
  FILE *file = fopen(name, "rb");
  if (!file) return QUN_ENOTFOUND;
  struct qun_pack bytes;
  char part[4096];
  size_t n;
  qun_pack_init(&bytes);
  while ((n = fread(part, 1, sizeof part, file)) > 0) qun_pack_raw(&bytes, qun_slice_of(part, n));
  fclose(file);
  qun_fake_file(f, of->id, path, qun_pack_slice(&bytes));
  qun_pack_fini(&bytes);
  *body = file_find(f, of->id, path)->body;
  return 0;
}

static int package_read(const struct qun_host *host, const char *plugin, const char *path, qun_slice *body) {
  struct qun__fake_plugin *p = plugin_of(host);
  struct qun_fake *f = p->f;
  const char *whose = plugin && *plugin ? plugin : p->id;
  bool own = strcmp(whose, p->id) == 0;
  struct qun__fake_plugin *of =
      strcmp(whose, p->id) == 0 ? p : qun__fake_plugin_of(f, whose); /* create() comes before the list */
  if (of && of->manifest) {
    bool locale = qun__fake_list_has(&of->manifest->locales, qun_str(path));
    bool listed = locale || (own && qun__fake_list_has(&of->manifest->files, qun_str(path)));
    if (!listed && !file_find(f, whose, path))
      return qun__fake_fail(f, QUN_ENOTFOUND, "package.read: %s of %s is not listed for %s", path, whose, p->id);
  }
  const struct qun__fake_file *file = file_find(f, whose, path);
  if (file) {
    *body = file->body;
    return 0;
  }
  if (of && file_load(f, of, path, body) == 0) return 0;
  return qun__fake_fail(f, QUN_ENOTFOUND, "package.read: there is no %s of %s", path, whose);
}

static int package_list(const struct qun_host *host, const char *plugin, uint32_t nth, qun_slice *path) {
  struct qun__fake_plugin *p = plugin_of(host);
  struct qun_fake *f = p->f;
  const char *whose = plugin && *plugin ? plugin : p->id;
  struct qun__fake_plugin *of =
      strcmp(whose, p->id) == 0 ? p : qun__fake_plugin_of(f, whose); /* create() comes before the list */
  size_t at = nth;
  if (of && of->manifest) {
    const struct qun__fake_list *files = &of->manifest->files, *locales = &of->manifest->locales;
    size_t own = of == p ? files->count : 0;
    if (at < own + locales->count) {
      *path = qun_str(at < own ? files->at[at] : locales->at[at - own]);
      return 0;
    }
    return QUN_ENOTFOUND;
  }
  for (size_t i = 0; i < f->files_count; i++)
    if (strcmp(f->files[i].plugin, whose) == 0 && at-- == 0) {
      *path = qun_str(f->files[i].path);
      return 0;
    }
  return QUN_ENOTFOUND;
}

static const struct qun_package_v1 package = {.struct_size = sizeof(struct qun_package_v1),
                                              .read = package_read,
                                              .list = package_list};

static void metrics_add(const struct qun_host *host, const char *name, uint64_t delta) {
  struct qun__fake_plugin *p = plugin_of(host);
  for (size_t i = 0; i < p->metrics_count; i++)
    if (strcmp(p->metrics[i].name, name) == 0) {
      p->metrics[i].value += delta;
      return;
    }
  QUN__FAKE_GROW(p->metrics, p->metrics_count, p->metrics_cap);
  p->metrics[p->metrics_count++] = (struct qun__fake_metric){.name = qun__fake_strdup(name), .value = delta};
}

static const struct qun_metrics_v1 metrics = {.struct_size = sizeof(struct qun_metrics_v1), .add = metrics_add};

/* ---------------------------------------------------------------- query */

int qun__fake_query(const struct qun_host *host, const char *service_id, const void **out) {
  static const struct {
    const char *id;
    const void *vtable;
  } table[] = {{QUN_STORE_1, &qun__fake_store_1},
               {QUN_STORE_2, &qun__fake_store_2},
               {QUN_EVENTS_1, &events},
               {QUN_TIMER_1, &timer},
               {QUN_CALENDAR_1, &calendar},
               {QUN_REPLY_1, &reply},
               {QUN_OUTBOX_1, &outbox},
               {QUN_CALL_1, &call},
               {QUN_PACKAGE_1, &package},
               {QUN_METRICS_1, &metrics},
               {QUN_HTTP_1, &qun__fake_http_1},
               {QUN_HTTP_CLIENT_1, &qun__fake_http_client_1},
               {QUN_WORK_1, &qun__fake_work_1},
               {QUN_SECRETS_1, &qun__fake_secrets_1},
               {QUN_INTERCEPT_1, &qun__fake_intercept_1}};
  struct qun__fake_plugin *p = plugin_of(host);
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (strcmp(table[i].id, service_id) != 0) continue;
    if (p->manifest && !qun__fake_list_has(&p->manifest->requires, qun_str(service_id)))
      return qun__fake_fail(p->f, QUN_EDENIED, "%s is not under `requires` of the manifest of %s", service_id, p->id);
    *out = table[i].vtable;
    return 0;
  }
  return qun__fake_fail(p->f, QUN_EUNSUPPORTED, "this host has no service %s", service_id);
}
