/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qun/plugin.h: the plugin ABI, major 1. The whole contract between Qun and a plugin.
 *
 * Header only: a plugin links nothing of Qun and resolves no symbol of it. It exports one function, which
 * QUN_PLUGIN() at the end of this file defines. Compiles alone as C99 and as C++.
 *
 * Rules that hold for every call
 *  - Only integers, handles, byte slices and msgpack cross. No host pointer, closure, errno or FILE crosses, so the
 *    same shared object runs inside the host or in a process of its own.
 *  - A slice that a plugin receives is borrowed: valid until the callback returns, unless its comment says otherwise.
 *    A slice that a plugin passes is copied before the call returns.
 *  - A tenant handle comes with a callback's context and is valid in that callback only. The number of a tenant
 *    stays the same while the instance lives, so it may key a cache; used outside a callback of that tenant, or for
 *    another tenant, every call answers QUN_EDENIED.
 *  - Handlers (on_event, on_timer) are deterministic: event, keyspace, settings, the tenant's clock and `seed` in, writes
 *    and emitted events out. No wall clock, no locale, no order of a hash table, and no floats in a keyspace.
 *  - No call blocks on a network, another tenant or the disk's sync; what reads a file or waits for another plugin says so.
 *  - A call answers 0 or more, or a QUN_E code, and sets what it gives back only when it went well.
 *  - Memory of an instance is a cache: the host may destroy and create an instance at any time without changing any result.
 *
 * Thread marks on each slot
 *  [loop]    on the instance's one logical thread. An instance is never entered twice at once, nor re-entered.
 *  [any]     any thread, any time between create and destroy.
 *
 * Growth: structs begin with their size and only grow at the end; services have a revision in their id; a new major is
 * a new symbol. An old plugin works with every newer host of its major. A newer plugin works with an older host when that
 * host has the services that the plugin's manifest requires.
 */
#ifndef QUN_PLUGIN_H
#define QUN_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUN_ABI_MAJOR 1
#define QUN_ABI_MINOR 1
#define QUN_SDK_VERSION 0x00010001u /* 0xMMMMmmmm: major, minor */

#if defined(__GNUC__)
#define QUN_EXPORT __attribute__((visibility("default")))
#else
#define QUN_EXPORT
#endif

/* Bytes somewhere else. `ptr` may be NULL only when `len` is 0. */
typedef struct qun_slice {
  const void *ptr;
  uint64_t len;
} qun_slice;

typedef uint64_t qun_handle;

/* What calls answer: 0 or more is fine, less is a refusal. */
enum {
  QUN_OK = 0,
  QUN_PENDING = 1,       /* the answer comes later, by a service call */
  QUN_EAGAIN = -1,       /* not now; ask again later (never inside a handler) */
  QUN_EDENIED = -2,      /* not granted in the manifest, or not allowed in this callback */
  QUN_EUNSUPPORTED = -3, /* this host does not have it */
  QUN_ENOTFOUND = -4,
  QUN_EQUOTA = -5,
  QUN_EGONE = -6, /* the handle or request has ended */
  QUN_EINVAL = -7,
  QUN_ECONFLICT = -8,
  QUN_EFAIL = -100 /* with a message set by host->fail */
};

enum { QUN_LOG_DEBUG = 0, QUN_LOG_INFO = 1, QUN_LOG_WARN = 2, QUN_LOG_ERROR = 3 };

/* Which callback a context belongs to; it decides what is allowed. */
enum {
  QUN_MODE_EVENT = 1,   /* on_event: put, emit, timers, outbox */
  QUN_MODE_TIMER = 2,   /* on_timer: the same */
  QUN_MODE_REQUEST = 3, /* on_request: reads a snapshot; may emit; a put is QUN_EDENIED */
  QUN_MODE_TENANT = 4   /* on_tenant: reads only */
};

