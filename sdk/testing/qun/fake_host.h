/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qun/fake_host.h: a whole host in memory, with a clock that only the test moves. For Criterion (or any) tests of a
 * plugin.
 *
 *     struct qun_fake *f = qun_fake_open(QUN_BUILD_DIR "/plugins/points");
 *     qun_fake_tenant(f, "acme");
 *     qun_fake_set(f, "per_message=2");
 *     qun_fake_event(f, .type = "message", .at = "2026-01-05 09:00", .member = 7, .fields = {QUN_TEXT("text",
 * "hello")}); qun_slice reply = qun_fake_ask(f, "points.get", QUN_INT("member", 7)); cr_assert_eq(qun_mp_int(reply,
 * "points", -1), 2); qun_fake_close(f);
 *
 * It keeps the contract of qun/plugin.h and shows where a plugin does not:
 *  - a put, timer or outbox row outside a handler, and a tenant handle that was kept or made up, are QUN_EDENIED;
 *  - borrowed slices are overwritten with 0xdb when the callback returns (under the address sanitizer reading them
 * stops the test);
 *  - a handler that fails leaves nothing behind: writes, emits, timers and outbox rows are taken back;
 *  - TEXT fields reach only a plugin with `personal: [text]`, IDENT fields are `true`;
 *  - a pure service may read neither keyspace nor emit, and only pure services may be called from a handler;
 *  - what the manifest does not list (services, event types, files) is refused. Without a manifest everything is
 * allowed.
 *
 * One host has one or more plugins and tenants. Helpers act on the tenant and the plugin that were chosen last (at
 * first: tenant "test", the plugin that was opened). Slices that helpers return stay valid until qun_fake_close, unless
 * said otherwise. One thread at a time; nothing blocks. Functions that answer int: 0, or a QUN_E code; qun_fake_message() then has the
 * sentence. Out of memory ends the test.
 */
#ifndef QUN_FAKE_HOST_H
#define QUN_FAKE_HOST_H

#include <qun/msgpack.h>
#include <qun/plugin.h>

#include <stdio.h>

struct qun_fake;

/* ---------------------------------------------------------------- hosts, plugins, tenants */

/* Loads a package folder (plugin.yaml and the library it names) and creates the instance. On failure NULL and a line on
 * stderr. */
struct qun_fake *qun_fake_open(const char *package_dir);
/* The same with a plugin that is linked into the test. `package_dir` NULL: no manifest, everything is allowed, every
 * event is delivered. */
struct qun_fake *qun_fake_open_vtable(const struct qun_plugin *vtable, const char *package_dir);
/* Loads another plugin into the host. It gets its events after those before it, and its services may be called. It is
 * not chosen. */
int qun_fake_join(struct qun_fake *f, const char *package_dir);
int qun_fake_join_vtable(struct qun_fake *f, const struct qun_plugin *vtable, const char *package_dir);
/* Destroys the instances. NULL is fine. */
void qun_fake_close(struct qun_fake *f);

/* Chooses a tenant; a new name makes one (zone Asia/Shanghai, locale zh-CN, CNY, CN, retail, clock 0). */
void qun_fake_tenant(struct qun_fake *f, const char *name);
/* Chooses a plugin by id. QUN_ENOTFOUND. */
int qun_fake_plugin(struct qun_fake *f, const char *id);
/* Sets one thing of the chosen tenant: title, locale, zone, currency, country, sector, or simulated ("true"). */
int qun_fake_profile(struct qun_fake *f, const char *key, const char *value);

/* "name=value" as a person writes it, typed by the manifest and checked against its bounds; for the chosen plugin and
 * tenant. */
int qun_fake_set(struct qun_fake *f, const char *assignment);
/* All settings at once as a msgpack map in stored form; what it leaves out gets the manifest's default. */
int qun_fake_settings(struct qun_fake *f, qun_slice map);

/* Destroys the chosen plugin's instance and creates it anew: memory is a cache, nothing may change. */
int qun_fake_recreate(struct qun_fake *f);
/* From now on after every n callbacks of any plugin; 0: never. */
void qun_fake_recreate_every(struct qun_fake *f, unsigned n);

/* The code and sentence of the last helper or handler that failed; 0 and "" when the last one went well. */
int qun_fake_code(const struct qun_fake *f);
const char *qun_fake_message(const struct qun_fake *f);

/* ---------------------------------------------------------------- events and time */

struct qun_fake_field {
  const char *name; /* NULL ends a list */
  enum qun_mp_type kind;
  int list; /* `text` is a list of texts, divided by commas */
  int64_t number;
  const char *text;
  qun_slice raw; /* kind QUN_MP_MAP or QUN_MP_ARRAY: msgpack as it is */
};

