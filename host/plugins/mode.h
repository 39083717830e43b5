/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a plugin's code runs: inside the host, or isolated in processes of its own. One function decides, from what is known of the
 * package, of its past, and of the operator's wishes; its sentence is shown in `qun plugin list`.
 */
#ifndef QUN_HOST_PLUGINS_MODE_H
#define QUN_HOST_PLUGINS_MODE_H

#include "host/runner/proxy.h"

enum qun_plugin_mode { QUN_PLUGIN_REFUSED = 0, QUN_PLUGIN_IN_PROCESS, QUN_PLUGIN_ISOLATED };

/* How a host isolates. Outlives what uses it. */
struct qun_isolation {
  struct qun_runner_options runner;
  const char *isolate;  /* ids by commas that run isolated although they are trusted; "all"; "" none */
  uint32_t runners_max; /* that follow logs at a time */
  uint32_t idle_ms;     /* a runner without work ends after this */
};

struct qun_mode_facts {
  const char *id;
  const char *isolation;                /* the manifest's: any, in-process, isolated */
  bool trusted;                         /* built with this host, or signed by a trusted key */
  bool allow_untrusted;                 /* the operator lets others run inside the host */
  const char *demoted;                  /* why it may not run inside the host any more (the ledger); NULL: it may */
  const struct qun_isolation *isolates; /* NULL: this host has no runners */
};

/* Pure. `reason`: one sentence, for any answer. */
enum qun_plugin_mode qun_plugin_mode(const struct qun_mode_facts *f, char reason[200]);
/* "in-process", "isolated", "refused". */
const char *qun_plugin_mode_name(enum qun_plugin_mode mode);

#endif