/* Where a callback stands. Borrowed for the callback. */
struct qun_context {
  uint32_t struct_size;
  uint32_t mode; /* QUN_MODE_* */
  qun_handle tenant;
  void *local;          /* what this instance's on_tenant left for the tenant; never leaves the plugin's process */
  int64_t clock_ms;     /* the tenant's clock, UTC milliseconds since 1970; never runs back */
  int32_t clock_day;    /* tenant-local day of clock_ms: days since 1970-01-01 */
  int32_t clock_minute; /* tenant-local minute of that day, 0..1439 */
  uint64_t seed;        /* for random choices: same log, same seed */
};

enum {
  QUN_EVENT_DERIVED = 1u << 0,  /* emitted by a plugin */
  QUN_EVENT_CONTROL = 1u << 1,  /* written by the host */
  QUN_EVENT_IMPORTED = 1u << 2, /* came in with an import of history */
  QUN_EVENT_LATE = 1u << 3      /* came live while an import ran */
};

/* One record of the tenant's log. Field names and units of `data`: qun/events.h and the manifests. */
struct qun_event {
  uint32_t struct_size;
  uint32_t flags;  /* QUN_EVENT_* */
  uint64_t seq;    /* place in the log, from 1 */
  int64_t time_ms; /* the event's own time, UTC milliseconds; at most the clock's */
  int32_t day;     /* tenant-local day of time_ms: days since 1970-01-01 */
  int32_t minute;  /* tenant-local minute of that day */
  uint64_t member; /* who did it: the tenant's own number of the member, from 1 in order of first sight; 0 nobody */
  uint64_t cause;  /* derived: seq of the record that caused it; else 0 */
  uint32_t hops;   /* derived: how many causes deep; else 0 */
  uint32_t reserved;
  qun_slice type; /* "join", "content.item", ... */
  qun_slice id;   /* the sender's id of it; unique with source */
  qun_slice source;
  qun_slice subject; /* what it is about, or empty */
  qun_slice group;   /* chat group or account, or empty */
  qun_slice channel; /* acquisition channel, or empty */
  qun_slice lang;    /* BCP 47, or empty */
  qun_slice data;    /* msgpack map; personal fields that the manifest does not ask for are left out or `true` */
};

/* A timer that came due. `due_ms` is also the clock of the callback. */
struct qun_timer {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t due_ms;
  qun_slice name;
  qun_slice data; /* what set() was given */
};

/* A call of a service that the plugin's manifest offers. Answer with qun.reply/1 before returning. */
struct qun_request {
  uint32_t struct_size;
  uint32_t reserved;
  qun_handle id;
  qun_slice service; /* "growth.report" */
  qun_slice params;  /* msgpack map, perhaps empty */
  qun_slice locale;  /* BCP 47 of the person who asks */
  qun_slice role;    /* agency, owner, operator, auditor, plugin */
  qun_slice caller;  /* plugin id of a calling plugin, or empty */
};

/* A tenant as an instance meets it; given again when a setting changes. */
struct qun_tenant_info {
  uint32_t struct_size;
  uint32_t simulated; /* 1: made by `qun simulate`; every report says so */
  qun_slice name;
  qun_slice title;    /* display name */
  qun_slice locale;   /* BCP 47 */
  qun_slice zone;     /* IANA time zone */
  qun_slice currency; /* ISO 4217 */
  qun_slice country;  /* ISO 3166 alpha-2 */
  qun_slice sector;
  qun_slice
      settings; /* msgpack map, checked against the manifest, defaults filled in. ratio: parts per million (int); money: minor units */
};

/* Given to create(); valid until destroy() returns. */
struct qun_host {
  uint32_t struct_size;
  uint32_t abi_minor;
  void *ctx;
  /* [any] The vtable of a service id such as "qun.store/1"; *out is valid until destroy(). QUN_EUNSUPPORTED: this host does not
     have it. QUN_EDENIED: the manifest does not ask for it. */
  int (*query)(const struct qun_host *host, const char *service_id, const void **out);
  /* [any] A line for the operator's log. UTF-8. Never put personal data in it. */
  void (*log)(const struct qun_host *host, int level, qun_slice msg);
  /* [loop] Sets the message of a failure and returns `code`: `return host->fail(host, QUN_EINVAL, msg);` */
  int (*fail)(const struct qun_host *host, int code, qun_slice msg);
};