#define QUN_TEXT(NAME, VALUE)                                                                                          \
  { .name = (NAME), .kind = QUN_MP_STR, .text = (VALUE) }
#define QUN_INT(NAME, VALUE)                                                                                           \
  { .name = (NAME), .kind = QUN_MP_INT, .number = (VALUE) }
#define QUN_BOOL(NAME, VALUE)                                                                                          \
  { .name = (NAME), .kind = QUN_MP_BOOL, .number = (VALUE) }
#define QUN_LIST(NAME, COMMA_TEXTS)                                                                                    \
  { .name = (NAME), .kind = QUN_MP_STR, .list = 1, .text = (COMMA_TEXTS) }
#define QUN_RAW(NAME, SLICE)                                                                                           \
  { .name = (NAME), .kind = QUN_MP_MAP, .raw = (SLICE) }

enum { QUN_FAKE_FIELDS = 24 };

struct qun_fake_event {
  const char *type;
  const char *at;  /* tenant-local "2026-01-05 09:00" or "2026-01-05 09:00:30"; NULL: time_ms */
  int64_t time_ms; /* 0 with `at` NULL: the clock */
  uint64_t member;
  uint32_t flags;     /* QUN_EVENT_* */
  const char *id;     /* NULL: "e<seq>" */
  const char *source; /* NULL: "test" */
  const char *subject, *group, *channel, *lang;
  struct qun_fake_field fields[QUN_FAKE_FIELDS];
  qun_slice data; /* instead of fields: a msgpack map */
};

/* Appends an event: moves the clock to its time if that is later, fires due timers, gives it to the plugins, then what
   they emit. Answers 0; or QUN_EINVAL, nothing appended: the event is not in the vocabulary; or the code of the first
   handler that refused it. */
int qun_fake_send(struct qun_fake *f, const struct qun_fake_event *event);
#define qun_fake_event(F, ...) qun_fake_send((F), &(struct qun_fake_event){__VA_ARGS__})

/* Moves the clock, firing timers on the way in the order (due, plugin, name). Answers 0 or the code of the first
 * handler that failed. */
int qun_fake_advance(struct qun_fake *f, int64_t to_ms);
/* The same, to a tenant-local time. */
int qun_fake_advance_to(struct qun_fake *f, const char *local);
int64_t qun_fake_clock(const struct qun_fake *f);
/* Tenant-local "2026-01-05 09:00[:30]" to UTC milliseconds; days since 1970-01-01 of "2026-01-05". A text that is no
 * time ends the test. */
int64_t qun_fake_ms(struct qun_fake *f, const char *local);
int32_t qun_fake_day(const char *date);
/* Drops the rows that a member owns, in all plugins: what the host does when a member is erased. */
void qun_fake_erase(struct qun_fake *f, uint64_t member);

/* ---------------------------------------------------------------- services */

/* A msgpack map of fields. */
qun_slice qun_fake_pack(struct qun_fake *f, const struct qun_fake_field *fields, size_t count);
#define qun_fake_map(F, ...)                                                                                           \
  qun_fake_pack((F), (const struct qun_fake_field[]){__VA_ARGS__},                                                     \
                sizeof((const struct qun_fake_field[]){__VA_ARGS__}) / sizeof(struct qun_fake_field))

/* Asks the plugin that offers `service`. The reply, or the empty slice: then qun_fake_code() and qun_fake_message() say
 * why. */
qun_slice qun_fake_request(struct qun_fake *f, const char *service, qun_slice params);
#define qun_fake_ask(F, SERVICE, ...) qun_fake_request((F), (SERVICE), qun_fake_map((F), __VA_ARGS__))
/* Who asks from now on; at first "owner", "en". */
void qun_fake_person(struct qun_fake *f, const char *role, const char *locale);

/* What a route of the chosen plugin answered. status 0: refused; then qun_fake_code() and qun_fake_message() say why. 404 and 405: the manifest has no such
 * route. A plain reply is JSON of status 200 outside; here its msgpack stays in body and content_type is empty. */
struct qun_fake_response {
  uint32_t status;
  qun_slice content_type, body;
};
/* Asks a route: path and query as they stand below /v1/tenants/NAME/x/PLUGIN/ ("boards/7?full=1", percent-encoded). `headers`: msgpack map of
 * lower-case names to texts, or empty; only those that the route lists come through. */
struct qun_fake_response qun_fake_http(struct qun_fake *f, const char *method, const char *path, qun_slice headers,
                                       qun_slice body);

/* A service that the test plays, for the plugins' qun.call/1. `answer` writes a msgpack value into `reply` and answers
 * 0, or less. */
