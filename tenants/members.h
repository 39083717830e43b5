/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of a tenant: a pseudonym (keyed hash of the platform's id) and the tenant's own dense number, given in order
 * of first sight in the log, so that plugins and their keyspaces know numbers alone. Table MEMBERS:
 *   "p" pseudonym            -> number (big-endian)
 *   "m" number (big-endian)  -> msgpack map {"p": pseudonym (bin), field: sealed bytes (bin)...}
 */
#ifndef QUN_TENANTS_MEMBERS_H
#define QUN_TENANTS_MEMBERS_H

#include "tenants/input.h"
#include "tenants/meta.h"

/* The number of a pseudonym; the next free one (head->members grows) if it is new. */
int qun_member_number(struct qun_batch *b, struct qun_head *head, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE],
                      uint64_t *number);
/* The number if it is known. QUN_ENOTFOUND. */
int qun_member_find(const struct qun_view *v, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE], uint64_t *number);
/* QUN_ENOTFOUND. */
int qun_member_pseudonym(const struct qun_view *v, uint64_t number, unsigned char out[QUN_PSEUDONYM_SIZE]);
/* Puts sealed identity fields (msgpack map field -> bin) into the member's row; fields that it has already are
 * replaced. */
int qun_member_identify(struct qun_batch *b, uint64_t number, qun_slice identity);
/* A sealed identity field, such as "id", "phone" or "unionid". QUN_ENOTFOUND. */
int qun_member_identity(const struct qun_view *v, uint64_t number, const char *field, qun_slice *sealed);

#endif
