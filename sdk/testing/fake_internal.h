/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the fake host share. */
#ifndef QUN_FAKE_INTERNAL_H
#define QUN_FAKE_INTERNAL_H

#include <qun/events.h>
#include <qun/fake_host.h>

#include <stdbool.h>

#define QUN__FAKE_GROW(array, count, cap) ((array) = qun__fake_grow((array), (count), &(cap), sizeof *(array)))

/* ---- memory: ends the test when it runs out */
void *qun__fake_alloc(size_t n);
void *qun__fake_grow(void *array, size_t count, size_t *cap, size_t size);
char *qun__fake_strdup(const char *s);

struct qun__fake_arena {
  void **blocks;
  size_t *sizes;
  size_t count, blocks_cap, sizes_cap;
};
void *qun__fake_keep(struct qun__fake_arena *a, size_t n);
qun_slice qun__fake_copy(struct qun__fake_arena *a, qun_slice s);
void qun__fake_arena_poison(struct qun__fake_arena *a);
void qun__fake_arena_free(struct qun__fake_arena *a);

/* ---- ordered rows with undo */
struct qun__fake_cell {
  uint64_t tag; /* keyspace: owner; timers: due */
  size_t klen, vlen;
  unsigned char bytes[]; /* key, value */
};

struct qun__fake_undo {
  struct qun__fake_cell *old; /* the row before; NULL: there was none */
  struct qun__fake_cell *key; /* a cell with the key alone */
};

struct qun__fake_table {
  struct qun__fake_cell **cells;
  size_t count, cap;
  struct qun__fake_undo *undo;
  size_t undo_count, undo_cap;
  uint64_t changes; /* counts up */
};
qun_slice qun__fake_cell_key(const struct qun__fake_cell *c);
qun_slice qun__fake_cell_value(const struct qun__fake_cell *c);
/* Place of the first row not less than key; *found says whether it is the key itself. */
size_t qun__fake_table_seek(const struct qun__fake_table *t, qun_slice key, bool *found);
void qun__fake_table_put(struct qun__fake_table *t, qun_slice key, qun_slice value, uint64_t tag);
void qun__fake_table_del(struct qun__fake_table *t, qun_slice key);
void qun__fake_table_commit(struct qun__fake_table *t);
void qun__fake_table_rollback(struct qun__fake_table *t);
void qun__fake_table_free(struct qun__fake_table *t);

/* ---- manifest */
struct qun__fake_list {
  char **at;
  size_t count, cap;
};
struct qun__fake_service {
  char *name;
  bool pure, emits;
};
struct qun__fake_route {
  char *path, *method, *service;
  struct qun__fake_list headers;
};
struct qun__fake_intercept {
  char *via, *otherwise;
  int64_t deadline_ms;
};
struct qun__fake_setting {
  char *name, *kind, *fallback, *min, *max;
};
struct qun__fake_type_field {
  char *name;
  enum qun_field_kind kind;
  uint32_t flags;
};
struct qun__fake_type {
  char *name;
  bool host;
  struct qun__fake_type_field *fields;
  size_t count, cap;
};
struct qun__fake_manifest {
  char *id, *version, *library;
  struct qun__fake_list requires, subscribe, emit, files, locales, personal;
  struct qun__fake_service *services;
  size_t services_count, services_cap;
  struct qun__fake_intercept *intercept;
  size_t intercept_count, intercept_cap;
  struct qun__fake_route *routes;
  size_t routes_count, routes_cap;
  struct qun__fake_setting *settings;
  size_t settings_count, settings_cap;
  struct qun__fake_type *types;
  size_t types_count, types_cap;
};
struct qun__fake_manifest *qun__fake_manifest_load(const char *dir, char *why, size_t cap);
void qun__fake_manifest_free(struct qun__fake_manifest *m);
bool qun__fake_list_has(const struct qun__fake_list *l, qun_slice text);
const struct qun__fake_service *qun__fake_manifest_service(const struct qun__fake_manifest *m, qun_slice name);
/* One setting's text in stored form. 0 or QUN_EINVAL with a sentence in `why`. */
int qun__fake_setting_pack(const struct qun__fake_setting *s, const char *text, struct qun_pack *out, char *why,
                           size_t cap);

