/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants come, change and go. */
#include "host/engine/internal.h"
#include "host/engine/tenant_files.h"
#include "host/engine/versions.h"
#include "tenants/remove_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---------------------------------------------------------------- profile keys, one table */

struct profile_key {
  const char *key;
  size_t at;
};

static const struct profile_key profile_keys[] = {
    {"title", offsetof(struct qun_profile, title)},     {"locale", offsetof(struct qun_profile, locale)},
    {"zone", offsetof(struct qun_profile, zone)},       {"currency", offsetof(struct qun_profile, currency)},
    {"country", offsetof(struct qun_profile, country)}, {"sector", offsetof(struct qun_profile, sector)},
};

static const char *profile_text(const struct qun_profile *p, const struct profile_key *k) {
  const char *text = NULL;
  memcpy(&text, (const char *)p + k->at, sizeof text);
  return text ? text : "";
}

static void pack_profile(struct qun_pack *out, const struct qun_profile *p) {
  char number[24];
  qun_pack_map(out, 2);
  qun_pack_kv_cstr(out, "plugin", "");
  qun_pack_cstr(out, "values");
  uint32_t keys = sizeof profile_keys / sizeof profile_keys[0];
#define X(name, least, most, otherwise, what) +1
  const uint32_t numbers = 0 QUN_PROFILE_NUMBERS(X);
#undef X
  qun_pack_map(out, keys + 2 + numbers + p->settings_count);
  for (uint32_t i = 0; i < keys; i++) qun_pack_kv_cstr(out, profile_keys[i].key, profile_text(p, &profile_keys[i]));
  qun_pack_kv_cstr(out, "simulated", p->simulated ? "true" : "false");
  qun_pack_kv_cstr(out, "seal_text", p->seal_text ? "true" : "false");
#define X(name, least, most, otherwise, what)                                                                          \
  snprintf(number, sizeof number, "%llu", (unsigned long long)p->name);                                                \
  qun_pack_kv_cstr(out, #name, number);
  QUN_PROFILE_NUMBERS(X)
#undef X
  for (uint32_t i = 0; i < p->settings_count; i++) qun_pack_kv_cstr(out, p->settings[i].name, p->settings[i].value);
}

/* ---------------------------------------------------------------- create */

static void pack_enabled(struct qun_pack *out, const struct qun_manifest *m) {
  qun_pack_map(out, 2);
  qun_pack_kv_cstr(out, "status", "enabled");
  qun_pack_kv_cstr(out, "version", m->version);
}

static int first_records(struct qun_engine *e, const struct qun_profile *p, const char *starter,
                         struct qun_error *err) {
  struct qun_pack packs[3 + QUN_PLUGINS_MAX];
  struct qun_control controls[3 + QUN_PLUGINS_MAX];
  uint32_t n = 3;
  for (uint32_t i = 0; i < 3 + QUN_PLUGINS_MAX; i++) qun_pack_init(&packs[i]);
  qun_pack_map(&packs[0], 2);
  qun_pack_kv_cstr(&packs[0], "profile", starter);
  qun_pack_kv_bool(&packs[0], "simulated", p->simulated);
  qun_versions_pack(&packs[1], e->plugins);
  pack_profile(&packs[2], p);
  controls[0] = (struct qun_control){.type = "qun.created", .data = qun_pack_slice(&packs[0])};
  controls[1] = (struct qun_control){.type = "qun.runtime", .data = qun_pack_slice(&packs[1])};
  controls[2] = (struct qun_control){.type = "qun.settings", .data = qun_pack_slice(&packs[2])};
  for (uint32_t i = 0; i < e->plugins->count; i++) {
    const struct qun_manifest *m = e->plugins->plugins[i].manifest;
    bool wanted = false;
    for (uint32_t k = 0; k < p->plugins_count; k++) wanted |= strcmp(p->plugins[k], m->id) == 0;
    if (!wanted) continue;
    pack_enabled(&packs[n], m);
    controls[n] =
        (struct qun_control){.type = "qun.plugin", .subject = qun_str(m->id), .data = qun_pack_slice(&packs[n])};
    n++;
  }
  int rc = qun__control_submit(e, p->name, controls, n, NULL, err);
  for (uint32_t i = 0; i < 3 + QUN_PLUGINS_MAX; i++) qun_pack_fini(&packs[i]);
  return rc;
}

static int set_text(char **at, const char *value) {
  char *copy = strdup(value);
  if (!copy) return QUN_EFAIL;
  free(*at);
  *at = copy;
  return 0;
}

static int profile_for(struct qun_profile **out, const struct qun_engine *e, const struct qun_tenant_spec *spec,
                       struct qun_error *err) {
  struct qun_profile *p = NULL;
  int rc = qun_profile_starter(&p, spec->profile ? spec->profile : "default", err);
  if (rc == 0 && set_text(&p->name, spec->name) < 0) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc == 0) rc = qun_profile_set(p, "title", spec->title ? spec->title : spec->name, err);
  if (rc == 0 && spec->locale) rc = qun_profile_set(p, "locale", spec->locale, err);
  if (rc == 0 && spec->zone) rc = qun_config_check(e->plugins, "zone", spec->zone, err);
  if (rc == 0 && spec->zone) rc = qun_profile_set(p, "zone", spec->zone, err);
  if (rc == 0) p->simulated = spec->simulated;
  if (rc < 0)
    qun_profile_destroy(p);
  else
    *out = p;
  return rc;
}

