/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/import.h"

#include "host/intake/import_internal.h"
#include "host/intake/normalise.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

/* In the order in which the first bytes are looked at. */
static const struct qun_importer *const importers[] = {
    &qun__import_slack,  &qun__import_chatlog_csv, &qun__import_chatlog_json, &qun__import_cloudevents,
    &qun__import_events, &qun__import_community,   &qun__import_discord,      &qun__import_telegram,
};
enum { IMPORTERS = sizeof importers / sizeof *importers };

struct qun_import {
  const struct qun_importer *importer;
  void *records;
  struct qun_import_options options;
  struct qun__import_context context;
  char *path, *name, *zone, *refused_dir;
  struct qun__record record;
  uint64_t reported;      /* ordinal of the entry last refused and written */
  struct qun_pack events; /* of the record */
  size_t given;
  struct qun_import_counts counts;
  FILE *refused;
  char *refused_path;
  bool refused_tried;
};

const struct qun_import_format_info *qun_import_format_at(size_t index) {
  return index < IMPORTERS ? &importers[index]->info : NULL;
}

/* ---------------------------------------------------------------- which format */

int qun__probe_has(const struct qun__probe *probe, const char *text) {
  return memmem(probe->head.ptr, (size_t)probe->head.len, text, strlen(text)) != NULL;
}

char qun__probe_first(const struct qun__probe *probe) {
  const char *at = probe->head.ptr, *end = at + probe->head.len;
  if (probe->head.len >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) at += 3;
  while (at < end && strchr(" \t\r\n", *at) && *at) at++;
  return at < end ? *at : '\0';
}

int qun__probe_line(const struct qun__probe *probe, struct qun_pack *out) {
  const char *at = probe->head.ptr, *end = at + probe->head.len;
  struct qun_unpack u;
  if (probe->head.len >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) at += 3;
  while (at < end && (*at == '\n' || *at == '\r')) at++;
  const char *stop = memchr(at, '\n', (size_t)(end - at));
  if (qun_json_to_msgpack(out, qun_slice_of(at, (size_t)((stop ? stop : end) - at)), NULL) < 0) return 0;
  qun_unpack_init(&u, qun_pack_slice(out));
  return qun_unpack_peek(&u) == QUN_MP_MAP;
}

static int read_head(struct qun__probe *probe, char *head, struct qun_error *err) {
  struct qun__source *s;
  size_t n = 0;
  ptrdiff_t got = 1;
  int rc = qun__source_open(&s, probe->path, err);
  if (rc < 0) return rc;
  while (n < QUN__HEAD && (got = qun__source_read(s, head + n, QUN__HEAD - n)) > 0) n += (size_t)got;
  head[n] = '\0';
  probe->head = qun_slice_of(head, n);
  if (got < 0 && n == 0) rc = qun_error_set(err, qun__source_error(s)->code, "%s", qun__source_error(s)->message);
  qun__source_close(s);
  return rc;
}

static int list_formats(struct qun_error *err, int code, const char *before) {
  char names[300] = "";
  for (size_t i = 0, at = 0; i < IMPORTERS && at < sizeof names; i++)
    at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", importers[i]->info.name);
  return qun_error_set(err, code, "%s; the formats are %s", before, names);
}

static int choose(struct qun_import *i, struct qun_error *err) {
  char text[400];
  struct stat st;
  struct qun__probe probe = {.path = i->path};
  int rc = QUN_OK;
  if (stat(i->path, &st) != 0)
    return qun_error_set(err, errno == ENOENT ? QUN_ENOTFOUND : QUN_EINVAL, "%s: %s", i->path, strerror(errno));
  for (size_t k = 0; k < IMPORTERS && i->options.format; k++)
    if (strcasecmp(importers[k]->info.name, i->options.format) == 0) i->importer = importers[k];
  if (i->importer) return QUN_OK;
  if (i->options.format) {
    snprintf(text, sizeof text, "there is no format \"%.60s\"", i->options.format);
    return list_formats(err, QUN_ENOTFOUND, text);
  }
  probe.folder = S_ISDIR(st.st_mode);
  char *head = malloc(QUN__HEAD + 1);
  if (!head) return qun_error_set(err, QUN_EFAIL, "out of memory");
  *head = '\0';
  probe.head = qun_slice_of(head, 0);
  if (!probe.folder) rc = read_head(&probe, head, err);
  for (size_t k = 0; k < IMPORTERS && rc == 0 && !i->importer; k++)
    if (importers[k]->sniff(&probe)) i->importer = importers[k];
  free(head);
  if (rc < 0 || i->importer) return rc;
  snprintf(text, sizeof text, "%.300s: its first bytes are of no known format", i->path);
  return list_formats(err, QUN_EINVAL, text);
}

