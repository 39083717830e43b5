/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/resolve.h"
#include "host/plugins/manifest_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void qun__candidate_refuse(struct qun__candidate *c, const char *format, ...) {
  va_list args;
  if (c->reason[0]) return;
  va_start(args, format);
  vsnprintf(c->reason, sizeof c->reason, format, args);
  va_end(args);
}

static bool stands(const struct qun__candidate *c) {
  return c->manifest && !c->reason[0];
}

/* A candidate by id, refused or not; NULL. */
static const struct qun__candidate *by_id(const struct qun__candidate *c, uint32_t count, const char *id, size_t len) {
  for (uint32_t i = 0; i < count; i++)
    if (c[i].manifest && strlen(c[i].manifest->id) == len && memcmp(c[i].manifest->id, id, len) == 0) return &c[i];
  return NULL;
}

/* ---------------------------------------------------------------- one manifest and this host */

static void check_host(struct qun__candidate *c) {
  const struct qun_manifest *m = c->manifest;
  if (m->abi != QUN_ABI_MAJOR)
    qun__candidate_refuse(c, "%s: is for ABI %d, this host speaks %d", m->id, m->abi, QUN_ABI_MAJOR);
  for (uint32_t i = 0; i < m->requires_count; i++) {
    const char *const *s = qun_host_services;
    while (*s && strcmp(*s, m->requires[i]) != 0) s++;
    if (!*s)
      qun__candidate_refuse(
          c, "%s: this host is too old for it: it requires the service %s, which ABI %d.%d does not have", m->id,
          m->requires[i], QUN_ABI_MAJOR, QUN_ABI_MINOR);
  }
}

/* ---------------------------------------------------------------- manifests side by side */

static void check_twice(struct qun__candidate *c, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t j = 0; stands(&c[i]) && j < i; j++)
      if (c[j].manifest && strcmp(c[j].manifest->id, c[i].manifest->id) == 0)
        qun__candidate_refuse(&c[i], "%s: there is a plugin of that id already, in %.200s", c[i].manifest->id,
                              c[j].dir);
}

static bool core_begins(const char *name, size_t prefix) {
#define ROW(type, flags, doc) type,
  static const char *const types[] = {QUN_EVENT_TYPES(ROW)};
#undef ROW
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strncmp(types[i], name, prefix) == 0 && (types[i][prefix] == '.' || types[i][prefix] == 0)) return true;
  return false;
}

static bool defines(const struct qun_manifest *m, const char *type) {
  for (uint32_t i = 0; i < m->types_count; i++)
    if (strcmp(m->types[i].name, type) == 0) return true;
  return false;
}

/* Whether nobody will ever write such an event: then it is a slip of the pen. A type of a plugin that is not there is
 * fine. */
static bool unheard_of(const struct qun__candidate *c, uint32_t count, const char *type) {
  uint32_t flags;
  size_t prefix = strcspn(type, ".");
  if (strcmp(type, "*") == 0 || qun__core_type(type, &flags)) return false;
  const struct qun__candidate *of = by_id(c, count, type, prefix);
  if (of) return !defines(of->manifest, type);
  return type[prefix] == 0 || core_begins(type, prefix);
}

static void check_subscriptions(struct qun__candidate *c, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t k = 0; stands(&c[i]) && k < c[i].manifest->subscribe_count; k++)
      if (unheard_of(c, count, c[i].manifest->subscribe[k]))
        qun__candidate_refuse(&c[i], "%s: subscribes to %s, which nobody defines", c[i].manifest->id,
                              c[i].manifest->subscribe[k]);
}

static void check_after(struct qun__candidate *c, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t k = 0; stands(&c[i]) && k < c[i].manifest->after_count; k++) {
      const char *id = c[i].manifest->after[k];
      if (!by_id(c, count, id, strlen(id)))
        qun__candidate_refuse(&c[i], "%s: comes after %s, but there is no plugin %s", c[i].manifest->id, id, id);
    }
}

static bool direct(const struct qun_manifest *m, const char *id) {
  for (uint32_t i = 0; i < m->after_count; i++)
    if (strcmp(m->after[i], id) == 0) return true;
  return false;
}

/* Refuses every plugin from which `after` leads back to itself. */
static void check_circles(struct qun__candidate *c, uint32_t count) {
  bool reach[QUN_PLUGINS_MAX][QUN_PLUGINS_MAX] = {{false}};
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t j = 0; j < count; j++)
      reach[i][j] = stands(&c[i]) && stands(&c[j]) && direct(c[i].manifest, c[j].manifest->id);
  for (uint32_t k = 0; k < count; k++)
    for (uint32_t i = 0; i < count; i++)
      for (uint32_t j = 0; j < count; j++) reach[i][j] = reach[i][j] || (reach[i][k] && reach[k][j]);
  for (uint32_t i = 0; i < count; i++) {
    if (!reach[i][i]) continue;
    uint32_t next = 0;
    while (next < count && !(reach[i][next] && reach[next][i] && direct(c[i].manifest, c[next].manifest->id))) next++;
    qun__candidate_refuse(&c[i], "%s: `after` goes in a circle: it comes after %s, which comes after it",
                          c[i].manifest->id, next < count ? c[next].manifest->id : c[i].manifest->id);
  }
}

void qun__resolve(struct qun__candidate *candidates, uint32_t count) {
  for (uint32_t i = QUN_PLUGINS_MAX; i < count; i++)
    qun__candidate_refuse(&candidates[i], "%.200s: a host has at most %d plugins", candidates[i].dir, QUN_PLUGINS_MAX);
  if (count > QUN_PLUGINS_MAX) count = QUN_PLUGINS_MAX;
  for (uint32_t i = 0; i < count; i++)
    if (stands(&candidates[i])) check_host(&candidates[i]);
  check_twice(candidates, count);
  check_after(candidates, count);
  check_subscriptions(candidates, count);
  check_circles(candidates, count);
}

/* ---------------------------------------------------------------- order */

static bool placed(const struct qun__candidate *c, const uint32_t *order, uint32_t n, const char *id) {
  for (uint32_t i = 0; i < n; i++)
    if (strcmp(c[order[i]].manifest->id, id) == 0) return true;
  return false;
}

/* Whether all that stand and that `m` comes after have their place. */
static bool ready(const struct qun__candidate *c, uint32_t count, const uint32_t *order, uint32_t n,
                  const struct qun_manifest *m) {
  for (uint32_t i = 0; i < count; i++)
    if (stands(&c[i]) && direct(m, c[i].manifest->id) && !placed(c, order, n, c[i].manifest->id)) return false;
  return true;
}

uint32_t qun__resolve_order(const struct qun__candidate *candidates, uint32_t count, uint32_t *order) {
  uint32_t n = 0;
  for (;;) {
    const struct qun_manifest *best = NULL;
    for (uint32_t i = 0; i < count; i++) {
      const struct qun_manifest *m = candidates[i].manifest;
      if (!stands(&candidates[i]) || placed(candidates, order, n, m->id) || !ready(candidates, count, order, n, m))
        continue;
      if (best && strcmp(best->id, m->id) < 0) continue;
      best = m;
      order[n] = i;
    }
    if (!best) return n;
    n++;
  }
}