static struct qun_tenant_files files_of(const struct qun_engine *e) {
  return (struct qun_tenant_files){.data_dir = e->data_dir, .keys_dir = e->keys_dir};
}

/* With the name claimed. The store is made here, as its map follows from the quota. */
static int make_tenant(const struct qun_engine *e, const struct qun_profile *p, struct qun_error *err) {
  const char *ids[QUN_PLUGINS_MAX];
  const struct qun_tenant_files files = files_of(e);
  for (uint32_t i = 0; i < e->plugins->count; i++) ids[i] = e->plugins->plugins[i].manifest->id;
  struct qun_store_options options = {.quota_bytes = p->quota_bytes,
                                      .plugins = ids,
                                      .plugins_count = e->plugins->count};
  return qun_tenant_files_make(&files, p, &options, err);
}

int qun_engine_tenant_create(struct qun_engine *e, const struct qun_tenant_spec *spec, struct qun_error *err) {
  struct qun_profile *p = NULL;
  if (!spec->name || !qun_tenant_name_valid(spec->name))
    return qun_error_set(
        err, QUN_EINVAL,
        "a tenant's name has 1 to 63 letters a-z, digits and hyphens, and begins with no hyphen (got \"%.80s\")",
        spec->name ? spec->name : "");
  int rc = profile_for(&p, e, spec, err);
  if (rc < 0) return rc;
  rc = qun_tenant_claim(e->pool, spec->name, QUN_ENOTFOUND, err);
  if (rc == 0) {
    rc = make_tenant(e, p, err);
    qun_tenant_release(e->pool, spec->name);
    if (rc == 0) {
      rc = first_records(e, p, spec->profile ? spec->profile : "default", err);
      if (rc < 0) qun_engine_tenant_delete(e, spec->name, NULL);
    }
  }
  qun_profile_destroy(p);
  return rc;
}

int qun_engine_tenant_delete(struct qun_engine *e, const char *name, struct qun_error *err) {
  if (!qun_tenant_name_valid(name)) return qun_error_set(err, QUN_ENOTFOUND, "no tenant \"%.63s\"", name);
  if (e->journal) e->journal_ops->checkpoint(e->journal, false, NULL); /* which holds on to tenants until then */
  const struct qun_tenant_files files = files_of(e);
  int rc = qun_tenant_claim(e->pool, name, QUN_ENOTFOUND, err);
  if (rc < 0) return rc;
  if (!qun_engine_tenant_exists(e, name))
    rc = qun_error_set(err, QUN_ENOTFOUND, "no tenant \"%.63s\"", name);
  else
    rc = qun_tenant_files_remove(&files, name, err);
  if (rc == 0) qun__park_forget(e, name);
  if (rc == 0) rc = qun_engine_journal_scrub(e, err);
  qun__ticker_drop(e->ticker, name);
  qun_quotas_drop(e->quotas, name);
  qun_tenant_release(e->pool, name);
  return rc;
}

