/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where to look for words when a locale has none: the spellings of the locale, then its parents, by CLDR's likely
 * subtags and parent locales (UTS #35) as ICU has them. zh-TW gives zh-TW, zh-Hant-TW, zh-Hant; never zh, which is
 * written in other signs. Any thread, no blocking after ICU's data is in memory.
 */
#ifndef QUN_PLUGINS_I18N_LOCALE_CHAIN_H
#define QUN_PLUGINS_I18N_LOCALE_CHAIN_H

#include <qun/plugin.h>

enum { QUN_LOCALE_MAX = 64, QUN_CHAIN_MAX = 20 };

struct qun__chain {
  char tag[QUN_CHAIN_MAX][QUN_LOCALE_MAX]; /* BCP 47, from the wanted one outwards, none twice */
  uint32_t count;
};

/* Always gives at least one tag. Text that is no language tag gives "und". */
void qun__chain_make(struct qun__chain *out, qun_slice locale);

/* The tag in its regular form ("zh_cn" to "zh-CN"). -1: no language tag. */
int qun__locale_tag(char *out, size_t size, qun_slice locale);

/* The one of `have` that a reader of `wanted` understands best: by CLDR's language matching, else the first in the same
   language (a reader of zh-Hant has more of zh-Hans than of English). -1: none. */
int qun__chain_nearest(const char *wanted, const char *const *have, uint32_t count);

#endif
