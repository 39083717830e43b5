/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/library.h"
#include "host/plugins/plugin_set_load.h"
#include "host/plugins/resolve.h"
#include "host/plugins/vocabulary.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The set as its users know it, and what is behind it. */
struct whole {
  struct qun_plugin_set set;
  struct qun__vocabulary *vocabulary;
};

/* ---------------------------------------------------------------- packages in the folder */

static int has_manifest(const char *dir, const char *name) {
  char path[4096];
  struct stat st;
  if (name[0] == '.' || snprintf(path, sizeof path, "%s/%s/plugin.yaml", dir, name) >= (int)sizeof path) return 0;
  return stat(path, &st) == 0;
}

static void candidates_free(struct qun__candidate *c, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    free(c[i].dir);
    qun_manifest_destroy(c[i].manifest);
  }
  free(c);
}

/* Every folder with a manifest, by name. */
static int scan(struct qun__candidate **out, uint32_t *out_count, const char *dir, struct qun_error *err) {
  struct dirent **names = NULL;
  int n = scandir(dir, &names, NULL, alphasort);
  if (n < 0) return qun_error_set(err, QUN_EINVAL, "the folder of plugins %s cannot be read: %s", dir, strerror(errno));
  struct qun__candidate *c = calloc((size_t)n + 1, sizeof *c);
  uint32_t count = 0;
  int rc = c ? 0 : QUN_EFAIL;
  for (int i = 0; i < n; i++) {
    if (rc == 0 && has_manifest(dir, names[i]->d_name)) {
      size_t size = strlen(dir) + strlen(names[i]->d_name) + 2;
      c[count].dir = malloc(size);
      if (c[count].dir)
        snprintf(c[count++].dir, size, "%s/%s", dir, names[i]->d_name);
      else
        rc = QUN_EFAIL;
    }
    free(names[i]);
  }
  free(names);
  if (rc) {
    candidates_free(c, count);
    return qun_error_set(err, rc, "out of memory while plugins were looked for");
  }
  *out = c;
  *out_count = count;
  return 0;
}

static void read_manifests(struct qun__candidate *c, uint32_t count) {
  struct qun_error why;
  for (uint32_t i = 0; i < count; i++)
    if (qun_manifest_load(&c[i].manifest, c[i].dir, &why)) qun__candidate_refuse(&c[i], "%s", why.message);
}

/* ---------------------------------------------------------------- loading one */

/* 0 and *p filled; else the candidate is refused. */
static int load_library(struct qun_loaded_plugin *p, struct qun__candidate *c, const struct qun__trust *trust,
                        bool allow_untrusted) {
  const struct qun_manifest *m = c->manifest;
  struct qun__library lib;
  struct qun_error why;
  char file[4096];
  struct qun_plugin *vtable = calloc(1, sizeof *vtable);
  if (!vtable || snprintf(file, sizeof file, "%s/%s", c->dir, m->library) >= (int)sizeof file) {
    qun__candidate_refuse(c, "%s: out of memory, or the path is too long", m->id);
    free(vtable);
    return QUN_EFAIL;
  }
  int rc = qun__library_read(&lib, file, &why);
  bool trusted = rc == 0 && qun__trust_has(trust, lib.sha256);
  if (rc == 0 && !trusted && !allow_untrusted)
    rc = qun_error_set(
        &why, QUN_EDENIED,
        "%.200s is not one of the libraries that this host was built with, and others are not allowed (qund --allow-untrusted)",
        file);
  if (rc == 0) rc = qun__library_open(&lib, m->id, m->version, &why);
  if (rc) {
    qun__candidate_refuse(c, "%s: %.300s", m->id, why.message);
    qun__library_drop(&lib);
    free(vtable);
    return rc;
  }
  *vtable = lib.vtable;
  *p = (struct qun_loaded_plugin){.vtable = vtable, .magic = lib.magic, .trusted = trusted, .library = lib.handle};
  memcpy(p->sha256, lib.sha256, sizeof p->sha256);
  return 0;
}

