/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Problem documents (RFC 9457): {type, title, status, detail, instance, errors?}. `type` is "urn:qun:problem:<name>";
 * the table of names is in problem.c. Any thread, no blocking.
 */
#ifndef QUN_HOST_OPS_PROBLEM_H
#define QUN_HOST_OPS_PROBLEM_H

#include <qun/msgpack.h>

#define QUN_PROBLEM_TYPE "application/problem+json"

/* Appends the document as JSON. `instance`: the request's path. `errors`: NULL, or a msgpack array of maps. Sets
 * out->failed when memory ran out. */
void qun_problem_write(struct qun_pack *out, int status, const char *detail, const char *instance,
                       const struct qun_pack *errors);
/* "Too Many Requests" and so on: the reason phrase of a status this host answers with. */
const char *qun_problem_phrase(int status);

#endif
