/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a file: a JSON value a line, the elements of a list in a JSON document, or CSV rows. */
#include "host/intake/import_internal.h"
#include "host/intake/normalise.h"

#include <csv.h>
#include <stdlib.h>

struct records {
  struct qun__source *source;
  struct qun__import_context *context;
  uint64_t number;
  struct qun_pack value;
  struct qun_json_stream *stream; /* list */
  struct csv_parser csv;          /* CSV */
  bool csv_open;
  struct qun_pack columns; /* names of the first row, as texts one after the other */
  uint32_t columns_count;
  struct qun_pack row; /* texts of the row so far */
  uint32_t row_count;
  bool row_done;
  struct qun_pack raw; /* the row's lines as they stand in the file */
};

static void close_records(void *state) {
  struct records *r = state;
  if (!r) return;
  qun_json_stream_close(r->stream);
  if (r->csv_open) csv_free(&r->csv);
  qun__source_close(r->source);
  qun_pack_fini(&r->value);
  qun_pack_fini(&r->columns);
  qun_pack_fini(&r->row);
  qun_pack_fini(&r->raw);
  free(r);
}

static void progress(const void *state, uint64_t *done, uint64_t *total) {
  const struct records *r = state;
  qun__source_progress(r->source, done, total);
}

static int open_records(struct records **out, const char *path, struct qun__import_context *context,
                        struct qun_error *err) {
  struct records *r = calloc(1, sizeof *r);
  if (!r) return qun_error_set(err, QUN_EFAIL, "out of memory");
  r->context = context;
  int rc = qun__source_open(&r->source, path, err);
  if (rc < 0) {
    free(r);
    return rc;
  }
  *out = r;
  return QUN_OK;
}

static void refuse(struct qun__record *record, const char *reason) {
  snprintf(record->reason, sizeof record->reason, "%s", reason);
}

static qun_slice without_mark(qun_slice line) {
  if (line.len < 3 || memcmp(line.ptr, "\xef\xbb\xbf", 3) != 0) return line;
  return qun_slice_of((const char *)line.ptr + 3, (size_t)line.len - 3);
}

/* ---------------------------------------------------------------- lines */

static int line_open(void **state, const char *path, struct qun__import_context *context, struct qun_error *err) {
  struct records *r = NULL;
  int rc = open_records(&r, path, context, err);
  *state = r;
  return rc;
}

static int line_next(void *state, struct qun__record *record, struct qun_error *err) {
  struct records *r = state;
  struct qun_error why = {0};
  for (;;) {
    int rc = qun__source_line(r->source, &record->raw, err);
    if (rc <= 0 && rc != QUN_EQUOTA) return rc;
    record->number = ++r->number;
    if (rc == QUN_EQUOTA) {
      refuse(record, "the line is longer than 1 MiB");
      return 1;
    }
    if (r->number == 1) record->raw = without_mark(record->raw);
    if (record->raw.len > 0) break; /* empty lines are nothing */
  }
  qun_pack_clear(&r->value);
  if (qun_json_to_msgpack(&r->value, record->raw, &why) < 0) {
    const char *reason = strncmp(why.message, "line 1, ", 8) == 0 ? why.message + 8 : why.message;
    refuse(record, reason); /* "column 7: ..." */
  }
  record->value = qun_pack_slice(&r->value);
  return 1;
}

const struct qun__records_ops qun__line_records = {.open = line_open,
                                                   .next = line_next,
                                                   .progress = progress,
                                                   .close = close_records};

/* ---------------------------------------------------------------- elements of a list */

