/* SPDX-License-Identifier: Apache-2.0 */
/* Packages made for tests. */
#ifndef QUN_TESTS_HOST_PLUGINS_PACKAGE_H
#define QUN_TESTS_HOST_PLUGINS_PACKAGE_H

#include "host/plugins/signature.h"

/* Makes a folder of files below `top`, as an installed package has them: a manifest of `id`, the library `so` and data.txt, and their index. `secret` NULL:
   nobody signs. `more`: further lines of the manifest. */
void package_make(const char *top, const char *id, const char *so, const unsigned char *secret, const char *more);
/* Appends a byte to a file of it. */
void package_spoil(const char *top, const char *id, const char *file);
/* Trusts a key, and grants what the package asks for, in <data>/plugins. */
void package_trust(const char *data, const unsigned char key[32], const char *prefix);
void package_grant(const char *data, const char *top, const char *id, const unsigned char *key);

#endif
