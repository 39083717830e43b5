/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a shared object says about itself, read from its bytes: nothing of it is loaded or run. ELF, 64 bit, little endian (System V ABI, "Object
 * Files"). The bytes are hostile: every offset is checked. Pure; any thread.
 */
#ifndef QUN_TOOLS_QUN_ELF_H
#define QUN_TOOLS_QUN_ELF_H

#include "tenants/error.h"

#include <qun/plugin.h>

struct qun_elf {
  qun_slice bytes;       /* borrowed */
  qun_slice symbols;     /* the dynamic symbol table */
  qun_slice names;       /* its strings */
  const char *arch;      /* such as x86_64-linux-gnu */
  uint32_t initialisers; /* constructors that run as soon as it is loaded */
};

/* QUN_EINVAL: no shared object of this form. */
int qun_elf_read(struct qun_elf *elf, qun_slice bytes, struct qun_error *err);
/* The nth dynamic symbol from 1; *defined: it is this object's own, visible to others. NULL past the last. */
const char *qun_elf_symbol(const struct qun_elf *elf, uint32_t nth, int *defined);

#endif
