/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An audit bundle: a plain directory that a third party can check without the tenant's data.
 *   MANIFEST          a signed note (tenants/note.h) by the tenant's signer. Its text:
 *                       "qun-bundle/1\n", "<key name>\n", then a line a file, in bytewise order of path:
 *                       "<SHA-256 in hex> <size> <path>\n"
 *   key               the verifier key and a newline; proves nothing by itself (DECISIONS 24)
 *   checkpoint        the signed tree head
 *   evidence.json, audit.json, and consistency.json if there is an earlier checkpoint: tenants/evidence.h
 *   anything else     reports. Paths are of A-Z a-z 0-9 . _ - in up to 4 parts that do not begin with '.'
 * All functions block and may be called from any thread.
 */
#ifndef QUN_TENANTS_BUNDLE_H
#define QUN_TENANTS_BUNDLE_H

#include "tenants/note.h"

#include <stdbool.h>

enum { QUN_BUNDLE_PATH_MAX = 200, QUN_BUNDLE_FILES_MAX = 1000, QUN_BUNDLE_FILE_MAX = 256 << 20 };

struct qun_bundle_file {
  const char *path;
  qun_slice bytes;
};

/* Appends MANIFEST over all the other files. Needed among them: key, checkpoint, evidence.json, audit.json. QUN_EINVAL:
   a path that cannot be one, or a file missing. */
int qun_bundle_manifest(struct qun_pack *out, const struct qun_bundle_file *files, uint32_t count,
                        const struct qun_verifier *who, qun_note_signer sign, void *arg, struct qun_error *err);
/* Writes files into a directory that does not exist or is empty, in this order (MANIFEST last), and syncs them.
   QUN_ECONFLICT: something is in the directory. QUN_EINVAL: a path that cannot be one. QUN_EFAIL names the file. */
int qun_bundle_store(const char *dir, const struct qun_bundle_file *files, uint32_t count, struct qun_error *err);

struct qun_bundle_result {
  char origin[QUN_KEY_NAME_MAX + 1]; /* the key's name */
  bool any_key;                      /* checked against the key that lies in the bundle: consistency alone */
  uint32_t files;                    /* that MANIFEST lists, all with the right bytes */
  uint64_t size;                     /* of the tree */
  unsigned char root[32];
  uint32_t records;         /* proved */
  uint32_t cited;           /* citations, each of a proved record */
  uint64_t audit_seq, upto; /* the qun.audit record, and the last record that it covers */
  bool continues;           /* shown to continue an earlier checkpoint of `since_size` */
  uint64_t since_size;
};

/* Checks a bundle with `key` (the text form; NULL: any key), and, if `since` is not empty, that it continues this
   earlier checkpoint (a note). QUN_EINVAL: refused, the message names the file and what is wrong. QUN_ENOTFOUND,
   QUN_EFAIL: cannot be read. */
int qun_bundle_verify(struct qun_bundle_result *out, const char *dir, const char *key, qun_slice since,
                      struct qun_error *err);

#endif
