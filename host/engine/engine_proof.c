/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints and proofs over what is committed. */
#include "host/engine/internal.h"

#include "tenants/audit_proof.h"
#include "tenants/note.h"

static int verifier_of(const struct qun_reading *r, const char *tenant, struct qun_verifier *who,
                       struct qun_error *err) {
  unsigned char key[32];
  char origin[96];
  qun_origin_of(origin, tenant, qun_epoch_read(&r->view));
  qun_vault_public_key(r->vault, key);
  return qun_verifier_make(who, origin, key, err);
}

static int sign(void *arg, qun_slice message, unsigned char sig[64], struct qun_error *err) {
  return qun_vault_sign(arg, message, sig, err);
}

int qun_engine_checkpoint(struct qun_engine *e, const char *tenant, struct qun_pack *text, uint64_t *size,
                          struct qun_error *err) {
  struct qun_reading r;
  struct qun_head head;
  struct qun_verifier who;
  struct qun_pack body;
  unsigned char root[QUN_HASH_SIZE];
  char origin[96];
  int rc = qun_engine_read_begin(e, tenant, &r, err);
  if (rc < 0) return rc;
  qun_pack_init(&body);
  uint64_t epoch = qun_epoch_read(&r.view);
  qun_origin_of(origin, tenant, epoch);
  if (qun_head_read(&r.view, &head) < 0) rc = qun_error_set(err, QUN_ECONFLICT, "the store's head is damaged");
  if (rc == 0) rc = qun_audit_root(&r.view, head.tree_size, root, err);
  if (rc == 0) rc = verifier_of(&r, tenant, &who, err);
  if (rc == 0) rc = qun_vault_advance(r.vault, epoch, head.tree_size, root, err);
  if (rc == 0) {
    qun_checkpoint_write(&body, origin, head.tree_size, root);
    rc = body.failed ? qun_error_set(err, QUN_EFAIL, "out of memory")
                     : qun_note_sign(text, qun_pack_slice(&body), &who, sign, r.vault, err);
  }
  if (rc == 0 && size) *size = head.tree_size;
  qun_pack_fini(&body);
  qun_engine_read_end(&r);
  return rc;
}

int qun_engine_prove(struct qun_engine *e, const char *tenant, uint64_t seq, uint64_t size, struct qun_pack *out,
                     struct qun_error *err) {
  struct qun_reading r;
  struct qun_bound bound;
  int rc = qun_engine_read_begin(e, tenant, &r, err);
  if (rc < 0) return rc;
  rc = qun_audit_prove(&bound, &r.view, r.vault, seq, size, err);
  if (rc == 0) qun_bound_write(out, &bound, NULL);
  qun_engine_read_end(&r);
  return rc;
}

int qun_engine_prove_consistency(struct qun_engine *e, const char *tenant, uint64_t from, uint64_t to,
                                 struct qun_pack *out, struct qun_error *err) {
  struct qun_reading r;
  struct qun_proof proof;
  int rc = qun_engine_read_begin(e, tenant, &r, err);
  if (rc < 0) return rc;
  rc = qun_audit_prove_consistency(&proof, &r.view, from, to, err);
  if (rc == 0) qun_proof_write(out, &proof);
  qun_engine_read_end(&r);
  return rc;
}

int qun_engine_audit_tail(struct qun_engine *e, const char *tenant, struct qun_audit_open *out, struct qun_error *err) {
  struct qun_reading r;
  int rc = qun_engine_read_begin(e, tenant, &r, err);
  if (rc < 0) return rc;
  rc = qun_audit_open_group(out, &r.view, r.vault, err);
  qun_engine_read_end(&r);
  return rc;
}

int qun_engine_verifier_key(struct qun_engine *e, const char *tenant, struct qun_pack *text, struct qun_error *err) {
  struct qun_reading r;
  struct qun_verifier who;
  char line[QUN_VERIFIER_TEXT_SIZE];
  int rc = qun_engine_read_begin(e, tenant, &r, err);
  if (rc < 0) return rc;
  rc = verifier_of(&r, tenant, &who, err);
  if (rc == 0) qun_pack_raw(text, qun_str(qun_verifier_write(line, &who)));
  qun_engine_read_end(&r);
  return rc;
}
