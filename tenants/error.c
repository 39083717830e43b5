/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void qun__error_fill(struct qun_error *err, int code, const char *format, ...) {
  va_list args;
  if (!err) return;
  err->code = code;
  err->retry_ms = 0;
  va_start(args, format);
  vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
}

void qun_error_prefix(struct qun_error *err, const char *format, ...) {
  char prefix[sizeof err->message];
  char rest[sizeof err->message];
  va_list args;
  if (!err) return;
  va_start(args, format);
  vsnprintf(prefix, sizeof prefix, format, args);
  va_end(args);
  memcpy(rest, err->message, sizeof rest);
  size_t n = strlen(prefix);
  if (n > sizeof err->message - 3) n = sizeof err->message - 3;
  memcpy(err->message, prefix, n);
  size_t room = sizeof err->message - n - 3, len = strnlen(rest, sizeof rest - 1);
  memcpy(err->message + n, ": ", 2);
  if (len > room) len = room;
  memcpy(err->message + n + 2, rest, len);
  err->message[n + 2 + len] = '\0';
}
