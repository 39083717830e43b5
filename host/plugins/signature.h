/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who answers for a package. A package is a folder with `index` (package_index.h) and, if somebody signed it, `signature`: one line
 * "qun-signature/1 KEY SIGNATURE", an Ed25519 signature (libsodium) over the bytes of `index`, key and signature in base64.
 *
 * Verifying says what the index is worth; whoever then reads a file of the package holds the bytes in his hands against its sum with
 * qun_package_holds(), so that what was verified is what is used. Nothing of the package is run.
 */
#ifndef QUN_HOST_PLUGINS_SIGNATURE_H
#define QUN_HOST_PLUGINS_SIGNATURE_H

#include "host/plugins/package_index.h"
#include "host/plugins/trust_store.h"

enum { QUN_KEY_SIZE = 32, QUN_SECRET_SIZE = 64 };

enum qun_package_standing {
  QUN_PACKAGE_NONE = 0, /* a folder without index: built here, or by hand */
  QUN_PACKAGE_BROKEN,   /* index or signature are not what they should be */
  QUN_PACKAGE_UNSIGNED, /* an index that nobody answers for */
  QUN_PACKAGE_STRANGER, /* well signed, but the operator does not trust this key for this id */
  QUN_PACKAGE_SIGNED    /* well signed by a trusted key */
};

struct qun_package_verdict {
  enum qun_package_standing standing;
  unsigned char key[QUN_KEY_SIZE]; /* STRANGER and SIGNED */
  struct qun_package_index index;  /* empty for NONE and BROKEN */
  char reason[240];                /* a sentence */
};

/* Judges the package in a folder. `trust` NULL: nobody is trusted. Answers 0 whatever the verdict; QUN_EFAIL: it could not be read. Blocking. */
int qun_package_verify(struct qun_package_verdict *verdict, const char *dir, const struct qun_trust_store *trust,
                       struct qun_error *err);
/* The same for bytes in memory; `signature` empty: unsigned. No blocking. */
void qun_package_judge(struct qun_package_verdict *verdict, qun_slice index, qun_slice signature,
                       const struct qun_trust_store *trust);
void qun_package_verdict_fini(struct qun_package_verdict *verdict);
/* Whether the index has this file with this sum. Without an index: any file. */
bool qun_package_holds(const struct qun_package_verdict *verdict, const char *path, const unsigned char sha256[32]);
/* Where the library is inside the folder: its own name, or lib/<arch>/ in a package. QUN_EUNSUPPORTED: the package is for another machine. */
int qun_package_library(char *out, size_t size, const struct qun_package_verdict *verdict, const char *library,
                        struct qun_error *err);

/* ---- keys */
void qun_package_key_make(unsigned char key[QUN_KEY_SIZE], unsigned char secret[QUN_SECRET_SIZE]);
/* Secret key files: mode 0600, one line "qun-secret/1 BASE64". Writing replaces nothing: QUN_ECONFLICT. Reading: QUN_ENOTFOUND, QUN_EINVAL. Blocking. */
int qun_package_secret_write(const char *path, const unsigned char secret[QUN_SECRET_SIZE], struct qun_error *err);
int qun_package_secret_read(unsigned char secret[QUN_SECRET_SIZE], const char *path, struct qun_error *err);
/* Appends the text of `signature`. */
void qun_package_sign(struct qun_pack *out, qun_slice index, const unsigned char secret[QUN_SECRET_SIZE]);

#endif
