/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which packages may be loaded, and which of them are trusted: signatures, the operator's trust store and grants, and the list made at build.
 * Main thread; blocking.
 */
#ifndef QUN_HOST_PLUGINS_ADMISSION_H
#define QUN_HOST_PLUGINS_ADMISSION_H

#include "host/plugins/resolve.h"
#include "host/plugins/trust.h"

#include <limits.h>

struct qun__admission {
  struct qun_plugin_policy policy;
  struct qun_trust_store trust;
  struct qun_service_grants grants;
  char installed[PATH_MAX]; /* folder of installed packages; "" there is none */
};

/* Reads the operator's lists. QUN_EINVAL names the line that cannot be read; QUN_EFAIL. */
int qun__admission_open(struct qun__admission *a, const struct qun_plugin_policy *policy, struct qun_error *err);
void qun__admission_close(struct qun__admission *a);
/* Refuses a candidate whose package is broken, is not what its manifest says, or asks for more than was granted; before any of its code runs. Fills
   its verdict. */
void qun__admission_check(const struct qun__admission *a, struct qun__candidate *c);
/* Whether a library with this sum is trusted: made with this host, or in a package signed by a trusted key. */
bool qun__admission_trusts(const struct qun__admission *a, const struct qun__candidate *c,
                           const unsigned char sha256[32]);
/* Refuses a library whose sum is not its index's, or that nobody answers for where the policy asks for that. QUN_EDENIED. */
int qun__admission_library(const struct qun__admission *a, const struct qun__candidate *c, const char *path,
                           const unsigned char sha256[32], struct qun_error *err);

#endif
