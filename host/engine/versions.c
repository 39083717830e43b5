/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/versions.h"

#include <stdio.h>
#include <unicode/ucal.h>
#include <unicode/uchar.h>
#include <unicode/uvernum.h>

void qun_versions_pack(struct qun_pack *out, const struct qun_plugin_set *plugins) {
  UErrorCode status = U_ZERO_ERROR;
  const char *tz = ucal_getTZDataVersion(&status);
  qun_pack_map(out, 1);
  qun_pack_cstr(out, "versions");
  qun_pack_map(out, 4 + plugins->count);
  qun_pack_kv_cstr(out, "qun", "0.1.0");
  qun_pack_kv_cstr(out, "icu", U_ICU_VERSION);
  qun_pack_kv_cstr(out, "unicode", U_UNICODE_VERSION);
  qun_pack_kv_cstr(out, "tzdata", U_SUCCESS(status) && tz ? tz : "unknown");
  for (uint32_t i = 0; i < plugins->count; i++) {
    char name[64];
    snprintf(name, sizeof name, "plugin.%s", plugins->plugins[i].manifest->id);
    qun_pack_kv_cstr(out, name, plugins->plugins[i].manifest->version);
  }
}
