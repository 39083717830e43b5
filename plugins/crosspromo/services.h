/* SPDX-License-Identifier: Apache-2.0 */
/* The services of the plugin. A service that changes something emits an event; the handler of that event writes the
 * rows. */
#ifndef CROSS_SERVICES_H
#define CROSS_SERVICES_H

#include "cross.h"

/* Answers a request of any service of this plugin. */
int cross_answer(const struct cross_call *c, const struct qun_request *request);
/* Members of this tenant as the growth plugin counts them, else as this one does. */
int cross_own_members(const struct cross_call *c, int64_t *members);

#endif
