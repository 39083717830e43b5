/* SPDX-License-Identifier: Apache-2.0 */
/* A batch is the engine's from the moment it is handed over: its answer may come, and its sender may be gone, before the
   call that sent it returns. */
#include "host/engine/internal.h"
#include "tests/host/engine/support.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* Who sends: what it has of the batch goes with the answer, as a request's does. */
struct sender {
  pthread_mutex_t lock;
  pthread_cond_t cond;
  uint32_t answers;
  struct qun_input_batch *batch;
};

static void answered(void *arg, const struct qun_submit_result *result) {
  struct sender *s = arg;
  cr_assert_eq(result->code, 0, "%s", result->message);
  pthread_mutex_lock(&s->lock);
  qun_input_batch_fini(s->batch);
  free(s->batch);
  s->batch = NULL;
  s->answers++;
  pthread_cond_signal(&s->cond);
  pthread_mutex_unlock(&s->lock);
}

static void await(struct sender *s) {
  pthread_mutex_lock(&s->lock);
  while (!s->answers) pthread_cond_wait(&s->cond, &s->lock);
  pthread_mutex_unlock(&s->lock);
}

/* The journal as it is, whose entry is written, answered and applied before append returns: as if the sender's thread
   had been held up there. */
struct slow {
  struct qun_journal_ops ops; /* first: the engine has a pointer to it */
  const struct qun_journal_ops *real;
  struct qun_engine *engine;
  struct sender *sender;
};

static struct slow slow;

static int slow_append(struct qun_journal *j, struct qun_job *job, struct qun_error *err) {
  struct qun_tenant *t = qun_tenant_ref(job->tenant);
  int rc = slow.real->append(j, job, err);
  if (rc == 0) {
    slow.real->wake(j);
    await(slow.sender);
    qun__tenant_settle(slow.engine, t);
  }
  qun_tenant_put(t);
  return rc;
}

static void hold_up(struct bed *b, struct sender *s) {
  slow = (struct slow){*b->engine->journal_ops, b->engine->journal_ops, b->engine, s};
  slow.ops.append = slow_append;
  b->engine->journal_ops = &slow.ops;
}

static struct qun_input_batch *events(struct bed *b, uint32_t from, uint32_t n) {
  struct qun_input_batch *in = calloc(1, sizeof *in);
  struct qun_normaliser *norm = NULL;
  struct qun_error err = {0};
  struct qun_pack p;
  cr_assert_not_null(in);
  qun_pack_init(&p);
  qun_input_batch_init(in);
  cr_assert_eq(qun_engine_normaliser_open(b->engine, "acme", &norm, &err), 0, "%s", err.message);
  for (uint32_t i = from; i < from + n; i++) {
    char id[24];
    snprintf(id, sizeof id, "e%u", i);
    qun_pack_clear(&p);
    qun_pack_map(&p, 4);
    qun_pack_kv_cstr(&p, "id", id);
    qun_pack_kv_cstr(&p, "source", "test");
    qun_pack_kv_cstr(&p, "type", "join");
    qun_pack_kv_cstr(&p, "member", id);
    cr_assert_eq(qun_normalise(norm, in, qun_pack_slice(&p), &err), 0, "%s", err.message);
  }
  qun_engine_normaliser_close(b->engine, norm);
  qun_pack_fini(&p);
  return in;
}

static void open_journaled(struct bed *b) {
  bed_open(b, 1);
  bed_close(b);
  b->journal = true;
  bed_reopen(b);
  bed_tenant(b, "acme", false);
}

Test(host_engine_submit, leaves_a_batch_alone_once_it_is_handed_over) {
  struct bed b;
  struct qun_error err = {0};
  static const uint32_t flags[] = {QUN_SUBMIT_DURABLE, QUN_SUBMIT_DURABLE | QUN_SUBMIT_DEFER};
  open_journaled(&b);
  for (uint32_t i = 0; i < 2; i++) {
    struct sender s = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    s.batch = events(&b, i * 100, 100);
    hold_up(&b, &s);
    cr_assert_eq(qun_engine_submit_with(b.engine, "acme", s.batch, flags[i], answered, &s, &err), 0, "%s", err.message);
    b.engine->journal_ops = slow.real;
    cr_assert_eq(s.answers, 1);
  }
  cr_assert_eq(bed_int(&b, "acme", "events", NULL), 200);
  bed_remove(&b);
}

static int broken_append(struct qun_journal *j, struct qun_job *job, struct qun_error *err) {
  (void)j;
  (void)job;
  return qun_error_set(err, QUN_EFAIL, "the disk is gone");
}

Test(host_engine_submit, gives_back_a_batch_that_was_not_taken) {
  struct bed b;
  struct qun_error err = {0};
  struct sender s = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
  open_journaled(&b);
  s.batch = events(&b, 0, 10);
  hold_up(&b, &s);
  slow.ops.append = broken_append;
  cr_assert_eq(qun_engine_submit_with(b.engine, "acme", s.batch, QUN_SUBMIT_DURABLE, answered, &s, &err), QUN_EFAIL);
  b.engine->journal_ops = slow.real;
  cr_assert_eq(s.batch->count, 10, "it can be sent again");
  cr_assert_eq(qun_engine_submit_with(b.engine, "acme", s.batch, QUN_SUBMIT_DURABLE, answered, &s, &err), 0, "%s",
               err.message);
  await(&s);
  cr_assert_eq(bed_int(&b, "acme", "events", NULL), 10);
  bed_remove(&b);
}
