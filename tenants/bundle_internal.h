/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle between its own files: bundle_manifest.c (the text), bundle_files.c (the directory), bundle_write.c,
 * bundle.c (checking). */
#ifndef QUN_TENANTS_BUNDLE_INTERNAL_H
#define QUN_TENANTS_BUNDLE_INTERNAL_H

#include "tenants/bundle.h"
#include "tenants/sha256.h"

struct qun__bundle_entry {
  char path[QUN_BUNDLE_PATH_MAX + 1];
  unsigned char hash[QUN_SHA256_SIZE];
  uint64_t size;
  bool seen;
};

struct qun__manifest {
  char name[QUN_KEY_NAME_MAX + 1];
  struct qun__bundle_entry *entries; /* heap, in order of path */
  uint32_t count;
};

/* Appends the text. The entries must be in order. */
void qun__manifest_write(struct qun_pack *out, const struct qun__manifest *m);
/* QUN_EINVAL names the line. Fini after 0 only. */
int qun__manifest_read(struct qun__manifest *out, qun_slice text, struct qun_error *err);
void qun__manifest_fini(struct qun__manifest *m);
/* NULL if it is not listed. */
struct qun__bundle_entry *qun__manifest_find(const struct qun__manifest *m, const char *path);
bool qun__bundle_path_fits(const char *path);
int qun__bundle_entry_order(const void *a, const void *b);

/* A file's bytes, heap; never through a link. QUN_EINVAL: not a plain file, or too large. QUN_ENOTFOUND. */
int qun__bundle_read(struct qun_pack *out, int dir, const char *path, struct qun_error *err);
/* Holds the whole directory against the manifest: nothing missing, nothing more, every byte. `each` (NULL is fine) gets
 * every file. */
typedef int (*qun__bundle_each)(void *arg, const char *path, qun_slice bytes, struct qun_error *err);
int qun__bundle_walk(int dir, struct qun__manifest *m, qun__bundle_each each, void *arg, struct qun_error *err);

#endif
