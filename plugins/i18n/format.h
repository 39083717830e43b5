/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as people read them, by ICU: one formatter for a locale and a time zone. Opened parts are kept, so that many
 * values cost little. One thread at a time; no blocking after ICU's data is in memory. All append UTF-8 to `out`. Units
 * as in qun/report.h.
 */
#ifndef QUN_PLUGINS_I18N_FORMAT_H
#define QUN_PLUGINS_I18N_FORMAT_H

#include <qun/msgpack.h>

struct qun__format;

/* `zone` NULL or empty: UTC. QUN_EINVAL: no such locale or zone. QUN_EFAIL. */
int qun__format_open(struct qun__format **out, const char *locale, const char *zone);
/* NULL is fine. */
void qun__format_close(struct qun__format *f);
const char *qun__format_locale(const struct qun__format *f);
const char *qun__format_zone(const struct qun__format *f);

void qun__format_int(struct qun__format *f, struct qun_pack *out, int64_t v);
/* Parts per million as a percentage with at most two digits behind the point. */
void qun__format_ratio(struct qun__format *f, struct qun_pack *out, int64_t ppm);
/* Minor units; `currency` ISO 4217 (three letters), else a plain number. Exact. */
void qun__format_money(struct qun__format *f, struct qun_pack *out, int64_t minor, const char *currency);
/* Days since 1970-01-01, months since 1970-01. No zone. */
void qun__format_day(struct qun__format *f, struct qun_pack *out, int64_t day);
void qun__format_month(struct qun__format *f, struct qun_pack *out, int64_t month);
/* UTC milliseconds, shown in the zone. */
void qun__format_time(struct qun__format *f, struct qun_pack *out, int64_t ms);
/* Milliseconds as the two largest units: "2 hr, 5 min". */
void qun__format_duration(struct qun__format *f, struct qun_pack *out, int64_t ms);

/* The CLDR plural category of a decimal number as it is written ("1", "1.50"): zero, one, two, few, many or other.
 * `ordinal`: 1st, 2nd, ... */
const char *qun__format_plural(struct qun__format *f, const char *decimal, int ordinal);

#endif
