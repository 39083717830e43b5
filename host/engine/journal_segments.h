/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal's files, <data>/journal/NNNN.seg: of one size, filled with zeros and synced before use, since overwriting
 * and syncing is twice as quick as appending (PERFORMANCE.md, point 1); used again once all that is in them is durable
 * in the stores. A page of head (magic, UUID of the journal's life, number of the first entry, checksum), then entries.
 * Each life of the journal (each opening of the engine) has a UUID of its own and counts from 1.
 * One thread at a time, unless said otherwise. Blocking.
 */
#ifndef QUN_HOST_ENGINE_JOURNAL_SEGMENTS_H
#define QUN_HOST_ENGINE_JOURNAL_SEGMENTS_H

#include "tenants/error.h"

#include <qun/plugin.h>
#include <stdbool.h>
#include <stdint.h>

enum { QUN_SEGMENT_HEAD = 4096, QUN_SEGMENTS_MAX = 128 };

struct qun_segment {
  int fd;
  uint32_t slot; /* the file's number */
  bool used;     /* holds entries that may be needed */
  bool dirty;    /* may hold bytes of entries, needed or not */
  unsigned char uuid[16];
  uint64_t first, last; /* entries; last: 0 if none yet */
  size_t at;            /* next byte to write */
};

struct qun_segments {
  char dir[4096];
  int dir_fd;
  size_t size; /* of each file */
  struct qun_segment all[QUN_SEGMENTS_MAX];
  uint32_t count;
};

/* Opens the folder (and makes it) with the segments in it; `used` ones are of an earlier life. */
int qun_segments_open(struct qun_segments *s, const char *data_dir, size_t size, struct qun_error *err);
void qun_segments_close(struct qun_segments *s);
/* Makes one more file of zeros, durable. QUN_EFAIL: no space; QUN_EAGAIN: there are as many as may be. */
int qun_segments_add(struct qun_segments *s, struct qun_error *err);
/* A free one, or NULL. */
struct qun_segment *qun_segments_free(struct qun_segments *s);
/* Takes a free segment into use; its head is durable with the first sync of its entries. */
int qun_segment_begin(struct qun_segment *g, const unsigned char uuid[16], uint64_t first, struct qun_error *err);
/* Writes at the end; not synced. */
int qun_segment_write(struct qun_segment *g, qun_slice bytes, struct qun_error *err);
int qun_segment_sync(const struct qun_segment *g, struct qun_error *err);
/* Marks it as free on disk; scrub: overwrites what was written with zeros and syncs. */
int qun_segment_release(struct qun_segment *g, bool scrub, struct qun_error *err);
/* The seed of entries' checksums. */
uint64_t qun_segment_seed(const unsigned char uuid[16]);
/* Maps a segment's bytes for reading, head included; free with munmap(*len). NULL: cannot. */
const void *qun_segment_map(const struct qun_segment *g, size_t *len);
/* Removes files that have not the size they should have and are not used. */
void qun_segments_tidy(struct qun_segments *s);

#endif
