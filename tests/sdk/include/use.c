/* SPDX-License-Identifier: Apache-2.0 */
/* The least plugin, for both languages. */
#include <qun/decimal.h>
#include <qun/events.h>
#include <qun/plugin.h>
#include <qun/report.h>

static int create(const struct qun_host *host, qun_slice config, void **self) {
  (void)host;
  (void)config;
  *self = NULL;
  return 0;
}

static void destroy(void *self) {
  (void)self;
}

static const struct qun_plugin least = {
    (uint32_t)sizeof(struct qun_plugin), 0, create, destroy, NULL, NULL, NULL, NULL, NULL};

QUN_PLUGIN("least", "1.0.0", least)

#define ROW(name, flags, doc) {name, flags, doc},
extern const struct qun_event_type_info types[];
const struct qun_event_type_info types[] = {QUN_EVENT_TYPES(ROW)};