/* What a plugin is. Slots may be NULL unless marked mandatory. */
struct qun_plugin {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] mandatory. `config`: msgpack map, for now empty. *self is the plugin's own. Quick: no file, no wait. */
  int (*create)(const struct qun_host *host, qun_slice config, void **self);
  /* [loop] mandatory. NULL is fine. */
  void (*destroy)(void *self);
  /* [loop] A tenant comes into sight or its settings change. *local keeps what was left there before (NULL at first). */
  int (*on_tenant)(void *self, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local);
  /* [loop] The tenant goes out of sight: release what on_tenant left. */
  void (*on_tenant_close)(void *self, void *local);
  /* [loop] One record that the manifest subscribes to. Less than 0: this event's writes and emits of this plugin are taken back and
     the event goes to the dead letters with the message. */
  int (*on_event)(void *self, const struct qun_context *ctx, const struct qun_event *event);
  /* [loop] A timer of this plugin came due. Failure as for on_event. */
  int (*on_timer)(void *self, const struct qun_context *ctx, const struct qun_timer *timer);
  /* [loop] A service call. Less than 0: refused with that code and the message set by fail(). */
  int (*on_request)(void *self, const struct qun_context *ctx, const struct qun_request *request);
  /* append only */
};

/* ---------------------------------------------------------------- services, revision 1 */

struct qun_pair {
  qun_slice key;
  qun_slice value;
};

#define QUN_STORE_1 "qun.store/1"
/* The plugin's own keyspace of the context's tenant. Keys: 1..400 bytes, ordered bytewise. Values: up to 16 MiB. */
struct qun_store_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] *value is borrowed until the callback returns and never changes under the reader. QUN_ENOTFOUND. */
  int (*get)(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice *value);
  /* [loop] on_event and on_timer only. `owner`: number of the member whose data the row is, 0 for none; erasing a member drops
     the rows it owns. QUN_EDENIED, QUN_EQUOTA, QUN_EINVAL. */
  int (*put)(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice value, uint64_t owner);
  /* [loop] on_event and on_timer only. Deleting what is not there is fine. */
  int (*del)(const struct qun_host *host, qun_handle tenant, qun_slice key);
  /* [loop] Rows whose key begins with `prefix` and is greater than `after` (empty: from the first), in key order, at most `cap`
     into `pairs`; *count is how many. Fewer than cap: no more. Borrowed until the callback returns. */
  int (*scan)(const struct qun_host *host, qun_handle tenant, qun_slice prefix, qun_slice after, struct qun_pair *pairs,
              uint32_t cap, uint32_t *count);
};

enum {
  QUN_STORE_PUT = 1,    /* writes key, value, owner */
  QUN_STORE_DEL = 2,    /* deletes key; fine when it is not there */
  QUN_STORE_EXPECT = 3, /* key must have exactly this value */
  QUN_STORE_ABSENT = 4  /* key must not be there */
};

/* One step of a batch. An array of these crosses: it never grows. */
struct qun_store_op {
  uint32_t kind; /* QUN_STORE_* */
  uint32_t reserved;
  uint64_t owner;  /* PUT: number of the member whose data the row is, 0 none */
  qun_slice key;   /* 1..400 bytes */
  qun_slice value; /* PUT and EXPECT: up to 16 MiB */
};

enum { QUN_STORE_MANY = 1024 }; /* keys of one get_many, steps of one batch */

