/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One catalogue in memory: messages by key, with the plural rule. The key is the id, or context, EOT (4) and id, as in
 * gettext's MO files. Any thread for reading once indexed; no blocking.
 */
#ifndef QUN_PLUGINS_I18N_WORDS_H
#define QUN_PLUGINS_I18N_WORDS_H

#include "arena.h"
#include "po.h"

#include <stdbool.h>

struct qun__words_entry {
  qun_slice key;
  qun_slice plural;      /* msgid_plural, or empty */
  const qun_slice *text; /* forms */
  uint32_t texts;
  uint32_t line; /* in the PO file; 0 unknown */
  bool fuzzy;
  uint64_t source; /* hash of the source text that was translated; 0 not known */
};

struct qun__words {
  struct qun__arena arena;
  struct qun__plural rule;
  struct qun__words_entry *entries;
  uint32_t count, capacity;
  uint32_t *slots;
  uint32_t mask;
};

struct qun__words *qun__words_create(void);
/* NULL is fine. */
void qun__words_destroy(struct qun__words *w);
/* Copies the entry. QUN_EFAIL: out of memory. */
int qun__words_add(struct qun__words *w, const struct qun__words_entry *entry);
/* To be called once, after the last add. */
int qun__words_index(struct qun__words *w);
/* All messages of a file that are not obsolete, indexed. The file may be destroyed then. */
int qun__words_from_po(struct qun__words **out, const struct qun__po *po);

/* NULL: no such message. */
const struct qun__words_entry *qun__words_find(const struct qun__words *w, qun_slice key);
/* Has words for it: not fuzzy, and no form empty. */
bool qun__words_ready(const struct qun__words_entry *e);
/* FNV-1a over all forms; never 0. */
uint64_t qun__words_hash(const struct qun__words_entry *e);
uint64_t qun__fnv(uint64_t h, qun_slice bytes);

#endif
