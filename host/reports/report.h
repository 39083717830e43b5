/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report's faces: one model (qun/report.h) as a terminal table, JSON, CSV or one HTML page, in the reader's language.
 * The same numbers everywhere. Words and number formats come from a speaker: the i18n plugin in the host, a fake in
 * tests.
 *
 * JSON: {report, view, title, tenant, tenant_title, simulated, as_of, from, to, locale, sections: {id: {kind, title,
 * note?, ...}}, glossary: {id: {label, formula, source}}} figures  items: {id: {label, kind, value, status, reason?}}
 *   table    columns: [{id, label, kind}], rows: [{column id: value}...]
 *   chart    chart, x: {label, kind, values}, series: [{id, label, kind, values}]
 *   text     body
 *   Values are raw, in the units of qun/report.h. A text value (and `reason`) is {id, args, text}, so that scripts need
 * not read words. CSV: RFC 4180, UTF-8 with a byte-order mark; one line a value: section, item, column, value (raw),
 * text. Text that a spreadsheet would take for a formula begins with an apostrophe. HTML: one file, nothing loaded from
 * elsewhere; its content security policy allows its own scripts and styles by hash only.
 */
#ifndef QUN_HOST_REPORTS_REPORT_H
#define QUN_HOST_REPORTS_REPORT_H

#include "tenants/error.h"

#include <qun/msgpack.h>

#include <stdbool.h>

struct qun_engine;

enum qun_report_face { QUN_FACE_TABLE = 1, QUN_FACE_JSON, QUN_FACE_CSV, QUN_FACE_HTML };

/* "table", "json", "csv", "html" to a face. 0, or QUN_EINVAL that lists them. Pure. */
int qun_report_face_parse(const char *name, enum qun_report_face *out, struct qun_error *err);
/* Content type for HTTP. Static. */
const char *qun_report_face_type(enum qun_report_face face);

/* Whose report, for whom. All borrowed. */
struct qun_report_reader {
  const char *tenant; /* name */
  const char *title;  /* display name */
  const char *plugin; /* text domain of the model's message ids */
  const char *locale; /* BCP 47, of the reader */
  const char *zone;
  const char *currency;
  bool simulated;
};

/* Where words come from. Both calls take a msgpack map and append a msgpack array of texts, one an item, to `reply`. 0,
 * or less with err. */
struct qun_report_speaker {
  void *arg;
  /* {locale, zone, currency, items: [{domain, id, args, n?}]}; n: args.n, for plurals */
  int (*render)(void *arg, qun_slice params, struct qun_pack *reply, struct qun_error *err);
  /* {locale, zone, currency, items: [{kind, value, currency?}]}; kind: int, ratio, money, day, month, time, duration */
  int (*format)(void *arg, qun_slice params, struct qun_pack *reply, struct qun_error *err);
};

/* Appends a model's face to `out` as text. QUN_EINVAL: the model is not well formed; names the place. Any thread;
 * blocks as the speaker does. */
int qun_report_draw(const struct qun_report_reader *reader, const struct qun_report_speaker *speaker, qun_slice model,
                    enum qun_report_face face, struct qun_pack *out, struct qun_error *err);

/* The same for a tenant of the engine, spoken by the i18n plugin. `locale` NULL: the tenant's. Blocking; not on an
 * engine callback's thread. */
int qun_report_render(struct qun_engine *e, const char *tenant, const char *plugin, qun_slice model,
                      enum qun_report_face face, const char *locale, struct qun_pack *out, struct qun_error *err);

#endif