#define QUN_STORE_2 "qun.store/2"
/* qun.store/1 with two more calls; both may be asked for and are the same keyspace. Since ABI 1.1. No call blocks. */
struct qun_store_v2 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] As in qun.store/1. */
  int (*get)(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice *value);
  /* [loop] As in qun.store/1. */
  int (*put)(const struct qun_host *host, qun_handle tenant, qun_slice key, qun_slice value, uint64_t owner);
  /* [loop] As in qun.store/1. */
  int (*del)(const struct qun_host *host, qun_handle tenant, qun_slice key);
  /* [loop] As in qun.store/1. */
  int (*scan)(const struct qun_host *host, qun_handle tenant, qun_slice prefix, qun_slice after, struct qun_pair *pairs,
              uint32_t cap, uint32_t *count);
  /* [loop] Looks up `count` keys (at most QUN_STORE_MANY) at once: values[i] is keys[i]'s, borrowed until the callback returns; a
     key that is not there gets ptr NULL (an empty value has a ptr). In a process of its own it costs one round trip. QUN_EINVAL: not a
     key, too many; then no value is set. */
  int (*get_many)(const struct qun_host *host, qun_handle tenant, const qun_slice *keys, uint32_t count,
                  qun_slice *values);
  /* [loop] on_event and on_timer only. All steps or none: first every EXPECT and ABSENT is held against the keyspace as it was before
     the batch, then PUT and DEL are done in their order. QUN_ECONFLICT: an expectation does not hold. QUN_EDENIED, QUN_EQUOTA,
     QUN_EINVAL. Whatever it answers less than 0, nothing was written. */
  int (*batch)(const struct qun_host *host, qun_handle tenant, const struct qun_store_op *ops, uint32_t count);
};

/* An event to be emitted. Type: one that this plugin's manifest lists under events.emit. */
struct qun_emit {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t member; /* 0 nobody */
  qun_slice type;
  qun_slice subject; /* may be empty, as the next three */
  qun_slice group;
  qun_slice channel;
  qun_slice lang;
  qun_slice data; /* msgpack map; may be empty */
};

#define QUN_EVENTS_1 "qun.events/1"
struct qun_events_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] From on_event and on_timer: the event follows its cause in the log at once. From on_request: it is appended when the
     request ends well. Never fails for load. QUN_EINVAL names the field; QUN_EDENIED: type not in the manifest, or 16 hops deep. */
  int (*emit)(const struct qun_host *host, qun_handle tenant, const struct qun_emit *event);
};

#define QUN_TIMER_1 "qun.timer/1"
/* Timers are the tenant's, on its clock; they survive restarts. One timer a name. */
struct qun_timer_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] handlers only. Sets or moves the timer `name` (1..64 bytes) to due_ms. A time that is past fires before the next record. */
  int (*set)(const struct qun_host *host, qun_handle tenant, qun_slice name, int64_t due_ms, qun_slice data);
  /* [loop] handlers only. Fine when there is none. */
  int (*cancel)(const struct qun_host *host, qun_handle tenant, qun_slice name);
};

#define QUN_CALENDAR_1 "qun.calendar/1"
/* The tenant's time zone (ICU's data). Pure. */
struct qun_calendar_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] UTC milliseconds to local day (days since 1970-01-01) and minute. */
  int (*to_local)(const struct qun_host *host, qun_handle tenant, int64_t ms, int32_t *day, int32_t *minute);
  /* [loop] Local day and minute to UTC milliseconds; a time that a clock change skips gives the first one after it. */
  int (*from_local)(const struct qun_host *host, qun_handle tenant, int32_t day, int32_t minute, int64_t *ms);
};

#define QUN_REPLY_1 "qun.reply/1"
struct qun_reply_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] Answers a request once, with a msgpack value. QUN_EGONE: answered already or ended. */
  int (*reply)(const struct qun_host *host, qun_handle request, qun_slice body);
};

