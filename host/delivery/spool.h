/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sender "spool": appends the row as one JSON line to <data>/tenants/<tenant>/spool/<target>.jsonl and syncs it, for
 * platforms that have no API and people who post by hand.
 *   {"id": idempotency key, "plugin", "key", "target", "due": UTC ms, "body": {...}}
 * The same id may stand there twice after a crash. Bytes of a target other than A-Z a-z 0-9 - _ and inner dots become %XX; a
 * long target is cut and gets a hash. Blocking.
 */
#ifndef QUN_HOST_DELIVERY_SPOOL_H
#define QUN_HOST_DELIVERY_SPOOL_H

#include "host/delivery/row.h"

enum { QUN_SPOOL_NAME_SIZE = 160 };
/* The file's name for a target. Pure. */
void qun_spool_name(char out[QUN_SPOOL_NAME_SIZE], qun_slice target);
void qun_spool_send(const char *data_dir, const struct qun_delivery_row *row, struct qun_send_outcome *out);

#endif
