/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /: one page for people, in Chinese and English: it asks for a tenant, a token and a report and shows it. The page
 * holds no data of its own and keeps the token in memory only. Any thread, no blocking.
 */
#ifndef QUN_HOST_CONSOLE_PAGE_H
#define QUN_HOST_CONSOLE_PAGE_H

#include <qun/plugin.h>

qun_slice qun_console_page(void);
/* Its Content-Security-Policy. */
const char *qun_console_security(void);

#endif
