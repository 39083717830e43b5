/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's settings as of a place in its log. The log is the truth (records qun.settings and qun.plugin); table META
 * keeps what they add up to:
 *   "set/<key>"  -> text as a person wrote it: profile keys (title, zone, ...) and "plugin.key"
 * A config is made from it whenever such a record is applied, and does not change after that.
 */
#ifndef QUN_HOST_ENGINE_CONFIG_H
#define QUN_HOST_ENGINE_CONFIG_H

#include "host/plugins/plugin_set.h"
#include "tenants/meta.h"
#include "tenants/profile.h"

#include <qun/msgpack.h>
#include <stdatomic.h>

struct qun_config {
  atomic_uint refs;
  char name[64];
  char title[204], locale[44], zone[64], currency[8], country[8], sector[44];
  bool simulated, seal_text;
#define X(name, least, most, otherwise, what) uint64_t name;
  QUN_PROFILE_NUMBERS(X)
#undef X
  uint32_t live;                             /* bit n: plugin n is live */
  uint32_t parked;                           /* bit n: plugin n is held though nobody switched it off */
  struct qun_pack settings[QUN_PLUGINS_MAX]; /* msgpack map a plugin gets */
};

/* Reads META. `overrides` (may be empty): msgpack map key -> text that wins over what the log says (what-if). A value
   that no longer fits the manifest falls back to its default. QUN_EFAIL. The result has one reference. */
int qun_config_read(struct qun_config **out, const char *name, const struct qun_view *v,
                    const struct qun_plugin_set *plugins, qun_slice overrides, struct qun_error *err);
struct qun_config *qun_config_ref(struct qun_config *c);
/* NULL is fine. */
void qun_config_unref(struct qun_config *c);
/* Checks one change ("zone", "growth.core_share") before it goes to the log. QUN_EINVAL names the key and its bounds.
 */
int qun_config_check(const struct qun_plugin_set *plugins, const char *key, const char *value, struct qun_error *err);
/* Writes what a qun.settings record says into META: `values` is its map key -> text. */
int qun_config_store(struct qun_batch *b, qun_slice values);
/* The plugin's info for on_tenant; borrows from the config. */
void qun_config_info(const struct qun_config *c, uint32_t plugin, struct qun_tenant_info *info);

#endif
