/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/host/support/fake_engine.h"

#include "host/engine/backup.h"
#include "host/engine/doctor.h"
#include "host/engine/erase.h"
#include "host/plugins/ledger.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TENANTS = 16 };

struct held {
  struct held *next;
  struct fake_tenant *tenant;
  struct qun_input_batch batch;
  qun_submit_done done;
  void *arg;
  bool durable;
};

struct fake_tenant {
  char name[64];
  struct qun_vault *vault;
  uint32_t touched;
  uint64_t events;
};

struct qun_engine {
  char dir[64], data[96], keys[96], plugins_dir[96];
  struct qun_plugin_set *plugins;
  struct qun_ledger *ledger;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  pthread_t thread;
  enum fake_mode mode;
  bool stopping;
  struct fake_tenant tenants[TENANTS];
  uint32_t tenants_count;
  struct held *head, *tail;
  struct held *deferred, **deferred_end; /* until the flush */
  uint32_t batches, flushes;
};

static void commit(struct qun_engine *e, struct held *h) {
  struct qun_submit_result result = {.accepted = h->durable ? 0 : h->batch.count, .applied = !h->durable};
  pthread_mutex_lock(&e->lock);
  h->tenant->events += h->batch.count;
  result.position = h->tenant->events;
  pthread_mutex_unlock(&e->lock);
  qun_input_batch_fini(&h->batch);
  h->done(h->arg, &result);
  free(h);
}

static void *work(void *arg) {
  struct qun_engine *e = arg;
  pthread_mutex_lock(&e->lock);
  for (;;) {
    while (!e->stopping && (!e->head || e->mode == FAKE_HOLD)) pthread_cond_wait(&e->wake, &e->lock);
    struct held *h = e->head;
    if (!h) break;
    e->head = h->next;
    if (!e->head) e->tail = NULL;
    pthread_mutex_unlock(&e->lock);
    commit(e, h);
    pthread_mutex_lock(&e->lock);
  }
  pthread_mutex_unlock(&e->lock);
  return NULL;
}

struct qun_engine *fake_engine_create(void) {
  struct qun_error err;
  struct qun_engine *e = calloc(1, sizeof *e);
  cr_assert_not_null(e);
  strcpy(e->dir, "/tmp/qun-fake-XXXXXX");
  cr_assert_not_null(mkdtemp(e->dir));
  snprintf(e->data, sizeof e->data, "%s/data", e->dir);
  snprintf(e->keys, sizeof e->keys, "%s/keys", e->dir);
  snprintf(e->plugins_dir, sizeof e->plugins_dir, "%s/plugins", e->dir);
  cr_assert_eq(mkdir(e->data, 0700) | mkdir(e->keys, 0700) | mkdir(e->plugins_dir, 0700), 0);
  cr_assert_eq(qun_plugin_set_load(&e->plugins, e->plugins_dir, false, &err), 0, "%s", err.message);
  cr_assert_eq(qun_ledger_open(&e->ledger, e->data, &err), 0, "%s", err.message);
  pthread_mutex_init(&e->lock, NULL);
  pthread_cond_init(&e->wake, NULL);
  e->deferred_end = &e->deferred;
  cr_assert_eq(pthread_create(&e->thread, NULL, work, e), 0);
  return e;
}

void fake_engine_destroy(struct qun_engine *e) {
  char command[128];
  pthread_mutex_lock(&e->lock);
  e->stopping = true;
  pthread_cond_broadcast(&e->wake);
  pthread_mutex_unlock(&e->lock);
  pthread_join(e->thread, NULL);
  for (uint32_t i = 0; i < e->tenants_count; i++) qun_vault_close(e->tenants[i].vault);
  qun_plugin_set_destroy(e->plugins);
  qun_ledger_close(e->ledger);
  snprintf(command, sizeof command, "rm -rf '%s'", e->dir);
  cr_assert_eq(system(command), 0);
  pthread_cond_destroy(&e->wake);
  pthread_mutex_destroy(&e->lock);
  free(e);
}

void fake_engine_mode(struct qun_engine *e, enum fake_mode mode) {
  pthread_mutex_lock(&e->lock);
  e->mode = mode;
  pthread_cond_broadcast(&e->wake);
  pthread_mutex_unlock(&e->lock);
}

uint32_t fake_engine_batches(struct qun_engine *e) {
  pthread_mutex_lock(&e->lock);
  uint32_t n = e->batches;
  pthread_mutex_unlock(&e->lock);
  return n;
}

