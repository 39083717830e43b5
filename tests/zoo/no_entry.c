/* SPDX-License-Identifier: Apache-2.0 */
/* Exports nothing. */
#include "animal.h"

QUN_EXPORT int no_entry(void);

int no_entry(void) {
  return 1;
}
