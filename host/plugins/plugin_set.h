/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugins that a host has loaded: manifests, code, order. Built once at start; after that read only, any thread.
 */
#ifndef QUN_HOST_PLUGINS_PLUGIN_SET_H
#define QUN_HOST_PLUGINS_PLUGIN_SET_H

#include "host/plugins/crumbs.h"
#include "host/plugins/mode.h"
#include "host/plugins/signature.h"

enum { QUN_PLUGINS_MAX = 32, QUN_ASIDE_MAX = 320 };

/* Where a plugin's code runs. */
enum qun_where {
  QUN_HERE = 0, /* in this process */
  QUN_PARKED,   /* nowhere: the ledger or the safe mode says so */
  QUN_ISOLATED  /* in processes of its own */
};

struct qun_loaded_plugin {
  struct qun_manifest *manifest;
  const struct qun_plugin
      *vtable; /* a whole struct of this host's size: copied min(size), zero filled; isolated: the proxy. NULL: its
                                      code runs nowhere, `aside` says why */
  const struct qun_magic *magic;
  char *dir;                           /* package folder */
  bool trusted;                        /* its hash is on the list made at build, or a trusted key signed its package */
  unsigned char sha256[32];            /* of the shared object */
  void *library;                       /* dlopen handle; never closed */
  struct qun_package_verdict *package; /* who answers for it, and the sums of its files */
  uint32_t code;                       /* row in the crumbs */
  enum qun_where where;
  char aside[QUN_ASIDE_MAX]; /* why it does not run here, a sentence; "": it does */
  enum qun_plugin_mode mode;
  char why[200];                   /* of the mode, a sentence */
  struct qun_runner_level sandbox; /* isolated: what was reached when it was loaded */
  struct qun_proxy_config proxy;   /* isolated: what its instances are created with */
};

/* A plugin that was refused, and why. */
struct qun_refused_plugin {
  char *dir;
  char reason[400];
};

struct qun_plugin_set {
  struct qun_loaded_plugin *plugins; /* in dependency order (manifest.after, then id) */
  uint32_t count;
  struct qun_refused_plugin *refused;
  uint32_t refused_count;
  struct qun_crumbs *crumbs; /* NULL: none are kept */
};

enum qun_signatures {
  QUN_SIGNATURES_WARN = 0, /* what nobody trusted signed is not trusted, and a warning says so */
  QUN_SIGNATURES_STRICT,   /* it is refused */
  QUN_SIGNATURES_OFF       /* it is not trusted, without a word */
};

/* "warn", "strict", "off"; -1: none of them. */
int qun_signatures_of(const char *text);

/* What may be loaded. All zero: what was made with this host. */
struct qun_plugin_policy {
  bool allow_untrusted;           /* others too */
  enum qun_signatures signatures; /* of those others */
  const char *data_dir;           /* has plugins/trust, plugins/grants, plugins/installed; NULL: none of them */
  const struct qun__trust *built; /* NULL: the list made at build */
  struct qun_crumbs *crumbs;      /* outlasts the set; NULL: none are kept */
  /* Where the code of a plugin that fits runs; not in this process: with a sentence, its manifest is loaded and its code is not.
     `built`: it is on the list made at build. NULL: here. */
  enum qun_where (*where)(void *arg, const struct qun_manifest *manifest, const unsigned char sha256[32], bool built,
                          char aside[QUN_ASIDE_MAX]);
  void *where_arg;
  const struct qun_isolation
      *isolation; /* how plugins are isolated; outlives the set; NULL: they are not, untrusted ones are refused */
};

/* As qun_plugin_set_load, and the packages that were installed in policy->data_dir. A package (a folder with `index`) is loaded only as its index
   says; an installed one only with the services that were granted. QUN_EINVAL also: the operator's lists cannot be read. */
int qun_plugin_set_open(struct qun_plugin_set **out, const char *dir, const struct qun_plugin_policy *policy,
                        struct qun_error *err);
/* Loads each package folder below `dir` (folders with a plugin.yaml). Per plugin: manifest read and resolved (required services exist, ids and
   types unique, `after` known) before dlopen; hash compared with the list made at build (allow_untrusted: off refuses others); dlopen(RTLD_NOW|RTLD_LOCAL)
   of the very bytes hashed; qun_plugin_v1, magic, ABI, id, version and the mandatory slots checked. A refusal has its own sentence and lets the
   others load. QUN_EINVAL only when `dir` cannot be read. Main thread. */
int qun_plugin_set_load(struct qun_plugin_set **out, const char *dir, bool allow_untrusted, struct qun_error *err);
/* NULL is fine. Does not dlclose. */
void qun_plugin_set_destroy(struct qun_plugin_set *set);
/* By id; NULL if not loaded. */
const struct qun_loaded_plugin *qun_plugin_set_find(const struct qun_plugin_set *set, const char *id);

/* The event type of that name in the core vocabulary or a loaded manifest: flags and fields. 0 if unknown, 1 if found. Fast: hashed. */
struct qun_type_view {
  const char *name;
  uint32_t flags;
  const struct qun_manifest_field *fields; /* core fields are given in the same form */
  uint32_t fields_count;
  const char *plugin; /* defining plugin, or NULL for core */
};
int qun_plugin_set_type(const struct qun_plugin_set *set, qun_slice name, const struct qun_type_view **out);

/* The service ids this host has, for the loader's check and for `query`. NULL-terminated. */
extern const char *const qun_host_services[];

#endif
