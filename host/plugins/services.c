/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/plugin_set.h"

const char *const qun_host_services[] = {QUN_STORE_1,    QUN_STORE_2,   QUN_EVENTS_1,    QUN_TIMER_1,
                                         QUN_CALENDAR_1, QUN_REPLY_1,   QUN_OUTBOX_1,    QUN_CALL_1,
                                         QUN_PACKAGE_1,  QUN_METRICS_1, QUN_HTTP_1,      QUN_HTTP_CLIENT_1,
                                         QUN_WORK_1,     QUN_SECRETS_1, QUN_INTERCEPT_1, NULL};
