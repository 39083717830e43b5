/* SPDX-License-Identifier: Apache-2.0 */
/* Slack's export as a folder: users.json, a byte 0, then a day of a channel. (import_slack has it as an archive.) */
#include "host/intake/import.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_gate *g = fuzz_gate();
  struct qun_import_options o = {.format = "slack"};
  struct qun_import *i = NULL;
  struct qun_error err = {0};
  qun_slice event;
  char path[100], channel[120];
  const uint8_t *cut = size ? memchr(data, 0, size) : NULL;
  size_t users = cut ? (size_t)(cut - data) : 0, day = cut ? size - users - 1 : size;
  snprintf(path, sizeof path, "%s/slack", fuzz_folder());
  snprintf(channel, sizeof channel, "%s/general", path);
  (void)mkdir(path, 0700);
  (void)mkdir(channel, 0700);
  fuzz_file("slack/users.json", data, users);
  fuzz_file("slack/general/2026-11-21.json", cut ? cut + 1 : data, day);
  if (qun_import_open(&i, path, &o, &err) < 0) return 0;
  while (qun_import_next(i, &event, &err) == 1)
    if (qun_normalise(&g->n, &g->batch, event, &err) < 0) qun_import_refuse(i, &err);
  qun_import_close(i);
  return 0;
}
