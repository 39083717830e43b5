/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internal to host/intake/import*.c. An importer is a reader of records and a map of one record to events:
 *   file -> source (plain or zstd) -> records (lines, elements of a JSON list, CSV rows, Slack's days) -> map ->
 * canonical events
 */
#ifndef QUN_HOST_INTAKE_IMPORT_INTERNAL_H
#define QUN_HOST_INTAKE_IMPORT_INTERNAL_H

#include "host/intake/import.h"
#include "host/ops/json.h"

enum { QUN__RECORD_MAX = 1024 * 1024, QUN__HEAD = 64 * 1024 };

/* ---------------------------------------------------------------- source: import_source.c */

struct qun__source;
int qun__source_open(struct qun__source **out, const char *path, struct qun_error *err);
void qun__source_close(struct qun__source *s);
/* Bytes read (0: the end), or less and the reason in qun__source_error. */
ptrdiff_t qun__source_read(void *source, void *buf, size_t size);
const struct qun_error *qun__source_error(const struct qun__source *s);
void qun__source_progress(const struct qun__source *s, uint64_t *done, uint64_t *total);
/* 1 and a line without its end, 0 at the end, QUN_EQUOTA: the line is longer than QUN__RECORD_MAX (its first bytes are
   given, the rest is stepped over), QUN_EINVAL or QUN_EFAIL: cannot go on. */
int qun__source_line(struct qun__source *s, qun_slice *line, struct qun_error *err);

/* ---------------------------------------------------------------- records */

/* What a map function may need beside the record. */
struct qun__import_context {
  const char *name; /* the file's name without folder and extensions */
  const char *zone;
  struct qun_pack root;   /* JSON document: its other members so far */
  struct qun__seen *seen; /* members whose profile was given */
  const char *array;      /* JSON document: name of the list, or NULL */
  int64_t tick;           /* chats without ids: the newest time, and sums of its messages, 16 bytes each */
  struct qun_pack tick_sums;
};

struct qun__record {
  uint64_t number;
  qun_slice value;  /* msgpack; empty if refused */
  qun_slice raw;    /* as it stands in the file, or as JSON; without line end; empty: the value as JSON */
  const char *file; /* inside an archive; NULL: none */
  char reason[496]; /* not empty: refused */
};

struct qun__records_ops {
  int (*open)(void **state, const char *path, struct qun__import_context *context, struct qun_error *err);
  /* 1 and a record (borrowed until the next call), 0 at the end, or less: cannot go on. */
  int (*next)(void *state, struct qun__record *record, struct qun_error *err);
  void (*progress)(const void *state, uint64_t *done, uint64_t *total);
  void (*close)(void *state);
};

extern const struct qun__records_ops qun__line_records; /* a JSON value a line */
extern const struct qun__records_ops qun__list_records; /* elements of a list in a JSON document */
extern const struct qun__records_ops qun__csv_records;  /* rows as maps: column's name to text */
extern const struct qun__records_ops qun__slack_records;

/* First bytes of a file, unpacked. */
struct qun__probe {
  const char *path;
  bool folder;
  qun_slice head; /* a NUL stands behind it */
};

struct qun_importer {
  struct qun_import_format_info info;
  const char *unit;
  const char *array;
  const struct qun__records_ops *records;
  /* 1 if the first bytes look like it. */
  int (*sniff)(const struct qun__probe *probe);
  /* Appends 0 or more canonical events. Less: the record is refused. */
  int (*map)(struct qun__import_context *context, qun_slice record, struct qun_pack *events, struct qun_error *err);
};

extern const struct qun_importer qun__import_community, qun__import_cloudevents, qun__import_events, qun__import_slack,
    qun__import_telegram, qun__import_discord, qun__import_chatlog_json, qun__import_chatlog_csv;

/* 1 if the head's first line is a JSON object; its value is appended to `out`. */
int qun__probe_line(const struct qun__probe *probe, struct qun_pack *out);
/* 1 if the head has that text. */
int qun__probe_has(const struct qun__probe *probe, const char *text);
/* The head's first character that is no space or byte-order mark. */
char qun__probe_first(const struct qun__probe *probe);

/* ---------------------------------------------------------------- writing events: import_event.c */

struct qun__event {
  struct qun_pack *out;
  size_t at, data_at;
  uint32_t count, data_count;
};

void qun__event_begin(struct qun__event *e, struct qun_pack *out, const char *type);
/* An attribute; an empty text is left out. */
void qun__event_text(struct qun__event *e, const char *name, qun_slice text);
void qun__event_format(struct qun__event *e, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void qun__event_time(struct qun__event *e, int64_t ms);
/* Attributes come before data. */
void qun__event_data(struct qun__event *e);
void qun__event_data_text(struct qun__event *e, const char *name, qun_slice text);
void qun__event_data_int(struct qun__event *e, const char *name, int64_t v);
void qun__event_data_bool(struct qun__event *e, const char *name, int v);
void qun__event_data_value(struct qun__event *e, const char *name, qun_slice value);
/* One text as a list. */
void qun__event_data_list(struct qun__event *e, const char *name, qun_slice text);
void qun__event_end(struct qun__event *e);

/* Text of a text or integer value in `buf` if it must be made; empty else. */
struct qun__digits {
  char text[24];
};
qun_slice qun__as_text(qun_slice map, const char *key, struct qun__digits *digits);

/* 1 if the member's profile was not given yet. */
int qun__profile_wanted(const struct qun__import_context *context, qun_slice member);
/* member.profile with the name that the export shows, once a member and import. */
void qun__event_profile(struct qun__import_context *context, struct qun_pack *out, const char *source, qun_slice member,
                        qun_slice name, qun_slice email, int64_t time_ms);
void qun__seen_free(struct qun__seen *seen);

/* "2026-11-21 16:00:00" (also with T, without seconds) in the zone to UTC ms; RFC 3339 as it is. 0 or QUN_EINVAL. */
int qun__local_time(qun_slice text, const char *zone, int64_t *ms);

#endif
