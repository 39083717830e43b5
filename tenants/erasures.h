/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The erasure list of a tenant: who was erased and when. It lies beside the keys (<keys>/<tenant>/erased.list), never in
 * the data or its backups, so that a backup older than an erasure does not bring the data back: restore applies it
 * (DECISIONS 26). Text: "qun-erased/1", then a line each: pseudonym in hex, UTC ms. Functions block; any thread, but one
 * writer a tenant at a time.
 */
#ifndef QUN_TENANTS_ERASURES_H
#define QUN_TENANTS_ERASURES_H

#include "tenants/error.h"
#include "tenants/input.h"

struct qun_erasure {
  unsigned char pseudonym[QUN_PSEUDONYM_SIZE];
  int64_t at_ms;
};

struct qun_erasures {
  struct qun_erasure *items;
  uint32_t count;
};

/* The list; no file gives none. QUN_EINVAL names the line. Free with fini. */
int qun_erasures_load(struct qun_erasures *out, const char *keys_dir, const char *tenant, struct qun_error *err);
/* That of staged keys (tenants/vault.h). */
int qun_erasures_load_staged(struct qun_erasures *out, const char *keys_dir, const char *tenant, struct qun_error *err);
void qun_erasures_fini(struct qun_erasures *e);
/* Adds entries and syncs. What is there already (the same member and time) is left alone. */
int qun_erasures_add(const char *keys_dir, const char *tenant, const struct qun_erasure *items, uint32_t count,
                     struct qun_error *err);

/* ---- internal to tenants/: the same by folder */
int qun__erasures_load(struct qun_erasures *out, const char *dir, struct qun_error *err);
int qun__erasures_add(const char *dir, const struct qun_erasure *items, uint32_t count, struct qun_error *err);

#endif
