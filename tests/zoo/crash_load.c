/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes in an ELF constructor, before its entry is asked for. */
#include "animal.h"

__attribute__((constructor)) static void load(void) {
  animal_crash();
}

ANIMAL("crash_load", NULL)