/* ---- host */
struct qun__fake_file {
  char *plugin, *path;
  qun_slice body;
};

struct qun__fake_metric {
  char *name;
  uint64_t value;
};

struct qun__fake_plugin {
  struct qun_fake *f;
  struct qun_host host;
  struct qun_plugin vtable;
  struct qun__fake_manifest *manifest; /* NULL: everything is allowed */
  char *id, *dir;
  void *library, *self;
  bool entered;
  struct qun__fake_metric *metrics;
  size_t metrics_count, metrics_cap;
};

/* A plugin in a tenant. */
struct qun__fake_space {
  struct qun__fake_table store, timers;
  uint64_t next_changes;    /* `changes` of timers + 1 when next_timer was looked up */
  size_t next_timer;        /* place of the first timer that is due */
  struct qun_pack settings; /* map in stored form */
  bool settings_given, seen;
  void *local;
};

struct qun__fake_outbox {
  struct qun_fake_row row;
  struct qun__fake_plugin *asked; /* INTERCEPTED: by whom */
  bool gated, open;
  int undo_state; /* 0: enqueued in the open handler, else the state before it */
  bool touched;
};

struct qun__fake_tenant {
  char *name;
  qun_handle handle;
  char *title, *locale, *zone, *currency, *country, *sector;
  bool simulated;
  int64_t clock_ms;
  uint64_t seq;
  size_t dead;
  struct qun__fake_space *spaces; /* one a plugin */
  size_t spaces_count, spaces_cap;
  struct qun__fake_outbox **outbox;
  size_t outbox_count, outbox_cap;
  struct qun_fake_emitted **emitted;
  size_t emitted_count, emitted_cap;
};

/* Events on their way into the log. */
struct qun__fake_emits {
  struct qun_fake_emitted **at;
  size_t count, cap;
};

/* A callback that runs now. */
struct qun__fake_frame {
  struct qun__fake_frame *below;
  struct qun__fake_plugin *plugin;
  struct qun__fake_tenant *tenant;
  uint32_t mode;
  bool pure, may_emit;
  uint64_t cause;
  uint32_t hops;
  int64_t clock_ms;
  struct qun__fake_arena lent;
  qun_handle request; /* REQUEST: its id, 0 once answered */
  bool answered;
  qun_slice reply;
  struct qun__fake_emits emits;
};

struct qun__fake_provided {
  char *service;
  bool pure;
  qun_fake_answer answer;
  void *arg;
};

struct qun__fake_signature {
  char *name;
  uint32_t algorithm;
  qun_slice message, signature;
};

struct qun_fake {
  struct qun__fake_signature *signatures;
  size_t signatures_count, signatures_cap;
  struct qun__fake_plugin **plugins;
  size_t plugins_count, plugins_cap;
  struct qun__fake_tenant **tenants;
  size_t tenants_count, tenants_cap;
  struct qun__fake_plugin *plugin;
  struct qun__fake_tenant *tenant;
  struct qun__fake_frame *frame;
  struct qun__fake_arena kept;     /* until close */
  struct qun__fake_arena poisoned; /* lent by callbacks before; freed one callback later */
  struct qun__fake_provided *provided;
  size_t provided_count, provided_cap;
  struct qun__fake_file *files;
  size_t files_count, files_cap;
  struct qun_pack scratch;
  char *role, *locale;
  qun_handle last_request;
  unsigned recreate_every, callbacks;
  int code;
  char message[512];
};

