/* SPDX-License-Identifier: Apache-2.0 */
/* A small log with its audit tree, and an audit bundle over it, made by the functions that the host uses. */
#ifndef QUN_TESTS_BUNDLE_FIXTURE_H
#define QUN_TESTS_BUNDLE_FIXTURE_H

#include "tenants/bundle.h"
#include "tenants/evidence.h"
#include "tenants/vault.h"

enum { RECORDS = 300, GOVERNS_EACH = 50, LEAVES_MAX = 64 };

struct fixture {
  char root[64]; /* a folder of its own below /tmp */
  char dir[96];  /* the bundle */
  struct qun_vault *vault;
  struct qun_verifier key;
  char vkey[QUN_VERIFIER_TEXT_SIZE];
  unsigned char hashes[RECORDS + 2][QUN_HASH_SIZE]; /* by sequence */
  uint64_t leaf_of[RECORDS + 2];                    /* of governing records */
  unsigned char leaves[LEAVES_MAX][QUN_HASH_SIZE];
  uint64_t size, group_leaf, early_size;
  struct qun_pack audit_bytes, audit_json, checkpoint, early_checkpoint, evidence_json, consistency_json;
  struct qun_evidence evidence;
};

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
/* Writes the bundle of the fixture's files as they stand. 0 or less. */
int fixture_write(struct fixture *f, struct qun_error *err);
/* Makes evidence.json again after a change to `evidence`. */
void fixture_draw_evidence(struct fixture *f);
void fixture_checkpoint(struct fixture *f, struct qun_pack *out, uint64_t size);
int fixture_sign(void *arg, qun_slice message, unsigned char sig[64], struct qun_error *err);
/* Removes the bundle. */
void fixture_clear(struct fixture *f);

#endif