typedef int (*qun_fake_answer)(void *arg, qun_slice params, struct qun_pack *reply);
void qun_fake_provide(struct qun_fake *f, const char *service, int pure, qun_fake_answer answer, void *arg);
/* A file of a package, instead of one on disk: for qun.package/1. `plugin` may be one that is not loaded. */
void qun_fake_file(struct qun_fake *f, const char *plugin, const char *path, qun_slice body);

/* ---------------------------------------------------------------- what came of it */

/* The value of a key in the chosen plugin's keyspace of the chosen tenant; ptr NULL when there is none. Valid until the
 * next callback. */
qun_slice qun_fake_get(struct qun_fake *f, qun_slice key);
size_t qun_fake_rows(struct qun_fake *f);
/* The keyspace as bytes: for each row in key order the lengths (8 bytes each, big-endian), key and value. */
qun_slice qun_fake_dump(struct qun_fake *f);
/* A digest of that (FNV-1a, 64 bits): equal keyspaces have equal digests. */
uint64_t qun_fake_hash(struct qun_fake *f);
/* Writes it readably: a row a line. */
void qun_fake_print(struct qun_fake *f, FILE *to);

/* An event that a plugin emitted for the chosen tenant. */
struct qun_fake_emitted {
  const char *plugin;
  uint64_t seq, cause, member;
  uint32_t hops;
  int64_t clock_ms;
  qun_slice type, subject, group, channel, lang, data;
};
size_t qun_fake_emitted_count(const struct qun_fake *f);
/* The nth (from 0); NULL past the last. */
const struct qun_fake_emitted *qun_fake_emitted(const struct qun_fake *f, size_t n);
/* The nth of a type; NULL past the last. */
const struct qun_fake_emitted *qun_fake_emitted_of(const struct qun_fake *f, const char *type, size_t n);

enum {
  QUN_FAKE_HELD = 1,
  QUN_FAKE_RELEASED,
  QUN_FAKE_CANCELLED,
  QUN_FAKE_SENT,
  QUN_FAKE_FAILED,
  QUN_FAKE_BLOCKED,
  QUN_FAKE_INTERCEPTED /* another plugin of this host has a say in it (qun.intercept/1) */
};

struct qun_fake_row {
  const char *plugin;
  int state; /* QUN_FAKE_HELD ... */
  int64_t not_before_ms;
  qun_slice key, via, target, body;
};
/* Rows of the chosen tenant, of all plugins and states. */
size_t qun_fake_outbox_count(const struct qun_fake *f);
/* The nth row of the chosen tenant, in the order they were enqueued; NULL past the last. */
const struct qun_fake_row *qun_fake_outbox(const struct qun_fake *f, size_t n);
/* Ends a row as QUN_FAKE_SENT, _FAILED or _BLOCKED and appends the event that tells so. QUN_ENOTFOUND, QUN_ECONFLICT
 * (ended before). */
int qun_fake_outbox_end(struct qun_fake *f, const char *key, int state, const char *reason);

/* The deadline of an intercepted row passes; appends intercept.expired. QUN_ENOTFOUND, QUN_ECONFLICT (decided). */
int qun_fake_intercept_expire(struct qun_fake *f, const char *key);

/* Rows of qun.http_client/1 and qun.work/1 stand in the outbox too: via "http" (target: the host; body: {method, url, headers, body, tries}) and "work" (target:
 * the service; body: {service, params}). They end here. */
/* The other side answers a fetch of the chosen plugin; appends http.answer. QUN_ENOTFOUND, QUN_ECONFLICT (ended before), or the handler's. */
int qun_fake_http_answer(struct qun_fake *f, const char *key, int status, const char *content_type, qun_slice body);
/* Nobody answers it. */
int qun_fake_http_silence(struct qun_fake *f, const char *key, const char *why);
/* Does the work of the chosen plugin and appends work.answer. */
int qun_fake_work(struct qun_fake *f, const char *key);
/* From now on qun.secrets/1 says that `signature` fits `message`, for a secret that exists with this. */
void qun_fake_signature(struct qun_fake *f, const char *name, uint32_t algorithm, qun_slice message,
                        qun_slice signature);

/* Due time of a timer of the chosen plugin, or INT64_MIN. */
int64_t qun_fake_timer(struct qun_fake *f, const char *name);
size_t qun_fake_timers(struct qun_fake *f);
/* A counter of the chosen plugin. */
uint64_t qun_fake_metric(struct qun_fake *f, const char *name);
/* Handler calls of the chosen tenant that were refused and taken back. */
size_t qun_fake_dead(const struct qun_fake *f);
/* Last sequence of the chosen tenant's log. */
uint64_t qun_fake_seq(const struct qun_fake *f);

#endif
