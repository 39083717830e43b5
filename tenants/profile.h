/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenant.yaml: a tenant's profile. Starter profiles are tenants/profiles/<name>.yaml, embedded at build.
 */
#ifndef QUN_TENANTS_PROFILE_H
#define QUN_TENANTS_PROFILE_H

#include "tenants/error.h"

#include <stdbool.h>
#include <stdint.h>

struct qun_profile_setting { /* "growth.core_share": "0.2", as written */
  char *name;
  char *value;
};

/* What a tenant may use, and its share: X(name, least, most, otherwise, what). A profile without one has `otherwise`. */
#define QUN_PROFILE_NUMBERS(X)                                                                                         \
  X(quota_bytes, 1ull << 20, 1ull << 44, 1ull << 30, "bytes of the store")                                             \
  X(quota_events_s, 0, 1ull << 40, 0, "events a second, 0: any")                                                       \
  X(quota_handler_ms, 0, 1000, 0, "ms of handler time a second, 0: any")                                               \
  X(quota_members, 0, 1ull << 40, 0, "members, 0: any")                                                                \
  X(weight, 1, 100, 1, "share beside other tenants when a shard is busy")

struct qun_profile {
  char *name, *title;
  char *locale;   /* BCP 47 */
  char *zone;     /* IANA */
  char *currency; /* ISO 4217 */
  char *country;  /* ISO 3166 */
  char *sector;   /* retail, education, medical, finance, games, ... */
  bool simulated;
  bool seal_text;
#define X(name, least, most, otherwise, what) uint64_t name;
  QUN_PROFILE_NUMBERS(X)
#undef X
  char **plugins;
  uint32_t plugins_count; /* enabled */
  struct qun_profile_setting *settings;
  uint32_t settings_count;
};

/* Reads <dir>/tenant.yaml (libyaml). QUN_ENOTFOUND; QUN_EINVAL names file, line and key. Blocking. */
int qun_profile_load(struct qun_profile **out, const char *dir, struct qun_error *err);
/* A starter profile by name. QUN_ENOTFOUND lists the names there are. */
int qun_profile_starter(struct qun_profile **out, const char *profile, struct qun_error *err);
/* Writes <dir>/tenant.yaml by rename after fsync. Blocking. */
int qun_profile_save(const struct qun_profile *p, const char *dir, struct qun_error *err);
struct qun_profile *qun_profile_copy(const struct qun_profile *p);
/* NULL is fine. */
void qun_profile_destroy(struct qun_profile *p);
/* Sets a profile key or "plugin.key"; the value is checked for profile keys only. QUN_EINVAL names key and bounds. */
int qun_profile_set(struct qun_profile *p, const char *key, const char *value, struct qun_error *err);
const char *qun_profile_get(const struct qun_profile *p, const char *setting);

#endif