uint32_t fake_engine_flushes(struct qun_engine *e) {
  pthread_mutex_lock(&e->lock);
  uint32_t n = e->flushes;
  pthread_mutex_unlock(&e->lock);
  return n;
}

uint64_t fake_engine_events(struct qun_engine *e) {
  uint64_t n = 0;
  pthread_mutex_lock(&e->lock);
  for (uint32_t i = 0; i < e->tenants_count; i++) n += e->tenants[i].events;
  pthread_mutex_unlock(&e->lock);
  return n;
}

/* The lock is held. */
static struct fake_tenant *find(struct qun_engine *e, const char *name) {
  for (uint32_t i = 0; i < e->tenants_count; i++)
    if (!strcmp(e->tenants[i].name, name)) return &e->tenants[i];
  return NULL;
}

static struct fake_tenant *touch(struct qun_engine *e, const char *name, struct qun_error *err) {
  pthread_mutex_lock(&e->lock);
  struct fake_tenant *t = find(e, name);
  if (t) t->touched++;
  pthread_mutex_unlock(&e->lock);
  if (!t) qun_error_set(err, QUN_ENOTFOUND, "there is no tenant \"%s\"", name);
  return t;
}

uint32_t fake_engine_touched(struct qun_engine *e, const char *tenant) {
  pthread_mutex_lock(&e->lock);
  const struct fake_tenant *t = find(e, tenant);
  uint32_t n = t ? t->touched : 0;
  pthread_mutex_unlock(&e->lock);
  return n;
}

/* ---- host/engine/engine.h */

const struct qun_plugin_set *qun_engine_plugins(const struct qun_engine *e) {
  return e->plugins;
}

struct qun_ledger *qun_engine_ledger(struct qun_engine *e) {
  return e->ledger;
}

int64_t qun_engine_now(const struct qun_engine *e) {
  (void)e;
  return 1795248000000;
}

const char *qun_engine_data_dir(const struct qun_engine *e) {
  return e->data;
}

const char *qun_engine_keys_dir(const struct qun_engine *e) {
  return e->keys;
}

int qun_engine_tenant_create(struct qun_engine *e, const struct qun_tenant_spec *spec, struct qun_error *err) {
  struct qun_vault *vault = NULL;
  if (spec->name[0] < 'a' || spec->name[0] > 'z')
    return qun_error_set(err, QUN_EINVAL, "\"%s\" is not a tenant's name", spec->name);
  if (qun_engine_tenant_exists(e, spec->name))
    return qun_error_set(err, QUN_ECONFLICT, "tenant \"%s\" exists", spec->name);
  int rc = qun_vault_create(e->keys, spec->name, err);
  if (rc == 0) rc = qun_vault_open(&vault, e->keys, spec->name, err);
  if (rc < 0) return rc;
  pthread_mutex_lock(&e->lock);
  cr_assert_lt(e->tenants_count, TENANTS);
  struct fake_tenant *t = &e->tenants[e->tenants_count++];
  snprintf(t->name, sizeof t->name, "%s", spec->name);
  t->vault = vault;
  pthread_mutex_unlock(&e->lock);
  return 0;
}

int qun_engine_tenant_delete(struct qun_engine *e, const char *name, struct qun_error *err) {
  struct fake_tenant *t = touch(e, name, err);
  if (!t) return QUN_ENOTFOUND;
  t->name[0] = '\0';
  return qun_vault_destroy(e->keys, name, err);
}

int qun_engine_tenant_each(struct qun_engine *e, int (*each)(void *arg, const char *name), void *arg) {
  int rc = 0;
  for (uint32_t i = 0; i < e->tenants_count && rc == 0; i++)
    if (e->tenants[i].name[0]) rc = each(arg, e->tenants[i].name);
  return rc;
}

int qun_engine_tenant_exists(struct qun_engine *e, const char *name) {
  pthread_mutex_lock(&e->lock);
  int there = *name && find(e, name) != NULL;
  pthread_mutex_unlock(&e->lock);
  return there;
}

int qun_engine_tenant_outline(struct qun_engine *e, const char *name, struct qun_profile **out, struct qun_error *err) {
  return qun_engine_tenant_profile(e, name, out, err);
}

