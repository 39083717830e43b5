/* SPDX-License-Identifier: Apache-2.0 */
/* Small files of the operator's beside a tenant's keys, which hold secrets: <keys>/<tenant>/<name>, mode 0600. Blocking. */
#ifndef QUN_HOST_DELIVERY_PRIVATE_FILE_H
#define QUN_HOST_DELIVERY_PRIVATE_FILE_H

#include "tenants/error.h"

#include <cyaml/cyaml.h>
#include <stddef.h>

int qun__private_path(char path[480], const char *keys_dir, const char *tenant, struct qun_error *err);
/* The whole of a file that belongs to the caller alone, ended by a NUL; wipe and free *text. */
int qun__private_read(char **text, size_t *len, const char *path, const char *name, struct qun_error *err);
/* A cyaml_log_fn_t over a struct qun_error: the last line names what is wrong, and no value (a secret). */
__attribute__((format(printf, 3, 0))) void qun__private_keep_line(cyaml_log_t level, void *ctx, const char *format,
                                                                  va_list args);

#endif
