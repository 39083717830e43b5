/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/internal.h"
#include "host/engine/quarantine.h"
#include "host/engine/tenant_files.h"
#include "host/engine/watchdog.h"
#include "tenants/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
  DEFAULT_QUEUE = 65536,
  DEFAULT_SHARDS = 2,
  DEFAULT_READERS = 2,
  RUNNER_MEMORY = 512 << 20,
  RUNNER_CPU_S = 3600,
  RUNNER_CALLBACK_MS = 5000,
  RUNNERS = 32,
  RUNNER_IDLE_MS = 30000
};

/* ---------------------------------------------------------------- folders and the lock */

static int make_dir(const char *path, struct qun_error *err) {
  int rc = qun_folder_make(path, err);
  if (rc < 0) return rc;
  if (access(path, W_OK | X_OK) < 0) return qun_error_set(err, QUN_EFAIL, "folder %s cannot be written: %m", path);
  return 0;
}

static int take_lock(struct qun_engine *e, struct qun_error *err) {
  char path[PATH_MAX], text[64] = "";
  snprintf(path, sizeof path, "%s/LOCK", e->data_dir);
  e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (e->lock_fd < 0) return qun_error_set(err, QUN_EFAIL, "%s cannot be opened: %m", path);
  if (flock(e->lock_fd, LOCK_EX | LOCK_NB) < 0) {
    ssize_t n = pread(e->lock_fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return qun_error_set(err, QUN_ECONFLICT, "data folder %s is in use by process %s", e->data_dir,
                         text[0] ? text : "(unknown)");
  }
  int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
  if (ftruncate(e->lock_fd, 0) < 0 || pwrite(e->lock_fd, text, (size_t)n, 0) != n)
    return qun_error_set(err, QUN_EFAIL, "%s cannot be written: %m", path);
  return 0;
}

/* Packages stand beside the program's folder (build tree and installed alike). */
static char *default_plugins_dir(void) {
  char exe[PATH_MAX], path[PATH_MAX + 32];
  static const char *const tries[] = {"../plugins", "plugins", "../lib/qun/plugins"};
  ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  exe[n > 0 ? n : 0] = '\0';
  char *slash = strrchr(exe, '/');
  if (slash) *slash = '\0';
  for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
    snprintf(path, sizeof path, "%s/%s", exe, tries[i]);
    if (access(path, R_OK | X_OK) == 0) return strdup(path);
  }
  return strdup(path);
}

/* Keys beside the data would be taken along by whoever takes the data. Both folders are there. */
static int keep_apart(const char *data, const char *keys, struct qun_error *err) {
  char *d = realpath(data, NULL), *k = realpath(keys, NULL);
  size_t n = d ? strlen(d) : 0;
  int rc = 0;
  if (!d || !k)
    rc = qun_error_set(err, QUN_EFAIL, "%s cannot be found: %m", d ? keys : data);
  else if (strncmp(k, d, n) == 0 && (k[n] == '\0' || k[n] == '/' || n == 1))
    rc = qun_error_set(err, QUN_EINVAL,
                       "the keys folder %s lies inside the data folder %s; keep it outside, and out of its backups",
                       keys, data);
  free(d);
  free(k);
  return rc;
}

static int set_folders(struct qun_engine *e, const struct qun_engine_options *o, struct qun_error *err) {
  char path[PATH_MAX];
  if (!o->data_dir || !*o->data_dir) return qun_error_set(err, QUN_EINVAL, "a data folder must be given");
  e->data_dir = strdup(o->data_dir);
  snprintf(path, sizeof path, "%s.keys", o->data_dir);
  e->keys_dir = strdup(o->keys_dir ? o->keys_dir : path);
  e->plugins_dir = o->plugins_dir ? strdup(o->plugins_dir) : default_plugins_dir();
  if (!e->data_dir || !e->keys_dir || !e->plugins_dir) return qun_error_set(err, QUN_EFAIL, "out of memory");
  int rc = make_dir(e->data_dir, err);
  if (rc < 0) return rc;
  snprintf(path, sizeof path, "%s/tenants", e->data_dir);
  rc = make_dir(path, err);
  if (rc == 0) rc = make_dir(e->keys_dir, err);
  return rc < 0 ? rc : keep_apart(e->data_dir, e->keys_dir, err);
}

