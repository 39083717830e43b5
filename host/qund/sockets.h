/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets that qund listens on. The supervisor opens them and each worker inherits them, so that while a worker is
 * replaced a client waits in the backlog and is not refused. Main thread.
 */
#ifndef QUN_HOST_QUND_SOCKETS_H
#define QUN_HOST_QUND_SOCKETS_H

#include "host/http/listen.h"
#include "host/qund/settings.h"

#include <limits.h>

struct qun_qund_sockets {
  int folder;                                     /* the data folder, locked: one qund has it; -1: not ours */
  int tcp, api, intake;                           /* -1: none */
  char address[QUN_ADDRESS_SIZE];                 /* of tcp, "" if there is none */
  char api_path[PATH_MAX], intake_path[PATH_MAX]; /* "": that name is not ours */
};

/* Makes the data folder if it is absent, locks it against another qund, waits up to 2 s for a process that is about to
 * leave it (a command, a killed qund's worker), and listens. QUN_ECONFLICT: another process has the folder, the address
 * or a name. QUN_EINVAL, QUN_EFAIL. Close in any case. Blocking. */
int qun_qund_sockets_open(struct qun_qund_sockets *s, const struct qun_qund_settings *settings, struct qun_error *err);
/* Takes over sockets that another process opened from the same settings; -1: none. QUN_EINVAL: one is no socket that
 * listens. */
int qun_qund_sockets_inherit(struct qun_qund_sockets *s, const struct qun_qund_settings *settings, int tcp, int api,
                             int intake, struct qun_error *err);
/* Stops listening here; the names and the folder's lock stay. */
void qun_qund_sockets_shut(struct qun_qund_sockets *s);
/* Shuts, takes away the names and gives the folder back. */
void qun_qund_sockets_close(struct qun_qund_sockets *s);

#endif