/* Something to be sent outside, once its time has come and, if gated, compliance has released it. */
struct qun_outbox_row {
  uint32_t struct_size;
  uint32_t gated; /* 1: born held; a compliance.verdict event about `key` releases or blocks it. 0: born released */
  int64_t not_before_ms; /* on the tenant's clock */
  qun_slice key;         /* unique in this plugin and tenant; also the idempotency key towards the outside */
  qun_slice via;         /* kind of delivery: "webhook", "bridge", "spool" */
  qun_slice target;      /* webhook: name of an endpoint in the tenant's settings; bridge: the other tenant */
  qun_slice body;        /* msgpack map */
};

#define QUN_OUTBOX_1 "qun.outbox/1"
struct qun_outbox_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] handlers only. QUN_ECONFLICT: the key was used before. What becomes of the row comes back as an event
     "outbox.sent", "outbox.failed" or "outbox.blocked" whose subject is the key. */
  int (*enqueue)(const struct qun_host *host, qun_handle tenant, const struct qun_outbox_row *row);
  /* [loop] handlers only. Takes back a row that is not yet sent. QUN_ENOTFOUND, QUN_ECONFLICT (already sent). */
  int (*cancel)(const struct qun_host *host, qun_handle tenant, qun_slice key);
};

#define QUN_CALL_1 "qun.call/1"
struct qun_call_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] Calls another plugin's service and waits for its answer; *reply is borrowed until the callback returns. In handlers only
     services that their manifest calls pure: QUN_EDENIED else. QUN_ENOTFOUND: no such service. QUN_ECONFLICT: a cycle of calls. */
  int (*call)(const struct qun_host *host, qun_handle tenant, const char *service, qun_slice params, qun_slice *reply);
};

#define QUN_PACKAGE_1 "qun.package/1"
struct qun_package_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] A file that a loaded plugin's manifest lists under `files` or `locales`. `plugin` empty: this plugin's own. `locales` of any
     plugin may be read; `files` only by their owner. *body is valid until destroy(). QUN_ENOTFOUND. */
  int (*read)(const struct qun_host *host, const char *plugin, const char *path, qun_slice *body);
  /* [loop] The nth path so listed (own files, then own locales; for another plugin its locales). QUN_ENOTFOUND past the last. */
  int (*list)(const struct qun_host *host, const char *plugin, uint32_t nth, qun_slice *path);
};

#define QUN_METRICS_1 "qun.metrics/1"
struct qun_metrics_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [any] Adds to a counter of this plugin; shown on /metrics as qun_plugin_<name>_total. Not part of any result. */
  void (*add)(const struct qun_host *host, const char *name, uint64_t delta);
};

#define QUN_HTTP_1 "qun.http/1"
/* Answers of HTTP requests. The manifest's `routes` lead a path below /v1/tenants/NAME/x/PLUGIN/ to a service, whose on_request then gets
   in `params` a map {method, path, args {name: text}, query {name: text}, headers {name: text}, body}: path as it was asked below the plugin's own, args the
   segments in braces, headers only those that the route lists (never Cookie or Authorization), body the bytes (bin). Who asks was checked against the
   service's role before. The host adds nosniff and a Content-Security-Policy that sandboxes the page: no script, no form, no
   other origin; a plugin can set no cookie and no redirect. Since ABI 1.1. */
struct qun_http_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] Answers a request once, in place of qun.reply/1 (a plain reply goes out as JSON with status 200). status: 200..299 or
     400..599. content_type: such as "text/html; charset=utf-8", at most 100 bytes. body: at most QUN_HTTP_BODY_MAX bytes. Does not
     block; copies what it is given. QUN_EGONE: answered already or ended. QUN_EINVAL. */
  int (*respond)(const struct qun_host *host, qun_handle request, uint32_t status, qun_slice content_type,
                 qun_slice body);
};

enum {
  QUN_HTTP_BODY_MAX = 4 << 20,
  QUN_HTTP_EXT = 72 /* msgpack ext type of such an answer: array [status, content type, body] */
};

