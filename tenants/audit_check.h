/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a store's log and audit tree hold together: no record is missing, all leaves give the root that the tree's
   inner nodes give, and records (the first, the last, and some between) are bound to it. Reads each leaf's hash; not
   each record. Blocking; over a snapshot. */
#ifndef QUN_TENANTS_AUDIT_CHECK_H
#define QUN_TENANTS_AUDIT_CHECK_H

#include "tenants/audit_log.h"

/* 0, or QUN_ECONFLICT and what is wrong. */
int qun_audit_check(const struct qun_view *v, const struct qun_vault *vault, struct qun_error *err);

#endif
