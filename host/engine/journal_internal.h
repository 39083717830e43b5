/* SPDX-License-Identifier: Apache-2.0 */
/* What the embedded journal's files share; nobody else includes it. */
#ifndef QUN_HOST_ENGINE_JOURNAL_INTERNAL_H
#define QUN_HOST_ENGINE_JOURNAL_INTERNAL_H

#include "host/engine/internal.h"
#include "host/engine/journal_segments.h"
#include "tenants/key_redo.h"

struct qun_journal {
  struct qun_engine *engine;
  pthread_mutex_t lock;
  pthread_cond_t work;          /* the flusher's */
  pthread_cond_t done;          /* a group ended */
  pthread_cond_t keep;          /* the keeper's */
  struct qun_job *head, **tail; /* appended, not written */
  bool busy;                    /* a leader is at it: buffer, current, next, numbers are its own */
  bool woken, stop, rotated;
  bool broken; /* the leader's: a write or sync failed */
  bool failed;
  char reason[300];
  uint64_t publishing;    /* numbers from here on are not in `fed` yet; UINT64_MAX: all are */
  struct qun_tenant *fed; /* tenants whose stores are behind the disk's journal; each a reference */
  uint32_t fed_count;
  struct qun_pack buffer;
  struct qun_key_redo *redo; /* the leader's */
  struct qun_segments segments;
  struct qun_segment *current;
  unsigned char uuid[16];
  uint64_t seed, next;          /* next: number of the next entry */
  uint64_t written;             /* numbers below are on disk */
  struct qun_journal_stats own; /* as the leader counts */
  struct qun_journal_stats stats;
  pthread_mutex_t files;         /* the list of segments */
  pthread_mutex_t checkpointing; /* one at a time */
  pthread_t flusher, keeper;
  bool flusher_started, keeper_started;
  char kept[64]; /* recovery's: the tenant whose entries were spilled last */
};

enum qun__checkpoint {
  QUN__CHECKPOINT_QUIET, /* only stores that have applied all they were fed */
  QUN__CHECKPOINT_ALL,
  QUN__CHECKPOINT_SCRUB /* also zeroes what is not needed */
};

/* Makes fed stores durable, frees segments. Blocking. */
int qun__journal_checkpoint(struct qun_journal *j, enum qun__checkpoint how, struct qun_error *err);
/* Remembers that the tenant's store has to be made durable up to `number`. */
void qun__journal_feed(struct qun_journal *j, struct qun_tenant *t, uint64_t number);
/* Forgets all fed tenants: their entries stay in the segments. */
void qun__journal_let_go(struct qun_journal *j);
/* As struct qun_journal_ops says. */
int qun__journal_reread(struct qun_journal *j, struct qun_tenant *t, uint64_t first, uint64_t last,
                        struct qun_job **jobs, struct qun_error *err);
/* Applies what earlier lives left, frees their segments, begins a life. */
int qun__journal_recover(struct qun_journal *j, struct qun_error *err);

#endif
