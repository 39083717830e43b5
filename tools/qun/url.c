/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/cli.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

static void encode(struct qun_pack *out, const char *text) {
  static const char hex[] = "0123456789ABCDEF";
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    char triple[3] = {'%', hex[c >> 4], hex[c & 15]};
    bool plain = isalnum(c) || strchr("-._~", c);
    qun_pack_raw(out, plain ? qun_slice_of(text, 1) : qun_slice_of(triple, 3));
  }
}

static const char *finish(struct qun_pack *out) {
  qun_pack_raw(out, qun_slice_of("", 1));
  if (out->failed) return NULL;
  out->len--;
  return (const char *)out->buf;
}

const char *qun_url_path(struct qun_pack *out, const char *format, ...) {
  va_list args;
  va_start(args, format);
  for (const char *at = format; *at;) {
    const char *hole = strstr(at, "%s");
    if (!hole) hole = at + strlen(at);
    qun_pack_raw(out, qun_slice_of(at, (size_t)(hole - at)));
    if (!*hole) break;
    encode(out, va_arg(args, const char *));
    at = hole + 2;
  }
  va_end(args);
  return finish(out);
}

const char *qun_url_query(struct qun_pack *out, const char *format, ...) {
  va_list args;
  va_start(args, format);
  for (const char *at = format; *at;) {
    size_t len = strcspn(at, "&");
    const char *value = va_arg(args, const char *); /* each member is "name=%s" */
    if (value) {
      if (out->len) qun_pack_raw(out, qun_str("&"));
      qun_pack_raw(out, qun_slice_of(at, len - 2));
      encode(out, value);
    }
    at += len + (at[len] == '&');
  }
  va_end(args);
  return finish(out);
}
