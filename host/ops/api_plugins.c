/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/api_internal.h"
#include "host/plugins/ledger.h"

#include <sodium.h>

static void write_words(struct qun_pack *out, const char *key, struct qun_text text) {
  qun_pack_cstr(out, key);
  qun_pack_map(out, 2);
  qun_pack_kv_cstr(out, "en", text.en ? text.en : "");
  qun_pack_kv_cstr(out, "zh", text.zh ? text.zh : text.en ? text.en : "");
}

static void write_list(struct qun_pack *out, const char *key, const char *const *items, uint32_t count) {
  qun_pack_cstr(out, key);
  qun_pack_array(out, count);
  for (uint32_t i = 0; i < count; i++) qun_pack_cstr(out, items[i]);
}

/* The last part of a path: what is above it is the operator's affair. */
static const char *folder_of(const char *dir) {
  const char *slash = strrchr(dir, '/');
  return slash && slash[1] ? slash + 1 : dir;
}

enum { HEAD_MEMBERS = 14 };

/* Where it runs, and what is known against it: "" when nothing is. */
static void write_state(struct qun_engine *e, struct qun_pack *out, const struct qun_loaded_plugin *plugin) {
  static const char *const where[] = {[QUN_HERE] = "loaded", [QUN_PARKED] = "parked", [QUN_ISOLATED] = "isolated"};
  struct qun_ledger *ledger = qun_engine_ledger(e);
  struct qun_ledger_entry last;
  char sentence[600] = "";
  if (qun_ledger_last(ledger, plugin->manifest->id, &last)) qun_ledger_sentence(&last, sentence, sizeof sentence);
  qun_pack_kv_cstr(out, "status", where[plugin->where]);
  qun_pack_kv_cstr(out, "reason", plugin->aside);
  qun_pack_kv_int(out, "crashes", qun_ledger_count(ledger, plugin->manifest->id));
  qun_pack_kv_cstr(out, "last_crash", sentence);
}

static void write_head(struct qun_engine *e, struct qun_pack *out, const struct qun_loaded_plugin *plugin) {
  char hash[65];
  sodium_bin2hex(hash, sizeof hash, plugin->sha256, sizeof plugin->sha256);
  qun_pack_kv_cstr(out, "id", plugin->manifest->id);
  qun_pack_kv_cstr(out, "version", plugin->manifest->version);
  write_state(e, out, plugin);
  qun_pack_kv_bool(out, "trusted", plugin->trusted);
  char level[64] = "";
  if (plugin->where == QUN_ISOLATED) qun_runner_level_text(&plugin->sandbox, level);
  qun_pack_kv_cstr(out, "mode", qun_plugin_mode_name(plugin->mode));
  qun_pack_kv_cstr(out, "mode_reason", plugin->why);
  qun_pack_kv_cstr(out, "sandbox", level);
  qun_pack_kv_cstr(out, "sha256", hash);
  qun_pack_kv_cstr(out, "signature", plugin->package && plugin->package->standing ? plugin->package->reason : "");
  write_words(out, "title", plugin->manifest->title);
  write_words(out, "summary", plugin->manifest->summary);
}

static void write_services(struct qun_pack *out, const struct qun_manifest *m) {
  qun_pack_cstr(out, "services");
  qun_pack_array(out, m->services_count);
  for (uint32_t i = 0; i < m->services_count; i++) {
    const struct qun_manifest_service *s = &m->services[i];
    qun_pack_map(out, 5);
    qun_pack_kv_cstr(out, "name", s->name);
    qun_pack_kv_cstr(out, "role", s->role ? s->role : "");
    qun_pack_kv_bool(out, "pure", s->pure);
    qun_pack_kv_bool(out, "emits", s->emits);
    write_words(out, "doc", s->doc);
  }
}

static void write_settings(struct qun_pack *out, const struct qun_manifest *m) {
  static const char *const kinds[] = {
      [QUN_SETTING_INT] = "int",   [QUN_SETTING_RATIO] = "ratio",   [QUN_SETTING_MONEY] = "money",
      [QUN_SETTING_BOOL] = "bool", [QUN_SETTING_STRING] = "string", [QUN_SETTING_LIST] = "list"};
  qun_pack_cstr(out, "settings");
  qun_pack_array(out, m->settings_count);
  for (uint32_t i = 0; i < m->settings_count; i++) {
    const struct qun_setting *s = &m->settings[i];
    qun_pack_map(out, 5);
    qun_pack_kv_cstr(out, "name", s->name);
    qun_pack_kv_cstr(out, "kind", kinds[s->kind]);
    qun_pack_kv_cstr(out, "unit", s->unit ? s->unit : "");
    qun_pack_kv_cstr(out, "default", s->fallback ? s->fallback : "");
    write_words(out, "doc", s->doc);
  }
}

