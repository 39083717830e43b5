/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/recover.h"

#include "host/engine/journal_internal.h"
#include "tenants/meta.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

/* ---------------------------------------------------------------- one entry */

/* Handlers see what was sealed at intake. */
static void open_texts(struct qun_engine *e, struct qun_tenant *t, struct qun_input_batch *b) {
  static const unsigned char nobody[QUN_PSEUDONYM_SIZE] = {0};
  for (uint32_t i = 0; i < b->count; i++) {
    struct qun_input *in = &b->items[i];
    const struct qun_hearers *h = qun_subscriptions_find(e->subscriptions, in->type);
    qun_slice open =
        qun_apply_open_data(t->vault, in->has_member ? in->member : nobody, h ? h->type : NULL, in->data, &b->arena);
    if (open.ptr != in->data.ptr) in->data_open = open;
  }
}

int qun__recover_job(struct qun_job **out, struct qun_engine *e, struct qun_tenant *t, const struct qun_entry *entry,
                     struct qun_error *err) {
  struct qun_job *job = calloc(1, sizeof *job);
  if (!job) return qun_error_set(err, QUN_EFAIL, "out of memory");
  int rc = qun_entry_inputs(&job->batch, entry, err);
  if (rc < 0) {
    free(job);
    return rc;
  }
  open_texts(e, t, &job->batch);
  job->tenant = qun_tenant_ref(t);
  job->number = entry->number;
  job->now_ms = entry->now_ms;
  job->flags = QUN_SUBMIT_DURABLE;
  *out = job;
  return 0;
}

static bool is_applied(struct qun_tenant *t, const unsigned char uuid[16], uint64_t number) {
  unsigned char known[16];
  uint64_t last = 0;
  struct qun_view v;
  if (qun_view_begin(&v, t->store, NULL) < 0) return false;
  bool applied = qun_journal_mark_read(&v, known, &last) && memcmp(known, uuid, 16) == 0 && last >= number;
  qun_view_end(&v);
  return applied;
}

/* An entry of a tenant that cannot be opened goes to its spill file as it stands. */
static int keep_for_later(struct qun_journal *j, const struct qun_entry *entry, struct qun_error *err) {
  struct qun_tenant nameless = {0};
  struct qun_job job = {.tenant = &nameless, .number = entry->number, .now_ms = entry->now_ms};
  int rc = qun_entry_inputs(&job.batch, entry, err);
  if (rc < 0) return rc;
  memcpy(nameless.name, entry->tenant, sizeof nameless.name);
  memcpy(nameless.incarnation, entry->incarnation, sizeof nameless.incarnation);
  if (!qun__park_knows(j->engine, entry->tenant, j->uuid, entry->number)) rc = qun__park_spill(j->engine, &job, err);
  qun_input_batch_fini(&job.batch);
  j->engine->recovery.spilled += rc == 0;
  return rc;
}

static void wait_applied(struct qun_journal *j) {
  for (;;) {
    pthread_mutex_lock(&j->lock);
    struct qun_tenant *busy = NULL;
    for (struct qun_tenant *t = j->fed; t && !busy; t = t->lane.fed_next) {
      if (qun__shard_has_work(qun__shard_of(j->engine, t->name), &t->lane)) busy = qun_tenant_ref(t);
    }
    pthread_mutex_unlock(&j->lock);
    if (!busy) return;
    qun__tenant_settle(j->engine, busy);
    qun_tenant_put(busy);
  }
}

/* More tenants than may be open at once have entries: those that are done make room. */
static int get_tenant(struct qun_journal *j, const char *name, struct qun_tenant **t, struct qun_error *err) {
  if (!qun_engine_tenant_exists(j->engine, name)) return QUN_ENOTFOUND;
  int rc = qun_tenant_get(j->engine->pool, name, t, err);
  if (rc != QUN_EAGAIN) return rc;
  wait_applied(j);
  rc = qun__journal_checkpoint(j, QUN__CHECKPOINT_ALL, err);
  return rc < 0 ? rc : qun_tenant_get(j->engine->pool, name, t, err);
}

static int recover_entry(struct qun_journal *j, const struct qun_entry *entry, struct qun_error *err) {
  struct qun_engine *e = j->engine;
  struct qun_recovery *r = &e->recovery;
  struct qun_tenant *t = NULL;
  struct qun_job *job = NULL;
  int rc = get_tenant(j, entry->tenant, &t, err);
  if (rc == QUN_ENOTFOUND) {
    r->skipped++;
    return 0;
  }
  if (rc < 0) {
    if (strcmp(j->kept, entry->tenant) != 0) /* once, not for each entry */
      fprintf(stderr, "error %s; its acknowledged events are kept in journal/spill-%s\n", err->message, entry->tenant);
    memcpy(j->kept, entry->tenant, sizeof j->kept);
    return keep_for_later(j, entry, err);
  }
  struct qun_shard *s = qun__shard_of(e, t->name);
  if (memcmp(t->incarnation, entry->incarnation, 16) != 0 || is_applied(t, j->uuid, entry->number)) {
    r->skipped++;
    goto out;
  }
  rc = qun__shard_reserve(s, t, entry->count, true, err);
  if (rc < 0 && t->lane.parked) {
    rc = keep_for_later(j, entry, err);
    goto out;
  }
  if (rc == 0) rc = qun__recover_job(&job, e, t, entry, err);
  if (rc < 0) goto out;
  r->entries++;
  r->events += entry->count;
  r->tenants += !t->lane.fed;
  qun__journal_feed(j, t, entry->number);
  qun__shard_put(s, job);
out:
  qun_tenant_put(t);
  return rc;
}

/* ---------------------------------------------------------------- entries of this life */

