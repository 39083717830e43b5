/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/plugin_set.h"

const char *const qun_host_services[] = {QUN_STORE_1,    QUN_STORE_2,   QUN_EVENTS_1, QUN_TIMER_1,
                                         QUN_CALENDAR_1, QUN_REPLY_1,   QUN_OUTBOX_1, QUN_CALL_1,
                                         QUN_PACKAGE_1,  QUN_METRICS_1, NULL};