/* A request to be made outside. */
struct qun_http_fetch {
  uint32_t struct_size;
  uint32_t tries;   /* how often at most while nothing answers, 1..12; 0: 3 */
  qun_slice key;    /* 1..200 bytes, unique among this plugin's fetches, jobs and outbox rows of the tenant */
  qun_slice method; /* GET, POST, PUT, PATCH, DELETE */
  qun_slice
      url; /* "https://api.example.com/v1/things?x=1": lower-case host, no user, no fragment; at most 1000 bytes */
  qun_slice headers; /* msgpack map of lower-case names to texts, or empty */
  qun_slice body;    /* at most 256 KiB */
};

#define QUN_HTTP_CLIENT_1 "qun.http_client/1"
/* Requests to other machines, made by the host after the commit. The tenant's owner approves the hosts: the plugin's manifest has a setting
   "http_hosts" (kind list, default empty) that the owner fills. The host takes https alone, checks certificates and that the address is
   public, follows no redirect and uses no proxy. What is answered becomes a record "http.answer" in the log, which this plugin alone hears
   in on_event if it subscribes to it (subject: the key; fields: qun/events.h), so a replay hears the same and calls nobody. In a header's value the
   text {{secret:NAME}} becomes the secret that the operator keeps for this plugin and that host (sdk/docs/manifest.md). Since ABI 1.1. */
struct qun_http_client_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] on_event and on_timer only. Puts a request down, to be made once this event is committed; does not block; copies what it is given. At least
     once: a crash may repeat it, so a request that changes something should carry a key of its own for the other side. QUN_EDENIED:
     outside handlers, or the host is not approved. QUN_ECONFLICT: the key was used before. QUN_EINVAL says what is wrong with it. */
  int (*fetch)(const struct qun_host *host, qun_handle tenant, const struct qun_http_fetch *request);
};

#define QUN_WORK_1 "qun.work/1"
/* Work that takes long, away from the tenant's thread. The work is a call of one of the plugin's own services that its manifest calls pure, with no
   keyspace. What it replies becomes a record "work.answer" in the log, which this plugin alone hears in on_event if it subscribes to it (subject: the
   key; fields: qun/events.h), so a replay hears the same and does the work never again. Since ABI 1.1. */
struct qun_work_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] on_event and on_timer only. Puts the work down, to be begun once this event is committed; does not block; copies what it is given. `key`: as a
     fetch's. `params`: msgpack map, at most 1 MiB. The reply must be a map of at most 256 KiB. QUN_EDENIED: outside handlers, or
     the service is not the plugin's own and pure. QUN_ECONFLICT: the key was used before. QUN_EINVAL. */
  int (*submit)(const struct qun_host *host, qun_handle tenant, qun_slice key, const char *service, qun_slice params);
};

enum { QUN_SECRET_HMAC_SHA256 = 1, QUN_SECRET_HMAC_SHA1 = 2 };

#define QUN_SECRETS_1 "qun.secrets/1"
/* Secrets that the operator keeps beside the tenant's keys, by name, each for one plugin. A plugin never sees one: it has the host fill them in
   (qun.http_client/1), or check what was made with them. Since ABI 1.1. */
struct qun_secrets_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] on_request only (secrets are no part of the log), not in pure services. 0: `signature` is what `algorithm` (QUN_SECRET_*) makes of `message` with the
     secret, in raw bytes; compared in constant time. Reads a small file. QUN_EDENIED: it is not, or the callback is another. QUN_ENOTFOUND: this plugin has no
     secret of that name. QUN_EINVAL: no such algorithm. */
  int (*verify)(const struct qun_host *host, qun_handle tenant, const char *name, uint32_t algorithm, qun_slice message,
                qun_slice signature);
};

enum { QUN_VERDICT_RELEASE = 1, QUN_VERDICT_BLOCK = 2 };

