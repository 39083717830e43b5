/* SPDX-License-Identifier: Apache-2.0 */
/* Events, timers and requests: who is called, when, and what stays of it. */
#include "fake_internal.h"

struct qun__fake_space *qun__fake_space_of(struct qun__fake_tenant *t, const struct qun__fake_plugin *p) {
  size_t at = qun__fake_plugin_index(p);
  while (t->spaces_count <= at) {
    QUN__FAKE_GROW(t->spaces, t->spaces_count, t->spaces_cap);
    t->spaces_count++;
  }
  return &t->spaces[at];
}

/* ---------------------------------------------------------------- one callback */

static uint64_t seed_of(const struct qun__fake_frame *frame) {
  uint64_t z = frame->tenant->seq + frame->tenant->handle * 0x9e3779b97f4a7c15u + frame->mode;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static void settings_default(struct qun__fake_plugin *p, struct qun__fake_space *s) {
  char why[200];
  if (s->settings.len) return;
  size_t n = p->manifest ? p->manifest->settings_count : 0;
  qun_pack_map(&s->settings, (uint32_t)n);
  for (size_t i = 0; i < n; i++) {
    const struct qun__fake_setting *to = &p->manifest->settings[i];
    qun_pack_cstr(&s->settings, to->name);
    if (qun__fake_setting_pack(to, to->fallback ? to->fallback : "", &s->settings, why, sizeof why) == 0) continue;
    fprintf(stderr, "fake host: plugin.yaml of %s, default: %s\n", p->id, why);
    abort();
  }
}

static int give_tenant(struct qun__fake_plugin *p, const struct qun_context *ctx, void *arg) {
  struct qun__fake_tenant *t = arg;
  struct qun__fake_space *s = qun__fake_space_of(t, p);
  void *local = s->local;
  struct qun_tenant_info info = {.struct_size = sizeof info,
                                 .simulated = t->simulated,
                                 .name = qun_str(t->name),
                                 .title = qun_str(t->title),
                                 .locale = qun_str(t->locale),
                                 .zone = qun_str(t->zone),
                                 .currency = qun_str(t->currency),
                                 .country = qun_str(t->country),
                                 .sector = qun_str(t->sector),
                                 .settings = qun__fake_copy(&p->f->frame->lent, qun_pack_slice(&s->settings))};
  int rc = p->vtable.on_tenant ? p->vtable.on_tenant(p->self, ctx, &info, &local) : 0;
  if (rc >= 0) qun__fake_space_of(t, p)->local = local;
  return rc;
}

static int enter_frame(struct qun_fake *f, struct qun__fake_frame *frame, qun__fake_enter enter, void *arg) {
  struct qun__fake_plugin *p = frame->plugin;
  struct qun__fake_tenant *t = frame->tenant;
  frame->clock_ms = t->clock_ms;
  struct qun_context ctx = {.struct_size = sizeof ctx,
                            .mode = frame->mode,
                            .tenant = t->handle,
                            .local = qun__fake_space_of(t, p)->local,
                            .clock_ms = t->clock_ms,
                            .seed = seed_of(frame)};
  if (qun__fake_to_local(t->zone, t->clock_ms, &ctx.clock_day, &ctx.clock_minute))
    return qun__fake_fail(f, QUN_EINVAL, "ICU does not know the time zone %s", t->zone);
  frame->below = f->frame;
  f->frame = frame;
  p->entered = true;
  int rc = enter(p, &ctx, arg);
  p->entered = false;
  f->frame = frame->below;
  return rc;
}

static void end_lending(struct qun_fake *f, struct qun__fake_frame *frame) {
  qun__fake_arena_free(&f->poisoned);
  f->poisoned = frame->lent;
  memset(&frame->lent, 0, sizeof frame->lent);
  qun__fake_arena_poison(&f->poisoned);
}

static int tenant_seen(struct qun_fake *f, struct qun__fake_plugin *p, struct qun__fake_tenant *t) {
  struct qun__fake_space *s = qun__fake_space_of(t, p);
  if (s->seen) return 0;
  settings_default(p, s);
  struct qun__fake_frame frame = {.plugin = p, .tenant = t, .mode = QUN_MODE_TENANT};
  int rc = enter_frame(f, &frame, give_tenant, t);
  end_lending(f, &frame);
  if (rc >= 0) qun__fake_space_of(t, p)->seen = true;
  return rc < 0 ? rc : 0;
}

int qun__fake_callback(struct qun_fake *f, struct qun__fake_frame *frame, qun__fake_enter enter, void *arg) {
  int rc = tenant_seen(f, frame->plugin, frame->tenant);
  if (rc) return rc;
  f->code = 0;
  f->message[0] = 0;
  rc = enter_frame(f, frame, enter, arg);
  if (rc < 0 && f->code == 0) qun__fake_fail(f, rc, "%s answered %d and said nothing", frame->plugin->id, rc);
  if (rc < 0) f->code = rc;
  if (!f->frame && f->recreate_every && ++f->callbacks % f->recreate_every == 0) {
    qun__fake_instance_destroy(frame->plugin);
    int made = qun__fake_instance_create(frame->plugin);
    if (made < 0) rc = made;
  }
  return rc;
}

/* ---------------------------------------------------------------- keeping or taking back */

static void outbox_settle(struct qun__fake_tenant *t, bool keep) {
  size_t n = 0;
  for (size_t i = 0; i < t->outbox_count; i++) {
    struct qun__fake_outbox *o = t->outbox[i];
    bool fresh = o->touched && o->undo_state == 0;
    if (!keep && o->touched && !fresh) o->row.state = o->undo_state;
    o->touched = false;
    o->undo_state = 0;
    if (keep || !fresh) t->outbox[n++] = o;
  }
  t->outbox_count = n;
}

static void settle(struct qun__fake_frame *frame, bool keep) {
  struct qun__fake_space *s = qun__fake_space_of(frame->tenant, frame->plugin);
  if (keep) {
    qun__fake_table_commit(&s->store);
    qun__fake_table_commit(&s->timers);
  } else {
    qun__fake_table_rollback(&s->store);
    qun__fake_table_rollback(&s->timers);
    frame->emits.count = 0;
  }
  outbox_settle(frame->tenant, keep);
}

/* ---------------------------------------------------------------- records */

static bool subscribed(const struct qun__fake_plugin *p, const struct qun_event *e) {
  if (!p->vtable.on_event) return false;
  if (qun_slice_is(e->type, "http.answer") || qun_slice_is(e->type, "work.answer")) {
    if (!qun_slice_is(qun_mp_str(e->data, "plugin"), p->id)) return false; /* nobody else's */
  }
  if (qun_slice_is(e->type, "intercept.asked") && !qun_slice_is(qun_mp_str(e->data, "by"), p->id)) return false;
  if (!p->manifest) return true;
  if (qun__fake_list_has(&p->manifest->subscribe, e->type)) return true;
  return qun__fake_outside_type(e->type) && qun__fake_list_has(&p->manifest->subscribe, qun_str("*"));
}

static int give_event(struct qun__fake_plugin *p, const struct qun_context *ctx, void *arg) {
  const struct qun_event *from = arg;
  struct qun__fake_arena *lent = &p->f->frame->lent;
  struct qun_event e = *from;
  e.type = qun__fake_copy(lent, from->type);
  e.id = qun__fake_copy(lent, from->id);
  e.source = qun__fake_copy(lent, from->source);
  e.subject = qun__fake_copy(lent, from->subject);
  e.group = qun__fake_copy(lent, from->group);
  e.channel = qun__fake_copy(lent, from->channel);
  e.lang = qun__fake_copy(lent, from->lang);
  e.data = qun__fake_redact(p->f, lent, p, from->type, from->data);
  return p->vtable.on_event(p->self, ctx, &e);
}

/* What became of one record and all that followed from it: the first refusal is what the test hears. */
struct outcome {
  int code;
  char sentence[512];
};

static void follow(struct qun_fake *f, struct qun__fake_tenant *t, struct qun__fake_emits *emits, struct outcome *o);

static void refused(struct qun_fake *f, struct qun__fake_tenant *t, struct outcome *o, int code) {
  t->dead++;
  if (o->code) return;
  o->code = code;
  memcpy(o->sentence, f->message, sizeof o->sentence);
}

static void take_emitted(struct qun__fake_emits *to, struct qun__fake_emits *from) {
  for (size_t i = 0; i < from->count; i++) {
    QUN__FAKE_GROW(to->at, to->count, to->cap);
    to->at[to->count++] = from->at[i];
  }
  free(from->at);
  memset(from, 0, sizeof *from);
}

/* Gives one record to every plugin that asks for it, then what they emitted: each followed by its own before its next
 * sibling. */
static void give_record(struct qun_fake *f, struct qun__fake_tenant *t, struct qun_event *e, struct outcome *o) {
  struct qun__fake_emits emits = {0};
  qun__fake_decided(f, t, e);
  for (size_t i = 0; i < f->plugins_count; i++) {
    struct qun__fake_plugin *p = f->plugins[i];
    if (!subscribed(p, e)) continue;
    struct qun__fake_frame frame = {
        .plugin = p, .tenant = t, .mode = QUN_MODE_EVENT, .may_emit = true, .cause = e->seq, .hops = e->hops};
    int rc = qun__fake_callback(f, &frame, give_event, e);
    end_lending(f, &frame);
    settle(&frame, rc >= 0);
    take_emitted(&emits, &frame.emits);
    if (rc < 0) refused(f, t, o, rc);
  }
  follow(f, t, &emits, o);
}

/* The records that a callback emitted, in order. */
static void follow(struct qun_fake *f, struct qun__fake_tenant *t, struct qun__fake_emits *emits, struct outcome *o) {
  for (size_t i = 0; i < emits->count; i++) {
    struct qun_fake_emitted *e = emits->at[i];
    char id[96], source[64];
    e->seq = ++t->seq;
    QUN__FAKE_GROW(t->emitted, t->emitted_count, t->emitted_cap);
    t->emitted[t->emitted_count++] = e;
    struct qun_event event = {.struct_size = sizeof event,
                              .flags = e->cause ? QUN_EVENT_DERIVED : 0, /* from a request: an input like others */
                              .seq = e->seq,
                              .time_ms = e->clock_ms,
                              .member = e->member,
                              .cause = e->cause,
                              .hops = e->hops,
                              .type = e->type,
                              .subject = e->subject,
                              .group = e->group,
                              .channel = e->channel,
                              .lang = e->lang,
                              .data = e->data};
    snprintf(id, sizeof id, "%llu/%s/%zu", (unsigned long long)e->cause, e->plugin, i);
    snprintf(source, sizeof source, "qun:%s", e->plugin);
    event.id = qun_str(id);
    event.source = qun_str(source);
    qun__fake_to_local(t->zone, event.time_ms, &event.day, &event.minute);
    give_record(f, t, &event, o);
  }
  free(emits->at);
  memset(emits, 0, sizeof *emits);
}

/* Leaves it where qun_fake_code() and qun_fake_message() find it. */
static int conclude(struct qun_fake *f, const struct outcome *o) {
  f->code = o->code;
  memcpy(f->message, o->sentence, sizeof f->message);
  return o->code;
}

static int append(struct qun_fake *f, struct qun__fake_tenant *t, const struct qun_event *event, struct outcome *o) {
  struct qun_event e = *event;
  e.struct_size = sizeof e;
  if (qun__fake_to_local(t->zone, e.time_ms, &e.day, &e.minute))
    return qun__fake_fail(f, QUN_EINVAL, "ICU does not know the time zone %s", t->zone);
  e.seq = ++t->seq;
  give_record(f, t, &e, o);
  return conclude(f, o);
}

int qun__fake_append(struct qun_fake *f, struct qun__fake_tenant *t, const struct qun_event *event) {
  struct outcome o = {0, ""};
  return append(f, t, event, &o);
}

/* ---------------------------------------------------------------- timers */

struct due {
  struct qun__fake_plugin *plugin;
  int64_t at_ms;
  qun_slice name;
};

/* Place of the timer that is due first in a space that has some; the first name of several. */
static size_t first_timer(struct qun__fake_space *s) {
  if (s->next_changes == s->timers.changes + 1) return s->next_timer;
  s->next_timer = 0;
  for (size_t k = 1; k < s->timers.count; k++)
    if ((int64_t)s->timers.cells[k]->tag < (int64_t)s->timers.cells[s->next_timer]->tag) s->next_timer = k;
  s->next_changes = s->timers.changes + 1;
  return s->next_timer;
}

/* The next timer due until `until`, in the order (due, plugin, name). */
static bool next_due(struct qun_fake *f, struct qun__fake_tenant *t, int64_t until, struct due *out) {
  bool any = false;
  for (size_t i = 0; i < f->plugins_count; i++) {
    struct qun__fake_space *s = qun__fake_space_of(t, f->plugins[i]);
    if (s->timers.count == 0) continue;
    const struct qun__fake_cell *c = s->timers.cells[first_timer(s)];
    if ((int64_t)c->tag > until || (any && (int64_t)c->tag >= out->at_ms)) continue;
    *out = (struct due){.plugin = f->plugins[i], .at_ms = (int64_t)c->tag, .name = qun__fake_cell_key(c)};
    any = true;
  }
  return any;
}

static int give_timer(struct qun__fake_plugin *p, const struct qun_context *ctx, void *arg) {
  return p->vtable.on_timer ? p->vtable.on_timer(p->self, ctx, arg) : 0;
}

static void fire(struct qun_fake *f, struct qun__fake_tenant *t, const struct due *due, struct outcome *o) {
  struct qun__fake_frame frame = {.plugin = due->plugin, .tenant = t, .mode = QUN_MODE_TIMER, .may_emit = true};
  struct qun__fake_table *timers = &qun__fake_space_of(t, due->plugin)->timers;
  struct qun_timer timer = {.struct_size = sizeof timer};
  bool found;
  size_t at = qun__fake_table_seek(timers, due->name, &found);
  if (due->at_ms > t->clock_ms) t->clock_ms = due->at_ms;
  timer.due_ms = t->clock_ms;
  timer.name = qun__fake_copy(&frame.lent, due->name);
  timer.data = qun__fake_copy(&frame.lent, qun__fake_cell_value(timers->cells[at]));
  qun__fake_table_del(timers, timer.name);
  qun__fake_table_commit(timers); /* fired is fired, even when the handler fails */
  frame.cause = ++t->seq;
  int rc = qun__fake_callback(f, &frame, give_timer, &timer);
  end_lending(f, &frame);
  settle(&frame, rc >= 0);
  if (rc < 0) refused(f, t, o, rc);
  follow(f, t, &frame.emits, o);
}

static int fire_until(struct qun_fake *f, struct qun__fake_tenant *t, int64_t until, struct outcome *o) {
  struct due due = {0};
  while (next_due(f, t, until, &due)) fire(f, t, &due, o);
  if (until > t->clock_ms) t->clock_ms = until;
  return conclude(f, o);
}

int qun_fake_advance(struct qun_fake *f, int64_t to_ms) {
  if (to_ms < f->tenant->clock_ms)
    return qun__fake_fail(f, QUN_EINVAL, "the clock of %s never runs back", f->tenant->name);
  struct outcome o = {0, ""};
  return fire_until(f, f->tenant, to_ms, &o);
}

/* ---------------------------------------------------------------- events of the test */

int qun_fake_send(struct qun_fake *f, const struct qun_fake_event *event) {
  struct qun__fake_tenant *t = f->tenant;
  struct outcome o = {0, ""};
  char id[32];
  size_t n = 0;
  while (n < QUN_FAKE_FIELDS && event->fields[n].name) n++;
  struct qun_event e = {.flags = event->flags,
                        .time_ms = event->at        ? qun_fake_ms(f, event->at)
                                   : event->time_ms ? event->time_ms
                                                    : t->clock_ms,
                        .member = event->member,
                        .type = qun_str(event->type),
                        .source = qun_str(event->source ? event->source : "test"),
                        .subject = qun_str(event->subject),
                        .group = qun_str(event->group),
                        .channel = qun_str(event->channel),
                        .lang = qun_str(event->lang),
                        .data = event->data.len ? event->data : qun_fake_pack(f, event->fields, n)};
  int rc = qun__fake_check_data(f, e.type, e.data);
  if (rc) return rc;
  fire_until(f, t, e.time_ms > t->clock_ms ? e.time_ms : t->clock_ms, &o);
  snprintf(id, sizeof id, "e%llu", (unsigned long long)t->seq + 1);
  e.id = qun_str(event->id ? event->id : id);
  return append(f, t, &e, &o);
}

/* ---------------------------------------------------------------- requests */

static int give_request(struct qun__fake_plugin *p, const struct qun_context *ctx, void *arg) {
  return p->vtable.on_request(p->self, ctx, arg);
}

/* What a request emitted is appended when the outermost request has ended well. */
static void append_asked(struct qun_fake *f, struct qun__fake_frame *frame) {
  struct outcome o = {0, ""};
  follow(f, frame->tenant, &frame->emits, &o);
  if (o.code) conclude(f, &o);
}

int qun__fake_ask(struct qun_fake *f, struct qun__fake_plugin *p, struct qun__fake_tenant *t, const char *service,
                  qun_slice params, const char *caller, struct qun__fake_arena *lent, qun_slice *reply) {
  const struct qun__fake_service *s = qun__fake_manifest_service(p->manifest, qun_str(service));
  const bool by_plugin = f->frame != NULL;
  struct qun__fake_frame frame = {.plugin = p,
                                  .tenant = t,
                                  .mode = QUN_MODE_REQUEST,
                                  .pure = s && s->pure,
                                  .may_emit = !p->manifest || (s && s->emits),
                                  .request = ++f->last_request};
  if (!p->vtable.on_request) return qun__fake_fail(f, QUN_ENOTFOUND, "%s has no on_request", p->id);
  if (params.len && !qun_mp_valid(params, 32)) return qun__fake_fail(f, QUN_EINVAL, "the parameters are no msgpack");
  struct qun_request r = {.struct_size = sizeof r,
                          .id = frame.request,
                          .service = qun__fake_copy(&frame.lent, qun_str(service)),
                          .params = qun__fake_copy(&frame.lent, params),
                          .locale = qun__fake_copy(&frame.lent, qun_str(by_plugin ? t->locale : f->locale)),
                          .role = qun__fake_copy(&frame.lent, qun_str(by_plugin ? "plugin" : f->role)),
                          .caller = qun__fake_copy(&frame.lent, qun_str(caller))};
  int rc = qun__fake_callback(f, &frame, give_request, &r);
  end_lending(f, &frame);
  if (rc >= 0 && !frame.answered) rc = qun__fake_fail(f, QUN_EFAIL, "%s did not answer %s", p->id, service);
  if (rc >= 0) *reply = lent ? qun__fake_copy(lent, frame.reply) : frame.reply;
  if (rc < 0) frame.emits.count = 0;
  if (by_plugin)
    take_emitted(&f->frame->emits, &frame.emits);
  else
    append_asked(f, &frame);
  return rc < 0 ? rc : 0;
}

qun_slice qun_fake_request(struct qun_fake *f, const char *service, qun_slice params) {
  qun_slice reply = {NULL, 0};
  struct qun__fake_plugin *p = NULL;
  for (size_t i = 0; i < f->plugins_count && !p; i++)
    if (qun__fake_manifest_service(f->plugins[i]->manifest, qun_str(service))) p = f->plugins[i];
  if (!p && !f->plugin->manifest) p = f->plugin;
  if (!p) {
    qun__fake_fail(f, QUN_ENOTFOUND, "no plugin offers %s", service);
    return reply;
  }
  qun__fake_ask(f, p, f->tenant, service, params, "", NULL, &reply);
  return reply;
}
