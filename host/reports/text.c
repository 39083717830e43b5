/* SPDX-License-Identifier: Apache-2.0 */
#include "host/reports/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

enum { REPLACEMENT = 0xFFFD };

void qun__out(struct qun_pack *out, const char *text) {
  qun_pack_raw(out, qun_str(text));
}

void qun__out_format(struct qun_pack *out, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (n < 0 || (size_t)n >= sizeof text)
    out->failed = 1;
  else
    qun_pack_raw(out, qun_slice_of(text, (size_t)n));
}

/* The next code point at *at, which moves on; at the end 0 with *at unchanged. */
static uint32_t next(qun_slice s, uint64_t *at) {
  const uint8_t *bytes = s.ptr;
  UChar32 c;
  if (*at >= s.len) return 0;
  /* ICU's macros count in 32 bits; a sign is at most 4 bytes, so a window of them is enough. */
  int32_t i = 0, n = s.len - *at > 8 ? 8 : (int32_t)(s.len - *at);
  U8_NEXT_OR_FFFD(bytes + *at, i, n, c);
  *at += (uint64_t)i;
  return c == 0 ? REPLACEMENT : (uint32_t)c;
}

static void put(struct qun_pack *out, uint32_t c) {
  uint8_t bytes[4];
  int32_t n = 0;
  U8_APPEND_UNSAFE(bytes, n, c);
  qun_pack_raw(out, qun_slice_of(bytes, (size_t)n));
}

void qun__out_html(struct qun_pack *out, qun_slice text) {
  for (uint64_t at = 0; at < text.len;) {
    uint32_t c = next(text, &at);
    switch (c) {
    case '&': qun__out(out, "&amp;"); break;
    case '<': qun__out(out, "&lt;"); break;
    case '>': qun__out(out, "&gt;"); break;
    case '"': qun__out(out, "&quot;"); break;
    case '\'': qun__out(out, "&#39;"); break;
    default: put(out, (c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? REPLACEMENT : c);
    }
  }
}

void qun__out_json(struct qun_pack *out, qun_slice text) {
  qun__out(out, "\"");
  for (uint64_t at = 0; at < text.len;) {
    uint32_t c = next(text, &at);
    if (c == '"' || c == '\\')
      qun__out_format(out, "\\%c", (int)c);
    else if (c < ' ' || c == '<' || c == '>' || c == '&' || c == 0x7f || c == 0x2028 || c == 0x2029)
      qun__out_format(out, "\\u%04x", c);
    else
      put(out, c);
  }
  qun__out(out, "\"");
}

void qun__out_csv(struct qun_pack *out, qun_slice text, int number) {
  const char *bytes = text.ptr;
  int risky = !number && text.len && memchr("=+-@\t\r", bytes[0], 6) != NULL;
  int quoted = 0;
  for (uint64_t i = 0; i < text.len && !quoted; i++) quoted = memchr(",\"\r\n", bytes[i], 4) != NULL;
  if (quoted) qun__out(out, "\"");
  if (risky) qun__out(out, "'");
  for (uint64_t at = 0; at < text.len;) {
    uint32_t c = next(text, &at);
    if (c == '"')
      qun__out(out, "\"\"");
    else
      put(out, c);
  }
  if (quoted) qun__out(out, "\"");
}

static uint32_t sign_width(uint32_t c) {
  int8_t type = u_charType((UChar32)c);
  if (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || type == U_FORMAT_CHAR) return 0;
  int wide = u_getIntPropertyValue((UChar32)c, UCHAR_EAST_ASIAN_WIDTH);
  return wide == U_EA_WIDE || wide == U_EA_FULLWIDTH ? 2 : 1;
}

uint32_t qun__text_width(qun_slice text) {
  uint32_t width = 0;
  for (uint64_t at = 0; at < text.len;) width += sign_width(next(text, &at));
  return width;
}

static void out_spaces(struct qun_pack *out, uint32_t n) {
  while (n-- > 0) qun__out(out, " ");
}

void qun__out_padded(struct qun_pack *out, qun_slice text, uint32_t width, int right) {
  uint32_t own = qun__text_width(text);
  uint32_t pad = own < width ? width - own : 0;
  if (right) out_spaces(out, pad);
  for (uint64_t at = 0; at < text.len;) {
    uint32_t c = next(text, &at);
    put(out, u_iscntrl((UChar32)c) ? ' ' : c);
  }
  if (!right) out_spaces(out, pad);
}
