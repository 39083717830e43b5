/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine for tests of what stands around it: tenants are names, commits happen when the test says so, and every call
 * that names a tenant is noted. Events pass the real gate (host/intake/normalise.h). Linked instead of host/engine.
 */
#ifndef QUN_TESTS_HOST_SUPPORT_FAKE_ENGINE_H
#define QUN_TESTS_HOST_SUPPORT_FAKE_ENGINE_H

#include "host/engine/engine.h"

enum fake_mode {
  FAKE_COMMIT = 0, /* commits at once, on the engine's own thread */
  FAKE_HOLD,       /* takes batches and commits none until the mode changes */
  FAKE_FULL        /* the queue is full */
};

/* A fresh data and keys directory below /tmp; aborts the test on failure. */
struct qun_engine *fake_engine_create(void);
/* Commits what is held, stops, removes the directories. */
void fake_engine_destroy(struct qun_engine *e);
void fake_engine_mode(struct qun_engine *e, enum fake_mode mode);
/* Batches that were committed or are held. */
uint32_t fake_engine_batches(struct qun_engine *e);
/* How often qun_engine_flush was called. */
uint32_t fake_engine_flushes(struct qun_engine *e);
uint64_t fake_engine_events(struct qun_engine *e);
/* How often the engine was asked to do something for this tenant (asking whether it exists does not count). */
uint32_t fake_engine_touched(struct qun_engine *e, const char *tenant);

#endif