int qun_engine_tenant_profile(struct qun_engine *e, const char *name, struct qun_profile **out, struct qun_error *err) {
  if (!touch(e, name, err)) return QUN_ENOTFOUND;
  int rc = qun_profile_starter(out, "default", err);
  if (rc == 0) rc = qun_profile_set(*out, "title", name, err);
  return rc;
}

static void write_name(struct qun_pack *out, const char *name) {
  qun_pack_map(out, 1);
  qun_pack_kv_cstr(out, "tenant", name);
}

int qun_engine_tenant_show(struct qun_engine *e, const char *name, struct qun_pack *out, struct qun_error *err) {
  if (!touch(e, name, err)) return QUN_ENOTFOUND;
  write_name(out, name);
  return 0;
}

int qun_engine_tenant_set(struct qun_engine *e, const char *name, qun_slice changes, struct qun_error *err) {
  qun_slice value;
  if (!touch(e, name, err)) return QUN_ENOTFOUND;
  if (qun_mp_find(changes, "bad.key", &value)) return qun_error_set(err, QUN_EINVAL, "there is no setting \"bad.key\"");
  return 0;
}

int qun_engine_plugin_enable(struct qun_engine *e, const char *name, const char *plugin, bool on,
                             struct qun_error *err) {
  (void)plugin;
  (void)on;
  return touch(e, name, err) ? 0 : QUN_ENOTFOUND;
}

int qun_engine_plugin_release(struct qun_engine *e, const char *plugin, const char *tenant, bool *again,
                              struct qun_error *err) {
  (void)e;
  (void)tenant;
  *again = false;
  return qun_error_set(err, QUN_ENOTFOUND, "no plugin \"%.60s\" is loaded", plugin);
}

int qun_engine_normaliser_open(struct qun_engine *e, const char *tenant, struct qun_normaliser **out,
                               struct qun_error *err) {
  struct fake_tenant *t = touch(e, tenant, err);
  if (!t) return QUN_ENOTFOUND;
  struct qun_normaliser *n = calloc(1, sizeof *n);
  cr_assert_not_null(n);
  n->plugins = e->plugins;
  n->vault = t->vault;
  n->seal_text = true;
  *out = n;
  return 0;
}

void qun_engine_normaliser_close(struct qun_engine *e, struct qun_normaliser *n) {
  (void)e;
  free(n);
}

int qun_engine_submit(struct qun_engine *e, const char *tenant, struct qun_input_batch *batch, qun_submit_done done,
                      void *arg, struct qun_error *err) {
  return qun_engine_submit_with(e, tenant, batch, 0, done, arg, err);
}

/* The lock is held. */
static void enqueue(struct qun_engine *e, struct held *h) {
  h->next = NULL;
  if (e->tail)
    e->tail->next = h;
  else
    e->head = h;
  e->tail = h;
  pthread_cond_signal(&e->wake);
}

int qun_engine_submit_with(struct qun_engine *e, const char *tenant, struct qun_input_batch *batch, uint32_t flags,
                           qun_submit_done done, void *arg, struct qun_error *err) {
  struct fake_tenant *t = touch(e, tenant, err);
  if (!t) return QUN_ENOTFOUND;
  struct held *h = calloc(1, sizeof *h);
  cr_assert_not_null(h);
  pthread_mutex_lock(&e->lock);
  if (e->mode == FAKE_FULL) {
    pthread_mutex_unlock(&e->lock);
    free(h);
    return qun_error_set(err, QUN_EAGAIN, "the queue is full");
  }
  *h = (struct held){
      .tenant = t, .batch = *batch, .done = done, .arg = arg, .durable = (flags & QUN_SUBMIT_DURABLE) != 0};
  qun_input_batch_init(batch);
  e->batches++;
  if (flags & QUN_SUBMIT_DEFER) {
    *e->deferred_end = h;
    e->deferred_end = &h->next;
  } else {
    enqueue(e, h);
  }
  pthread_mutex_unlock(&e->lock);
  return 0;
}

int qun_engine_health(struct qun_engine *e, struct qun_error *err) {
  (void)e;
  (void)err;
  return 0;
}

void qun_engine_recovery(const struct qun_engine *e, struct qun_recovery *out) {
  (void)e;
  memset(out, 0, sizeof *out);
}

void qun_engine_journal_stats(struct qun_engine *e, struct qun_journal_stats *out) {
  (void)e;
  memset(out, 0, sizeof *out);
}

