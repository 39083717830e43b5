/* SPDX-License-Identifier: Apache-2.0 */
/* What others hand in as proof: keys, signed notes, checkpoints, proofs of records. */
#include "tenants/note.h"
#include "tenants/tlog_proof.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const unsigned char key[32] = {1};
  struct qun_verifier known, read;
  struct qun_checkpoint checkpoint;
  struct qun_tlog_proof proof;
  struct qun_error err = {0};
  qun_slice all = qun_slice_of(data, size), text;
  char written[QUN_VERIFIER_TEXT_SIZE];
  fuzz_check(qun_verifier_make(&known, "example.com/acme", key, &err) == 0, "a good name is refused");
  (void)qun_note_open(&text, all, &known, 1, &err);
  (void)qun_checkpoint_open(&checkpoint, all, &known, 1, &err);
  (void)qun_checkpoint_read(&checkpoint, all, &err);
  (void)qun_tlog_proof_read(&proof, all, &err);
  if (qun_verifier_read(&read, all, &err) == 0)
    fuzz_check(qun_slice_eq(qun_str(qun_verifier_write(written, &read)), all), "a key is written in another way");
  return 0;
}
