/* SPDX-License-Identifier: Apache-2.0 */
/* Making and ending the host, its plugins and tenants. */
#include "fake_internal.h"

#include <dlfcn.h>

static void host_log(const struct qun_host *host, int level, qun_slice msg) {
  static const char *const names[] = {"debug", "info", "warn", "error"};
  struct qun__fake_plugin *p = host->ctx;
  if (level < QUN_LOG_WARN) return;
  fprintf(stderr, "%s %s: %.*s\n", names[level > QUN_LOG_ERROR ? QUN_LOG_ERROR : level], p->id, (int)msg.len,
          (const char *)msg.ptr);
}

static int host_fail(const struct qun_host *host, int code, qun_slice msg) {
  struct qun__fake_plugin *p = host->ctx;
  return qun__fake_fail(p->f, code, "%.*s", (int)msg.len, (const char *)msg.ptr);
}

size_t qun__fake_plugin_index(const struct qun__fake_plugin *p) {
  size_t i = 0;
  while (p->f->plugins[i] != p) i++;
  return i;
}

struct qun__fake_plugin *qun__fake_plugin_of(struct qun_fake *f, const char *id) {
  for (size_t i = 0; i < f->plugins_count; i++)
    if (strcmp(f->plugins[i]->id, id) == 0) return f->plugins[i];
  return NULL;
}

/* ---------------------------------------------------------------- instances */

int qun__fake_instance_create(struct qun__fake_plugin *p) {
  static const unsigned char no_config[] = {0x80};
  p->f->message[0] = 0;
  int rc = p->vtable.create(&p->host, qun_slice_of(no_config, sizeof no_config), &p->self);
  if (rc >= 0) return 0;
  if (!p->f->message[0]) qun__fake_fail(p->f, rc, "%s: create answered %d and said nothing", p->id, rc);
  p->f->code = rc;
  p->self = NULL;
  return rc;
}

void qun__fake_instance_destroy(struct qun__fake_plugin *p) {
  for (size_t i = 0; i < p->f->tenants_count; i++) {
    struct qun__fake_space *s = qun__fake_space_of(p->f->tenants[i], p);
    if (s->seen && p->vtable.on_tenant_close) p->vtable.on_tenant_close(p->self, s->local);
    s->seen = false;
    s->local = NULL;
  }
  p->vtable.destroy(p->self);
  p->self = NULL;
}

int qun_fake_recreate(struct qun_fake *f) {
  qun__fake_instance_destroy(f->plugin);
  return qun__fake_instance_create(f->plugin);
}

void qun_fake_recreate_every(struct qun_fake *f, unsigned n) {
  f->recreate_every = n;
}

/* ---------------------------------------------------------------- plugins */

static void plugin_free(struct qun__fake_plugin *p) {
  for (size_t i = 0; i < p->metrics_count; i++) free(p->metrics[i].name);
  qun__fake_manifest_free(p->manifest);
  free(p->metrics);
  free(p->id);
  free(p->dir);
  free(p);
}

/* Opens the library; it stays open for the life of the process, so that leak reports can name its functions. */
static int library_entry(struct qun_fake *f, struct qun__fake_plugin *p, const struct qun_plugin **vtable) {
  char path[4096];
  const struct qun_magic *magic = NULL;
  qun_entry_v1 entry;
  snprintf(path, sizeof path, "%s/%s", p->dir, p->manifest->library);
  p->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!p->library) return qun__fake_fail(f, QUN_EINVAL, "%s", dlerror());
  void *symbol = dlsym(p->library, "qun_plugin_v1");
  if (!symbol) return qun__fake_fail(f, QUN_EINVAL, "%s does not export qun_plugin_v1", path);
  memcpy(&entry, &symbol, sizeof entry);
  *vtable = entry(&magic);
  if (!*vtable || !magic) return qun__fake_fail(f, QUN_EINVAL, "%s: qun_plugin_v1 answered NULL", path);
  if (strcmp(magic->id, p->manifest->id) != 0 || strcmp(magic->version, p->manifest->version) != 0)
    return qun__fake_fail(f, QUN_EINVAL, "%s is %s %s, but plugin.yaml says %s %s", path, magic->id, magic->version,
                          p->manifest->id, p->manifest->version);
  return 0;
}

static int plugin_requires(struct qun_fake *f, const struct qun__fake_plugin *p) {
  const void *vtable;
  for (size_t i = 0; p->manifest && i < p->manifest->requires.count; i++)
    if (qun__fake_query(&p->host, p->manifest->requires.at[i], &vtable))
      return qun__fake_fail(f, QUN_EUNSUPPORTED, "%s requires %s, which the fake host does not have", p->id,
                            p->manifest->requires.at[i]);
  return 0;
}

