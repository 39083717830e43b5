/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/admission.h"
#include "host/plugins/library.h"
#include "host/plugins/vocabulary.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    qun_package_verdict_fini(&c[i].verdict);
  }
  free(c);
}

/* Room for more behind those that are there. */
static int grow(struct qun__candidate **c, uint32_t count, uint32_t more) {
  struct qun__candidate *grown = realloc(*c, ((size_t)count + more + 1) * sizeof *grown);
  if (!grown) return QUN_EFAIL;
  memset(grown + count, 0, ((size_t)more + 1) * sizeof *grown);
  *c = grown;
  return 0;
}

/* Adds every folder with a manifest, by name. */
static int scan(struct qun__candidate **c, uint32_t *count, const char *dir, bool installed, struct qun_error *err) {
  struct dirent **names = NULL;
  int n = scandir(dir, &names, NULL, alphasort);
  if (n < 0) return qun_error_set(err, QUN_EINVAL, "the folder of plugins %s cannot be read: %s", dir, strerror(errno));
  int rc = grow(c, *count, (uint32_t)n);
  for (int i = 0; i < n; i++) {
    if (rc == 0 && has_manifest(dir, names[i]->d_name)) {
      size_t size = strlen(dir) + strlen(names[i]->d_name) + 2;
      struct qun__candidate *at = &(*c)[*count];
      at->dir = malloc(size);
      at->installed = installed;
      if (at->dir) {
        snprintf(at->dir, size, "%s/%s", dir, names[i]->d_name);
        ++*count;
      } else {
        rc = QUN_EFAIL;
      }
    }
    free(names[i]);
  }
  free(names);
  return rc ? qun_error_set(err, rc, "out of memory while plugins were looked for") : 0;
}

static void read_manifests(const struct qun__admission *a, struct qun__candidate *c, uint32_t count) {
  struct qun_error why;
  for (uint32_t i = 0; i < count; i++) {
    if (qun_manifest_load(&c[i].manifest, c[i].dir, &why)) qun__candidate_refuse(&c[i], "%s", why.message);
    qun__admission_check(a, &c[i]);
  }
}

/* ---------------------------------------------------------------- loading one */

/* Reads the library into memory and judges it; *file: where it is. */
static int read_library(struct qun__library *lib, char file[4096], const struct qun__admission *a,
                        const struct qun__candidate *c, struct qun_error *err) {
  char inside[256];
  int rc = qun_package_library(inside, sizeof inside, &c->verdict, c->manifest->library, err);
  if (rc == 0 && snprintf(file, 4096, "%s/%s", c->dir, inside) >= 4096)
    rc = qun_error_set(err, QUN_EFAIL, "the path of its library is too long");
  if (rc == 0) rc = qun__library_read(lib, file, err);
  if (rc == 0)
    rc = qun__admission_library(a, c, c->verdict.standing == QUN_PACKAGE_NONE ? file : inside, lib->sha256, err);
  return rc;
}

/* Opens a library that was read. While its own code runs there, the crumb says so. */
static int open_library(struct qun__library *lib, struct qun_crumbs *crumbs, struct qun_loaded_plugin *p,
                        const struct qun_manifest *m, struct qun_error *err) {
  static const char nobody[64] = "";
  struct qun_crumb *crumb = qun_crumbs_take(crumbs);
  if (!crumb) return qun_error_set(err, QUN_EFAIL, "out of memory");
  p->code = qun_crumbs_code(crumbs, m->id, m->version, lib->sha256, p->trusted);
  struct qun_crumb_was was = qun_crumb_enter(crumb, p->code, QUN_CALLBACK_LOAD, nobody, 0, NULL, 0);
  int rc = qun__library_open(lib, m->id, m->version, err);
  qun_crumb_leave(crumb, &was);
  qun_crumbs_give(crumb);
  return rc;
}

/* Starts it in a runner once, so that whatever speaks against it is said now, and the level of the sandbox is known. */
static int try_isolated(struct qun_loaded_plugin *p, struct qun__library *lib, const struct qun_manifest *m,
                        const struct qun_isolation *isolation, struct qun_error *err) {
  struct qun_runner *runner = NULL;
  p->proxy = (struct qun_proxy_config){.options = &isolation->runner,
                                       .plugin = {.id = m->id,
                                                  .version = m->version,
                                                  .requires = m->requires,
                                                  .requires_count = m->requires_count,
                                                  .library = lib->fd}};
  int rc = qun_runner_start(&runner, p->proxy.options, &p->proxy.plugin, err);
  if (rc == 0) p->sandbox = runner->level;
  qun_runner_destroy(runner);
  if (rc < 0) return rc;
  lib->vtable = qun_proxy_plugin;
  lib->fd = -1; /* the plugin's from here on */
  return 0;
}

/* Decides where its code runs. What came down in the host too often may still run isolated. */
static int decide(struct qun_loaded_plugin *p, const struct qun__library *lib, const struct qun__candidate *c,
                  const struct qun__admission *a, struct qun_error *err) {
  const struct qun_plugin_policy *policy = &a->policy;
  const struct qun_manifest *m = c->manifest;
  bool built = qun__trust_has(policy->built ? policy->built : &qun__trust_built, lib->sha256);
  if (policy->where) p->where = policy->where(policy->where_arg, m, lib->sha256, built, p->aside);
  bool demoted = p->where == QUN_ISOLATED;
  struct qun_mode_facts facts = {.id = m->id,
                                 .isolation = m->isolation,
                                 .trusted = p->trusted,
                                 .allow_untrusted = policy->allow_untrusted,
                                 .demoted = demoted ? p->aside : NULL,
                                 .isolates = policy->isolation};
  p->mode = qun_plugin_mode(&facts, p->why);
  if (p->where == QUN_PARKED) return 0;
  if (p->mode == QUN_PLUGIN_REFUSED && !demoted) return qun_error_set(err, QUN_EDENIED, "%s", p->why);
  p->where = p->mode == QUN_PLUGIN_REFUSED ? QUN_PARKED : p->mode == QUN_PLUGIN_ISOLATED ? QUN_ISOLATED : QUN_HERE;
  if (!demoted) p->aside[0] = '\0';
  return 0;
}

