/* SPDX-License-Identifier: Apache-2.0 */
/* An engine over a fresh folder, a seeded community, and short forms for asking. */
#ifndef QUN_TESTS_HOST_ENGINE_SUPPORT_H
#define QUN_TESTS_HOST_ENGINE_SUPPORT_H

#include "host/engine/engine.h"

struct bed {
  char dir[64];
  struct qun_engine *engine;
  uint32_t shards;
  uint32_t open_max; /* tenants open at once; 0: as many as the engine likes */
  bool live;
  int64_t (*now)(void *arg);
  void *now_arg;
  bool journal;
  uint32_t segment;   /* bytes of the journal's; 0: usual */
  char packages[128]; /* folder of plugins; empty: the tests' own */
};

void bed_open(struct bed *b, uint32_t shards);
/* An engine that ticks, by the test's own clock. */
void bed_live(struct bed *b, uint32_t shards, int64_t (*now)(void *arg), void *arg);
void bed_close(struct bed *b); /* the engine; the folder stays */
void bed_reopen(struct bed *b);
void bed_remove(struct bed *b);
void bed_tenant(struct bed *b, const char *name, bool ledger);
/* Sends `n` events of the seeded community, from number `from`, in batches. */
struct qun_submit_result bed_feed(struct bed *b, const char *tenant, uint32_t from, uint32_t n, uint32_t batch);
/* The same by way of the journal: returns when all of it is durable; answers how many batches were refused. */
uint32_t bed_feed_durable(struct bed *b, const char *tenant, uint32_t from, uint32_t n, uint32_t batch);
/* One message. */
struct qun_submit_result bed_say(struct bed *b, const char *tenant, const char *id, const char *member,
                                 const char *text);
/* A text or number of `tenant show`; path of up to three keys. */
int64_t bed_int(struct bed *b, const char *tenant, const char *a, const char *b2);
void bed_hash(struct bed *b, const char *tenant, char out[65]);
void bed_keyspace_hash(struct bed *b, const char *tenant, const char *plugin, char out[65]);

#endif