/* ---------------------------------------------------------------- look */

static int is_tenant(const struct dirent *d) {
  return d->d_name[0] != '.' && qun_tenant_name_valid(d->d_name);
}

int qun_engine_tenant_each(struct qun_engine *e, int (*each)(void *, const char *), void *arg) {
  char path[4096];
  struct dirent **names = NULL;
  int rc = 0;
  snprintf(path, sizeof path, "%s/tenants", e->data_dir);
  int n = scandir(path, &names, is_tenant, alphasort);
  for (int i = 0; i < n; i++) {
    if (rc == 0) rc = each(arg, names[i]->d_name);
    free(names[i]);
  }
  free(names);
  return rc;
}

int qun_engine_tenant_exists(struct qun_engine *e, const char *name) {
  char dir[4096];
  struct stat st;
  if (!qun_tenant_name_valid(name)) return 0;
  qun_tenant_dir(e->pool, name, dir);
  return stat(dir, &st) == 0 && S_ISDIR(st.st_mode);
}

static int profile_now(struct qun_engine *e, struct qun_tenant *t, struct qun_profile **out, struct qun_error *err) {
  struct qun_config *c = qun_tenant_config(t);
  char dir[4096];
  struct qun_profile *p = NULL;
  qun_tenant_dir(e->pool, t->name, dir);
  int rc = qun_profile_load(&p, dir, err);
  if (rc == QUN_ENOTFOUND) rc = qun_profile_starter(&p, "default", err);
  const char *values[] = {c->title, c->locale, c->zone, c->currency, c->country, c->sector};
  for (uint32_t i = 0; i < sizeof values / sizeof values[0] && rc == 0; i++)
    rc = qun_profile_set(p, profile_keys[i].key, values[i], err);
  if (rc == 0) rc = set_text(&p->name, t->name);
  if (rc == 0) {
    p->simulated = c->simulated;
    p->seal_text = c->seal_text;
#define X(name, least, most, otherwise, what) p->name = c->name;
    QUN_PROFILE_NUMBERS(X)
#undef X
  }
  qun_config_unref(c);
  if (rc < 0)
    qun_profile_destroy(p);
  else
    *out = p;
  return rc;
}

int qun_engine_tenant_profile(struct qun_engine *e, const char *name, struct qun_profile **out, struct qun_error *err) {
  struct qun_tenant *t = NULL;
  int rc = qun_tenant_get(e->pool, name, &t, err);
  if (rc < 0) return rc;
  rc = profile_now(e, t, out, err);
  qun_tenant_put(t);
  return rc;
}

int qun_engine_tenant_outline(struct qun_engine *e, const char *name, struct qun_profile **out, struct qun_error *err) {
  char dir[4096];
  struct qun_profile *p = NULL;
  if (!qun_tenant_name_valid(name)) return qun_error_set(err, QUN_ENOTFOUND, "no tenant \"%.63s\"", name);
  qun_tenant_dir(e->pool, name, dir);
  int rc = qun_profile_load(&p, dir, NULL);
  if (rc == 0) rc = set_text(&p->name, name);
  if (rc == 0)
    *out = p;
  else
    qun_profile_destroy(p);
  return rc == 0 ? 0 : qun_engine_tenant_profile(e, name, out, err); /* the file is a mirror: the log has it too */
}

