/* SPDX-License-Identifier: Apache-2.0 */
#include "i18n.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCAN = 32 };

bool qun__domain_fits(qun_slice domain) {
  const char *c = domain.ptr;
  if (domain.len == 0 || domain.len >= QUN_DOMAIN_MAX) return false;
  for (uint64_t i = 0; i < domain.len; i++) {
    if (!((c[i] >= 'a' && c[i] <= 'z') || (c[i] >= 'A' && c[i] <= 'Z') || (c[i] >= '0' && c[i] <= '9') ||
          (c[i] && strchr("-_.", c[i]))))
      return false;
  }
  return true;
}

/* ---- packaged */

/* "locales/zh-CN.po" to "zh-CN". */
static bool path_tag(char *tag, qun_slice path) {
  static const char folder[] = "locales/", end[] = ".po";
  const size_t f = sizeof folder - 1, e = sizeof end - 1;
  const char *p = path.ptr;
  if (path.len <= f + e || memcmp(p, folder, f) != 0 || memcmp(p + path.len - e, end, e) != 0) return false;
  return qun__locale_tag(tag, QUN_LOCALE_MAX, qun_slice_of(p + f, (size_t)path.len - f - e)) == 0;
}

static struct qun__words *read_packaged(struct qun__i18n *self, const char *domain, qun_slice path) {
  char name[256], line[600];
  qun_slice body;
  struct qun__po *po = NULL;
  struct qun__po_error err;
  struct qun__words *words = NULL;
  if (path.len >= sizeof name) return NULL;
  memcpy(name, path.ptr, (size_t)path.len);
  name[path.len] = 0;
  if (self->package->read(self->host, domain, name, &body) < 0) return NULL;
  if (qun__po_parse(&po, body, &err)) {
    snprintf(line, sizeof line, "%s/%s:%" PRIu32 ":%" PRIu32 ": %s", domain, name, err.line, err.column, err.message);
    self->host->log(self->host, QUN_LOG_WARN, qun_str(line));
    return NULL;
  }
  if (qun__words_from_po(&words, po)) words = NULL;
  qun__po_destroy(po);
  return words;
}

static int package_add(struct qun__i18n *self, struct qun__package *p, qun_slice path) {
  struct qun__catalogue c = {0}, *more;
  if (!path_tag(c.tag, path)) return 0;
  more = realloc(p->catalogues, (p->count + 1) * sizeof *more);
  if (!more) return QUN_EFAIL;
  p->catalogues = more;
  c.words = read_packaged(self, p->domain, path);
  p->catalogues[p->count++] = c;
  return 0;
}

static void package_drop(struct qun__package *p) {
  for (uint32_t i = 0; i < p->count; i++) qun__words_destroy(p->catalogues[i].words);
  free(p->catalogues);
}

void qun__packages_drop(struct qun__i18n *self) {
  for (uint32_t i = 0; i < self->packages_count; i++) package_drop(&self->packages[i]);
  free(self->packages);
  self->packages = NULL;
  self->packages_count = 0;
}

const struct qun__package *qun__package_of(struct qun__i18n *self, qun_slice domain) {
  struct qun__package made = {0}, *more;
  qun_slice path;
  int error = 0;
  for (uint32_t i = 0; i < self->packages_count; i++) {
    if (qun_slice_is(domain, self->packages[i].domain)) return &self->packages[i];
  }
  memcpy(made.domain, domain.ptr, (size_t)domain.len);
  for (uint32_t nth = 0; !error && self->package->list(self->host, made.domain, nth, &path) >= 0; nth++)
    error = package_add(self, &made, path);
  /* Names come from callers: only those that have catalogues are kept, so that made-up ones cost no memory. */
  more = error || made.count == 0 ? NULL : realloc(self->packages, (self->packages_count + 1) * sizeof *more);
  if (!more) {
    package_drop(&made);
    return NULL;
  }
  self->packages = more;
  self->packages[self->packages_count] = made;
  return &self->packages[self->packages_count++];
}

/* ---- the tenant's own */

