/* SPDX-License-Identifier: Apache-2.0 */
/* A replay's answer for the person: hashes, and for a what-if the counts, records and figures that would differ. */
#ifndef QUN_TOOLS_QUN_REPLAY_PRINT_H
#define QUN_TOOLS_QUN_REPLAY_PRINT_H

#include "tools/qun/cli.h"

/* Writes the answer (qun_engine_replay, as msgpack) to the client's out. */
void qun_replay_print(const struct qun_cli *cli, qun_slice reply);

#endif
