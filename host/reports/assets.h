/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are built into the program: the page's style and script, and Chart.js as Debian ships it (MIT licence).
 * Static bytes. */
#ifndef QUN_HOST_REPORTS_ASSETS_H
#define QUN_HOST_REPORTS_ASSETS_H

#include <qun/plugin.h>

qun_slice qun__asset_style(void);
qun_slice qun__asset_script(void);
qun_slice qun__asset_chart_js(void);

#endif