/* Plugin settings as the log has them, into the profile's list. */
static int mirror_settings(struct qun_tenant *t, struct qun_profile *p, struct qun_error *err) {
  struct qun_view v;
  struct qun_pair pairs[64];
  qun_slice after = {NULL, 0};
  uint32_t n = 64;
  int rc = qun_view_begin(&v, t->store, err);
  if (rc < 0) return rc;
  while (n == 64 && rc == 0) {
    rc = qun_view_scan(&v, QUN_TABLE_META, qun_str("set/"), after, pairs, 64, &n);
    for (uint32_t i = 0; i < n && rc == 0; i++) {
      char key[256], value[4096];
      snprintf(key, sizeof key, "%.*s", (int)pairs[i].key.len - 4, (const char *)pairs[i].key.ptr + 4);
      snprintf(value, sizeof value, "%.*s", (int)pairs[i].value.len, (const char *)pairs[i].value.ptr);
      if (strchr(key, '.')) rc = qun_profile_set(p, key, value, err);
      after = pairs[i].key;
    }
  }
  qun_view_end(&v);
  return rc;
}

int qun__tenant_mirror(struct qun_engine *e, struct qun_tenant *t, struct qun_error *err) {
  char dir[4096];
  struct qun_profile *p = NULL;
  int rc = profile_now(e, t, &p, err);
  if (rc < 0) return rc;
  rc = mirror_settings(t, p, err);
  qun_tenant_dir(e->pool, t->name, dir);
  if (rc == 0) rc = qun_profile_save(p, dir, err);
  qun_profile_destroy(p);
  return rc;
}

/* ---------------------------------------------------------------- change */

int qun_engine_tenant_set(struct qun_engine *e, const char *name, qun_slice changes, struct qun_error *err) {
  struct qun_unpack u;
  struct qun_pack data;
  uint32_t n;
  int rc = 0;
  qun_unpack_init(&u, changes);
  if (!qun_unpack_map(&u, &n) || n == 0)
    return qun_error_set(err, QUN_EINVAL, "settings must be a map of names to texts");
  while (n-- > 0 && rc == 0) {
    qun_slice key, value;
    char k[200], v[4096];
    if (!qun_unpack_str(&u, &key) || !qun_unpack_str(&u, &value) || key.len >= sizeof k || value.len >= sizeof v)
      return qun_error_set(err, QUN_EINVAL, "settings must be a map of names to texts");
    snprintf(k, sizeof k, "%.*s", (int)key.len, (const char *)key.ptr);
    snprintf(v, sizeof v, "%.*s", (int)value.len, (const char *)value.ptr);
    rc = qun_config_check(e->plugins, k, v, err);
  }
  if (rc < 0) return rc;
  qun_pack_init(&data);
  qun_pack_map(&data, 2);
  qun_pack_kv_cstr(&data, "plugin", "");
  qun_pack_cstr(&data, "values");
  qun_pack_raw(&data, changes);
  rc = qun_engine_control(e, name, "qun.settings", (qun_slice){NULL, 0}, (qun_slice){NULL, 0}, qun_pack_slice(&data),
                          NULL, err);
  qun_pack_fini(&data);
  return rc;
}

int qun_engine_plugin_enable(struct qun_engine *e, const char *name, const char *plugin, bool on,
                             struct qun_error *err) {
  const struct qun_loaded_plugin *p = qun_plugin_set_find(e->plugins, plugin);
  struct qun_pack data;
  if (!p) return qun_error_set(err, QUN_ENOTFOUND, "no plugin \"%.60s\" is loaded", plugin);
  qun_pack_init(&data);
  qun_pack_map(&data, 2);
  qun_pack_kv_cstr(&data, "status", on ? "enabled" : "disabled");
  qun_pack_kv_cstr(&data, "version", p->manifest->version);
  int rc = qun_engine_control(e, name, "qun.plugin", qun_str(plugin), (qun_slice){NULL, 0}, qun_pack_slice(&data), NULL,
                              err);
  qun_pack_fini(&data);
  return rc;
}
