/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/config.h"

#include "host/engine/calendar.h"

#include <stdio.h>
#include <stdlib.h>

static const char prefix[] = "set/";

static qun_slice lookup(const struct qun_view *v, qun_slice overrides, const char *key) {
  char name[256];
  qun_slice value = qun_mp_str(overrides, key), raw;
  if (value.len) return value;
  if (qun_mp_find(overrides, key, &raw) && raw.len == 1 && *(const unsigned char *)raw.ptr == 0xc0)
    return value; /* nil: as if it had never been set */
  int n = snprintf(name, sizeof name, "%s%s", prefix, key);
  if (n < 0 || (size_t)n >= sizeof name || qun_view_get(v, QUN_TABLE_META, qun_slice_of(name, (size_t)n), &value) < 0)
    return (qun_slice){NULL, 0};
  return value;
}

static void text(char *out, size_t cap, qun_slice value, const char *otherwise) {
  if (!value.len) value = qun_str(otherwise);
  snprintf(out, cap, "%.*s", (int)value.len, (const char *)value.ptr);
}

static uint64_t number(qun_slice value, uint64_t otherwise) {
  char digits[32];
  if (!value.len || value.len >= sizeof digits) return otherwise;
  text(digits, sizeof digits, value, "");
  return strtoull(digits, NULL, 10);
}

static int plugin_settings(struct qun_config *c, const struct qun_view *v, const struct qun_plugin_set *plugins,
                           uint32_t nth, qun_slice overrides) {
  const struct qun_manifest *m = plugins->plugins[nth].manifest;
  struct qun_pack *p = &c->settings[nth];
  qun_pack_map(p, m->settings_count);
  for (uint32_t i = 0; i < m->settings_count; i++) {
    char key[200], value[4096];
    snprintf(key, sizeof key, "%s.%s", m->id, m->settings[i].name);
    qun_slice given = lookup(v, overrides, key);
    text(value, sizeof value, given, m->settings[i].fallback);
    qun_pack_cstr(p, m->settings[i].name);
    size_t at = p->len;
    if (qun_setting_parse(&m->settings[i], value, p, NULL) == 0) continue;
    p->len = at; /* a newer manifest has other bounds */
    if (qun_setting_parse(&m->settings[i], m->settings[i].fallback, p, NULL) < 0) return QUN_EFAIL;
  }
  return p->failed ? QUN_EFAIL : 0;
}

int qun_config_read(struct qun_config **out, const char *name, const struct qun_view *v,
                    const struct qun_plugin_set *plugins, qun_slice overrides, struct qun_error *err) {
  int rc = 0;
  struct qun_config *c = calloc(1, sizeof *c);
  if (!c) return qun_error_set(err, QUN_EFAIL, "tenant %s: out of memory", name);
  atomic_init(&c->refs, 1);
  snprintf(c->name, sizeof c->name, "%s", name);
  text(c->title, sizeof c->title, lookup(v, overrides, "title"), name);
  text(c->locale, sizeof c->locale, lookup(v, overrides, "locale"), "en");
  text(c->zone, sizeof c->zone, lookup(v, overrides, "zone"), "Etc/UTC");
  text(c->currency, sizeof c->currency, lookup(v, overrides, "currency"), "CNY");
  text(c->country, sizeof c->country, lookup(v, overrides, "country"), "CN");
  text(c->sector, sizeof c->sector, lookup(v, overrides, "sector"), "general");
  c->simulated = qun_slice_is(lookup(v, overrides, "simulated"), "true");
  c->seal_text = !qun_slice_is(lookup(v, overrides, "seal_text"), "false");
#define X(name, least, most, otherwise, what) c->name = number(lookup(v, overrides, #name), otherwise);
  QUN_PROFILE_NUMBERS(X)
#undef X
  for (uint32_t i = 0; i < plugins->count && rc == 0; i++) {
    qun_slice reason;
    if (qun_plugin_is_live(v, plugins->plugins[i].manifest->id)) c->live |= 1u << i;
    if (qun_plugin_parked(v, plugins->plugins[i].manifest->id, &reason) == 0) c->parked |= 1u << i;
    rc = plugin_settings(c, v, plugins, i, overrides);
    if (rc < 0)
      qun_error_set(err, rc, "tenant %s: settings of %s cannot be read", name, plugins->plugins[i].manifest->id);
  }
  if (rc < 0)
    qun_config_unref(c);
  else
    *out = c;
  return rc;
}

