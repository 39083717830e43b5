/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks a data directory and its keys over: room on the disks, the journal, each tenant's store, log and audit tree, the
 * keys and who may read them, erasures that were cut off, what crashes left. Says for each finding what to do. Changes
 * nothing. Blocking, long; any thread but a shard's or a reader's.
 */
#ifndef QUN_HOST_ENGINE_DOCTOR_H
#define QUN_HOST_ENGINE_DOCTOR_H

#include "host/engine/engine.h"

/* Appends {tenants, errors, warnings, findings: [{level: "error" or "warning", tenant (empty: the host), what, advice}]}. */
int qun_engine_doctor(struct qun_engine *e, struct qun_pack *out, struct qun_error *err);

#endif
