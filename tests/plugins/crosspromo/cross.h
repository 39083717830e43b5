/* SPDX-License-Identifier: Apache-2.0 */
/* The crosspromo plugin in a fake host, and a bridge between two tenants of it. */
#ifndef TESTS_PLUGINS_CROSS_H
#define TESTS_PLUGINS_CROSS_H

#include "tests/plugins/model.h"

#include <stdio.h>

#define EMPTY qun_slice_of("\x80", 1)

static inline struct qun_fake *cross_open(void) {
  struct qun_fake *f = qun_fake_open(QUN_BUILD_DIR "/plugins/crosspromo");
  cr_assert(f, "the package crosspromo is built");
  qun_fake_tenant(f, "acme");
  qun_fake_profile(f, "sector", "retail");
  qun_fake_advance_to(f, "2026-01-05 09:00");
  return f;
}

#define ASK(F, SERVICE, ...) cr_assert(qun_fake_ask(F, SERVICE, __VA_ARGS__).len > 0, "%s", qun_fake_message(F))
#define REFUSED(F, CODE, SERVICE, ...)                                                                                 \
  do {                                                                                                                 \
    cr_assert_eq(qun_fake_ask(F, SERVICE, __VA_ARGS__).len, 0);                                                        \
    cr_assert_eq(qun_fake_code(F), CODE, "%s", qun_fake_message(F));                                                   \
    cr_assert(qun_fake_message(F)[0]);                                                                                 \
  } while (0)

/* An agreement in force with the partner. */
static inline void cross_agree(struct qun_fake *f, const char *partner, const char *kinds) {
  char id[120];
  snprintf(id, sizeof id, "with-%s", partner);
  ASK(f, "crosspromo.propose", QUN_TEXT("partner", partner), QUN_LIST("kinds", kinds), QUN_TEXT("agreement", id));
  ASK(f, "crosspromo.accept", QUN_TEXT("agreement", id));
}

/* A map of a plain body, for bridge.received. */
static inline int cross_receive(struct qun_fake *f, const char *partner, const char *kind, qun_slice body) {
  return qun_fake_event(f, .type = "bridge.received", .subject = "with-beta", .flags = QUN_EVENT_CONTROL,
                        .fields = {QUN_TEXT("partner", partner), QUN_TEXT("agreement", "with-beta"),
                                   QUN_TEXT("kind", kind), QUN_RAW("body", body)});
}

/* The last outbox row. */
static inline const struct qun_fake_row *cross_last(struct qun_fake *f) {
  size_t n = qun_fake_outbox_count(f);
  cr_assert_gt(n, 0);
  return qun_fake_outbox(f, n - 1);
}

static inline qun_slice cross_view_of(struct qun_fake *f, const char *view) {
  qun_slice model = qun_fake_ask(f, "crosspromo.report", QUN_TEXT("view", view));
  cr_assert(model.len > 0, "%s", qun_fake_message(f));
  cr_assert(qun_mp_valid(model, 16));
  return model;
}

#endif
