/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: stores that the journal fed commit without syncing their last page (DECISIONS 4); here they are synced,
 * and segments that nobody needs are freed. */
#include "host/engine/journal_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* With the lock held. The caller puts the reference back without it. */
static void unfeed(struct qun_journal *j, struct qun_tenant *t) {
  struct qun_lane *lane = &t->lane;
  if (lane->fed_prev)
    lane->fed_prev->lane.fed_next = lane->fed_next;
  else
    j->fed = lane->fed_next;
  if (lane->fed_next) lane->fed_next->lane.fed_prev = lane->fed_prev;
  lane->fed = false;
  lane->fed_next = lane->fed_prev = NULL;
  j->fed_count--;
}

void qun__journal_let_go(struct qun_journal *j) {
  while (j->fed) {
    struct qun_tenant *t = j->fed;
    unfeed(j, t);
    qun_tenant_put(t);
  }
}

/* As the leader, between two groups: what a checkpoint leaves behind is no longer written to. True: the keys' redo file
 * was changed too. */
static bool begin(struct qun_journal *j, bool scrub) {
  bool turned = false;
  pthread_mutex_lock(&j->lock);
  while (j->busy) pthread_cond_wait(&j->done, &j->lock);
  j->busy = true;
  pthread_mutex_unlock(&j->lock);
  if (scrub) {
    pthread_mutex_lock(&j->files);
    j->current = NULL;
    pthread_mutex_unlock(&j->files);
  }
  if (j->redo && (scrub || qun_key_redo_wants_turn(j->redo))) turned = qun_key_redo_turn(j->redo);
  pthread_mutex_lock(&j->lock);
  j->busy = false;
  pthread_cond_broadcast(&j->done);
  if (j->head) {
    j->woken = true;
    pthread_cond_signal(&j->work);
  }
  pthread_mutex_unlock(&j->lock);
  return turned;
}

static int make_durable(struct qun_journal *j, struct qun_tenant *t, bool quiet, bool turned, struct qun_error *err) {
  uint64_t first, applied;
  pthread_mutex_lock(&j->lock);
  uint64_t newest = t->lane.newest;
  pthread_mutex_unlock(&j->lock);
  qun__shard_progress(qun__shard_of(j->engine, t->name), &t->lane, &first, &applied);
  bool all = first == 0 && applied >= newest;
  int rc = !quiet || all || turned ? qun_vault_sync(t->vault, err) : 0;
  if (rc < 0 || (quiet && !all)) return rc;
  rc = mdb_env_sync(t->store->env, 1);
  if (rc) return qun_error_set(err, QUN_EFAIL, "tenant %s: its store cannot be synced: %s", t->name, mdb_strerror(rc));
  pthread_mutex_lock(&j->lock);
  bool out = all && t->lane.newest == newest;
  if (out)
    unfeed(j, t);
  else
    t->lane.oldest = all ? newest + 1 : first ? first : applied + 1;
  pthread_mutex_unlock(&j->lock);
  if (out) qun_tenant_put(t);
  return 0;
}

/* The first number that a store may still need. */
static uint64_t needed(struct qun_journal *j) {
  pthread_mutex_lock(&j->lock);
  uint64_t min = j->publishing;
  for (struct qun_tenant *t = j->fed; t; t = t->lane.fed_next) {
    if (t->lane.oldest < min) min = t->lane.oldest;
  }
  pthread_mutex_unlock(&j->lock);
  return min;
}

static int release(struct qun_journal *j, uint64_t min, bool scrub, struct qun_error *err) {
  int rc = 0;
  pthread_mutex_lock(&j->files);
  for (uint32_t i = 0; i < j->segments.count && rc == 0; i++) {
    struct qun_segment *g = &j->segments.all[i];
    if (g == j->current || (g->used && g->last >= min)) continue;
    if (g->used || (scrub && g->dirty)) rc = qun_segment_release(g, scrub, err);
  }
  pthread_mutex_unlock(&j->files);
  return rc;
}

int qun__journal_checkpoint(struct qun_journal *j, enum qun__checkpoint how, struct qun_error *err) {
  struct qun_error first = {0}, one = {0};
  int rc = 0;
  pthread_mutex_lock(&j->checkpointing);
  bool turned = begin(j, how == QUN__CHECKPOINT_SCRUB);
  pthread_mutex_lock(&j->lock);
  uint32_t n = j->fed_count, k = 0;
  struct qun_tenant **fed = malloc((n ? n : 1) * sizeof(struct qun_tenant *));
  for (struct qun_tenant *t = j->fed; t && fed; t = t->lane.fed_next) fed[k++] = t;
  j->stats.checkpoints++;
  pthread_mutex_unlock(&j->lock);
  if (!fed) rc = qun_error_set(&first, QUN_EFAIL, "out of memory for a checkpoint");
  for (uint32_t i = 0; i < k; i++) {
    if (make_durable(j, fed[i], how == QUN__CHECKPOINT_QUIET, turned, &one) < 0 && rc == 0) {
      first = one;
      rc = one.code;
    }
  }
  free(fed);
  /* also one that an earlier checkpoint could not finish: all vaults are synced now */
  if (j->redo && rc == 0 && (turned || how != QUN__CHECKPOINT_QUIET))
    rc = qun_key_redo_settle(j->redo, how == QUN__CHECKPOINT_SCRUB, &first);
  if (release(j, needed(j), how == QUN__CHECKPOINT_SCRUB, &one) < 0 && rc == 0) {
    first = one;
    rc = one.code;
  }
  pthread_mutex_unlock(&j->checkpointing);
  if (rc < 0 && err) *err = first;
  return rc;
}
