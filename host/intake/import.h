/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of many formats to canonical events. An import never stops at a bad entry: it names file, place and reason,
 * goes on, and leaves the refused entries as they were in FILE.refused beside the file. Needs memory for one entry
 * (Slack: one day). Blocking; one thread at a time.
 *
 *   open; while (next == 1) { if (qun_normalise(...) < 0) qun_import_refuse(...); ... } close
 */
#ifndef QUN_HOST_INTAKE_IMPORT_H
#define QUN_HOST_INTAKE_IMPORT_H

#include "tenants/error.h"

#include <qun/msgpack.h>

struct qun_import;

struct qun_import_refusal {
  const char *file; /* as it was named at open; in an archive with the entry's name */
  const char *unit; /* "line" or "entry" */
  uint64_t number;  /* from 1 */
  const char *reason;
};

struct qun_import_options {
  const char *format;      /* a name of qun_import_format_at; NULL: from the first bytes */
  const char *zone;        /* IANA zone of times that have none; NULL: Asia/Shanghai */
  const char *refused_dir; /* where FILE.refused goes if its own folder is not writable; NULL: nowhere */
  void (*refused)(void *arg, const struct qun_import_refusal *refusal); /* told of each; NULL: nobody */
  void *refused_arg;
};

struct qun_import_counts {
  uint64_t entries; /* read, good or bad */
  uint64_t events;  /* given by next */
  uint64_t skipped; /* entries that are no event, such as "pinned a message" */
  uint64_t refused; /* entries */
};

/* QUN_ENOTFOUND: no such file, or no such format (the message lists them). QUN_EINVAL: no format is recognised, or it
 * is not of the format named. */
int qun_import_open(struct qun_import **out, const char *path, const struct qun_import_options *options,
                    struct qun_error *err);
/* NULL is fine. */
void qun_import_close(struct qun_import *i);
/* 1 and the next event (borrowed until the next call), 0 at the end, or less: the file cannot be read further (what
   came before was good): QUN_EINVAL: cut off or broken; QUN_EFAIL: memory or disk. */
int qun_import_next(struct qun_import *i, qun_slice *canonical, struct qun_error *err);
/* The newest event was refused behind the import: its entry is reported and written to FILE.refused like the others. */
void qun_import_refuse(struct qun_import *i, const struct qun_error *why);
/* For a caller that learns of refusals only later: what is needed of an event's entry then. */
struct qun_import_entry {
  uint64_t ordinal; /* among all entries read, from 1 */
  uint64_t number;  /* in its file, from 1 */
  const char *file; /* inside an archive; NULL: none */
  qun_slice raw;    /* the entry as it stands in the file; empty: only `value` is known */
  qun_slice value;  /* as msgpack */
};
/* The newest event's entry, borrowed until the next call of qun_import_next. */
void qun_import_entry(const struct qun_import *i, struct qun_import_entry *entry);
/* An entry given earlier (the caller's copy) was refused behind the import. Entries are refused in the order of the
 * file. */
void qun_import_refuse_entry(struct qun_import *i, const struct qun_import_entry *entry, const struct qun_error *why);
/* Bytes of the file read so far and in all. */
void qun_import_progress(const struct qun_import *i, uint64_t *done, uint64_t *total);
void qun_import_counts(const struct qun_import *i, struct qun_import_counts *counts);
/* "community", "slack", ... */
const char *qun_import_format(const struct qun_import *i);
/* Where refused entries went; NULL: there are none, or no folder could be written. */
const char *qun_import_refused_path(const struct qun_import *i);

/* What there is: index 0, 1, ... until NULL. */
struct qun_import_format_info {
  const char *name, *title, *extensions;
};
const struct qun_import_format_info *qun_import_format_at(size_t index);

#endif