/* Its code, where it runs. */
static int take_code(struct qun_loaded_plugin *p, struct qun__library *lib, const struct qun__candidate *c,
                     const struct qun__admission *a, struct qun_error *err) {
  int rc = decide(p, lib, c, a, err);
  if (rc < 0 || p->where == QUN_PARKED) return rc;
  if (p->where == QUN_ISOLATED)
    rc = try_isolated(p, lib, c->manifest, a->policy.isolation, err);
  else
    rc = open_library(lib, a->policy.crumbs, p, c->manifest, err);
  struct qun_plugin *vtable = rc == 0 ? calloc(1, sizeof *vtable) : NULL;
  if (rc == 0 && !vtable) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc < 0) return rc;
  *vtable = lib->vtable;
  p->vtable = vtable;
  p->magic = lib->magic;
  p->library = lib->handle;
  return 0;
}

/* 0 and *p filled, with or without its code; else the candidate is refused. */
static int load_library(struct qun_loaded_plugin *p, struct qun__candidate *c, const struct qun__admission *a) {
  struct qun__library lib = {.fd = -1};
  struct qun_error why;
  char file[4096];
  memset(p, 0, sizeof *p);
  p->package = calloc(1, sizeof *p->package);
  int rc = p->package ? read_library(&lib, file, a, c, &why) : qun_error_set(&why, QUN_EFAIL, "out of memory");
  if (rc == 0) {
    p->trusted = qun__admission_trusts(a, c, lib.sha256);
    memcpy(p->sha256, lib.sha256, sizeof p->sha256);
    rc = take_code(p, &lib, c, a, &why);
  }
  qun__library_drop(&lib); /* one that was opened stays */
  if (rc) {
    qun__candidate_refuse(c, "%s: %.300s", c->manifest->id, why.message);
    free(p->package);
    return rc;
  }
  *p->package = c->verdict;
  memset(&c->verdict, 0, sizeof c->verdict);
  return 0;
}

static int load_one(struct whole *w, struct qun__candidate *c, const struct qun__admission *a) {
  struct qun_error why;
  struct qun_loaded_plugin *p = &w->set.plugins[w->set.count];
  if (qun__vocabulary_check(w->vocabulary, c->manifest, &why)) {
    qun__candidate_refuse(c, "%s: %.300s", c->manifest->id, why.message);
    return 0;
  }
  if (load_library(p, c, a)) return 0;
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

static struct whole *make_whole(uint32_t candidates) {
  struct whole *w = calloc(1, sizeof *w);
  if (!w) return NULL;
  w->vocabulary = qun__vocabulary_create();
  w->set.plugins = calloc(QUN_PLUGINS_MAX, sizeof *w->set.plugins);
  w->set.refused = calloc((size_t)candidates + 1, sizeof *w->set.refused);
  if (w->vocabulary && w->set.plugins && w->set.refused) return w;
  qun_plugin_set_destroy(&w->set);
  return NULL;
}

static int load_all(struct whole *w, const struct qun__admission *a, struct qun__candidate *c, uint32_t count,
                    struct qun_error *err) {
  uint32_t order[QUN_PLUGINS_MAX];
  int rc = 0;
  w->set.crumbs = a->policy.crumbs;
  read_manifests(a, c, count);
  qun__resolve(c, count);
  uint32_t n = qun__resolve_order(c, count, order);
  for (uint32_t i = 0; rc == 0 && i < n; i++) rc = load_one(w, &c[order[i]], a);
  keep_refused(&w->set, c, count);
  return rc ? qun_error_set(err, rc, "out of memory while plugins were loaded") : 0;
}

int qun_plugin_set_open(struct qun_plugin_set **out, const char *dir, const struct qun_plugin_policy *policy,
                        struct qun_error *err) {
  struct qun__candidate *c = NULL;
  struct qun__admission a;
  struct whole *w = NULL;
  uint32_t count = 0;
  int rc = qun__admission_open(&a, policy, err);
  if (rc) return rc;
  rc = scan(&c, &count, dir, false, err);
  if (rc == 0 && a.installed[0]) rc = scan(&c, &count, a.installed, true, err);
  if (rc == 0 && !(w = make_whole(count))) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc == 0) rc = load_all(w, &a, c, count, err);
  candidates_free(c, count);
  qun__admission_close(&a);
  if (rc)
    qun_plugin_set_destroy(w ? &w->set : NULL);
  else
    *out = &w->set;
  return rc;
}

int qun_plugin_set_load(struct qun_plugin_set **out, const char *dir, bool allow_untrusted, struct qun_error *err) {
  return qun_plugin_set_open(out, dir, &(struct qun_plugin_policy){.allow_untrusted = allow_untrusted}, err);
}

void qun_plugin_set_destroy(struct qun_plugin_set *set) {
  if (!set) return;
  struct whole *w = (struct whole *)set;
  for (uint32_t i = 0; i < set->count; i++) {
    struct qun_plugin *vtable;
    memcpy(&vtable, &set->plugins[i].vtable, sizeof vtable); /* ours, const to everybody else */
    free(vtable);
    free(set->plugins[i].dir);
    if (set->plugins[i].where == QUN_ISOLATED) close(set->plugins[i].proxy.plugin.library);
    if (set->plugins[i].package) qun_package_verdict_fini(set->plugins[i].package);
    free(set->plugins[i].package);
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
