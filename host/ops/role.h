/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles (DECISIONS 29 of the plan): agency over the whole host; owner, operator, auditor, ingest within one tenant.
 * They are not a ladder: ingest may write and not read, an auditor may read and not write. So a route names the set of
 * roles that it lets in.
 */
#ifndef QUN_HOST_OPS_ROLE_H
#define QUN_HOST_OPS_ROLE_H

#include <stdint.h>

enum qun_role {
  QUN_ROLE_NONE = 0,
  QUN_ROLE_INGEST,
  QUN_ROLE_AUDITOR,
  QUN_ROLE_OPERATOR,
  QUN_ROLE_OWNER,
  QUN_ROLE_AGENCY
};

/* Sets of roles: who may do the work of ... */
enum {
  QUN_ROLES_ANYBODY = 1u << QUN_ROLE_NONE,
  QUN_ROLES_AGENCY = 1u << QUN_ROLE_AGENCY,
  QUN_ROLES_OWNER = QUN_ROLES_AGENCY | 1u << QUN_ROLE_OWNER,
  QUN_ROLES_OPERATOR = QUN_ROLES_OWNER | 1u << QUN_ROLE_OPERATOR,
  QUN_ROLES_AUDITOR = QUN_ROLES_OPERATOR | 1u << QUN_ROLE_AUDITOR,
  QUN_ROLES_INGEST = QUN_ROLES_OPERATOR | 1u << QUN_ROLE_INGEST,
  QUN_ROLES_TOKEN = QUN_ROLES_AUDITOR | QUN_ROLES_INGEST
};

/* "owner" for QUN_ROLE_OWNER; "none" for no role. */
const char *qun_role_name(enum qun_role role);
/* The role of that name, or QUN_ROLE_NONE. */
enum qun_role qun_role_parse(const char *name);
/* 1 if the role is in the set, or the set lets anybody in. */
int qun_role_in(enum qun_role role, uint32_t set);

#endif
