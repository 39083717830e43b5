/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host whose services write down what they were called with and answer what the test said, and a transport that ends at its dispatch: a plugin's
 * side of a call on one hand, the host's on the other.
 */
#ifndef QUN_TESTS_SDK_SERVICES_CALLEE_H
#define QUN_TESTS_SDK_SERVICES_CALLEE_H

#include <services/services.h>

struct callee {
  struct qun__transport transport; /* what the stubs find in near.ctx */
  struct qun_host near, far;
  struct qun_pack heard; /* "store.get", then each argument as a msgpack value */
  struct qun_pack reply; /* what the dispatch answered */
  int code;              /* what each service answers */
  qun_slice lends;       /* for every out slice */
  int64_t number;        /* for every out integer */
  uint32_t rows;         /* how many a scan finds */
  qun_slice row;         /* value of each */
  const char *denied;    /* a service id that is not granted */
  unsigned frames;       /* calls that went over */
  bool cut;              /* the transport fails */
};

void callee_open(struct callee *c);
void callee_close(struct callee *c);
/* Key of the nth row that a scan finds. */
void callee_key(char out[16], uint32_t nth);

#endif
