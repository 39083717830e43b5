/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report model, read and checked: what the faces draw from. Internal to host/reports. All memory is the arena's;
 * slices of the model's bytes are borrowed from them. One thread.
 */
#ifndef QUN_HOST_REPORTS_MODEL_H
#define QUN_HOST_REPORTS_MODEL_H

#include "host/reports/report.h"
#include "tenants/arena.h"

enum qun__kind {
  QUN__INT = 0,
  QUN__RATIO,
  QUN__MONEY,
  QUN__DAY,
  QUN__MONTH,
  QUN__TIME,
  QUN__DURATION, /* formatted by the speaker */
  QUN__BOOL,
  QUN__STR,
  QUN__TEXT,
  QUN__MEMBER,
  QUN__KINDS
};

struct qun__text {
  qun_slice id;    /* message id; empty: `shown` is as the model has it */
  qun_slice args;  /* msgpack map, or empty */
  qun_slice shown; /* in the reader's language, once spoken */
};

struct qun__value {
  enum qun__kind kind;
  bool known;            /* false: nil */
  int64_t number;        /* all kinds but str and text; bool: 0 or 1 */
  struct qun__text text; /* str, text: what they are; others: `shown` once spoken */
  qun_slice currency;    /* money; or empty */
};

struct qun__column { /* also the x axis and a series of a chart, with `values` */
  qun_slice id;
  struct qun__text label;
  enum qun__kind kind;
  struct qun__value *values;
  uint32_t count;
};

struct qun__figure {
  qun_slice id;
  struct qun__text label, reason;
  struct qun__value value;
  qun_slice status; /* good, warn, bad, none */
  bool has_reason;
};

enum qun__section_kind { QUN__FIGURES = 1, QUN__TABLE, QUN__CHART, QUN__WORDS };

struct qun__section {
  qun_slice id;
  enum qun__section_kind kind;
  struct qun__text title, note, body;
  bool has_note;
  struct qun__figure *figures;
  uint32_t figures_count;
  struct qun__column *columns;
  uint32_t columns_count; /* table: without values; chart: x first, then the series */
  struct qun__value *cells;
  uint32_t rows;   /* table: rows x columns_count */
  qun_slice chart; /* line, bar, stacked, doughnut */
};

struct qun__term {
  qun_slice id, source;
  struct qun__text label, formula;
};

struct qun__model {
  qun_slice report, view;
  struct qun__text title;
  struct qun__value as_of, from, to;
  struct qun__section *sections;
  uint32_t sections_count;
  struct qun__term *glossary;
  uint32_t glossary_count;
};

extern const char *const qun__kind_names[QUN__KINDS];

/* 1 for kinds that stand to the right in a column. */
static inline int qun__kind_is_number(enum qun__kind kind) {
  return kind == QUN__INT || kind == QUN__RATIO || kind == QUN__MONEY || kind == QUN__DURATION;
}

/* Reads a model. QUN_EINVAL names section and place. */
int qun__model_read(struct qun__model *m, struct qun_arena *a, qun_slice bytes, struct qun_error *err);

/* Fills every `shown` by two calls of the speaker. */
int qun__model_speak(struct qun__model *m, struct qun_arena *a, const struct qun_report_reader *reader,
                     const struct qun_report_speaker *speaker, struct qun_error *err);

/* The faces; each appends to `out`. */
void qun__face_table(const struct qun__model *m, const struct qun_report_reader *r, struct qun_pack *out);
void qun__face_json(const struct qun__model *m, const struct qun_report_reader *r, struct qun_pack *out);
void qun__face_csv(const struct qun__model *m, const struct qun_report_reader *r, struct qun_pack *out);
void qun__face_html(const struct qun__model *m, const struct qun_report_reader *r, struct qun_pack *out);

#endif
