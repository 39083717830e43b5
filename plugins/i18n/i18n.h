/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this plugin share: the instance, what it keeps of a tenant, and where words are looked up.
 * Everything here is a cache: rows of the keyspace and packaged catalogues are the truth. One thread, the instance's.
 *
 * Rows of the keyspace (domain and tag never hold a NUL)
 *   h/<domain>\0<tag>                          [generation, parts, entries, plural rule, time (ms)]
 *   p/<domain>\0<tag>                          generation of a load whose parts are still coming, 8 bytes
 *   c/<domain>\0<tag>\0<generation 8><part 4>  entries: flat list of texts, see load.c
 */
#ifndef QUN_PLUGINS_I18N_I18N_H
#define QUN_PLUGINS_I18N_I18N_H

#include "format.h"
#include "locale_chain.h"
#include "message.h"
#include "words.h"

enum { QUN_DOMAIN_MAX = 48, QUN_TENANT_WORDS_MAX = 256, QUN_FORMATS_MAX = 8 };

/* Where a text came from. */
enum qun__from { QUN_FROM_TENANT, QUN_FROM_PACKAGE, QUN_FROM_NEAREST, QUN_FROM_SOURCE, QUN_FROM_ID };

struct qun__catalogue {
  char tag[QUN_LOCALE_MAX];
  char domain[QUN_DOMAIN_MAX]; /* tenant's catalogues only */
  uint64_t generation;         /* tenant's catalogues only */
  int64_t loaded_ms;           /* tenant's catalogues only */
  struct qun__words *words;    /* packaged: NULL when the file could not be read */
};

/* The catalogues in the package of one plugin. */
struct qun__package {
  char domain[QUN_DOMAIN_MAX];
  struct qun__catalogue *catalogues;
  uint32_t count;
};

/* What on_tenant leaves. */
struct qun__tenant {
  char zone[64], currency[4], locale[QUN_LOCALE_MAX];
  qun_slice domains; /* msgpack list: the setting */
  struct qun_pack settings;
  int64_t catalogue_bytes; /* the setting */
  struct qun__catalogue *catalogues;
  uint32_t count;
};

struct qun__i18n {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_reply_v1 *reply;
  const struct qun_package_v1 *package;
  struct qun__package *packages;
  uint32_t packages_count;
  struct qun__format *formats[QUN_FORMATS_MAX];
  unsigned next_format;
  struct qun_pack scratch, answer;
};

struct qun__source {
  const struct qun__words *words;
  const char *tag;
  enum qun__from from;
};

/* The catalogues to ask for a locale in one domain, in order. Borrowed pointers: good for one request. */
struct qun__lookup {
  char domain[QUN_DOMAIN_MAX];
  struct qun__source at[2 * QUN_CHAIN_MAX + 6];
  uint32_t count;
};

/* ---- sources.c */
/* Only letters, digits, '-', '_' and '.', at most 47 of them. */
bool qun__domain_fits(qun_slice domain);
void qun__lookup_make(struct qun__i18n *self, const struct qun_context *ctx, struct qun__lookup *out, qun_slice domain,
                      const struct qun__chain *chain);
/* The first catalogue that has words for the key; NULL when none has. *source is set on success. */
const struct qun__words_entry *qun__lookup_find(const struct qun__lookup *l, qun_slice key,
                                                const struct qun__source **source);
/* A plugin's packaged catalogues, read when first asked for. NULL: none, or out of memory. Good until the next call. */
const struct qun__package *qun__package_of(struct qun__i18n *self, qun_slice domain);
/* Reads the tenant's own catalogues that are not in memory as the rows have them. Once at the begin of a request:
 * lookups borrow from them. */
void qun__tenant_refresh(struct qun__i18n *self, const struct qun_context *ctx);
void qun__tenant_drop(struct qun__tenant *t);
void qun__packages_drop(struct qun__i18n *self);
/* Text that a translation starts from: the tenant's English, else the packaged English. */
const struct qun__words_entry *qun__source_entry(struct qun__i18n *self, const struct qun_context *ctx,
                                                 qun_slice domain, qun_slice key);

/* ---- load.c */
int qun__load(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_request *request);
int qun__load_event(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_event *event);
/* Adds the entries of one stored part. */
int qun__load_part(struct qun__words *words, qun_slice entries);
/* Row keys, built into a buffer of 160 bytes. */
qun_slice qun__row_key(char *buf, char kind, qun_slice domain, qun_slice tag);
qun_slice qun__part_key(char *buf, qun_slice domain, qun_slice tag, uint64_t generation, uint32_t part);
enum { QUN_ROW_KEY = 160 };

/* ---- render.c */
int qun__render(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_request *request);
int qun__format_request(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_request *request);

/* ---- report.c */
int qun__locales(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_request *request);
int qun__coverage_report(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_request *request);

/* ---- i18n.c */
int qun__refuse(struct qun__i18n *self, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A formatter of the instance. NULL: locale or zone is not known (refused already). */
struct qun__format *qun__format_for(struct qun__i18n *self, const char *locale, const char *zone);

#endif