/* What was deferred is committed in the calling thread, or held like the rest. */
void qun_engine_flush(struct qun_engine *e) {
  pthread_mutex_lock(&e->lock);
  struct held *h = e->deferred, *next;
  e->deferred = NULL;
  e->deferred_end = &e->deferred;
  e->flushes++;
  bool hold = e->mode == FAKE_HOLD;
  for (; h && hold; h = next) {
    next = h->next;
    enqueue(e, h);
  }
  pthread_mutex_unlock(&e->lock);
  for (; h; h = next) {
    next = h->next;
    commit(e, h);
  }
}

int qun_engine_submit_wait(struct qun_engine *e, const char *tenant, struct qun_input_batch *batch,
                           struct qun_submit_result *result, struct qun_error *err) {
  struct fake_tenant *t = touch(e, tenant, err);
  if (!t) return QUN_ENOTFOUND;
  t->events += batch->count;
  *result = (struct qun_submit_result){.accepted = batch->count, .position = t->events};
  qun_input_batch_fini(batch);
  return 0;
}

int qun_engine_control(struct qun_engine *e, const char *tenant, const char *type, qun_slice subject, qun_slice id,
                       qun_slice data, uint64_t *seq, struct qun_error *err) {
  (void)type;
  (void)subject;
  (void)id;
  (void)data;
  if (!touch(e, tenant, err)) return QUN_ENOTFOUND;
  *seq = 1;
  return 0;
}

int qun_engine_call_wait(struct qun_engine *e, const struct qun_call_spec *spec, struct qun_pack *reply,
                         struct qun_error *err) {
  if (!touch(e, spec->tenant, err)) return QUN_ENOTFOUND;
  if (strcmp(spec->service, "fake.echo") != 0)
    return qun_error_set(err, QUN_ENOTFOUND, "there is no service \"%s\"", spec->service);
  qun_pack_map(reply, 3);
  qun_pack_kv_cstr(reply, "role", spec->role);
  qun_pack_kv_cstr(reply, "locale", spec->locale ? spec->locale : "");
  qun_pack_cstr(reply, "params");
  qun_pack_raw(reply, spec->params);
  return 0;
}

int qun_engine_call(struct qun_engine *e, const struct qun_call_spec *spec, qun_call_done done, void *arg,
                    struct qun_error *err) {
  struct qun_pack reply;
  qun_pack_init(&reply);
  int rc = qun_engine_call_wait(e, spec, &reply, err);
  if (rc == 0) done(arg, 0, qun_pack_slice(&reply), "");
  qun_pack_fini(&reply);
  return rc;
}

/* Two records; the second has a sealed field and a member. */
int qun_engine_log_each(struct qun_engine *e, const char *tenant, uint64_t after, uint64_t limit,
                        int (*each)(void *arg, const struct qun_log_entry *entry), void *arg, struct qun_error *err) {
  if (!touch(e, tenant, err)) return QUN_ENOTFOUND;
  struct qun_pack data;
  qun_pack_init(&data);
  qun_pack_map(&data, 2);
  qun_pack_cstr(&data, "text");
  qun_pack_ext(&data, QUN_EXT_SEALED, qun_str("secret-bytes"));
  qun_pack_kv_int(&data, "value", 7);
  struct qun_log_entry first = {.seq = 1,
                                .flags = QUN_EVENT_CONTROL,
                                .type = qun_str("qun.created"),
                                .id = qun_str("c"),
                                .source = qun_str("qun")};
  struct qun_log_entry second = {.seq = 2,
                                 .member = 3,
                                 .type = qun_str("message"),
                                 .id = qun_str("m"),
                                 .source = qun_str("s"),
                                 .data = qun_pack_slice(&data)};
  int rc = 0;
  if (after < 1) rc = each(arg, &first);
  if (rc == 0 && after < 2 && limit != 1) rc = each(arg, &second);
  qun_pack_fini(&data);
  return rc;
}

int qun_engine_replay(struct qun_engine *e, const char *tenant, const struct qun_replay_spec *spec,
                      struct qun_pack *out, struct qun_error *err) {
  if (!touch(e, tenant, err)) return QUN_ENOTFOUND;
  qun_pack_map(out, 2);
  qun_pack_kv_int(out, "mode", spec->mode);
  qun_pack_kv_bool(out, "match", 1);
  return 0;
}

int qun_engine_checkpoint(struct qun_engine *e, const char *tenant, struct qun_pack *text, uint64_t *size,
                          struct qun_error *err) {
  if (!touch(e, tenant, err)) return QUN_ENOTFOUND;
  qun_pack_raw(text, qun_str("origin\n5\nroot\n"));
  *size = 5;
  return 0;
}

