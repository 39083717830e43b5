/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.yaml: what is known of a plugin before any of its code runs. Read with libcyaml; sdk/docs/plugin.schema.json is the published schema.
 */
#ifndef QUN_HOST_PLUGINS_MANIFEST_H
#define QUN_HOST_PLUGINS_MANIFEST_H

#include "tenants/error.h"

#include <qun/events.h>
#include <qun/plugin.h>

#include <stdbool.h>

struct qun_text { /* words for people, in both languages */
  const char *en;
  const char *zh;
};

enum qun_setting_kind {
  QUN_SETTING_INT = 1,
  QUN_SETTING_RATIO,
  QUN_SETTING_MONEY,
  QUN_SETTING_BOOL,
  QUN_SETTING_STRING,
  QUN_SETTING_LIST
};

struct qun_setting {
  const char *name;
  enum qun_setting_kind kind;
  const char *unit;     /* "d", "min", "members", ... or NULL */
  const char *fallback; /* default as written: "0.15", "3", "true", "a,b" */
  bool has_min, has_max;
  int64_t min, max; /* in stored form: ratio in ppm, money in minor units */
  struct qun_text doc;
};

struct qun_manifest_field {
  const char *name;
  enum qun_field_kind kind;
  uint32_t flags; /* QUN_FIELD_* */
  const char *unit;
  const char *doc;
};

struct qun_manifest_type { /* an event type that the plugin defines */
  const char *name;
  uint32_t flags; /* QUN_TYPE_GOVERNS, QUN_TYPE_OPERATOR; QUN_TYPE_HOST when only the plugin may write it */
  const char *doc;
  struct qun_manifest_field *fields;
  uint32_t fields_count;
};

struct qun_manifest_service {
  const char *name; /* "<plugin>.<verb>" */
  const char *role; /* least role: auditor, operator, owner, agency; "plugin": only other plugins and the host */
  bool pure;
  bool emits; /* may append events */
  struct qun_text doc;
};

struct qun_manifest_route {                   /* an HTTP path below /v1/tenants/NAME/x/<plugin>/ */
  const char *path;                           /* "boards/{week}": a segment in braces takes any text */
  const char *method;                         /* GET, POST, PUT, DELETE */
  const struct qun_manifest_service *service; /* who answers; its role and `emits` count */
  const char **headers;                       /* lower case: those that the plugin is given */
  uint32_t headers_count;
  uint32_t max_body; /* bytes */
};

struct qun_manifest_intercept { /* a kind of delivery that the plugin has a say in */
  const char *via;
  int64_t deadline_ms; /* after it was put down, on the tenant's clock */
  bool open;           /* then it is released; else blocked */
};

enum { QUN_ROUTE_BODY = 65536, QUN_ROUTE_BODY_MAX = 1 << 20 };

struct qun_manifest_view { /* a view of the plugin's report */
  const char *name;
  struct qun_text doc;
};

struct qun_manifest {
  const char *id, *version;
  int abi;
  const char *library; /* file name in the package's folder */
  struct qun_text title, summary;
  const char **after;
  uint32_t after_count; /* plugins whose handlers run first */
  const char **requires;
  uint32_t requires_count; /* service ids */
  bool personal_text;      /* handlers see TEXT fields */
  const char *isolation;   /* any, in-process, isolated */
  const char **subscribe;
  uint32_t subscribe_count; /* event types; "*" all that come from outside */
  const char **emit;
  uint32_t emit_count; /* event types it may emit: own or core */
  struct qun_manifest_type *types;
  uint32_t types_count;
  struct qun_manifest_service *services;
  uint32_t services_count;
  struct qun_manifest_route *routes;
  uint32_t routes_count;
  struct qun_manifest_intercept *intercept;
  uint32_t intercept_count;
  struct qun_manifest_view *views;
  uint32_t views_count;
  struct qun_setting *settings;
  uint32_t settings_count;
  const char **locales;
  uint32_t locales_count;
  const char **files;
  uint32_t files_count;
  uint64_t store_bytes;     /* keyspace quota in a tenant; 0: the tenant's quota alone */
  uint32_t callback_ms;     /* how long a callback may take; 0: as the host says */
  unsigned char sha256[32]; /* of the bytes of plugin.yaml that were read */
  void *owner;              /* what destroy frees */
};

/* Reads <dir>/plugin.yaml. Every refusal names the file, the line where known, and the key. QUN_ENOTFOUND: no such file. QUN_EINVAL. Blocking. */
int qun_manifest_load(struct qun_manifest **out, const char *dir, struct qun_error *err);
/* NULL is fine. */
void qun_manifest_destroy(struct qun_manifest *m);

/* Reads one setting's value as a person writes it ("0.2", "3", "true", "a,b") into stored form, appended to `out` as one msgpack value.
   QUN_EINVAL names the setting and its bounds. */
struct qun_pack;
int qun_setting_parse(const struct qun_setting *s, const char *text, struct qun_pack *out, struct qun_error *err);

#endif