/* ---------------------------------------------------------------- open and close */

static int start_threads(struct qun_engine *e, struct qun_error *err) {
  int rc = 0;
  e->shards = calloc(e->options.shards, sizeof *e->shards);
  if (!e->shards) return qun_error_set(err, QUN_EFAIL, "out of memory");
  for (uint32_t i = 0; i < e->options.shards && rc == 0; i++) {
    rc = qun__shard_start(&e->shards[i], e, err);
    e->shards_count++;
  }
  if (rc == 0) rc = qun__readers_start(&e->readers, e, e->options.readers, err);
  return rc;
}

static void forget(void *arg) {
  struct qun_engine *e = arg;
  for (uint32_t i = 0; i < e->shards_count; i++) qun__shard_purge(&e->shards[i]);
  if (e->readers) qun__readers_purge(e->readers);
  qun__isolated_purge(e->isolated);
}

/* Without a journal of its own an engine still applies what an earlier one left in it. */
static int open_journal(struct qun_engine *e, struct qun_error *err) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/journal", e->data_dir);
  if (!e->options.journal && access(path, F_OK) < 0) return 0;
  int rc = e->journal_ops->open(&e->journal, e, err);
  if (rc == 0) qun__park_retry(e);
  return rc;
}

static int open_plugins(struct qun_engine *e, const struct qun_engine_options *o, struct qun_error *err) {
  int rc = qun__quarantine_open(&e->quarantine, e->data_dir, qun_engine_now(e), o->exited, o->safe_mode, err);
  if (rc < 0) return rc;
  const struct qun_plugin_policy policy = {.allow_untrusted = o->allow_untrusted,
                                           .signatures = o->signatures,
                                           .data_dir = e->data_dir,
                                           .crumbs = qun__quarantine_crumbs(e->quarantine),
                                           .where = qun__quarantine_where,
                                           .where_arg = e->quarantine,
                                           .isolation = &e->isolation};
  rc = qun_plugin_set_open(&e->plugins, e->plugins_dir, &policy, err);
  if (rc == 0) rc = qun__quarantine_runs(e->quarantine, e->plugins, qun_engine_now(e), err);
  return rc < 0 ? rc : qun__quarantine_skips_make(e->quarantine, e->plugins, err);
}

static int64_t now_of(void *engine) {
  return qun_engine_now(engine);
}

static int start_watchdog(struct qun_engine *e, struct qun_error *err) {
  const struct qun__watchdog_options options = {.crumbs = qun__quarantine_crumbs(e->quarantine),
                                                .ledger = qun__quarantine_ledger(e->quarantine),
                                                .limit_ms = e->options.callback_ms,
                                                .log = e->options.hang_log,
                                                .now = now_of,
                                                .now_arg = e};
  return qun__watchdog_start(&e->watchdog, &options, err);
}

static int open_parts(struct qun_engine *e, const struct qun_engine_options *o, struct qun_error *err) {
  int rc = set_folders(e, o, err);
  if (rc == 0) rc = take_lock(e, err);
  if (rc == 0) e->clean = qun__ticker_take_clean(e);
  if (rc == 0) rc = qun_tenant_files_tidy(&(struct qun_tenant_files){e->data_dir, e->keys_dir}, err);
  if (rc == 0) rc = open_plugins(e, o, err);
  if (rc == 0 && qun_subscriptions_create(&e->subscriptions, e->plugins) < 0)
    rc = qun_error_set(err, QUN_EFAIL, "the event vocabulary cannot be built");
  e->metrics = qun_plugin_metrics_create();
  e->quotas = qun_quotas_create();
  struct qun_tenant_pool_options pool = {.data_dir = e->data_dir,
                                         .keys_dir = e->keys_dir,
                                         .plugins = e->plugins,
                                         .quotas = e->quotas,
                                         .open_max = o->open_tenants,
                                         .memory_max = (size_t)o->tenant_memory,
                                         .forget = forget,
                                         .forget_arg = e};
  if (rc == 0 && !e->quotas) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc == 0) rc = qun_tenant_pool_create(&e->pool, &pool, err);
  if (rc == 0 && o->callback_ms) rc = start_watchdog(e, err);
  if (rc == 0) rc = start_threads(e, err);
  if (rc == 0) rc = qun__isolated_start(&e->isolated, e, err);
  if (rc == 0) rc = open_journal(e, err);
  if (rc == 0 && o->live) rc = qun__ticker_start(&e->ticker, e, e->clean, err);
  return rc;
}