static void write_views(struct qun_pack *out, const struct qun_manifest *m) {
  qun_pack_cstr(out, "views");
  qun_pack_array(out, m->views_count);
  for (uint32_t i = 0; i < m->views_count; i++) {
    qun_pack_map(out, 2);
    qun_pack_kv_cstr(out, "name", m->views[i].name);
    write_words(out, "doc", m->views[i].doc);
  }
}

static void write_routes(struct qun_pack *out, const struct qun_manifest *m) {
  qun_pack_cstr(out, "routes");
  qun_pack_array(out, m->routes_count);
  for (uint32_t i = 0; i < m->routes_count; i++) {
    qun_pack_map(out, 3);
    qun_pack_kv_cstr(out, "method", m->routes[i].method);
    qun_pack_kv_cstr(out, "path", m->routes[i].path);
    qun_pack_kv_cstr(out, "service", m->routes[i].service->name);
  }
}

static void write_types(struct qun_pack *out, const struct qun_manifest *m) {
  qun_pack_cstr(out, "types");
  qun_pack_array(out, m->types_count);
  for (uint32_t i = 0; i < m->types_count; i++) {
    qun_pack_map(out, 2);
    qun_pack_kv_cstr(out, "name", m->types[i].name);
    qun_pack_kv_cstr(out, "doc", m->types[i].doc ? m->types[i].doc : "");
  }
}

void qun__get_plugins(struct qun__call *c) {
  const struct qun_plugin_set *set = qun_engine_plugins(c->engine);
  qun_pack_map(&c->out, 2);
  qun_pack_cstr(&c->out, "plugins");
  qun_pack_array(&c->out, set->count);
  for (uint32_t i = 0; i < set->count; i++) {
    qun_pack_map(&c->out, HEAD_MEMBERS);
    write_head(c->engine, &c->out, &set->plugins[i]);
  }
  qun_pack_cstr(&c->out, "refused");
  qun_pack_array(&c->out, set->refused_count);
  for (uint32_t i = 0; i < set->refused_count; i++) {
    qun_pack_map(&c->out, 2);
    qun_pack_kv_cstr(&c->out, "folder", folder_of(set->refused[i].dir));
    qun_pack_kv_cstr(&c->out, "reason", set->refused[i].reason);
  }
  qun__answer_map(c, 200);
}

void qun__get_plugin(struct qun__call *c) {
  const struct qun_loaded_plugin *plugin = qun_plugin_set_find(qun_engine_plugins(c->engine), c->params[0]);
  if (!plugin) {
    qun__answer_problem(c, 404, "there is no such plugin; GET /v1/plugins lists them", NULL);
    return;
  }
  const struct qun_manifest *m = plugin->manifest;
  qun_pack_map(&c->out, HEAD_MEMBERS + 11);
  write_head(c->engine, &c->out, plugin);
  qun_pack_kv_int(&c->out, "abi", m->abi);
  qun_pack_kv_bool(&c->out, "personal_text", m->personal_text);
  write_list(&c->out, "after", m->after, m->after_count);
  write_list(&c->out, "requires", m->requires, m->requires_count);
  write_list(&c->out, "subscribe", m->subscribe, m->subscribe_count);
  write_list(&c->out, "emit", m->emit, m->emit_count);
  write_types(&c->out, m);
  write_services(&c->out, m);
  write_routes(&c->out, m);
  write_views(&c->out, m);
  write_settings(&c->out, m);
  qun__answer_map(c, 200);
}

void qun__post_plugin(struct qun__call *c) {
  int on = qun_mp_bool(qun_pack_slice(&c->in), "enabled", 0);
  if (!qun_plugin_set_find(qun_engine_plugins(c->engine), c->params[1])) {
    qun__answer_problem(c, 404, "there is no such plugin; GET /v1/plugins lists them", NULL);
    return;
  }
  int rc = qun_engine_plugin_enable(c->engine, c->params[0], c->params[1], on != 0, &c->err);
  if (rc < 0) {
    qun__answer_error(c, rc, NULL);
    return;
  }
  qun_pack_map(&c->out, 2);
  qun_pack_kv_cstr(&c->out, "plugin", c->params[1]);
  qun_pack_kv_bool(&c->out, "enabled", on);
  qun__answer_map(c, 200);
}

void qun__post_release(struct qun__call *c) {
  const struct qun_api_worker *worker = c->api->worker;
  char id[QUN_CRUMB_NAME];
  bool again = false;
  snprintf(id, sizeof id, "%s", c->params[0]);
  int rc = qun_engine_plugin_release(c->engine, c->params[0], qun__body_text(c, "tenant"), &again, &c->err);
  if (rc < 0) {
    qun__answer_error(c, rc, NULL);
    return;
  }
  bool now = !again || (worker && worker->again);
  qun_pack_map(&c->out, 2);
  qun_pack_kv_cstr(&c->out, "plugin", id);
  qun_pack_kv_cstr(&c->out, "runs", now ? "now" : "when qund starts next");
  qun__answer_map(c, 200);
  if (again && now) worker->again(worker->again_arg); /* its code is loaded by the next worker */
}
