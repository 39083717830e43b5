/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many events to one tenant, in batches. While the host commits one batch the next is filled; the order is kept, for a
 * tenant's clock follows the events' own time. Functions answer an exit status and say on the command line's `err` what
 * went wrong. Blocking; one thread.
 */
#ifndef QUN_TOOLS_QUN_FEED_H
#define QUN_TOOLS_QUN_FEED_H

#include "tools/qun/cli.h"

enum { QUN_FEED_BATCH = 1000, QUN_FEED_BATCH_MAX = 10000, QUN_FEED_BYTES = 8 * 1024 * 1024 };

enum qun_feed_form {
  QUN_FEED_CANONICAL = 1, /* msgpack, host/intake/normalise.h; taken as history */
  QUN_FEED_CLOUDEVENTS    /* JSON texts of CloudEvents */
};

struct qun_feed_slot {
  struct qun_pack body;
  size_t at; /* of the list in the body */
  uint32_t count;
};

struct qun_feed {
  struct qun_cli *cli;
  enum qun_feed_form form;
  struct qun_pack events_path, imports_path;
  struct qun_feed_slot slots[2];
  int now;  /* slot being filled */
  int sent; /* slot on its way; -1 none */
  uint32_t batch;
  int64_t accepted, duplicates, conflicts, refused;
  /* Told of each event that the host refuses, by the place it was added at; optional. A place is used again after the
   * feed went past it twice. */
  void (*on_refused)(void *arg, int slot, uint32_t index, const char *reason);
  /* Told after each answer; optional. */
  void (*on_answer)(void *arg);
  void *arg;
};

/* Opens the client; `batch` events a request. Fini in any case. */
int qun_feed_init(struct qun_feed *f, struct qun_cli *cli, const char *tenant, enum qun_feed_form form, uint32_t batch);
void qun_feed_fini(struct qun_feed *f);
/* Where the next event will stand: slot 0 or 1, and index from 0 to batch - 1. */
void qun_feed_place(const struct qun_feed *f, int *slot, uint32_t *index);
int qun_feed_add(struct qun_feed *f, qun_slice event);
/* Sends what is left and waits for all answers. */
int qun_feed_flush(struct qun_feed *f);
/* Records that an import begins or ends. */
int qun_feed_import_begin(struct qun_feed *f, const char *format, const char *name);
int qun_feed_import_end(struct qun_feed *f);

#endif
