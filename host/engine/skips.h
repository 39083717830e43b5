/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that a plugin does not get, since it came down on them more than once. Live they follow from the ledger, by the
 * event's key; a replay takes them from what the log has recorded of that (qun.skipped), by sequence: so it passes over the
 * same records, and the state is the same. Read only once made.
 */
#ifndef QUN_HOST_ENGINE_SKIPS_H
#define QUN_HOST_ENGINE_SKIPS_H

#include "host/plugins/plugin_set.h"
#include "tenants/meta.h"

struct qun_skips;

/* NULL is the empty one, which is also what memory that ran out gives in create. */
struct qun_skips *qun_skips_create(void);
/* Plugin n does not get record `seq` (0: see key), nor the event with that key (0: see seq). QUN_EFAIL. */
int qun_skips_add(struct qun_skips *s, uint32_t plugin, uint64_t seq, uint64_t key);
/* All that the log has recorded. *out NULL: none. QUN_EFAIL. */
int qun_skips_read(struct qun_skips **out, const struct qun_view *v, const struct qun_plugin_set *plugins);
/* NULL is fine. */
void qun_skips_destroy(struct qun_skips *s);
bool qun_skips_hit(const struct qun_skips *s, uint32_t plugin, uint64_t seq, uint64_t key);

#endif
