/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins that bring the host down: read from the breadcrumbs who it was, keep the ledger, and hold what must not run. A
 * plugin that is held is parked in each tenant by a record ahead of what it does not see ("qun.plugin", status parked): its
 * cursor stays, and it catches up when it is released. Inside the engine.
 */
#ifndef QUN_HOST_ENGINE_QUARANTINE_H
#define QUN_HOST_ENGINE_QUARANTINE_H

#include "host/engine/apply.h"
#include "host/plugins/ledger.h"

struct qun_quarantine;

/* Opens breadcrumbs and ledger, and writes down what the life before left. With the data folder's lock. `exited`: that life
 * ended by an exit of its own, though nobody told it to. Blocking. */
int qun__quarantine_open(struct qun_quarantine **out, const char *data_dir, int64_t now_ms, bool exited, bool safe_mode,
                         struct qun_error *err);
/* NULL is fine. */
void qun__quarantine_close(struct qun_quarantine *q);
struct qun_crumbs *qun__quarantine_crumbs(struct qun_quarantine *q);
struct qun_ledger *qun__quarantine_ledger(struct qun_quarantine *q);
/* What was written down at the opening, a sentence each. */
uint32_t qun__quarantine_sentences(const struct qun_quarantine *q, const char *const **sentences);

/* Whether a library may run in this process: qun_plugin_set_options.where. */
enum qun_where qun__quarantine_where(void *quarantine, const struct qun_manifest *manifest,
                                     const unsigned char sha256[32], bool trusted, char aside[QUN_ASIDE_MAX]);
/* Notes libraries that run where others of that plugin came down. */
int qun__quarantine_runs(struct qun_quarantine *q, const struct qun_plugin_set *plugins, int64_t now_ms,
                         struct qun_error *err);
/* A line of the ledger about what a crumb says. */
void qun__ledger_entry_of(struct qun_ledger_entry *out, const struct qun_crumb_left *left, int64_t now_ms);
/* First half of a hash as the ledger has it. */
void qun__sum_text(char out[17], const unsigned char sha256[32]);
/* Events that plugins do not get in this tenant; NULL: none. Fixed after qun__quarantine_skips_make. */
const struct qun_skips *qun__quarantine_skips(const struct qun_quarantine *q, const char *tenant);
int qun__quarantine_skips_make(struct qun_quarantine *q, const struct qun_plugin_set *plugins, struct qun_error *err);

/* The tenant's log says what is so: parks what must not run and is live, releases what may run again, each in a commit of
 * its own ahead of all else. *stated: something was, and the tenant has another config. On the tenant's shard. */
int qun__quarantine_state(const struct qun_apply_options *o, struct qun_slot *slot, int64_t now_ms, bool *stated,
                          struct qun_error *err);

#endif
