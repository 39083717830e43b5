/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the journal turned back into jobs: after a crash, and from spill files. Blocking. */
#ifndef QUN_HOST_ENGINE_RECOVER_H
#define QUN_HOST_ENGINE_RECOVER_H

#include "host/engine/internal.h"
#include "host/engine/journal_entry.h"

/* A job with the entry's inputs, its sealed texts opened for the handlers. Takes a reference of the tenant. */
int qun__recover_job(struct qun_job **out, struct qun_engine *e, struct qun_tenant *t, const struct qun_entry *entry,
                     struct qun_error *err);
/* Whether the tenant's spill file has this entry. */
bool qun__park_knows(struct qun_engine *e, const char *tenant, const unsigned char uuid[16], uint64_t number);

#endif
