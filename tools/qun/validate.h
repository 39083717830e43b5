/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `qun plugin validate`: does a plugin keep the contract of qun/plugin.h? A list of checks; each runs in a process of its own, on the fake host, with
 * events that follow from a seed, so that a crash or a hang is one check's answer and can be repeated. Blocking; one thread.
 */
#ifndef QUN_TOOLS_QUN_VALIDATE_H
#define QUN_TOOLS_QUN_VALIDATE_H

#include "host/plugins/manifest.h"

#include <qun/fake_host.h>

struct qun_trial {
  const char *dir; /* a folder with plugin.yaml and the library in it */
  const struct qun_manifest *manifest;
  qun_slice library; /* its bytes */
  uint64_t seed;
  char reason[400]; /* why the check failed */
};

struct qun_check {
  const char *name; /* a list ends with NULL */
  struct qun_text doc;
  int (*run)(struct qun_trial *t); /* in the check's own process: 0 fine, less than 0 with a reason */
};

extern const struct qun_check qun_checks[];

/* Runs one check in a process of its own, at most `seconds`. 0: it is kept; else t->reason says why not. */
int qun_check_run(const struct qun_check *check, struct qun_trial *t, unsigned seconds);

/* ---- validate_log.c: events from a seed */
struct qun_dice {
  uint64_t state;
};
/* 0..n-1 (Steele, Lea, Flood: SplitMix). */
uint64_t qun_dice_roll(struct qun_dice *d, uint64_t n);
/* Sends `count` events of the types that the plugin subscribes to, to the chosen tenant, minutes to days apart; `odd`: with what is allowed but rare. */
void qun_validate_log(struct qun_fake *f, const struct qun_manifest *m, struct qun_dice *d, uint32_t count, bool odd);

#endif
