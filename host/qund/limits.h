/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that keeps thousands of stores open asks of the system and of its allocator. */
#ifndef QUN_HOST_QUND_LIMITS_H
#define QUN_HOST_QUND_LIMITS_H

/* Raises the limit of descriptors to its hard limit and sets up the allocator. At the start, before other threads. */
void qun_qund_limits_raise(void);

#endif
