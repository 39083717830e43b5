/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which shared objects are this project's own: a list of SHA-256 sums, written after they are linked (tools/cmake/trust.cmake).
 */
#ifndef QUN_HOST_PLUGINS_TRUST_H
#define QUN_HOST_PLUGINS_TRUST_H

#include <stdbool.h>
#include <stdint.h>

struct qun__trust {
  uint32_t count;
  const unsigned char (*sums)[32];
};

/* The list made at build. */
extern const struct qun__trust qun__trust_built;

/* Pure. */
bool qun__trust_has(const struct qun__trust *trust, const unsigned char sha256[32]);

#endif
