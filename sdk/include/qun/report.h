/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qun/report.h: write a report model. A plugin answers "<plugin>.report" {view, from?, to?} (days since 1970-01-01) with one model;
 * the host gives it its faces (table, JSON, CSV, HTML) in the reader's language. Numbers stand in the model, words are message ids of
 * the plugin's catalogues (locales/<lang>.po) with named arguments.
 *
 * The model, as msgpack
 *   {report, view, title: T, as_of: ms, from: day, to: day, sections: [S...], glossary: [{id, label: T, formula: T, source}]}
 *   T  text: a plain string (shown as it is) or [message id, {argument: integer or text}]
 *   S  {id, title: T, note: T?, kind, ...} with kind
 *      figures  items:   [{id, label: T, kind, value, status: good|warn|bad|none, reason: T?}]
 *      table    columns: [{id, label: T, kind}], rows: [[value...]...]
 *      chart    chart: line|bar|stacked|doughnut, x: {label: T, kind, values: [...]}, series: [{id, label: T, kind, values: [...]}]
 *      text     body: T
 *   kinds of values: int, ratio (parts per million), money (minor units; S or model may name `currency`), day (days since 1970-01-01), month
 *      (months since 1970-01), time (ms), duration (ms), bool, str, text (a T), member (number). nil is "not known".
 * The host adds tenant, locale and `simulated`. The ids of sections, items and columns are a contract: scripts read them from the JSON.
 *
 * All functions: any thread, no blocking.
 */
#ifndef QUN_REPORT_H
#define QUN_REPORT_H

#include <qun/msgpack.h>

