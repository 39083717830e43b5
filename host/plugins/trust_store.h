/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the operator trusts to sign plugins, <data>/plugins/trust, and which services were granted to whom, <data>/plugins/grants. Texts, a line an
 * entry; both are written whole and take the old one's place, so a reader sees one or the other. One thread at a time; loading and saving block.
 *
 *     trust     KEY PREFIX [NAME]            a key may sign plugins whose id begins with PREFIX; "*": any id
 *     grants    ID KEY SERVICE[,SERVICE...]  what the plugin ID signed by KEY ("-": by nobody) may ask for; "-": nothing
 *
 * KEY: an Ed25519 public key, 32 bytes as base64.
 */
#ifndef QUN_HOST_PLUGINS_TRUST_STORE_H
#define QUN_HOST_PLUGINS_TRUST_STORE_H

#include "host/plugins/manifest.h"

struct qun_trusted_key {
  unsigned char key[32];
  char prefix[32];
  char name[64];
};

struct qun_trust_store {
  struct qun_trusted_key *keys;
  uint32_t count;
};

/* A file that is not there is an empty store. QUN_EINVAL names the line. `folder`: <data>/plugins. */
int qun_trust_store_load(struct qun_trust_store *store, const char *folder, struct qun_error *err);
int qun_trust_store_save(const struct qun_trust_store *store, const char *folder, struct qun_error *err);
void qun_trust_store_fini(struct qun_trust_store *store);
/* A key has one entry: a second add changes its prefix and name. QUN_EINVAL: the prefix or name cannot be written. */
int qun_trust_store_add(struct qun_trust_store *store, const unsigned char key[32], const char *prefix,
                        const char *name, struct qun_error *err);
/* False: it was not there. */
bool qun_trust_store_remove(struct qun_trust_store *store, const unsigned char key[32]);
/* NULL: the key is not trusted for this id. */
const struct qun_trusted_key *qun_trust_store_find(const struct qun_trust_store *store, const unsigned char key[32],
                                                   const char *id);

struct qun_service_grant {
  char id[32];
  char key[48]; /* base64, or "-" */
  char *services;
};

struct qun_service_grants {
  struct qun_service_grant *list;
  uint32_t count;
};

int qun_service_grants_load(struct qun_service_grants *grants, const char *folder, struct qun_error *err);
int qun_service_grants_save(const struct qun_service_grants *grants, const char *folder, struct qun_error *err);
void qun_service_grants_fini(struct qun_service_grants *grants);
/* Grants what the manifest asks for, in place of what this id and key had. `key` NULL: signed by nobody. QUN_EFAIL: memory ran out. */
int qun_service_grants_set(struct qun_service_grants *grants, const struct qun_manifest *m, const unsigned char *key,
                           struct qun_error *err);
/* The first service that the manifest asks for and that was not granted; NULL: all are. */
const char *qun_service_grants_missing(const struct qun_service_grants *grants, const struct qun_manifest *m,
                                       const unsigned char *key);
void qun_service_grants_remove(struct qun_service_grants *grants, const char *id);

#endif
