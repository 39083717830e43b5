/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/base64.h"

#include <sodium.h>

bool qun_base64_read(unsigned char *out, size_t cap, size_t *n, qun_slice text) {
  if (text.len == 0) {
    *n = 0;
    return true;
  }
  return sodium_base642bin(out, cap, text.ptr, (size_t)text.len, NULL, n, NULL, sodium_base64_VARIANT_ORIGINAL) == 0;
}

bool qun_base64_read_exactly(unsigned char *out, size_t size, qun_slice text) {
  size_t n;
  return text.len == QUN_BASE64_SIZE(size) - 1 && qun_base64_read(out, size, &n, text) && n == size;
}

char *qun_base64_write(char *out, const void *bytes, size_t n) {
  return sodium_bin2base64(out, QUN_BASE64_SIZE(n), bytes, n, sodium_base64_VARIANT_ORIGINAL);
}