struct reread {
  struct qun_tenant *tenant;
  uint64_t first, last;
  struct qun_job **end;
};

static int reread_segment(struct qun_journal *j, const struct qun_segment *g, struct reread *r, struct qun_error *err) {
  size_t len = 0, at = QUN_SEGMENT_HEAD, size;
  const char *bytes = qun_segment_map(g, &len);
  struct qun_entry entry;
  int rc = 0;
  if (!bytes) return qun_error_set(err, QUN_EFAIL, "journal segment %04u cannot be read: %m", g->slot);
  for (uint64_t number = g->first; rc == 0 && number <= r->last; number++) {
    if (at >= len || qun_entry_read(&entry, qun_slice_of(bytes + at, len - at), j->seed, &size) < 0 ||
        entry.number != number)
      break;
    at += size;
    if (number < r->first || strcmp(entry.tenant, r->tenant->name) != 0) continue;
    if (memcmp(entry.incarnation, r->tenant->incarnation, sizeof entry.incarnation) != 0) continue;
    rc = qun__recover_job(r->end, j->engine, r->tenant, &entry, err);
    if (rc == 0) r->end = &(*r->end)->next;
  }
  munmap((void *)(uintptr_t)bytes, len);
  return rc;
}

int qun__journal_reread(struct qun_journal *j, struct qun_tenant *t, uint64_t first, uint64_t last,
                        struct qun_job **jobs, struct qun_error *err) {
  struct reread r = {.tenant = t, .first = first, .last = last, .end = jobs};
  uint64_t from = 0;
  int rc = 0;
  pthread_mutex_lock(&j->files);
  while (rc == 0) {
    const struct qun_segment *next = NULL;
    for (uint32_t i = 0; i < j->segments.count; i++) {
      const struct qun_segment *g = &j->segments.all[i];
      if (!g->used || memcmp(g->uuid, j->uuid, 16) != 0 || g->first <= from || g->first > last) continue;
      if (!next || g->first < next->first) next = g;
    }
    if (!next) break;
    from = next->first;
    rc = reread_segment(j, next, &r, err);
  }
  pthread_mutex_unlock(&j->files);
  return rc;
}

/* ---------------------------------------------------------------- segments */

/* Reads one segment to its end. *next: the number that must come next. */
static int recover_segment(struct qun_journal *j, struct qun_segment *g, uint64_t *next, struct qun_error *err) {
  size_t len = 0, at = QUN_SEGMENT_HEAD, size;
  const char *bytes = qun_segment_map(g, &len);
  struct qun_entry entry;
  int rc = 0;
  *next = g->first;
  if (!bytes) return 0;
  while (rc == 0 && at < len && qun_entry_read(&entry, qun_slice_of(bytes + at, len - at), j->seed, &size) == 0 &&
         entry.number == *next) {
    at += size;
    ++*next;
    rc = recover_entry(j, &entry, err);
  }
  g->last = *next - 1;
  munmap((void *)(uintptr_t)bytes, len);
  return rc;
}

static struct qun_segment *oldest_from(struct qun_journal *j, uint64_t first) {
  struct qun_segment *best = NULL;
  for (uint32_t i = 0; i < j->segments.count; i++) {
    struct qun_segment *g = &j->segments.all[i];
    if (!g->used || memcmp(g->uuid, j->uuid, 16) != 0 || g->first < first) continue;
    if (!best || g->first < best->first) best = g;
  }
  return best;
}

/* All segments of one life, in order of number. */
static int recover_life(struct qun_journal *j, struct qun_error *err) {
  uint64_t next = 0;
  int rc = 0;
  for (struct qun_segment *g = oldest_from(j, 0); g && rc == 0; g = oldest_from(j, g->first + 1)) {
    if (next && g->first != next) {
      j->engine->recovery.damaged++;
      fprintf(stderr,
              "error journal: entries %llu to %llu cannot be read; what was in them is lost unless a store has it\n",
              (unsigned long long)next, (unsigned long long)g->first - 1);
    }
    rc = recover_segment(j, g, &next, err);
  }
  if (next > j->next) j->next = next;
  return rc;
}

static bool next_life(struct qun_journal *j) {
  for (uint32_t i = 0; i < j->segments.count; i++) {
    if (!j->segments.all[i].used) continue;
    memcpy(j->uuid, j->segments.all[i].uuid, 16);
    return true;
  }
  return false;
}

static void begin_life(struct qun_journal *j) {
  j->seed = qun_segment_seed(j->uuid);
  memcpy(j->engine->journal_uuid, j->uuid, 16);
}

int qun__journal_recover(struct qun_journal *j, struct qun_error *err) {
  struct timespec from, to;
  struct qun_recovery *r = &j->engine->recovery;
  int rc = 0;
  clock_gettime(CLOCK_MONOTONIC, &from);
  while (rc == 0 && next_life(j)) {
    begin_life(j);
    rc = recover_life(j, err);
    wait_applied(j);
    if (rc == 0) rc = qun__journal_checkpoint(j, QUN__CHECKPOINT_ALL, err);
    if (rc == 0 && oldest_from(j, 0))
      rc = qun_error_set(err, QUN_EFAIL, "%s cannot be emptied: some entries could be neither applied nor kept",
                         j->segments.dir);
    /* free on disk before the next life writes a byte */
    for (uint32_t i = 0; i < j->segments.count && rc == 0; i++) rc = qun_segment_sync(&j->segments.all[i], err);
  }
  qun_segments_tidy(&j->segments);
  randombytes_buf(j->uuid, sizeof j->uuid);
  j->written = j->next;
  begin_life(j);
  clock_gettime(CLOCK_MONOTONIC, &to);
  r->ms = (uint32_t)((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000);
  return rc;
}
