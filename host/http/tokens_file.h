/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <keys>/<tenant>/tokens.yaml: what is kept of a tenant's tokens. Internal to host/http/tokens.c. All functions block
 * on the disk.
 */
#ifndef QUN_HOST_HTTP_TOKENS_FILE_H
#define QUN_HOST_HTTP_TOKENS_FILE_H

#include "host/http/tokens.h"

struct qun__token_line {
  enum qun_role role;
  int64_t created_ms;
  unsigned char hash[QUN_TOKEN_HASH_SIZE];
};

/* *lines is the caller's to free. QUN_ENOTFOUND: no such file. QUN_EINVAL names the file and what is wrong. */
int qun__tokens_read(const char *keys_dir, const char *tenant, struct qun__token_line **lines, uint32_t *count,
                     struct qun_error *err);
/* Replaces the file: a new one beside it (0600), fsync, rename, fsync of the folder. Makes the tenant's folder (0700)
 * when absent. */
int qun__tokens_write(const char *keys_dir, const char *tenant, const struct qun__token_line *lines, uint32_t count,
                      struct qun_error *err);
/* No such file is fine. */
int qun__tokens_remove(const char *keys_dir, const char *tenant, struct qun_error *err);

#endif