struct qun_config *qun_config_ref(struct qun_config *c) {
  atomic_fetch_add(&c->refs, 1);
  return c;
}

void qun_config_unref(struct qun_config *c) {
  if (!c || atomic_fetch_sub(&c->refs, 1) > 1) return;
  for (uint32_t i = 0; i < QUN_PLUGINS_MAX; i++) qun_pack_fini(&c->settings[i]);
  free(c);
}

static int check_plugin_key(const struct qun_plugin_set *plugins, const char *key, const char *dot, const char *value,
                            struct qun_error *err) {
  char id[64], known[400] = "";
  snprintf(id, sizeof id, "%.*s", (int)(dot - key), key);
  const struct qun_loaded_plugin *p = qun_plugin_set_find(plugins, id);
  if (!p) return qun_error_set(err, QUN_EINVAL, "%s: no plugin \"%s\" is loaded", key, id);
  for (uint32_t i = 0; i < p->manifest->settings_count; i++) {
    const struct qun_setting *s = &p->manifest->settings[i];
    struct qun_pack scratch;
    size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", s->name);
    if (strcmp(s->name, dot + 1) != 0) continue;
    qun_pack_init(&scratch);
    int rc = qun_setting_parse(s, value, &scratch, err);
    qun_pack_fini(&scratch);
    return rc;
  }
  return qun_error_set(err, QUN_EINVAL, "%s: %s has no such setting; it has: %s", key, id, known);
}

int qun_config_check(const struct qun_plugin_set *plugins, const char *key, const char *value, struct qun_error *err) {
  const char *dot = strchr(key, '.');
  if (dot) return check_plugin_key(plugins, key, dot, value, err);
  struct qun_profile *scratch = NULL;
  int rc = qun_profile_starter(&scratch, "default", err);
  if (rc == 0) rc = qun_profile_set(scratch, key, value, err);
  qun_profile_destroy(scratch);
  if (rc == 0 && strcmp(key, "zone") == 0) {
    struct qun_calendar *calendar = NULL;
    rc = qun_calendar_open(&calendar, value, err);
    qun_calendar_close(calendar);
  }
  return rc;
}

int qun_config_store(struct qun_batch *b, qun_slice values) {
  struct qun_unpack u;
  uint32_t n;
  qun_unpack_init(&u, values);
  if (!qun_unpack_map(&u, &n)) return 0;
  while (n-- > 0) {
    qun_slice key, value;
    char name[256];
    if (!qun_unpack_str(&u, &key) || !qun_unpack_str(&u, &value)) return 0;
    int len =
        snprintf(name, sizeof name, "%s%.*s", prefix, (int)(key.len > 200 ? 200 : key.len), (const char *)key.ptr);
    int rc = qun_batch_put(b, QUN_TABLE_META, qun_slice_of(name, (size_t)len), value);
    if (rc < 0) return rc;
  }
  return 0;
}

void qun_config_info(const struct qun_config *c, uint32_t plugin, struct qun_tenant_info *info) {
  *info = (struct qun_tenant_info){.struct_size = sizeof *info,
                                   .simulated = c->simulated,
                                   .name = qun_str(c->name),
                                   .title = qun_str(c->title),
                                   .locale = qun_str(c->locale),
                                   .zone = qun_str(c->zone),
                                   .currency = qun_str(c->currency),
                                   .country = qun_str(c->country),
                                   .sector = qun_str(c->sector),
                                   .settings = qun_pack_slice(&c->settings[plugin])};
}
