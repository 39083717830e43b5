/* SPDX-License-Identifier: Apache-2.0 */
/* A server on this machine that takes webhooks down and answers what the test says. */
#ifndef QUN_TESTS_HOST_DELIVERY_RECEIVER_H
#define QUN_TESTS_HOST_DELIVERY_RECEIVER_H

#include <stddef.h>
#include <stdint.h>

struct receiver;

struct received {
  char id[128], timestamp[32], signature[128], type[64], authorization[128], method[16], path[200];
  char body[32768];
};

struct receiver *receiver_start(void);
void receiver_stop(struct receiver *r);
uint16_t receiver_port(const struct receiver *r);
/* What it answers from now on; `header` "Name: value" or NULL. */
void receiver_answer(struct receiver *r, unsigned status, const char *header);
/* The body of its answers from now on, at most 128 KiB; at first "ok". */
void receiver_say(struct receiver *r, const void *bytes, size_t n);
uint32_t receiver_count(struct receiver *r);
/* The last request. */
struct received receiver_last(struct receiver *r);

#endif
