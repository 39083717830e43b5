/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <qun/days.h>

#include <qun/msgpack.h>

const struct growth_setting_info growth_setting_infos[] = {
#define INFO(NAME, KIND, DEFAULT) {#NAME, KIND, DEFAULT},
    GROWTH_SETTINGS(INFO)
#undef INFO
};
const unsigned growth_setting_count = sizeof growth_setting_infos / sizeof growth_setting_infos[0];

static int64_t read_one(qun_slice map, const char *name, const char *kind, int64_t fallback) {
  if (kind[0] == 'b') return qun_mp_bool(map, name, fallback != 0);
  return qun_mp_int(map, name, fallback);
}

void growth_settings_read(struct growth_settings *s, qun_slice map) {
  qun_slice start = qun_mp_str(map, "plan_start");
#define READ(NAME, KIND, DEFAULT) s->NAME = read_one(map, #NAME, KIND, DEFAULT);
  GROWTH_SETTINGS(READ)
#undef READ
  s->plan_start = INT32_MIN;
  (void)qun_day_parse(start, &s->plan_start);
}
