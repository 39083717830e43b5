/* SPDX-License-Identifier: Apache-2.0 */
/* Reaches every type of qun/plugin.h, for abidw: what is reached from an exported function is what crosses between a host and a plugin. */
#include <qun/plugin.h>

#define SURFACE(STRUCT)                                                                                                \
  QUN_EXPORT uint32_t surface_##STRUCT(const struct STRUCT *it);                                                       \
  uint32_t surface_##STRUCT(const struct STRUCT *it) {                                                                 \
    return it ? (uint32_t)sizeof *it : 0;                                                                              \
  }

SURFACE(qun_plugin)
SURFACE(qun_host)
SURFACE(qun_magic)
SURFACE(qun_pair)
SURFACE(qun_store_v1)
SURFACE(qun_store_v2)
SURFACE(qun_store_op)
SURFACE(qun_events_v1)
SURFACE(qun_timer_v1)
SURFACE(qun_calendar_v1)
SURFACE(qun_reply_v1)
SURFACE(qun_outbox_v1)
SURFACE(qun_call_v1)
SURFACE(qun_package_v1)
SURFACE(qun_metrics_v1)
SURFACE(qun_http_v1)
SURFACE(qun_http_client_v1)
SURFACE(qun_work_v1)
SURFACE(qun_secrets_v1)
SURFACE(qun_intercept_v1)
