/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/trust.h"

#include <string.h>

bool qun__trust_has(const struct qun__trust *trust, const unsigned char sha256[32]) {
  for (uint32_t i = 0; i < trust->count; i++)
    if (memcmp(trust->sums[i], sha256, 32) == 0) return true;
  return false;
}