static int plugin_add(struct qun_fake *f, const struct qun_plugin *vtable, const char *dir) {
  struct qun__fake_plugin *p = qun__fake_alloc(sizeof *p);
  char why[300] = "";
  int rc = QUN_EINVAL;
  p->f = f;
  p->dir = dir ? qun__fake_strdup(dir) : NULL;
  if (dir && !(p->manifest = qun__fake_manifest_load(dir, why, sizeof why))) {
    qun__fake_fail(f, rc, "%s", why);
    goto out;
  }
  p->id = qun__fake_strdup(p->manifest ? p->manifest->id : "test");
  if (qun__fake_plugin_of(f, p->id)) {
    qun__fake_fail(f, rc, "there are two plugins %s", p->id);
    goto out;
  }
  if (!vtable && (rc = library_entry(f, p, &vtable))) goto out;
  memcpy(&p->vtable, vtable, vtable->struct_size < sizeof p->vtable ? vtable->struct_size : sizeof p->vtable);
  p->vtable.struct_size = sizeof p->vtable;
  if (!p->vtable.create || !p->vtable.destroy) {
    rc = qun__fake_fail(f, QUN_EINVAL, "%s: create and destroy are mandatory", p->id);
    goto out;
  }
  p->host = (struct qun_host){.struct_size = sizeof p->host,
                              .abi_minor = QUN_ABI_MINOR,
                              .ctx = p,
                              .query = qun__fake_query,
                              .log = host_log,
                              .fail = host_fail};
  rc = plugin_requires(f, p);
  if (!rc) rc = qun__fake_instance_create(p);
  if (rc) goto out;
  QUN__FAKE_GROW(f->plugins, f->plugins_count, f->plugins_cap);
  f->plugins[f->plugins_count++] = p;
  return 0;
out:
  plugin_free(p);
  return rc;
}

int qun_fake_join(struct qun_fake *f, const char *package_dir) {
  return plugin_add(f, NULL, package_dir);
}

int qun_fake_join_vtable(struct qun_fake *f, const struct qun_plugin *vtable, const char *package_dir) {
  return plugin_add(f, vtable, package_dir);
}

int qun_fake_plugin(struct qun_fake *f, const char *id) {
  struct qun__fake_plugin *p = qun__fake_plugin_of(f, id);
  if (!p) return qun__fake_fail(f, QUN_ENOTFOUND, "there is no plugin %s", id);
  f->plugin = p;
  return 0;
}

/* ---------------------------------------------------------------- hosts */

static struct qun_fake *host_open(const struct qun_plugin *vtable, const char *dir) {
  struct qun_fake *f = qun__fake_alloc(sizeof *f);
  qun_pack_init(&f->scratch);
  qun_fake_person(f, "owner", "en");
  if (plugin_add(f, vtable, dir)) {
    fprintf(stderr, "fake host: %s\n", f->message);
    qun_fake_close(f);
    return NULL;
  }
  f->plugin = f->plugins[0];
  qun_fake_tenant(f, "test");
  return f;
}

struct qun_fake *qun_fake_open(const char *package_dir) {
  return host_open(NULL, package_dir);
}

struct qun_fake *qun_fake_open_vtable(const struct qun_plugin *vtable, const char *package_dir) {
  return host_open(vtable, package_dir);
}

static void tenant_free(struct qun__fake_tenant *t) {
  char *texts[] = {t->name, t->title, t->locale, t->zone, t->currency, t->country, t->sector};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
  for (size_t i = 0; i < t->spaces_count; i++) {
    qun__fake_table_free(&t->spaces[i].store);
    qun__fake_table_free(&t->spaces[i].timers);
    qun_pack_fini(&t->spaces[i].settings);
  }
  free(t->spaces);
  free(t->outbox);
  free(t->emitted);
  free(t);
}

void qun_fake_close(struct qun_fake *f) {
  if (!f) return;
  for (size_t i = 0; i < f->signatures_count; i++) free(f->signatures[i].name);
  free(f->signatures);
  for (size_t i = f->plugins_count; i > 0; i--) qun__fake_instance_destroy(f->plugins[i - 1]);
  for (size_t i = 0; i < f->tenants_count; i++) tenant_free(f->tenants[i]);
  for (size_t i = 0; i < f->plugins_count; i++) plugin_free(f->plugins[i]);
  for (size_t i = 0; i < f->provided_count; i++) free(f->provided[i].service);
  for (size_t i = 0; i < f->files_count; i++) {
    free(f->files[i].plugin);
    free(f->files[i].path);
  }
  free(f->tenants);
  free(f->plugins);
  free(f->provided);
  free(f->files);
  free(f->role);
  free(f->locale);
  qun_pack_fini(&f->scratch);
  qun__fake_arena_free(&f->kept);
  qun__fake_arena_free(&f->poisoned);
  free(f);
}

/* ---------------------------------------------------------------- tenants */

void qun_fake_tenant(struct qun_fake *f, const char *name) {
  for (size_t i = 0; i < f->tenants_count; i++)
    if (strcmp(f->tenants[i]->name, name) == 0) {
      f->tenant = f->tenants[i];
      return;
    }
  struct qun__fake_tenant *t = qun__fake_alloc(sizeof *t);
  t->name = qun__fake_strdup(name);
  t->title = qun__fake_strdup(name);
  t->locale = qun__fake_strdup("zh-CN");
  t->zone = qun__fake_strdup("Asia/Shanghai");
  t->currency = qun__fake_strdup("CNY");
  t->country = qun__fake_strdup("CN");
  t->sector = qun__fake_strdup("retail");
  t->handle = 1000 + f->tenants_count; /* not small: 0, 1 and other guesses are not handles */
  QUN__FAKE_GROW(f->tenants, f->tenants_count, f->tenants_cap);
  f->tenants[f->tenants_count++] = t;
  f->tenant = t;
}