static int list_open(void **state, const char *path, struct qun__import_context *context, struct qun_error *err) {
  struct records *r;
  int rc = open_records(&r, path, context, err);
  if (rc < 0) return rc;
  if (qun_json_stream_open(&r->stream, context->array, qun__source_read, r->source) < 0) {
    close_records(r);
    return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  *state = r;
  return QUN_OK;
}

static int list_next(void *state, struct qun__record *record, struct qun_error *err) {
  struct records *r = state;
  struct qun_json_element e;
  int rc = qun_json_stream_next(r->stream, &e, err);
  if (rc < 0 && qun__source_error(r->source)->code != 0)
    return qun_error_set(err, qun__source_error(r->source)->code, "%s", qun__source_error(r->source)->message);
  if (rc <= 0) return rc;
  if (r->number == 0) qun_json_stream_root(r->stream, &r->context->root);
  r->number = record->number = e.number;
  record->value = e.value;
  if (e.reason) refuse(record, e.reason);
  return 1;
}

const struct qun__records_ops qun__list_records = {.open = list_open,
                                                   .next = list_next,
                                                   .progress = progress,
                                                   .close = close_records};

/* ---------------------------------------------------------------- CSV */

static void on_field(void *text, size_t n, void *state) {
  struct records *r = state;
  qun_pack_str(&r->row, qun_slice_of(text, n));
  r->row_count++;
}

static void on_row(int end, void *state) {
  (void)end;
  ((struct records *)state)->row_done = true;
}

/* One row, which may span lines. 1, 0 at the end, or less; QUN_EQUOTA: it is refused. */
static int read_row(struct records *r, uint64_t *first_line, struct qun_error *err) {
  qun_slice line;
  int rc;
  r->row_done = false;
  r->row_count = 0;
  *first_line = r->number + 1;
  qun_pack_clear(&r->row);
  qun_pack_clear(&r->raw);
  while ((rc = qun__source_line(r->source, &line, err)) == 1) {
    if (++r->number == 1) line = without_mark(line);
    if (r->raw.len > 0) qun_pack_raw(&r->raw, qun_str("\n"));
    qun_pack_raw(&r->raw, line);
    if (csv_parse(&r->csv, line.ptr, (size_t)line.len, on_field, on_row, r) != line.len ||
        csv_parse(&r->csv, "\n", 1, on_field, on_row, r) != 1 || r->row.failed || r->raw.failed)
      return qun_error_set(err, QUN_EFAIL, "out of memory");
    if (r->row_done) return 1;
    if (r->raw.len > QUN__RECORD_MAX)
      return qun_error_set(err, QUN_EINVAL,
                           "the row that begins on line %llu is longer than 1 MiB: a quote in it never ends",
                           (unsigned long long)*first_line);
    if (line.len == 0 && r->row_count == 0 && r->raw.len == 0) *first_line = r->number + 1; /* an empty line */
  }
  if (rc == QUN_EQUOTA) r->number++;
  if (rc != 0 || r->raw.len == 0) return rc;
  return qun_error_set(err, QUN_EINVAL, "the row that begins on line %llu has a quote that never ends",
                       (unsigned long long)*first_line);
}

static int csv_records_open(void **state, const char *path, struct qun__import_context *context,
                            struct qun_error *err) {
  struct records *r;
  uint64_t line;
  int rc = open_records(&r, path, context, err);
  if (rc < 0) return rc;
  if (csv_init(&r->csv, 0) != 0) {
    close_records(r);
    return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  r->csv_open = true;
  rc = read_row(r, &line, err);
  if (rc == 1 || rc == 0) {
    struct qun_pack swap = r->columns;
    r->columns = r->row;
    r->row = swap;
    r->columns_count = r->row_count;
    *state = r;
    return QUN_OK;
  }
  close_records(r);
  return rc == QUN_EQUOTA ? qun_error_set(err, QUN_EINVAL, "%s: the first line is longer than 1 MiB", path) : rc;
}

static int csv_next(void *state, struct qun__record *record, struct qun_error *err) {
  struct records *r = state;
  struct qun_unpack names, texts;
  qun_slice name, text;
  uint64_t line;
  int rc = read_row(r, &line, err);
  if (rc <= 0 && rc != QUN_EQUOTA) return rc;
  record->number = line;
  record->raw = qun_pack_slice(&r->raw);
  if (rc == QUN_EQUOTA) {
    refuse(record, "the line is longer than 1 MiB");
    return 1;
  }
  if (!qun_utf8_valid(record->raw)) {
    refuse(record, "not valid UTF-8 text without NUL");
    return 1;
  }
  if (r->row_count != r->columns_count) {
    snprintf(record->reason, sizeof record->reason, "the row has %u columns, the first line has %u", r->row_count,
             r->columns_count);
    return 1;
  }
  qun_pack_clear(&r->value);
  qun_pack_map(&r->value, r->columns_count);
  qun_unpack_init(&names, qun_pack_slice(&r->columns));
  qun_unpack_init(&texts, qun_pack_slice(&r->row));
  while (qun_unpack_str(&names, &name) && qun_unpack_str(&texts, &text)) {
    qun_pack_str(&r->value, name);
    qun_pack_str(&r->value, text);
  }
  record->value = qun_pack_slice(&r->value);
  return 1;
}

const struct qun__records_ops qun__csv_records = {.open = csv_records_open,
                                                  .next = csv_next,
                                                  .progress = progress,
                                                  .close = close_records};
