/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/queue.h"

#include <stdio.h>
#include <stdlib.h>

void qun__looks_init(struct qun_looks *q) {
  memset(q, 0, sizeof *q);
  pthread_mutex_init(&q->lock, NULL);
}

static void drop_tries(struct qun_look *look) {
  struct qun_try *t = look->tries;
  HASH_CLEAR(hh, look->tries);
  while (t) {
    struct qun_try *next = t->hh.next;
    free(t);
    t = next;
  }
}

void qun__looks_fini(struct qun_looks *q) {
  struct qun_look *look = q->all;
  HASH_CLEAR(hh, q->all);
  while (look) {
    struct qun_look *next = look->hh.next;
    drop_tries(look);
    free(look);
    look = next;
  }
  pthread_mutex_destroy(&q->lock);
}

void qun__look_wish(struct qun_looks *q, const char *tenant, int64_t at) {
  struct qun_look *look = NULL;
  pthread_mutex_lock(&q->lock);
  HASH_FIND_STR(q->all, tenant, look);
  if (!look && (look = calloc(1, sizeof *look)) != NULL) {
    snprintf(look->tenant, sizeof look->tenant, "%s", tenant);
    look->at = INT64_MAX;
    HASH_ADD_STR(q->all, tenant, look);
  }
  if (look && at < look->at) look->at = at;
  pthread_mutex_unlock(&q->lock);
}

void qun__look_wish_all(struct qun_looks *q) {
  pthread_mutex_lock(&q->lock);
  for (struct qun_look *look = q->all; look; look = look->hh.next) look->at = INT64_MIN;
  pthread_mutex_unlock(&q->lock);
}

struct qun_look *qun__look_take(struct qun_looks *q, int64_t now_ms, int64_t *next) {
  struct qun_look *first = NULL;
  pthread_mutex_lock(&q->lock);
  for (struct qun_look *look = q->all; look; look = look->hh.next) {
    if (!first || look->at < first->at) first = look;
  }
  *next = first ? first->at : INT64_MAX;
  if (first && first->at != INT64_MAX && first->at <= now_ms)
    first->at = INT64_MAX;
  else
    first = NULL;
  pthread_mutex_unlock(&q->lock);
  return first;
}

struct qun_look *qun__look_find(struct qun_looks *q, const char *tenant) {
  struct qun_look *look = NULL;
  pthread_mutex_lock(&q->lock);
  HASH_FIND_STR(q->all, tenant, look);
  pthread_mutex_unlock(&q->lock);
  return look;
}

struct qun_try *qun__try_find(struct qun_look *look, const char *name) {
  struct qun_try *t = NULL;
  HASH_FIND_STR(look->tries, name, t);
  return t;
}

struct qun_try *qun__try_get(struct qun_look *look, const char *name) {
  struct qun_try *t = qun__try_find(look, name);
  if (t || !(t = calloc(1, sizeof *t))) return t;
  snprintf(t->name, sizeof t->name, "%s", name);
  HASH_ADD_STR(look->tries, name, t);
  return t;
}

void qun__try_drop(struct qun_look *look, const char *name) {
  struct qun_try *t = qun__try_find(look, name);
  if (!t) return;
  HASH_DEL(look->tries, t);
  free(t);
}

uint32_t qun__try_count(const struct qun_look *look) {
  return HASH_COUNT(look->tries);
}