/* ---------------------------------------------------------------- life */

/* "exports/a.jsonl.zst" to "a" */
static char *plain_name(const char *path) {
  const char *slash = strrchr(path, '/');
  const char *from = slash && slash[1] ? slash + 1 : path;
  size_t n = strcspn(from, "/");
  const char *dot = memchr(from + (n > 0), '.', n - (n > 0));
  return strndup(from, dot ? (size_t)(dot - from) : n);
}

static int copy_options(struct qun_import *i, const char *path, const struct qun_import_options *options) {
  if (options) i->options = *options;
  i->path = strdup(path);
  i->name = i->path ? plain_name(path) : NULL;
  i->zone = strdup(i->options.zone ? i->options.zone : "Asia/Shanghai");
  i->refused_dir = i->options.refused_dir ? strdup(i->options.refused_dir) : NULL;
  i->context.name = i->name;
  i->context.zone = i->zone;
  return i->path && i->name && i->zone && (i->refused_dir || !i->options.refused_dir);
}

int qun_import_open(struct qun_import **out, const char *path, const struct qun_import_options *options,
                    struct qun_error *err) {
  struct qun_import *i = calloc(1, sizeof *i);
  int rc;
  if (!i || !copy_options(i, path, options)) {
    rc = qun_error_set(err, QUN_EFAIL, "out of memory");
    goto fail;
  }
  if ((rc = choose(i, err)) < 0) goto fail;
  i->context.array = i->importer->array;
  if ((rc = i->importer->records->open(&i->records, path, &i->context, err)) < 0) goto fail;
  i->options.format = NULL; /* the caller's; not needed any more */
  *out = i;
  return QUN_OK;
fail:
  qun_import_close(i);
  return rc;
}

void qun_import_close(struct qun_import *i) {
  if (!i) return;
  if (i->records) i->importer->records->close(i->records);
  if (i->refused) fclose(i->refused);
  qun__seen_free(i->context.seen);
  qun_pack_fini(&i->context.root);
  qun_pack_fini(&i->context.tick_sums);
  qun_pack_fini(&i->events);
  free(i->path);
  free(i->name);
  free(i->zone);
  free(i->refused_dir);
  free(i->refused_path);
  free(i);
}

/* ---------------------------------------------------------------- refused entries */

static FILE *open_refused(struct qun_import *i, const char *dir) {
  const char *slash = strrchr(i->path, '/');
  const char *base = slash && slash[1] ? slash + 1 : i->path;
  char *path = NULL;
  size_t n = strlen(i->path);
  while (n > 1 && i->path[n - 1] == '/') n--; /* a folder */
  int made = dir ? asprintf(&path, "%s/%.*s.refused", dir, (int)strcspn(base, "/"), base)
                 : asprintf(&path, "%.*s.refused", (int)n, i->path);
  if (made < 0) return NULL;
  FILE *f = fopen(path, "wbe");
  if (!f) {
    free(path);
    return NULL;
  }
  i->refused_path = path;
  return f;
}