int qun_engine_prove(struct qun_engine *e, const char *tenant, uint64_t seq, uint64_t size, struct qun_pack *out,
                     struct qun_error *err) {
  if (!touch(e, tenant, err)) return QUN_ENOTFOUND;
  qun_pack_map(out, 2);
  qun_pack_kv_int(out, "seq", (int64_t)seq);
  qun_pack_kv_int(out, "size", (int64_t)size);
  return 0;
}

int qun_engine_prove_consistency(struct qun_engine *e, const char *tenant, uint64_t from, uint64_t to,
                                 struct qun_pack *out, struct qun_error *err) {
  (void)from;
  (void)to;
  if (!touch(e, tenant, err)) return QUN_ENOTFOUND;
  qun_pack_array(out, 0);
  return 0;
}

int qun_engine_verifier_key(struct qun_engine *e, const char *tenant, struct qun_pack *text, struct qun_error *err) {
  if (!touch(e, tenant, err)) return QUN_ENOTFOUND;
  qun_pack_raw(text, qun_str("origin+12345678+key\n"));
  return 0;
}

void qun_engine_on_outbox(struct qun_engine *e, qun_engine_outbox_hook hook, void *arg) {
  (void)e;
  (void)hook;
  (void)arg;
}

void qun_engine_plugin_metrics(struct qun_engine *e,
                               void (*each)(void *arg, const char *plugin, const char *name, uint64_t value),
                               void *arg) {
  (void)e;
  each(arg, "growth", "events", 12);
  each(arg, "growth", "failures", 0);
}

void qun_engine_quota_metrics(struct qun_engine *e, struct qun_engine_quota_use *out) {
  (void)e;
  *out = (struct qun_engine_quota_use){0};
}

uint32_t qun_engine_waiting(struct qun_engine *e) {
  (void)e;
  return 0;
}

int qun_engine_read_begin(struct qun_engine *e, const char *tenant, struct qun_reading *out, struct qun_error *err) {
  (void)out;
  touch(e, tenant, err);
  return qun_error_set(err, QUN_EUNSUPPORTED, "the fake engine has no store");
}

void qun_engine_read_end(struct qun_reading *r) {
  (void)r;
}

int qun_engine_audit_tail(struct qun_engine *e, const char *tenant, struct qun_audit_open *out, struct qun_error *err) {
  (void)out;
  touch(e, tenant, err);
  return qun_error_set(err, QUN_EUNSUPPORTED, "the fake engine has no tree");
}

/* Never asked to open or close: the tests make theirs with fake_engine_create(). Here so that host/engine is not
 * linked. */
int qun_engine_open(struct qun_engine **out, const struct qun_engine_options *options, struct qun_error *err) {
  (void)out;
  (void)options;
  return qun_error_set(err, QUN_EUNSUPPORTED, "the fake engine opens no directory");
}

void qun_engine_close(struct qun_engine *e) {
  (void)e;
}

int qun_engine_backup(struct qun_engine *e, const char *tenant, const struct qun_engine_backup_spec *spec,
                      struct qun_pack *out, struct qun_error *err) {
  if (!touch(e, tenant, err)) return QUN_ENOTFOUND;
  qun_pack_map(out, 1);
  qun_pack_kv_cstr(out, "path", spec->path);
  return 0;
}

int qun_engine_restore(struct qun_engine *e, const struct qun_engine_restore_spec *spec, struct qun_pack *out,
                       struct qun_error *err) {
  (void)e;
  (void)err;
  qun_pack_map(out, 1);
  qun_pack_kv_cstr(out, "name", spec->as ? spec->as : "restored");
  return 0;
}

int qun_engine_erase(struct qun_engine *e, const char *tenant, const struct qun_engine_erase_spec *spec,
                     struct qun_pack *out, struct qun_error *err) {
  if (!touch(e, tenant, err)) return QUN_ENOTFOUND;
  qun_pack_map(out, 1);
  qun_pack_kv_int(out, "number", (int64_t)spec->number);
  return 0;
}

int qun_engine_doctor(struct qun_engine *e, struct qun_pack *out, struct qun_error *err) {
  (void)e;
  (void)err;
  qun_pack_map(out, 1);
  qun_pack_kv_int(out, "errors", 0);
  return 0;
}
