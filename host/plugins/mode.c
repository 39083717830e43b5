/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/mode.h"

#include <stdio.h>

/* Whether the list of ids, divided by commas, has it. */
static bool lists(const char *list, const char *id) {
  size_t n = strlen(id);
  for (const char *at = list ? list : ""; *at;) {
    size_t len = strcspn(at, ", ");
    if ((len == n && memcmp(at, id, n) == 0) || (len == 3 && memcmp(at, "all", 3) == 0)) return true;
    at += len;
    at += strspn(at, ", ");
  }
  return false;
}

enum qun_plugin_mode qun_plugin_mode(const struct qun_mode_facts *f, char reason[200]) {
  bool only_inside = strcmp(f->isolation, "in-process") == 0;
  const char *why = NULL;
  if (f->demoted)
    why = f->demoted;
  else if (strcmp(f->isolation, "isolated") == 0)
    why = "its manifest asks for it";
  else if (!f->trusted && !f->allow_untrusted)
    why = "nobody trusted answers for it";
  else if (f->isolates && lists(f->isolates->isolate, f->id))
    why = "the operator wants it so";
  if (!why) {
    snprintf(reason, 200, "%s",
             f->trusted ? "it is trusted" : "the operator lets untrusted plugins run inside the host");
    return QUN_PLUGIN_IN_PROCESS;
  }
  if (!f->isolates) {
    snprintf(reason, 200, "%.120s, and this host runs plugins inside itself alone", why);
    return QUN_PLUGIN_REFUSED;
  }
  if (only_inside) {
    snprintf(reason, 200, "%.120s, and its manifest lets it run inside the host alone", why);
    return QUN_PLUGIN_REFUSED;
  }
  snprintf(reason, 200, "%.190s", why);
  return QUN_PLUGIN_ISOLATED;
}

const char *qun_plugin_mode_name(enum qun_plugin_mode mode) {
  static const char *const names[] = {"refused", "in-process", "isolated"};
  return names[mode];
}
