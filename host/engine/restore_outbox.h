/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restored tenant was about to send when the backup was made. Whether it was sent since is not known, and a
 * message must not go out twice: so it is held before the tenant opens, and then the log says that it failed, which
 * plugins hear. Internal to the engine.
 */
#ifndef QUN_HOST_ENGINE_RESTORE_OUTBOX_H
#define QUN_HOST_ENGINE_RESTORE_OUTBOX_H

#include "host/engine/internal.h"

/* Holds what is released, in a store that nobody has opened yet. */
int qun__restore_hold(struct qun_store *store, struct qun_error *err);
/* Appends outbox.failed for all that is held. Waits for the commit. */
int qun__restore_fail_pending(struct qun_engine *e, const char *tenant, struct qun_error *err);

#endif
