/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, for the person who reads it: a code (QUN_E... of qun/plugin.h, always negative) and one sentence
 * that names the thing and its place.
 */
#ifndef QUN_TENANTS_ERROR_H
#define QUN_TENANTS_ERROR_H

struct qun_error {
  int code;
  unsigned retry_ms; /* QUN_EQUOTA of a rate: when to try again; 0: it does not say */
  char message[496];
};

/* Fills `err` (NULL is fine) and answers `code`, so that `return qun_error_set(err, QUN_EINVAL, "...")` reads well. Any
 * thread. A macro, so that the compiler sees that the answer is negative; `code` is evaluated twice. */
#define qun_error_set(err, code, ...) (qun__error_fill((err), (code), __VA_ARGS__), qun__error_code(code))
static inline int qun__error_code(int code) {
  return code;
}
void qun__error_fill(struct qun_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the message that is there. Any thread. */
void qun_error_prefix(struct qun_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