static void set_isolation(struct qun_engine *e) {
  e->isolation = e->options.isolation;
  struct qun_runner_options *r = &e->isolation.runner;
  if (!r->program) {
    qun_runner_program(e->runner);
    r->program = e->runner;
  }
  if (!r->memory_bytes) r->memory_bytes = RUNNER_MEMORY;
  if (!r->cpu_s) r->cpu_s = RUNNER_CPU_S;
  if (!r->callback_ms) r->callback_ms = RUNNER_CALLBACK_MS;
  if (!r->require) r->require = "landlock>=1,seccomp";
  if (!e->isolation.isolate) e->isolation.isolate = "";
  if (!e->isolation.runners_max) e->isolation.runners_max = RUNNERS;
  if (!e->isolation.idle_ms) e->isolation.idle_ms = RUNNER_IDLE_MS;
}

int qun_engine_open(struct qun_engine **out, const struct qun_engine_options *o, struct qun_error *err) {
  if (sodium_init() < 0) return qun_error_set(err, QUN_EFAIL, "libsodium cannot start");
  struct qun_engine *e = calloc(1, sizeof *e);
  if (!e) return qun_error_set(err, QUN_EFAIL, "out of memory");
  e->lock_fd = -1;
  e->journal_ops = &qun_journal_embedded;
  e->options = *o;
  set_isolation(e);
  if (!e->options.shards) e->options.shards = DEFAULT_SHARDS;
  if (!e->options.readers) e->options.readers = DEFAULT_READERS;
  if (!e->options.queue_events) e->options.queue_events = DEFAULT_QUEUE;
  pthread_mutex_init(&e->lock, NULL);
  pthread_mutex_init(&e->outbox_lock, NULL);
  int rc = open_parts(e, o, err);
  if (rc < 0)
    qun_engine_close(e);
  else
    *out = e;
  return rc;
}

void qun_engine_close(struct qun_engine *e) {
  if (!e) return;
  qun__ticker_stop(e->ticker);
  qun__isolated_stop(e->isolated);
  qun__readers_stop(e->readers);
  if (e->journal) e->journal_ops->stop(e->journal);
  /* a shard's thread ends only when its lanes are empty */
  for (uint32_t i = 0; i < e->shards_count; i++) qun__shard_stop(&e->shards[i]);
  if (e->journal) e->journal_ops->close(e->journal);
  qun__watchdog_stop(e->watchdog);
  for (uint32_t i = 0; i < e->shards_count; i++) qun__shard_free(&e->shards[i]);
  free(e->shards);
  qun__isolated_destroy(e->isolated);
  qun__ticker_close(e->ticker, true);
  qun_tenant_pool_destroy(e->pool);
  qun_quotas_destroy(e->quotas);
  qun_subscriptions_destroy(e->subscriptions);
  qun_plugin_metrics_destroy(e->metrics);
  qun_plugin_set_destroy(e->plugins);
  qun__quarantine_close(e->quarantine);
  if (e->lock_fd >= 0) close(e->lock_fd);
  pthread_mutex_destroy(&e->outbox_lock);
  pthread_mutex_destroy(&e->lock);
  free(e->data_dir);
  free(e->keys_dir);
  free(e->plugins_dir);
  free(e);
}

/* ---------------------------------------------------------------- small answers */

uint32_t qun_engine_came_down(const struct qun_engine *e, const char *const **sentences) {
  return qun__quarantine_sentences(e->quarantine, sentences);
}