static int load_one(struct whole *w, struct qun__candidate *c, const struct qun__trust *trust, bool allow_untrusted) {
  struct qun_error why;
  struct qun_loaded_plugin *p = &w->set.plugins[w->set.count];
  if (qun__vocabulary_check(w->vocabulary, c->manifest, &why)) {
    qun__candidate_refuse(c, "%s: %.300s", c->manifest->id, why.message);
    return 0;
  }
  if (load_library(p, c, trust, allow_untrusted)) return 0;
  p->manifest = c->manifest;
  p->dir = c->dir;
  c->manifest = NULL;
  c->dir = NULL;
  w->set.count++;
  return qun__vocabulary_add(w->vocabulary, p->manifest, &why);
}

/* What was refused, for those who ask why. */
static void keep_refused(struct qun_plugin_set *set, struct qun__candidate *c, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (!c[i].reason[0]) continue;
    struct qun_refused_plugin *r = &set->refused[set->refused_count++];
    r->dir = c[i].dir;
    c[i].dir = NULL;
    memcpy(r->reason, c[i].reason, sizeof r->reason);
  }
}

/* ---------------------------------------------------------------- the set */

int qun__plugin_set_load(struct qun_plugin_set **out, const char *dir, const struct qun__trust *trust,
                         bool allow_untrusted, struct qun_error *err) {
  struct qun__candidate *c = NULL;
  uint32_t count = 0, order[QUN_PLUGINS_MAX];
  int rc = scan(&c, &count, dir, err);
  if (rc) return rc;
  struct whole *w = calloc(1, sizeof *w);
  if (w) {
    w->vocabulary = qun__vocabulary_create();
    w->set.plugins = calloc(QUN_PLUGINS_MAX, sizeof *w->set.plugins);
    w->set.refused = calloc((size_t)count + 1, sizeof *w->set.refused);
  }
  if (!w || !w->vocabulary || !w->set.plugins || !w->set.refused) rc = QUN_EFAIL;
  if (rc == 0) {
    read_manifests(c, count);
    qun__resolve(c, count);
    uint32_t n = qun__resolve_order(c, count, order);
    for (uint32_t i = 0; rc == 0 && i < n; i++) rc = load_one(w, &c[order[i]], trust, allow_untrusted);
    keep_refused(&w->set, c, count);
  }
  candidates_free(c, count);
  if (rc) {
    qun_plugin_set_destroy(w ? &w->set : NULL);
    return qun_error_set(err, rc, "out of memory while plugins were loaded");
  }
  *out = &w->set;
  return 0;
}

int qun_plugin_set_load(struct qun_plugin_set **out, const char *dir, bool allow_untrusted, struct qun_error *err) {
  return qun__plugin_set_load(out, dir, &qun__trust_built, allow_untrusted, err);
}

void qun_plugin_set_destroy(struct qun_plugin_set *set) {
  if (!set) return;
  struct whole *w = (struct whole *)set;
  for (uint32_t i = 0; i < set->count; i++) {
    struct qun_plugin *vtable;
    memcpy(&vtable, &set->plugins[i].vtable, sizeof vtable); /* ours, const to everybody else */
    free(vtable);
    free(set->plugins[i].dir);
  }
  qun__vocabulary_destroy(w->vocabulary);
  for (uint32_t i = 0; i < set->count; i++) qun_manifest_destroy(set->plugins[i].manifest);
  for (uint32_t i = 0; i < set->refused_count; i++) free(set->refused[i].dir);
  free(set->plugins);
  free(set->refused);
  free(w);
}

const struct qun_loaded_plugin *qun_plugin_set_find(const struct qun_plugin_set *set, const char *id) {
  for (uint32_t i = 0; i < set->count; i++)
    if (strcmp(set->plugins[i].manifest->id, id) == 0) return &set->plugins[i];
  return NULL;
}

int qun_plugin_set_type(const struct qun_plugin_set *set, qun_slice name, const struct qun_type_view **out) {
  const struct qun_type_view *view = qun__vocabulary_find(((const struct whole *)set)->vocabulary, name);
  if (!view) return 0;
  *out = view;
  return 1;
}