static void catalogue_remove(struct qun__tenant *t, uint32_t at) {
  qun__words_destroy(t->catalogues[at].words);
  t->catalogues[at] = t->catalogues[--t->count];
}

void qun__tenant_drop(struct qun__tenant *t) {
  if (!t) return;
  while (t->count) catalogue_remove(t, t->count - 1);
  free(t->catalogues);
  qun_pack_fini(&t->settings);
  free(t);
}

static int read_parts(struct qun__i18n *self, const struct qun_context *ctx, struct qun__catalogue *c, int64_t parts,
                      qun_slice rule) {
  char key[QUN_ROW_KEY];
  size_t at;
  const char *why;
  qun_slice value;
  int error;
  c->words = qun__words_create();
  if (!c->words) return QUN_EFAIL;
  if (rule.len && qun__plural_parse(&c->words->rule, rule.ptr, (size_t)rule.len, &at, &why)) return QUN_EFAIL;
  for (int64_t part = 0; part < parts; part++) {
    error = self->store->get(self->host, ctx->tenant,
                             qun__part_key(key, qun_str(c->domain), qun_str(c->tag), c->generation, (uint32_t)part),
                             &value);
    if (error < 0) return error;
    error = qun__load_part(c->words, value);
    if (error) return error;
  }
  return qun__words_index(c->words);
}

/* h/<domain>\0<tag> into domain and tag. */
static bool split_key(qun_slice key, struct qun__catalogue *c) {
  const char *at = (const char *)key.ptr + 2, *end = (const char *)key.ptr + key.len;
  const char *nul = memchr(at, 0, (size_t)(end - at));
  if (!nul || (size_t)(nul - at) >= sizeof c->domain || (size_t)(end - nul - 1) >= sizeof c->tag) return false;
  snprintf(c->domain, sizeof c->domain, "%s", at);
  memcpy(c->tag, nul + 1, (size_t)(end - nul - 1));
  c->tag[end - nul - 1] = 0;
  return true;
}

static int refresh_one(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_pair *row) {
  struct qun__tenant *t = ctx->local;
  struct qun__catalogue c = {0}, *more;
  struct qun_unpack u;
  uint32_t n, i;
  int64_t generation, parts, entries;
  qun_slice rule;
  int error;
  qun_unpack_init(&u, row->value);
  if (!split_key(row->key, &c) || !qun_unpack_array(&u, &n) || !qun_unpack_int(&u, &generation) ||
      !qun_unpack_int(&u, &parts) || !qun_unpack_int(&u, &entries) || !qun_unpack_str(&u, &rule) ||
      !qun_unpack_int(&u, &c.loaded_ms))
    return QUN_EFAIL;
  c.generation = (uint64_t)generation;
  for (i = 0; i < t->count; i++) {
    if (strcmp(t->catalogues[i].domain, c.domain) != 0 || strcmp(t->catalogues[i].tag, c.tag) != 0) continue;
    if (t->catalogues[i].generation == c.generation) return 0;
    catalogue_remove(t, i);
    break;
  }
  if (t->count == QUN_TENANT_WORDS_MAX) return 0;
  more = realloc(t->catalogues, (t->count + 1) * sizeof *more);
  if (!more) return QUN_EFAIL;
  t->catalogues = more;
  error = read_parts(self, ctx, &c, parts, rule);
  if (error)
    qun__words_destroy(c.words);
  else
    t->catalogues[t->count++] = c;
  return error;
}

void qun__tenant_refresh(struct qun__i18n *self, const struct qun_context *ctx) {
  struct qun_pair rows[SCAN];
  qun_slice from = qun_slice_of(NULL, 0);
  uint32_t n = SCAN;
  if (!ctx->local) return;
  while (n == SCAN) {
    /* A tenant that has not enabled this plugin has no keyspace: it has no catalogues of its own then. */
    if (self->store->scan(self->host, ctx->tenant, qun_slice_of("h/", 2), from, rows, SCAN, &n) < 0) return;
    for (uint32_t i = 0; i < n; i++) {
      if (refresh_one(self, ctx, &rows[i]))
        self->host->log(self->host, QUN_LOG_WARN,
                        qun_str("a catalogue of the tenant could not be read; its packaged words are used"));
    }
    if (n) from = rows[n - 1].key;
  }
}

