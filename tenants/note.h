/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed notes with Ed25519 (C2SP signed-note) and what is written in them: tree heads (C2SP tlog-checkpoint).
 *   note        text, an empty line, then a line a signature: "— <key name> <base64 of key id 4 || signature 64>\n"
 *   key id      SHA-256(key name || 0x0A || 0x01 || public key)[:4]
 *   verifier    "<key name>+<key id in hex>+<base64 of 0x01 || public key>": what a client keeps and checks with
 *   checkpoint  "<origin>\n<size>\n<base64 root>\n", then lines of its own
 * Read strictly: a signature line by a key that is not known refuses the whole note (DECISIONS 24), so does a second
 * line by one key, base64 that is not canonical, a size with leading zeros. All functions: any thread, no blocking.
 */
#ifndef QUN_TENANTS_NOTE_H
#define QUN_TENANTS_NOTE_H

#include "tenants/error.h"

#include <qun/msgpack.h>

enum { QUN_KEY_NAME_MAX = 255, QUN_VERIFIER_TEXT_SIZE = QUN_KEY_NAME_MAX + 1 + 8 + 1 + 44 + 1, QUN_NOTE_MAX = 1 << 20 };

struct qun_verifier {
  char name[QUN_KEY_NAME_MAX + 1]; /* UTF-8, no space, no '+' */
  unsigned char id[4];
  unsigned char key[32];
};

/* QUN_EINVAL: a name that cannot be one. */
int qun_verifier_make(struct qun_verifier *out, const char *name, const unsigned char public_key[32],
                      struct qun_error *err);
/* Reads the text form. QUN_EINVAL: not one, or its id is not that of its key. */
int qun_verifier_read(struct qun_verifier *out, qun_slice text, struct qun_error *err);
char *qun_verifier_write(char out[QUN_VERIFIER_TEXT_SIZE], const struct qun_verifier *v);
/* 0, or QUN_EINVAL. libsodium's rules: S canonical, no small-order or non-canonical key or R, no cofactor. */
int qun_verifier_check(const struct qun_verifier *v, qun_slice message, qun_slice signature);

/* Signs a message; 0 or less than 0 with a message. */
typedef int (*qun_note_signer)(void *arg, qun_slice message, unsigned char sig[64], struct qun_error *err);

/* Appends a signed note of `text` (ends with a newline) to `out`. QUN_EINVAL: a text that cannot be one. */
int qun_note_sign(struct qun_pack *out, qun_slice text, const struct qun_verifier *who, qun_note_signer sign, void *arg,
                  struct qun_error *err);
/* Checks a note: known[0] must have signed it, known[1..] may have (witnesses), nobody else. *text borrows from `note`.
   QUN_EINVAL says what is wrong. */
int qun_note_open(qun_slice *text, qun_slice note, const struct qun_verifier *known, uint32_t count,
                  struct qun_error *err);

struct qun_checkpoint {
  qun_slice origin; /* borrowed from the body */
  uint64_t size;
  unsigned char root[64];
  uint32_t root_size;  /* 32 for every tree of SHA-256 */
  qun_slice extension; /* lines behind the root, borrowed */
};

/* Appends a checkpoint's body for a tree of SHA-256. */
void qun_checkpoint_write(struct qun_pack *out, const char *origin, uint64_t size, const unsigned char root[32]);
/* Reads a body (the text of a note). QUN_EINVAL names the line. */
int qun_checkpoint_read(struct qun_checkpoint *out, qun_slice body, struct qun_error *err);
/* Opens a note and reads the checkpoint in it: origin must be known[0]'s name, the root 32 bytes. */
int qun_checkpoint_open(struct qun_checkpoint *out, qun_slice note, const struct qun_verifier *known, uint32_t count,
                        struct qun_error *err);

/* ---- internal to tenants/ */
/* Cuts the first line off *rest, without its newline. 0: there is no whole line. */
int qun__line(qun_slice *line, qun_slice *rest);
/* A decimal number without sign or leading zeros. 0: not one, or more than 64 bits. */
int qun__decimal(uint64_t *out, qun_slice text);

#endif
