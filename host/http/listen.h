/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets. Each function makes a non-blocking, close-on-exec descriptor that listens; the caller closes it.
 * Errors name address and reason.
 */
#ifndef QUN_HOST_HTTP_LISTEN_H
#define QUN_HOST_HTTP_LISTEN_H

#include "tenants/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { QUN_ADDRESS_SIZE = 128 };

/* "127.0.0.1:8480", "[::1]:8480", "localhost:0" (0: any free port). `bound`: the address with the port it got.
   QUN_EINVAL: not such an address. QUN_ECONFLICT: in use. Blocking: may look a name up. */
int qun_listen_tcp(int *fd, char bound[QUN_ADDRESS_SIZE], const char *address, struct qun_error *err);
/* "127.0.0.1:8480" of a socket that is bound; "": it has no such name. */
void qun_listen_name(int fd, char bound[QUN_ADDRESS_SIZE]);
/* A Unix socket with these permissions. A socket that nobody listens on is replaced. QUN_ECONFLICT: somebody listens
 * there, or it is no socket. */
int qun_listen_unix(int *fd, const char *path, mode_t mode, struct qun_error *err);
/* Who is at the other end of a connected Unix socket. */
bool qun_peer_uid(int fd, uid_t *uid);

#endif