static void write_refused(struct qun_import *i, const struct qun_import_entry *entry) {
  struct qun_pack text;
  if (!i->refused_tried) {
    i->refused = open_refused(i, NULL);
    if (!i->refused && i->refused_dir) i->refused = open_refused(i, i->refused_dir);
  }
  i->refused_tried = true;
  if (!i->refused) return;
  qun_pack_init(&text);
  qun_slice raw = entry->raw;
  if (raw.len == 0 && entry->value.len > 0 && qun_msgpack_to_json(&text, entry->value, false, NULL) == 0)
    raw = qun_pack_slice(&text);
  if (raw.len > 0) fwrite(raw.ptr, 1, (size_t)raw.len, i->refused);
  fputc('\n', i->refused);
  fflush(i->refused);
  qun_pack_fini(&text);
}

/* An entry with several events may be refused more than once: it is told each time, and counted and written once. */
static void report(struct qun_import *i, const struct qun_import_entry *entry, const char *reason) {
  char file[600];
  struct qun_import_refusal refusal = {i->path, i->importer->unit, entry->number, reason};
  if (entry->file) {
    snprintf(file, sizeof file, "%s: %s", i->path, entry->file);
    refusal.file = file;
  }
  if (i->options.refused) i->options.refused(i->options.refused_arg, &refusal);
  if (i->reported == entry->ordinal) return;
  i->reported = entry->ordinal;
  i->counts.refused++;
  write_refused(i, entry);
}

static void report_record(struct qun_import *i, const char *reason) {
  struct qun_import_entry entry;
  qun_import_entry(i, &entry);
  report(i, &entry, reason);
}

void qun_import_refuse(struct qun_import *i, const struct qun_error *why) {
  report_record(i, why->message);
}

void qun_import_entry(const struct qun_import *i, struct qun_import_entry *entry) {
  *entry = (struct qun_import_entry){.ordinal = i->counts.entries,
                                     .number = i->record.number,
                                     .file = i->record.file,
                                     .raw = i->record.raw,
                                     .value = i->record.value};
}

void qun_import_refuse_entry(struct qun_import *i, const struct qun_import_entry *entry, const struct qun_error *why) {
  report(i, entry, why->message);
}

/* ---------------------------------------------------------------- reading */

/* The next record's events. 1 (perhaps with none), 0 at the end, or less. */
static int advance(struct qun_import *i, struct qun_error *err) {
  struct qun_error why = {0};
  qun_pack_clear(&i->events);
  i->given = 0;
  memset(&i->record, 0, sizeof i->record);
  int rc = i->importer->records->next(i->records, &i->record, err);
  if (rc <= 0) return rc;
  i->counts.entries++;
  if (i->record.reason[0]) {
    report_record(i, i->record.reason);
    return 1;
  }
  rc = i->importer->map(&i->context, i->record.value, &i->events, &why);
  if (i->events.failed) return qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc < 0) {
    qun_pack_clear(&i->events);
    report_record(i, why.message);
  } else if (i->events.len == 0) {
    i->counts.skipped++;
  }
  return 1;
}

int qun_import_next(struct qun_import *i, qun_slice *canonical, struct qun_error *err) {
  struct qun_unpack u;
  while (i->given == i->events.len) {
    int rc = advance(i, err);
    if (rc < 0 && err && strstr(err->message, i->path) == NULL) qun_error_prefix(err, "%s", i->path);
    if (rc <= 0) return rc;
  }
  qun_unpack_init(&u, qun_slice_of(i->events.buf + i->given, i->events.len - i->given));
  if (!qun_unpack_any(&u, canonical)) return qun_error_set(err, QUN_EFAIL, "%s: an event was not made whole", i->path);
  i->given += (size_t)canonical->len;
  i->counts.events++;
  return 1;
}

void qun_import_progress(const struct qun_import *i, uint64_t *done, uint64_t *total) {
  i->importer->records->progress(i->records, done, total);
}

void qun_import_counts(const struct qun_import *i, struct qun_import_counts *counts) {
  *counts = i->counts;
}

const char *qun_import_format(const struct qun_import *i) {
  return i->importer->info.name;
}

const char *qun_import_refused_path(const struct qun_import *i) {
  return i->refused_path;
}
