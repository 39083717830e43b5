/* SPDX-License-Identifier: Apache-2.0 */
/* qund: a supervisor, and the worker that it starts; or with --no-supervise one process that serves. */
#include "host/qund/crash.h"
#include "host/qund/supervisor.h"
#include "host/qund/worker.h"

#include "host/plugins/plugin_set.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, EXIT_COULD_NOT = 3 };

static int serve(const struct qun_qund_settings *settings, const struct qun_log *log, char **argv) {
  struct qun_qund_handover handover;
  struct qun_error err = {0};
  int status = 0, rc;
  const char *suspect = getenv(QUN_QUND_CHECK);
  if (suspect) return qun_qund_crash_check(settings->data, suspect, log);
  signal(SIGPIPE, SIG_IGN);
  if (qun_qund_handover_take(&handover))
    rc = qun_qund_worker_run(settings, log, &handover, &err);
  else if (qun_qund_number(settings->supervise))
    rc = qun_qund_supervise(&status, settings, log, argv, &err);
  else
    rc = qun_qund_worker_run(settings, log, NULL, &err);
  if (rc == 0) return status;
  fprintf(stderr, "qund: %s\n", err.message);
  return EXIT_COULD_NOT;
}

int main(int argc, char **argv) {
  struct qun_qund_settings settings;
  struct qun_log log = {.level = QUN_LOG_INFO, .fd = STDERR_FILENO};
  struct qun_error err = {0};
  enum qun_qund_wish wish;
  int status = 0;
  int rc = qun_qund_settings_read(&settings, argc, argv, &wish, &err);
  if (rc == 0 && !wish && qun_signatures_of(settings.signatures) < 0)
    rc = qun_error_set(&err, QUN_EINVAL, "signatures must be strict, warn or off, not \"%s\"", settings.signatures);
  if (rc == 0 && !wish && (log.level = qun_log_level(settings.log_level)) < 0)
    rc =
        qun_error_set(&err, QUN_EINVAL, "log_level must be debug, info, warn or error, not \"%s\"", settings.log_level);
  if (rc == 0 && !wish && strcmp(settings.hang, "log") != 0 && strcmp(settings.hang, "abort") != 0)
    rc = qun_error_set(&err, QUN_EINVAL, "hang must be abort or log, not \"%s\"", settings.hang);
  if (rc < 0) {
    fprintf(stderr, "qund: %s\n", err.message);
    status = EXIT_USAGE;
  } else if (wish == QUN_QUND_HELP) {
    qun_qund_help(stdout);
  } else if (wish == QUN_QUND_VERSION) {
    puts("qund " QUN_VERSION);
  } else {
    status = serve(&settings, &log, argv);
  }
  qun_qund_settings_fini(&settings);
  return status;
}
