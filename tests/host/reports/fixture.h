/* SPDX-License-Identifier: Apache-2.0 */
/* A model with every kind of section and value, and a speaker that needs no plugin. */
#ifndef QUN_TESTS_HOST_REPORTS_FIXTURE_H
#define QUN_TESTS_HOST_REPORTS_FIXTURE_H

#include "host/reports/report.h"

#include <qun/report.h>

/* Says "en:<id>" or "zh:<id>" with "(n)" when there is a plural, and "<kind>:<value>" for numbers. */
extern const struct qun_report_speaker fixture_speaker;
/* A speaker that answers one text too few. */
extern const struct qun_report_speaker fixture_short_speaker;

struct qun_report_reader fixture_reader(const char *locale);
/* A whole model; `word` is put where a plugin would put what a member wrote. Fini with qun_report_fini. */
qun_slice fixture_model(struct qun_report *r, const char *word);
/* One face as a C string; free it. */
char *fixture_draw(const char *locale, const char *word, enum qun_report_face face);

#endif