int qun__fake_fail(struct qun_fake *f, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
struct qun__fake_space *qun__fake_space_of(struct qun__fake_tenant *t, const struct qun__fake_plugin *p);
struct qun__fake_plugin *qun__fake_plugin_of(struct qun_fake *f, const char *id);
size_t qun__fake_plugin_index(const struct qun__fake_plugin *p);
int qun__fake_instance_create(struct qun__fake_plugin *p);
void qun__fake_instance_destroy(struct qun__fake_plugin *p);

/* store.c */
/* The frame of a callback of this plugin for this tenant; NULL with the message set. handler: on_event or on_timer; reader: not a pure service. */
struct qun__fake_frame *qun__fake_frame_of(const struct qun_host *host, qun_handle tenant, const char *what);
struct qun__fake_frame *qun__fake_handler_of(const struct qun_host *host, qun_handle tenant, const char *what);
struct qun__fake_frame *qun__fake_reader_of(const struct qun_host *host, qun_handle tenant, const char *what);
extern const struct qun_store_v1 qun__fake_store_1;
extern const struct qun_store_v2 qun__fake_store_2;

/* http.c */
extern const struct qun_http_v1 qun__fake_http_1;

/* client.c */
extern const struct qun_http_client_v1 qun__fake_http_client_1;
extern const struct qun_work_v1 qun__fake_work_1;
extern const struct qun_secrets_v1 qun__fake_secrets_1;

/* intercept.c */
extern const struct qun_intercept_v1 qun__fake_intercept_1;
/* Makes a new row an intercepted one, and asks, if another plugin has a say in it. */
void qun__fake_intercept(struct qun__fake_frame *frame, struct qun__fake_outbox *o);
/* What a verdict of that record does to its row. */
void qun__fake_decided(struct qun_fake *f, struct qun__fake_tenant *t, const struct qun_event *e);

/* services.c */
/* Adds a row to the outbox of the frame's tenant. QUN_EINVAL, QUN_ECONFLICT. */
int qun__fake_outbox_add(struct qun__fake_frame *frame, const struct qun_fake_row *row, const char *what);
extern const char *const qun__fake_services[];
int qun__fake_query(const struct qun_host *host, const char *service_id, const void **out);

/* drive.c */
/* Asks plugin `p`, for the test's person (caller "") or for a plugin. The reply is lent by `lent`; NULL: until close.
 */
int qun__fake_ask(struct qun_fake *f, struct qun__fake_plugin *p, struct qun__fake_tenant *t, const char *service,
                  qun_slice params, const char *caller, struct qun__fake_arena *lent, qun_slice *reply);
int qun__fake_append(struct qun_fake *f, struct qun__fake_tenant *t, const struct qun_event *event);
/* Calls a plugin: makes the frame, gives the tenant first if it is new, poisons what was lent. */
typedef int (*qun__fake_enter)(struct qun__fake_plugin *p, const struct qun_context *ctx, void *arg);
int qun__fake_callback(struct qun_fake *f, struct qun__fake_frame *frame, qun__fake_enter enter, void *arg);

/* vocabulary.c */
/* Whether only the host, or only its plugin, writes events of this type. */
bool qun__fake_host_type(const struct qun_fake *f, qun_slice type);
/* A core type that comes from outside: what "*" stands for. */
bool qun__fake_outside_type(qun_slice type);
/* Checks the data of an event. 0; QUN_EINVAL with a sentence. An unknown type is fine only when a plugin has no
 * manifest. */
int qun__fake_check_data(struct qun_fake *f, qun_slice type, qun_slice data);
/* What a plugin may see of the data: TEXT left out unless granted, IDENT true. */
qun_slice qun__fake_redact(struct qun_fake *f, struct qun__fake_arena *a, const struct qun__fake_plugin *p,
                           qun_slice type, qun_slice data);

/* calendar.c */
int qun__fake_to_local(const char *zone, int64_t ms, int32_t *day, int32_t *minute);
int qun__fake_from_local(const char *zone, int32_t day, int32_t minute, int64_t *ms);

#endif
