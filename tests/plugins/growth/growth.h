/* SPDX-License-Identifier: Apache-2.0 */
/* The growth plugin in a fake host. */
#ifndef TESTS_PLUGINS_GROWTH_H
#define TESTS_PLUGINS_GROWTH_H

#include "tests/plugins/model.h"

static inline struct qun_fake *growth_open(void) {
  struct qun_fake *f = qun_fake_open(QUN_BUILD_DIR "/plugins/growth");
  cr_assert(f, "the package growth is built");
  return f;
}

static inline qun_slice growth_view_of(struct qun_fake *f, const char *view) {
  qun_slice model = qun_fake_ask(f, "growth.report", QUN_TEXT("view", view));
  cr_assert(model.len > 0, "%s", qun_fake_message(f));
  cr_assert(qun_mp_valid(model, 16));
  return model;
}

#endif