/* ---- looking up */

static void lookup_add(struct qun__lookup *l, const struct qun__words *words, const char *tag, enum qun__from from) {
  if (!words || l->count == sizeof l->at / sizeof *l->at) return;
  for (uint32_t i = 0; i < l->count; i++) {
    if (l->at[i].words == words) return;
  }
  l->at[l->count++] = (struct qun__source){.words = words, .tag = tag, .from = from};
}

static void add_tenant(struct qun__lookup *l, const struct qun__tenant *t, const char *tag, enum qun__from from) {
  for (uint32_t i = 0; t && i < t->count; i++) {
    const struct qun__catalogue *c = &t->catalogues[i];
    if (strcmp(c->domain, l->domain) == 0 && strcmp(c->tag, tag) == 0) lookup_add(l, c->words, c->tag, from);
  }
}

static void add_packaged(struct qun__lookup *l, const struct qun__package *p, const char *tag, enum qun__from from) {
  for (uint32_t i = 0; p && i < p->count; i++) {
    if (strcmp(p->catalogues[i].tag, tag) == 0) lookup_add(l, p->catalogues[i].words, p->catalogues[i].tag, from);
  }
}

/* A catalogue of a related language, when the chain itself has none. */
static void add_nearest(struct qun__lookup *l, const struct qun__tenant *t, const struct qun__package *p,
                        const char *wanted) {
  const char *have[64];
  uint32_t n = 0;
  int at;
  for (uint32_t i = 0; t && i < t->count && n < 32; i++) {
    if (strcmp(t->catalogues[i].domain, l->domain) == 0) have[n++] = t->catalogues[i].tag;
  }
  for (uint32_t i = 0; p && i < p->count && n < 64; i++) {
    if (p->catalogues[i].words) have[n++] = p->catalogues[i].tag;
  }
  at = qun__chain_nearest(wanted, have, n);
  if (at < 0) return;
  add_tenant(l, t, have[at], QUN_FROM_NEAREST);
  add_packaged(l, p, have[at], QUN_FROM_NEAREST);
}

void qun__lookup_make(struct qun__i18n *self, const struct qun_context *ctx, struct qun__lookup *out, qun_slice domain,
                      const struct qun__chain *chain) {
  const struct qun__tenant *t = ctx->local;
  const struct qun__package *p;
  out->count = 0;
  memcpy(out->domain, domain.ptr, (size_t)domain.len);
  out->domain[domain.len] = 0;
  p = qun__package_of(self, domain);
  for (uint32_t i = 0; i < chain->count; i++) add_tenant(out, t, chain->tag[i], QUN_FROM_TENANT);
  for (uint32_t i = 0; i < chain->count; i++) add_packaged(out, p, chain->tag[i], QUN_FROM_PACKAGE);
  if (out->count == 0) add_nearest(out, t, p, chain->tag[0]);
  add_tenant(out, t, "en", QUN_FROM_SOURCE);
  add_packaged(out, p, "en", QUN_FROM_SOURCE);
}

const struct qun__words_entry *qun__lookup_find(const struct qun__lookup *l, qun_slice key,
                                                const struct qun__source **source) {
  for (uint32_t i = 0; i < l->count; i++) {
    const struct qun__words_entry *e = qun__words_find(l->at[i].words, key);
    if (!e || !qun__words_ready(e)) continue;
    *source = &l->at[i];
    return e;
  }
  return NULL;
}

const struct qun__words_entry *qun__source_entry(struct qun__i18n *self, const struct qun_context *ctx,
                                                 qun_slice domain, qun_slice key) {
  struct qun__lookup l;
  struct qun__chain english = {.tag = {"en"}, .count = 1};
  const struct qun__source *source;
  qun__lookup_make(self, ctx, &l, domain, &english);
  return qun__lookup_find(&l, key, &source);
}