#define QUN_INTERCEPT_1 "qun.intercept/1"
/* A say in what is about to leave. The manifest's `intercept` names kinds of delivery, a deadline, and what holds when it has passed. An outbox row of
   another plugin of such a kind is then held, and this plugin hears "intercept.asked", which it must subscribe to (subject: the row's key; fields:
   qun/events.h). It answers in that handler or in any later one; nobody waits meanwhile. Verdict and lapse are records. A gated row needs
   compliance's word besides. Of several plugins for one kind the first in order is asked. Since ABI 1.1. */
struct qun_intercept_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* [loop] on_event and on_timer only. Decides on a row: `token` is that of the event. `verdict`: QUN_VERDICT_*. `reason`: for people, at most 200 bytes; may be
     empty. `patch`: msgpack map whose members take the place of those of the row's body, or empty. Does not block; copies what it is given. QUN_ENOTFOUND: there is no
     such row that this plugin was asked about. QUN_ECONFLICT: it is decided, or the deadline has passed. QUN_EDENIED outside handlers; QUN_EINVAL. */
  int (*complete)(const struct qun_host *host, qun_handle tenant, qun_slice token, uint32_t verdict, qun_slice reason,
                  qun_slice patch);
};

/* ---------------------------------------------------------------- entry */

/* Checked before anything else of a plugin is used. */
struct qun_magic {
  uint32_t struct_size;
  uint32_t pointer_size; /* sizeof(void *) */
  uint32_t abi_major;
  uint32_t abi_minor;
  uint32_t sdk_version;
  uint32_t reserved;
  char id[32];      /* the manifest's id, NUL-terminated */
  char version[32]; /* the manifest's version */
};

typedef const struct qun_plugin *(*qun_entry_v1)(const struct qun_magic **magic);

#ifdef __cplusplus
#define QUN__EXTERN_C extern "C"
#else
#define QUN__EXTERN_C
#endif

/* Defines the entry of a plugin, once in a shared object:
     static const struct qun_plugin points = { .struct_size = sizeof(struct qun_plugin), .create = create, ... };
     QUN_PLUGIN("points", "1.0.0", points)                                                                          */
#define QUN_PLUGIN(ID, VERSION, VTABLE)                                                                                \
  QUN__EXTERN_C QUN_EXPORT const struct qun_plugin *qun_plugin_v1(const struct qun_magic **magic);                     \
  const struct qun_plugin *qun_plugin_v1(const struct qun_magic **magic) {                                             \
    static const struct qun_magic qun__magic = {(uint32_t)sizeof(struct qun_magic),                                    \
                                                (uint32_t)sizeof(void *),                                              \
                                                QUN_ABI_MAJOR,                                                         \
                                                QUN_ABI_MINOR,                                                         \
                                                QUN_SDK_VERSION,                                                       \
                                                0,                                                                     \
                                                ID,                                                                    \
                                                VERSION};                                                              \
    *magic = &qun__magic;                                                                                              \
    return &(VTABLE);                                                                                                  \
  }

/* ---------------------------------------------------------------- slices */

/* Names bytes; copies nothing. */
static inline qun_slice qun_slice_of(const void *ptr, size_t len) {
  qun_slice s;
  s.ptr = ptr;
  s.len = (uint64_t)len;
  return s;
}

/* A C string without its NUL. NULL gives the empty slice. */
static inline qun_slice qun_str(const char *text) {
  return qun_slice_of(text, text ? strlen(text) : 0);
}

/* 1 if both have the same bytes. */
static inline int qun_slice_eq(qun_slice a, qun_slice b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, (size_t)a.len) == 0);
}

/* 1 if `s` is exactly the C string `text`. */
static inline int qun_slice_is(qun_slice s, const char *text) {
  return qun_slice_eq(s, qun_str(text));
}

/* Bytewise order, shorter first: the order of keys. */
static inline int qun_slice_cmp(qun_slice a, qun_slice b) {
  size_t n = (size_t)(a.len < b.len ? a.len : b.len);
  int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
  if (c != 0) return c;
  return a.len < b.len ? -1 : (a.len > b.len ? 1 : 0);
}

#ifdef __cplusplus
}
#endif
#endif
