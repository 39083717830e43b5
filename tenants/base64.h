/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 of RFC 4648 section 4, read strictly: padded, no other byte, unused bits zero, so that every value has one
 * text only. All functions: any thread, no blocking.
 */
#ifndef QUN_TENANTS_BASE64_H
#define QUN_TENANTS_BASE64_H

#include <qun/msgpack.h>

#include <stdbool.h>

/* Characters for n bytes, and the NUL. */
#define QUN_BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)

/* *n: bytes written, at most `cap`. False: not base64, or too long. */
bool qun_base64_read(unsigned char *out, size_t cap, size_t *n, qun_slice text);
/* True if it is exactly `size` bytes. */
bool qun_base64_read_exactly(unsigned char *out, size_t size, qun_slice text);
/* out: QUN_BASE64_SIZE(n) bytes. Answers out. */
char *qun_base64_write(char *out, const void *bytes, size_t n);

#endif
