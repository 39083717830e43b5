/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of tenants/profiles/<name>.yaml, embedded at build (tenants/CMakeLists.txt writes the .c). Ends with a NULL
 * name. */
#ifndef QUN_TENANTS_PROFILE_STARTERS_H
#define QUN_TENANTS_PROFILE_STARTERS_H

#include <stddef.h>

struct qun_profile_starter_text {
  const char *name;
  const unsigned char *text;
  size_t len;
};

extern const struct qun_profile_starter_text qun__profile_starters[];

#endif