#ifdef __cplusplus
extern "C" {
#endif

struct qun_report {
  struct qun_pack pack;
  size_t at_sections;
  size_t at_glossary;
  size_t at_list; /* items or rows of the open section */
  uint32_t sections;
  uint32_t glossary;
  uint32_t list;
};

/* A text without arguments. */
static inline void qun_report_text(struct qun_pack *p, const char *id) {
  qun_pack_array(p, 2);
  qun_pack_cstr(p, id);
  qun_pack_map(p, 0);
}

/* A text with one integer argument. More: write [id, {..}] with qun_pack yourself. */
static inline void qun_report_text_int(struct qun_pack *p, const char *id, const char *name, int64_t value) {
  qun_pack_array(p, 2);
  qun_pack_cstr(p, id);
  qun_pack_map(p, 1);
  qun_pack_kv_int(p, name, value);
}

/* Begins a model: the plugin's id, the view, the title's message id, as of when (UTC milliseconds), from and to which local day. End it with
   qun_report_fini() in any case. */
static inline void qun_report_begin(struct qun_report *r, const char *report, const char *view, const char *title_id,
                                    int64_t as_of_ms, int32_t from_day, int32_t to_day) {
  memset(r, 0, sizeof *r);
  qun_pack_init(&r->pack);
  qun_pack_map(&r->pack, 8);
  qun_pack_kv_cstr(&r->pack, "report", report);
  qun_pack_kv_cstr(&r->pack, "view", view);
  qun_pack_cstr(&r->pack, "title");
  qun_report_text(&r->pack, title_id);
  qun_pack_kv_int(&r->pack, "as_of", as_of_ms);
  qun_pack_kv_int(&r->pack, "from", from_day);
  qun_pack_kv_int(&r->pack, "to", to_day);
  qun_pack_cstr(&r->pack, "sections");
  r->at_sections = qun_pack_open_array(&r->pack);
}

static inline void qun__report_section(struct qun_report *r, const char *id, const char *title_id, const char *kind,
                                       uint32_t members) {
  r->sections++;
  r->list = 0;
  qun_pack_map(&r->pack, 3 + members);
  qun_pack_kv_cstr(&r->pack, "id", id);
  qun_pack_cstr(&r->pack, "title");
  qun_report_text(&r->pack, title_id);
  qun_pack_kv_cstr(&r->pack, "kind", kind);
}

/* A section of single figures: qun_report_figure() for each, then qun_report_list_end(). */
static inline void qun_report_figures(struct qun_report *r, const char *id, const char *title_id) {
  qun__report_section(r, id, title_id, "figures", 1);
  qun_pack_cstr(&r->pack, "items");
  r->at_list = qun_pack_open_array(&r->pack);
}

/* A figure of that section. kind: of the value; status: good, warn, bad, none; NULL is none. */
static inline void qun_report_figure(struct qun_report *r, const char *id, const char *label_id, const char *kind,
                                     int64_t value, const char *status) {
  r->list++;
  qun_pack_map(&r->pack, 5);
  qun_pack_kv_cstr(&r->pack, "id", id);
  qun_pack_cstr(&r->pack, "label");
  qun_report_text(&r->pack, label_id);
  qun_pack_kv_cstr(&r->pack, "kind", kind);
  qun_pack_kv_int(&r->pack, "value", value);
  qun_pack_kv_cstr(&r->pack, "status", status ? status : "none");
}

/* A table: qun_report_column() for each column, qun_report_rows(), for each row qun_report_row() followed by its values written to
   r->pack, then qun_report_list_end(). */
static inline void qun_report_table(struct qun_report *r, const char *id, const char *title_id) {
  qun__report_section(r, id, title_id, "table", 2);
  qun_pack_cstr(&r->pack, "columns");
  r->at_list = qun_pack_open_array(&r->pack);
}

/* A column of that table. */
static inline void qun_report_column(struct qun_report *r, const char *id, const char *label_id, const char *kind) {
  r->list++;
  qun_pack_map(&r->pack, 3);
  qun_pack_kv_cstr(&r->pack, "id", id);
  qun_pack_cstr(&r->pack, "label");
  qun_report_text(&r->pack, label_id);
  qun_pack_kv_cstr(&r->pack, "kind", kind);
}

/* Ends the items, rows or series of the section. */
static inline void qun_report_list_end(struct qun_report *r) {
  qun_pack_close(&r->pack, r->at_list, r->list);
}

/* Ends the columns: rows follow. */
static inline void qun_report_rows(struct qun_report *r) {
  qun_report_list_end(r);
  r->list = 0;
  qun_pack_cstr(&r->pack, "rows");
  r->at_list = qun_pack_open_array(&r->pack);
}

/* A row: so many values follow in r->pack. */
static inline void qun_report_row(struct qun_report *r, uint32_t values) {
  r->list++;
  qun_pack_array(&r->pack, values);
}

/* A chart over n places of the x axis: then n x values written to r->pack, then for each series qun_report_series() and n values,
   then qun_report_list_end(). */
static inline void qun_report_chart(struct qun_report *r, const char *id, const char *title_id, const char *chart,
                                    const char *x_label_id, const char *x_kind, uint32_t n) {
  qun__report_section(r, id, title_id, "chart", 3);
  qun_pack_kv_cstr(&r->pack, "chart", chart);
  qun_pack_cstr(&r->pack, "x");
  qun_pack_map(&r->pack, 3);
  qun_pack_cstr(&r->pack, "label");
  qun_report_text(&r->pack, x_label_id);
  qun_pack_kv_cstr(&r->pack, "kind", x_kind);
  qun_pack_cstr(&r->pack, "values");
  qun_pack_array(&r->pack, n);
}

/* After the x values, once, before the first series. */
static inline void qun_report_chart_series(struct qun_report *r) {
  qun_pack_cstr(&r->pack, "series");
  r->at_list = qun_pack_open_array(&r->pack);
}

/* A series of that chart: n values follow in r->pack. */
static inline void qun_report_series(struct qun_report *r, const char *id, const char *label_id, const char *kind,
                                     uint32_t n) {
  r->list++;
  qun_pack_map(&r->pack, 4);
  qun_pack_kv_cstr(&r->pack, "id", id);
  qun_pack_cstr(&r->pack, "label");
  qun_report_text(&r->pack, label_id);
  qun_pack_kv_cstr(&r->pack, "kind", kind);
  qun_pack_cstr(&r->pack, "values");
  qun_pack_array(&r->pack, n);
}

/* A section of words; the body is written next to r->pack with qun_report_text() or by hand. */
static inline void qun_report_words(struct qun_report *r, const char *id, const char *title_id) {
  qun__report_section(r, id, title_id, "text", 1);
  qun_pack_cstr(&r->pack, "body");
}

/* After the last section: the glossary, one qun_report_term() for each metric, then qun_report_end(). */
static inline void qun_report_glossary(struct qun_report *r) {
  qun_pack_close(&r->pack, r->at_sections, r->sections);
  qun_pack_cstr(&r->pack, "glossary");
  r->at_glossary = qun_pack_open_array(&r->pack);
}

/* `source`: the formula's source, such as a catalogue row "G59" or an article. */
static inline void qun_report_term(struct qun_report *r, const char *id, const char *label_id, const char *formula_id,
                                   const char *source) {
  r->glossary++;
  qun_pack_map(&r->pack, 4);
  qun_pack_kv_cstr(&r->pack, "id", id);
  qun_pack_cstr(&r->pack, "label");
  qun_report_text(&r->pack, label_id);
  qun_pack_cstr(&r->pack, "formula");
  qun_report_text(&r->pack, formula_id);
  qun_pack_kv_cstr(&r->pack, "source", source);
}

/* The whole model, borrowed until qun_report_fini(). Empty if memory ran out. */
static inline qun_slice qun_report_end(struct qun_report *r) {
  qun_pack_close(&r->pack, r->at_glossary, r->glossary);
  return r->pack.failed ? qun_slice_of(NULL, 0) : qun_pack_slice(&r->pack);
}

/* Gives the memory back. */
static inline void qun_report_fini(struct qun_report *r) {
  qun_pack_fini(&r->pack);
}

#ifdef __cplusplus
}
#endif
#endif