int qun_fake_profile(struct qun_fake *f, const char *key, const char *value) {
  struct qun__fake_tenant *t = f->tenant;
  const struct {
    const char *key;
    char **at;
  } texts[] = {{"title", &t->title},       {"locale", &t->locale},   {"zone", &t->zone},
               {"currency", &t->currency}, {"country", &t->country}, {"sector", &t->sector}};
  bool known = strcmp(key, "simulated") == 0;
  if (known) t->simulated = strcmp(value, "true") == 0;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (strcmp(texts[i].key, key) != 0) continue;
    free(*texts[i].at);
    *texts[i].at = qun__fake_strdup(value);
    known = true;
  }
  if (!known) return qun__fake_fail(f, QUN_EINVAL, "a tenant has no %s", key);
  for (size_t i = 0; i < f->plugins_count; i++) qun__fake_space_of(t, f->plugins[i])->seen = false;
  return 0;
}

/* ---------------------------------------------------------------- settings */

static const struct qun__fake_setting *setting_find(const struct qun__fake_manifest *m, qun_slice name) {
  for (size_t i = 0; m && i < m->settings_count; i++)
    if (qun_slice_is(name, m->settings[i].name)) return &m->settings[i];
  return NULL;
}

/* Writes the whole map anew: values of `given` first, then what is there already, then defaults. */
static int settings_merge(struct qun_fake *f, qun_slice given, bool keep) {
  const struct qun__fake_manifest *m = f->plugin->manifest;
  struct qun__fake_space *s = qun__fake_space_of(f->tenant, f->plugin);
  struct qun_pack out;
  char why[200];
  qun_pack_init(&out);
  qun_pack_map(&out, (uint32_t)m->settings_count);
  for (size_t i = 0; i < m->settings_count; i++) {
    const struct qun__fake_setting *to = &m->settings[i];
    qun_slice value;
    qun_pack_cstr(&out, to->name);
    if (qun_mp_find(given, to->name, &value) || (keep && qun_mp_find(qun_pack_slice(&s->settings), to->name, &value))) {
      qun_pack_raw(&out, value);
    } else if (qun__fake_setting_pack(to, to->fallback ? to->fallback : "", &out, why, sizeof why)) {
      qun_pack_fini(&out);
      return qun__fake_fail(f, QUN_EINVAL, "%s", why);
    }
  }
  qun_pack_fini(&s->settings);
  s->settings = out;
  s->seen = false;
  return 0;
}

int qun_fake_settings(struct qun_fake *f, qun_slice map) {
  struct qun__fake_space *s = qun__fake_space_of(f->tenant, f->plugin);
  struct qun_unpack u;
  uint32_t n;
  qun_slice name, value;
  if (!qun_mp_valid(map, 4)) return qun__fake_fail(f, QUN_EINVAL, "settings: no msgpack");
  qun_unpack_init(&u, map);
  if (!qun_unpack_map(&u, &n)) return qun__fake_fail(f, QUN_EINVAL, "settings: no map");
  if (!f->plugin->manifest) {
    qun_pack_clear(&s->settings);
    qun_pack_raw(&s->settings, map);
    s->seen = false;
    return 0;
  }
  while (n-- > 0) {
    if (!qun_unpack_str(&u, &name) || !qun_unpack_any(&u, &value))
      return qun__fake_fail(f, QUN_EINVAL, "settings: a key is no text");
    if (!setting_find(f->plugin->manifest, name))
      return qun__fake_fail(f, QUN_EINVAL, "%s has no setting %.*s", f->plugin->id, (int)name.len,
                            (const char *)name.ptr);
  }
  return settings_merge(f, map, false);
}

int qun_fake_set(struct qun_fake *f, const char *assignment) {
  const char *equals = strchr(assignment, '=');
  char why[200];
  struct qun_pack map;
  if (!equals) return qun__fake_fail(f, QUN_EINVAL, "\"%s\" is not name=value", assignment);
  qun_slice name = qun_slice_of(assignment, (size_t)(equals - assignment));
  const struct qun__fake_setting *s = setting_find(f->plugin->manifest, name);
  if (!s) return qun__fake_fail(f, QUN_EINVAL, "%s has no setting %.*s", f->plugin->id, (int)name.len, assignment);
  qun_pack_init(&map);
  qun_pack_map(&map, 1);
  qun_pack_str(&map, name);
  int rc = qun__fake_setting_pack(s, equals + 1, &map, why, sizeof why);
  if (rc)
    qun__fake_fail(f, rc, "%s", why);
  else
    rc = settings_merge(f, qun_pack_slice(&map), true);
  qun_pack_fini(&map);
  return rc;
}
