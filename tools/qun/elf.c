/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/elf.h"

#include <elf.h>

static const char *arch_of(unsigned machine) {
  return machine == EM_X86_64    ? "x86_64-linux-gnu"
         : machine == EM_AARCH64 ? "aarch64-linux-gnu"
         : machine == EM_RISCV   ? "riscv64-linux-gnu"
                                 : NULL;
}

/* A part of the bytes; false: it is not inside them. */
static int part(qun_slice *out, qun_slice bytes, uint64_t at, uint64_t len) {
  if (at > bytes.len || len > bytes.len - at) return 0;
  *out = qun_slice_of((const char *)bytes.ptr + at, (size_t)len);
  return 1;
}

static int section(Elf64_Shdr *out, qun_slice bytes, const Elf64_Ehdr *head, unsigned nth) {
  qun_slice at;
  if (nth >= head->e_shnum || head->e_shentsize != sizeof *out || head->e_shoff > bytes.len ||
      !part(&at, bytes, head->e_shoff + (uint64_t)nth * sizeof *out, sizeof *out))
    return 0;
  memcpy(out, at.ptr, sizeof *out);
  return 1;
}

static int find_tables(struct qun_elf *elf, const Elf64_Ehdr *head) {
  Elf64_Shdr s, strings;
  int found = 0;
  for (unsigned i = 0; i < head->e_shnum; i++) {
    if (!section(&s, elf->bytes, head, i)) return 0;
    if (s.sh_type == SHT_INIT_ARRAY) elf->initialisers += (uint32_t)(s.sh_size / sizeof(uint64_t));
    if (s.sh_type != SHT_DYNSYM) continue;
    found = section(&strings, elf->bytes, head, s.sh_link) && part(&elf->symbols, elf->bytes, s.sh_offset, s.sh_size) &&
            part(&elf->names, elf->bytes, strings.sh_offset, strings.sh_size);
  }
  return found;
}

int qun_elf_read(struct qun_elf *elf, qun_slice bytes, struct qun_error *err) {
  Elf64_Ehdr head;
  memset(elf, 0, sizeof *elf);
  elf->bytes = bytes;
  if (bytes.len < sizeof head) return qun_error_set(err, QUN_EINVAL, "it is no shared object: it is too short");
  memcpy(&head, bytes.ptr, sizeof head);
  if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
      head.e_ident[EI_DATA] != ELFDATA2LSB || head.e_type != ET_DYN)
    return qun_error_set(err, QUN_EINVAL, "it is no shared object of 64 bits, little endian");
  elf->arch = arch_of(head.e_machine);
  if (!elf->arch)
    return qun_error_set(err, QUN_EINVAL, "it is for a machine that has no name here: %u", head.e_machine);
  if (!find_tables(elf, &head))
    return qun_error_set(err, QUN_EINVAL, "it has no table of dynamic symbols that can be read");
  return 0;
}

const char *qun_elf_symbol(const struct qun_elf *elf, uint32_t nth, int *defined) {
  Elf64_Sym s;
  qun_slice at, name;
  if (!part(&at, elf->symbols, (uint64_t)nth * sizeof s, sizeof s)) return NULL;
  memcpy(&s, at.ptr, sizeof s);
  if (s.st_name >= elf->names.len || !part(&name, elf->names, s.st_name, elf->names.len - s.st_name) ||
      !memchr(name.ptr, 0, (size_t)name.len))
    return NULL;
  *defined = s.st_shndx != SHN_UNDEF && ELF64_ST_BIND(s.st_info) != STB_LOCAL;
  return name.ptr;
}
