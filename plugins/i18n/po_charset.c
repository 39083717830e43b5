/* SPDX-License-Identifier: Apache-2.0 */
#include "po_lexer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unicode/ucnv.h>

enum { CHARSET_LOOK = 8192 };

/* The name behind the first "charset=" near the file's begin: the header's, since that is the first message. */
static void find_charset(qun_slice text, char *name, size_t size) {
  static const char key[] = "charset=";
  size_t look = (size_t)(text.len < CHARSET_LOOK ? text.len : CHARSET_LOOK), n = 0;
  const char *at = look ? memmem(text.ptr, look, key, sizeof key - 1) : NULL;
  const char *end = look ? (const char *)text.ptr + look : NULL;
  if (at) {
    for (at += sizeof key - 1;
         at < end && n + 1 < size && (unsigned char)*at > ' ' && *at != '\\' && *at != '"' && *at != ';'; at++)
      name[n++] = *at;
  }
  name[n] = 0;
}

static int fail_at(struct qun__po_error *err, const char *text, size_t offset, const char *what) {
  err->line = err->column = 1;
  for (size_t i = 0; i < offset; i++) {
    if (text[i] == '\n') {
      err->line++;
      err->column = 1;
    } else {
      err->column += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
  }
  snprintf(err->message, sizeof err->message, "%s", what);
  return QUN_EINVAL;
}

/* Length of the character that begins here (Unicode 15, table 3-7), or 0. */
static size_t character(const unsigned char *c, size_t left) {
  unsigned low = 0x80, high = 0xbf;
  size_t n;
  if (c[0] < 0x80) return 1;
  if (c[0] < 0xc2 || c[0] > 0xf4) return 0;
  n = c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
  if (left < n) return 0;
  if (c[0] == 0xe0) low = 0xa0;
  if (c[0] == 0xed) high = 0x9f;
  if (c[0] == 0xf0) low = 0x90;
  if (c[0] == 0xf4) high = 0x8f;
  if (c[1] < low || c[1] > high) return 0;
  for (size_t i = 2; i < n; i++) {
    if ((c[i] & 0xc0) != 0x80) return 0;
  }
  return n;
}

size_t qun__utf8_span(qun_slice text) {
  const unsigned char *c = text.ptr;
  size_t at = 0, n;
  while (at < text.len && c[at] != 0 && (n = character(c + at, (size_t)text.len - at)) > 0) at += n;
  return at;
}

static int check_utf8(qun_slice text, struct qun__po_error *err) {
  size_t good = qun__utf8_span(text);
  if (good == text.len) return 0;
  return fail_at(err, text.ptr, good,
                 ((const char *)text.ptr)[good] ? "these bytes are not UTF-8" : "a NUL stands here");
}

static int convert(qun_slice *text, char **converted, const char *charset, struct qun__po_error *err) {
  UErrorCode status = U_ZERO_ERROR;
  UConverter *from = ucnv_open(charset, &status), *to = NULL;
  UErrorCode to_status = U_ZERO_ERROR;
  size_t room = (size_t)text->len * 4 + 16;
  char *buf = NULL, *target;
  const char *source = text->ptr, *source_at = source;
  UChar pivot[1024], *pivot_from = pivot, *pivot_to = pivot;
  int error = QUN_EFAIL;
  if (U_FAILURE(status)) {
    snprintf(err->message, sizeof err->message, "the header names the charset '%s', which is not known", charset);
    err->line = err->column = 1;
    return QUN_EINVAL;
  }
  to = ucnv_open("UTF-8", &to_status);
  buf = malloc(room);
  if (!buf || U_FAILURE(to_status)) goto out;
  target = buf;
  ucnv_setToUCallBack(from, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &status);
  ucnv_convertEx(to, from, &target, buf + room, &source_at, source + text->len, pivot, &pivot_from, &pivot_to,
                 pivot + 1024, 1, 1, &status);
  if (U_FAILURE(status)) {
    error = fail_at(err, source, (size_t)(source_at - source), "these bytes are not of the header's charset");
    goto out;
  }
  *text = qun_slice_of(buf, (size_t)(target - buf));
  *converted = buf;
  buf = NULL;
  error = 0;
out:
  free(buf);
  ucnv_close(from);
  ucnv_close(to);
  return error;
}

int qun__po_to_utf8(qun_slice *text, char **converted, struct qun__po_error *err) {
  char charset[64];
  int error;
  if (text->len > QUN_PO_BYTES_MAX) return fail_at(err, "", 0, "the file is larger than 16 MiB");
  find_charset(*text, charset, sizeof charset);
  if (charset[0] && strcmp(charset, "CHARSET") != 0 && strcasecmp(charset, "UTF-8") != 0 &&
      strcasecmp(charset, "UTF8") != 0) {
    error = convert(text, converted, charset, err);
    if (error) return error;
  }
  if (text->len >= 3 && memcmp(text->ptr, "\xef\xbb\xbf", 3) == 0)
    *text = qun_slice_of((const char *)text->ptr + 3, (size_t)text->len - 3);
  return check_utf8(*text, err);
}
