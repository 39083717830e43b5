/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/role.h"

#include <string.h>

static const char *const names[] = {
    [QUN_ROLE_NONE] = "none",         [QUN_ROLE_INGEST] = "ingest", [QUN_ROLE_AUDITOR] = "auditor",
    [QUN_ROLE_OPERATOR] = "operator", [QUN_ROLE_OWNER] = "owner",   [QUN_ROLE_AGENCY] = "agency",
};

enum { NAMES = (int)(sizeof names / sizeof *names) };

const char *qun_role_name(enum qun_role role) {
  return (unsigned)role < NAMES ? names[role] : names[QUN_ROLE_NONE];
}

enum qun_role qun_role_parse(const char *name) {
  for (int i = QUN_ROLE_INGEST; i < NAMES; i++)
    if (!strcmp(names[i], name)) return (enum qun_role)i;
  return QUN_ROLE_NONE;
}

int qun_role_in(enum qun_role role, uint32_t set) {
  return (set & QUN_ROLES_ANYBODY) || (role != QUN_ROLE_NONE && (set >> role & 1u));
}
