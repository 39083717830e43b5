/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/api_internal.h"

static struct qun__call *take(struct qun__worker_pool *p) {
  pthread_mutex_lock(&p->lock);
  while (!p->head && !p->stopping) pthread_cond_wait(&p->wake, &p->lock);
  struct qun__call *c = p->head;
  if (c) {
    p->head = c->next;
    if (!p->head) p->tail = NULL;
    p->waiting--;
    qun_metric_add(p->metrics, QUN_METRIC_JOBS_WAITING, -1);
  }
  pthread_mutex_unlock(&p->lock);
  return c;
}

static void *work(void *arg) {
  struct qun__worker_pool *p = arg;
  for (struct qun__call *c = take(p); c; c = take(p)) c->route->handle(c);
  return NULL;
}

int qun__pool_start(struct qun__worker_pool *p, uint32_t threads, uint32_t limit, struct qun_metrics *metrics,
                    struct qun_error *err) {
  memset(p, 0, sizeof *p);
  p->limit = limit;
  p->metrics = metrics;
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->wake, NULL);
  for (; p->threads_count < threads; p->threads_count++) {
    int rc = pthread_create(&p->threads[p->threads_count], NULL, work, p);
    if (rc == 0) continue;
    qun_error_set(err, QUN_EFAIL, "cannot start a worker thread: %s", strerror(rc));
    qun__pool_stop(p);
    return QUN_EFAIL;
  }
  return 0;
}

void qun__pool_stop(struct qun__worker_pool *p) {
  if (p->limit == 0) return;
  pthread_mutex_lock(&p->lock);
  p->stopping = true;
  pthread_cond_broadcast(&p->wake);
  pthread_mutex_unlock(&p->lock);
  while (p->threads_count > 0) pthread_join(p->threads[--p->threads_count], NULL);
  pthread_cond_destroy(&p->wake);
  pthread_mutex_destroy(&p->lock);
  p->limit = 0;
}

int qun__pool_run(struct qun__worker_pool *p, struct qun__call *c) {
  int rc = QUN_EAGAIN;
  pthread_mutex_lock(&p->lock);
  if (p->waiting < p->limit && !p->stopping) {
    c->next = NULL;
    if (p->tail)
      p->tail->next = c;
    else
      p->head = c;
    p->tail = c;
    p->waiting++;
    qun_metric_add(p->metrics, QUN_METRIC_JOBS_WAITING, 1);
    pthread_cond_signal(&p->wake);
    rc = 0;
  }
  pthread_mutex_unlock(&p->lock);
  return rc;
}
