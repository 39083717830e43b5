/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packages of plugins as files: NAME-VERSION-ARCH.qunpkg, a zip archive (libzip) of
 *
 *     index, signature             host/plugins/package_index.h, host/plugins/signature.h
 *     plugin.yaml                  and what it lists under files and locales
 *     lib/<arch>/<library>
 *     README.md, docs/...          if the folder has them
 *
 * The same content gives the same bytes. All of a package is in memory at once, at most 256 MiB, and what is judged there is what is written
 * elsewhere. Nothing of a package is run here. Blocking; one thread.
 */
#ifndef QUN_TOOLS_QUN_PACKAGE_H
#define QUN_TOOLS_QUN_PACKAGE_H

#include "host/plugins/signature.h"

struct qun_package_part {
  char *path;
  struct qun_pack bytes;
};

struct qun_package {
  struct qun_package_part *parts;
  uint32_t count;
  uint64_t total;
};

/* A .qunpkg file, a folder with an index, or a folder as it was built (index and signature are then not there). QUN_EINVAL says what is wrong
   with which file. Fini in any case. */
int qun_package_open(struct qun_package *p, const char *path, struct qun_error *err);
void qun_package_fini(struct qun_package *p);
/* The empty slice: it is not there. */
qun_slice qun_package_part_of(const struct qun_package *p, const char *path);
/* Sets a part anew or adds it. QUN_EINVAL, QUN_EFAIL. */
int qun_package_put(struct qun_package *p, const char *path, qun_slice bytes, struct qun_error *err);
/* Puts an index of all parts but index and signature, for the id and version of the manifest, and takes the signature away. */
int qun_package_make_index(struct qun_package *p, const struct qun_manifest *m, const char *arch,
                           struct qun_error *err);
/* Judges index and signature, and holds each part against the index: a part that is changed, missing or not in it makes it QUN_PACKAGE_BROKEN. */
void qun_package_check(struct qun_package_verdict *verdict, const struct qun_package *p,
                       const struct qun_trust_store *trust);
/* Writes the archive; it takes the place of an old one when it is whole. QUN_EFAIL. */
int qun_package_write(const struct qun_package *p, const char *path, struct qun_error *err);
/* Writes the parts as files below a folder that is made. QUN_EFAIL. */
int qun_package_unpack(const struct qun_package *p, const char *dir, struct qun_error *err);
/* Its manifest, by way of a scratch folder. QUN_EINVAL names file, line and key. */
int qun_package_manifest(struct qun_manifest **out, const struct qun_package *p, struct qun_error *err);
/* The path of the library among its parts; NULL: none. */
const char *qun_package_library_part(const struct qun_package *p);

#endif
