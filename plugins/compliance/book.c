/* SPDX-License-Identifier: Apache-2.0 */
/* The rulebook, and which of its rules bind a tenant. */
#include "core.h"
#include "detect.h"

#include <stdio.h>
#include <stdlib.h>

static int load(struct qun_rulebook *b, const struct qun_host *host, const struct qun_package_v1 *package,
                const char *path, char *message, size_t cap) {
  qun_slice body;
  if (package->read(host, "", path, &body) < 0) {
    snprintf(message, cap, "%s: cannot be read", path);
    return QUN_EINVAL;
  }
  if (strncmp(path, "packs/holidays-", 15) == 0) return qun__holidays_parse(&b->holidays, path, body, message, cap);
  return qun__pack_parse(&b->rules, path, body, message, cap);
}

/* ---- routes */

/* The place of a type, or the free one where it belongs; one at least is always free. */
static uint32_t route_place(const struct qun_rulebook *b, qun_slice type) {
  uint32_t at = (uint32_t)(qun__digest(type, 0) >> 32) % QUN_ROUTES;
  while (b->routes[at].type && !qun_slice_is(type, b->routes[at].type)) at = (at + 1) % QUN_ROUTES;
  return at;
}

const struct qun_route *qun__rulebook_route(const struct qun_rulebook *b, qun_slice type) {
  return &b->routes[route_place(b, type)];
}

static int route_add(struct qun_rulebook *b, const char *type, const struct qun_rule *r, bool closes, uint32_t *used) {
  struct qun_route *route = &b->routes[route_place(b, qun_str(type))];
  if (!route->type) {
    if (++*used == QUN_ROUTES) return -1;
    size_t all = (b->rules.count + 1) * sizeof(uint32_t);
    route->type = type;
    route->records = qun__pool_alloc(b->rules.pool, all);
    route->closes = qun__pool_alloc(b->rules.pool, all);
    if (!route->records || !route->closes) return -1;
  }
  if (closes)
    route->closes[route->close_count++] = r->index;
  else
    route->records[route->record_count++] = r->index;
  return 0;
}

static int add_routes(struct qun_rulebook *b) {
  uint32_t used = 0;
  for (uint32_t i = 0; i < b->rules.count; i++) {
    const struct qun_rule *r = &b->rules.at[i];
    if (r->kind == QUN_RULE_RECORD && r->event && r->detector->on_event && route_add(b, r->event, r, false, &used) < 0)
      return QUN_EFAIL;
    if (r->close && route_add(b, r->close, r, true, &used) < 0) return QUN_EFAIL;
  }
  return 0;
}

int qun__rulebook_create(struct qun_rulebook **out, const struct qun_host *host, const struct qun_package_v1 *package,
                         char *message, size_t cap) {
  struct qun_rulebook *b = calloc(1, sizeof *b);
  int error = QUN_EFAIL;
  snprintf(message, cap, "no memory for the rules");
  if (!b || !(b->rules.pool = qun__pool_create())) goto out;
  error = 0;
  for (uint32_t i = 0; error == 0; i++) {
    qun_slice name;
    char path[160];
    if (package->list(host, "", i, &name) < 0) break;
    if (name.len >= sizeof path || name.len < 6 || memcmp(name.ptr, "packs/", 6) != 0) continue;
    memcpy(path, name.ptr, (size_t)name.len);
    path[name.len] = 0;
    error = load(b, host, package, path, message, cap);
  }
  if (error == 0 && (error = add_routes(b)) < 0)
    snprintf(message, cap, "the rule packs name too many types of records");
  if (error == 0) error = qun__scanner_create(&b->scanner, &b->rules, message, cap);
  if (error < 0) goto out;
  *out = b;
  return 0;
out:
  qun__rulebook_destroy(b);
  return error;
}

void qun__rulebook_destroy(struct qun_rulebook *b) {
  if (!b) return;
  qun__scanner_destroy(b->scanner);
  qun__pool_destroy(b->rules.pool);
  free(b);
}

const struct qun_rule *qun__rulebook_find(const struct qun_rulebook *b, qun_slice id) {
  for (uint32_t i = 0; i < b->rules.count; i++)
    if (qun_slice_is(id, b->rules.at[i].id)) return &b->rules.at[i];
  return NULL;
}

/* ---- a tenant's rules */

static bool in_list(const char *comma_list, const char *name) {
  size_t n = strlen(name);
  for (const char *at = comma_list; at && *at; at = strchr(at, ','), at += at != NULL)
    if (strncmp(at, name, n) == 0 && (at[n] == 0 || at[n] == ',')) return true;
  return false;
}

static bool binds(const struct qun_bound *t, const struct qun_rule *r) {
  const struct qun_words *countries = r->country.count ? &r->country : &r->pack->country;
  bool here = qun__words_have(countries, qun_str("*")) || qun__words_have(countries, qun_str(t->country));
  if (!here && !in_list(t->packs, r->pack->name)) return false;
  return r->sector.count == 0 || qun__words_have(&r->sector, qun_str(t->sector));
}

static void copy(char *to, size_t cap, qun_slice text) {
  size_t n = text.len < cap ? (size_t)text.len : cap - 1;
  if (n) memcpy(to, text.ptr, n);
  to[n] = 0;
}

/* A list setting as "a,b,". */
static void copy_list(char *to, size_t cap, qun_slice settings, const char *name) {
  struct qun_unpack u;
  qun_slice list, text;
  uint32_t n = 0;
  size_t at = 0;
  to[0] = 0;
  if (!qun_mp_find(settings, name, &list)) return;
  qun_unpack_init(&u, list);
  if (!qun_unpack_array(&u, &n)) return;
  for (; n > 0 && qun_unpack_str(&u, &text) && at + text.len + 2 < cap; n--) {
    copy(to + at, cap - at, text);
    at += (size_t)text.len;
    to[at++] = ',';
    to[at] = 0;
  }
}

int qun__bind(struct qun_bound **out, const struct qun_rulebook *book, const struct qun_tenant_info *info) {
  struct qun_bound *t = calloc(1, sizeof *t);
  if (!t || !(t->rules = calloc(book->rules.count + 1, 1))) {
    qun__unbind(t);
    return QUN_EFAIL;
  }
  t->count = book->rules.count;
  copy(t->country, sizeof t->country, info->country);
  copy(t->sector, sizeof t->sector, info->sector);
  copy_list(t->packs, sizeof t->packs, info->settings, "packs");
  t->block_from = (int)qun_mp_int(info->settings, "block_from", 1);
  t->person_from = (int)qun_mp_int(info->settings, "person_from", 2);
  t->complaint_ppm = qun_mp_int(info->settings, "complaint_rate", 5000);
  t->consent_ppm = qun_mp_int(info->settings, "consent_rate", 980000);
  for (uint32_t i = 0; i < t->count; i++) t->rules[i] = binds(t, &book->rules.at[i]);
  *out = t;
  return 0;
}

void qun__unbind(struct qun_bound *t) {
  if (!t) return;
  free(t->rules);
  free(t);
}
