/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's entry: words and formats in the reader's language. */
#include "i18n.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name;
  int (*serve)(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_request *request);
} services[] = {
    {"i18n.render", qun__render},   {"i18n.format", qun__format_request},  {"i18n.load", qun__load},
    {"i18n.locales", qun__locales}, {"i18n.report", qun__coverage_report},
};

int qun__refuse(struct qun__i18n *self, int code, const char *format, ...) {
  char text[400];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return self->host->fail(self->host, code, qun_str(text));
}

struct qun__format *qun__format_for(struct qun__i18n *self, const char *locale, const char *zone) {
  struct qun__format *made = NULL;
  struct qun__format **slot;
  char tag[QUN_LOCALE_MAX];
  if (qun__locale_tag(tag, sizeof tag, qun_str(locale))) tag[0] = 0;
  for (int i = 0; i < QUN_FORMATS_MAX; i++) {
    struct qun__format *f = self->formats[i];
    if (f && strcmp(qun__format_locale(f), tag) == 0 && strcmp(qun__format_zone(f), zone) == 0) return f;
  }
  if (qun__format_open(&made, locale, zone)) {
    (void)qun__refuse(self, QUN_EINVAL, "locale '%s' or zone '%s' is not known", locale, zone);
    return NULL;
  }
  slot = &self->formats[self->next_format++ % QUN_FORMATS_MAX];
  qun__format_close(*slot);
  *slot = made;
  return made;
}

static void destroy(void *state) {
  struct qun__i18n *self = state;
  if (!self) return;
  for (int i = 0; i < QUN_FORMATS_MAX; i++) qun__format_close(self->formats[i]);
  qun__packages_drop(self);
  qun_pack_fini(&self->scratch);
  qun_pack_fini(&self->answer);
  free(self);
}

static int ask(const struct qun_host *host, const char *id, const void **out) {
  int error = host->query(host, id, out);
  char text[80];
  if (error >= 0) return 0;
  snprintf(text, sizeof text, "the host does not give %s", id);
  return host->fail(host, error, qun_str(text));
}

static int create(const struct qun_host *host, qun_slice config, void **out) {
  struct qun__i18n *self = calloc(1, sizeof *self);
  const void *found[4] = {0};
  int error = 0;
  (void)config;
  if (!self) return QUN_EFAIL;
  self->host = host;
  qun_pack_init(&self->scratch);
  qun_pack_init(&self->answer);
  error = ask(host, QUN_STORE_1, &found[0]);
  if (!error) error = ask(host, QUN_EVENTS_1, &found[1]);
  if (!error) error = ask(host, QUN_REPLY_1, &found[2]);
  if (!error) error = ask(host, QUN_PACKAGE_1, &found[3]);
  self->store = found[0];
  self->events = found[1];
  self->reply = found[2];
  self->package = found[3];
  if (error)
    destroy(self);
  else
    *out = self;
  return error;
}

static void keep(char *out, size_t size, qun_slice text) {
  size_t n = text.len < size ? (size_t)text.len : 0;
  if (n) memcpy(out, text.ptr, n);
  out[n] = 0;
}

static int on_tenant(void *state, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  struct qun__tenant *t = *local ? *local : calloc(1, sizeof *t);
  qun_slice kept;
  (void)state;
  (void)ctx;
  if (!t) return QUN_EFAIL;
  keep(t->zone, sizeof t->zone, info->zone);
  keep(t->currency, sizeof t->currency, info->currency);
  keep(t->locale, sizeof t->locale, info->locale);
  if (!t->zone[0]) keep(t->zone, sizeof t->zone, qun_str("UTC"));
  if (!t->locale[0]) keep(t->locale, sizeof t->locale, qun_str("en"));
  qun_pack_clear(&t->settings);
  qun_pack_raw(&t->settings, info->settings);
  kept = qun_pack_slice(&t->settings);
  if (!qun_mp_find(kept, "domains", &t->domains)) t->domains = qun_slice_of(NULL, 0);
  t->catalogue_bytes = qun_mp_int(kept, "catalogue_bytes", 1048576);
  *local = t;
  return 0;
}

static void on_tenant_close(void *state, void *local) {
  (void)state;
  qun__tenant_drop(local);
}

static int on_event(void *state, const struct qun_context *ctx, const struct qun_event *event) {
  return qun_slice_is(event->type, "i18n.catalogue") ? qun__load_event(state, ctx, event) : 0;
}

static int on_request(void *state, const struct qun_context *ctx, const struct qun_request *request) {
  struct qun__i18n *self = state;
  for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
    if (qun_slice_is(request->service, services[i].name)) return services[i].serve(self, ctx, request);
  }
  return qun__refuse(self, QUN_ENOTFOUND, "i18n has no service of that name");
}

static const struct qun_plugin i18n = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_tenant = on_tenant,
    .on_tenant_close = on_tenant_close,
    .on_event = on_event,
    .on_request = on_request,
};

QUN_PLUGIN("i18n", "0.1.0", i18n)
