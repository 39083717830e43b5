/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/plugin_metrics.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTERS_MAX = 1024, NAME_MAX_LEN = 40 };

struct counter {
  char plugin[NAME_MAX_LEN + 1], name[NAME_MAX_LEN + 1];
  uint64_t value;
};

struct qun_plugin_metrics {
  pthread_mutex_t lock;
  struct counter counters[COUNTERS_MAX]; /* sorted */
  uint32_t count;
};

struct qun_plugin_metrics *qun_plugin_metrics_create(void) {
  struct qun_plugin_metrics *m = calloc(1, sizeof *m);
  if (m) pthread_mutex_init(&m->lock, NULL);
  return m;
}

void qun_plugin_metrics_destroy(struct qun_plugin_metrics *m) {
  if (!m) return;
  pthread_mutex_destroy(&m->lock);
  free(m);
}

static bool valid(const char *name) {
  size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
  return n > 0 && n <= NAME_MAX_LEN && name[n] == '\0';
}

static int compare(const struct counter *c, const char *plugin, const char *name) {
  int order = strcmp(c->plugin, plugin);
  return order ? order : strcmp(c->name, name);
}

static struct counter *find_or_add(struct qun_plugin_metrics *m, const char *plugin, const char *name) {
  uint32_t lo = 0, hi = m->count;
  while (lo < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    if (compare(&m->counters[mid], plugin, name) < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  if (lo < m->count && compare(&m->counters[lo], plugin, name) == 0) return &m->counters[lo];
  if (m->count == COUNTERS_MAX) return NULL;
  memmove(&m->counters[lo + 1], &m->counters[lo], (m->count - lo) * sizeof m->counters[0]);
  m->count++;
  struct counter *c = &m->counters[lo];
  memset(c, 0, sizeof *c);
  strncpy(c->plugin, plugin, NAME_MAX_LEN);
  strncpy(c->name, name, NAME_MAX_LEN);
  return c;
}

void qun_plugin_metrics_add(struct qun_plugin_metrics *m, const char *plugin, const char *name, uint64_t delta) {
  if (!m || !valid(name)) return;
  pthread_mutex_lock(&m->lock);
  struct counter *c = find_or_add(m, plugin, name);
  if (c) c->value += delta;
  pthread_mutex_unlock(&m->lock);
}

void qun_plugin_metrics_each(struct qun_plugin_metrics *m, void (*each)(void *, const char *, const char *, uint64_t),
                             void *arg) {
  pthread_mutex_lock(&m->lock);
  for (uint32_t i = 0; i < m->count; i++) each(arg, m->counters[i].plugin, m->counters[i].name, m->counters[i].value);
  pthread_mutex_unlock(&m->lock);
}