int qun_engine_plugin_release(struct qun_engine *e, const char *plugin, const char *tenant, bool *again,
                              struct qun_error *err) {
  const struct qun_loaded_plugin *p = qun_plugin_set_find(e->plugins, plugin);
  char reason[QUN_LEDGER_REASON], sum[17];
  if (!p) return qun_error_set(err, QUN_ENOTFOUND, "no plugin \"%.60s\" is loaded", plugin);
  qun__sum_text(sum, p->sha256);
  struct qun_ledger *l = qun__quarantine_ledger(e->quarantine);
  bool here = qun_ledger_is_out(l, plugin, sum, false, NULL, reason);
  bool apart = qun_ledger_is_out(l, plugin, sum, true, tenant, reason);
  if (!here && !apart) return qun_error_set(err, QUN_ECONFLICT, "plugin %s is not parked", plugin);
  if (here && tenant)
    return qun_error_set(err, QUN_ECONFLICT, "plugin %s is parked for all tenants: release it for all", plugin);
  struct qun_ledger_entry entry = {.at_ms = qun_engine_now(e), .kind = QUN_LEDGER_RELEASE};
  snprintf(entry.plugin, sizeof entry.plugin, "%s", plugin);
  snprintf(entry.version, sizeof entry.version, "%s", p->manifest->version);
  memcpy(entry.sum, sum, sizeof sum);
  snprintf(entry.tenant, sizeof entry.tenant, "%s", tenant ? tenant : "");
  *again = p->where == QUN_PARKED;
  return qun_ledger_add(l, &entry, err);
}

struct qun_ledger *qun_engine_ledger(struct qun_engine *e) {
  return qun__quarantine_ledger(e->quarantine);
}

const struct qun_plugin_set *qun_engine_plugins(const struct qun_engine *e) {
  return e->plugins;
}

int64_t qun_engine_now(const struct qun_engine *e) {
  struct timespec ts;
  if (e->options.now) return e->options.now(e->options.now_arg);
  clock_gettime(CLOCK_REALTIME, &ts);
  return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const char *qun_engine_data_dir(const struct qun_engine *e) {
  return e->data_dir;
}

const char *qun_engine_keys_dir(const struct qun_engine *e) {
  return e->keys_dir;
}

void qun_engine_on_outbox(struct qun_engine *e, qun_engine_outbox_hook hook, void *arg) {
  pthread_mutex_lock(&e->outbox_lock);
  e->outbox_arg = arg;
  e->outbox_hook = hook;
  pthread_mutex_unlock(&e->outbox_lock);
}

void qun_engine_recovery(const struct qun_engine *e, struct qun_recovery *out) {
  *out = e->recovery;
}

int qun_engine_health(struct qun_engine *e, struct qun_error *err) {
  return e->journal ? e->journal_ops->health(e->journal, err) : 0;
}

void qun_engine_journal_stats(struct qun_engine *e, struct qun_journal_stats *out) {
  memset(out, 0, sizeof *out);
  if (e->journal) e->journal_ops->stats(e->journal, out);
  out->parked = atomic_load(&e->parked);
}

int qun_engine_journal_scrub(struct qun_engine *e, struct qun_error *err) {
  return e->journal ? e->journal_ops->checkpoint(e->journal, true, err) : 0;
}

void qun_engine_plugin_metrics(struct qun_engine *e, void (*each)(void *, const char *, const char *, uint64_t),
                               void *arg) {
  qun_plugin_metrics_each(e->metrics, each, arg);
}

uint32_t qun_engine_waiting(struct qun_engine *e) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < e->shards_count; i++) {
    pthread_mutex_lock(&e->shards[i].lock);
    n += e->shards[i].events;
    pthread_mutex_unlock(&e->shards[i].lock);
  }
  return n;
}

struct qun_shard *qun__shard_of(struct qun_engine *e, const char *tenant) {
  uint32_t h = 2166136261u; /* FNV-1a: which shard owns a tenant must not depend on anything else */
  for (; *tenant; tenant++) h = (h ^ (unsigned char)*tenant) * 16777619u;
  return &e->shards[h % e->shards_count];
}
