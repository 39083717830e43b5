/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/fetch_form.h"

#include <qun/msgpack.h>

enum { URL_MAX = 1000, HEADERS_MAX = 32, VALUE_MAX = 8192, NAME_MAX_BYTES = 64 };

static bool begins(qun_slice text, const char *with) {
  size_t n = strlen(with);
  return text.len >= n && memcmp(text.ptr, with, n) == 0;
}

/* Length of the host at the beginning; 0: it is none. */
static size_t host_span(const char *at, size_t len) {
  size_t n = 0;
  while (n < len && ((at[n] >= 'a' && at[n] <= 'z') || (at[n] >= '0' && at[n] <= '9') || at[n] == '.' || at[n] == '-'))
    n++;
  if (n == 0 || n > 253 || at[0] == '.' || at[0] == '-' || at[n - 1] == '-') return 0;
  return n;
}

/* Length of ":port"; 0: there is none. */
static size_t port_span(const char *at, size_t len) {
  size_t n = 1;
  if (len < 2 || at[0] != ':') return 0;
  while (n < len && n < 7 && at[n] >= '0' && at[n] <= '9') n++;
  return n > 1 && n < 7 ? n : 0;
}

const char *qun__fetch_wrong_url(qun_slice url, qun_slice *authority) {
  static const char form[] = "the URL must be https://host/path, with a lower-case host, no user and no fragment";
  const char *text = url.ptr;
  bool plain = begins(url, "http://");
  if (url.len > URL_MAX || (!plain && !begins(url, "https://"))) return form;
  const char *from = text + (plain ? 7 : 8), *end = text + url.len;
  size_t host = host_span(from, (size_t)(end - from));
  size_t port = host ? port_span(from + host, (size_t)(end - from) - host) : 0;
  const char *path = from + host + port;
  if (host == 0 || path == end || *path != '/') return form;
  for (const char *at = path; at < end; at++) {
    if (*at < 0x21 || *at > 0x7e || strchr("#\\\"<>^`{|}", *at)) return form;
  }
  *authority = qun_slice_of(from, host + port);
  qun_slice name = qun_slice_of(from, host);
  if (plain && !qun_slice_is(name, "127.0.0.1") && !qun_slice_is(name, "localhost"))
    return "plain http goes to this machine alone";
  return NULL;
}

const char *qun__fetch_wrong_method(qun_slice method) {
  static const char *const fine[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
    if (qun_slice_is(method, fine[i])) return NULL;
  }
  return "the method must be GET, POST, PUT, PATCH or DELETE";
}

static bool name_fits(qun_slice name) {
  static const char *const kept[] = {"host", "content-length", "connection", "transfer-encoding", "upgrade",
                                     "te",   "trailer",        "expect",     "keep-alive",        "cookie"};
  const char *at = name.ptr;
  if (name.len == 0 || name.len > NAME_MAX_BYTES || begins(name, "proxy-")) return false;
  for (uint64_t i = 0; i < name.len; i++) {
    if (!((at[i] >= 'a' && at[i] <= 'z') || (at[i] >= '0' && at[i] <= '9') || at[i] == '-')) return false;
  }
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    if (qun_slice_is(name, kept[i])) return false;
  }
  return true;
}

static bool value_fits(qun_slice value) {
  const unsigned char *at = value.ptr;
  if (value.len == 0 || value.len > VALUE_MAX) return false;
  for (uint64_t i = 0; i < value.len; i++) {
    if ((at[i] < 0x20 && at[i] != '\t') || at[i] == 0x7f) return false;
  }
  return true;
}

const char *qun__fetch_wrong_headers(qun_slice headers) {
  static const char form[] =
      "headers must be a msgpack map of lower-case names to texts, at most 32, none that carries the message";
  struct qun_unpack u;
  uint32_t n;
  if (headers.len == 0) return NULL;
  qun_unpack_init(&u, headers);
  if (!qun_unpack_map(&u, &n) || n > HEADERS_MAX) return form;
  while (n-- > 0) {
    qun_slice name, value;
    if (!qun_unpack_str(&u, &name) || !qun_unpack_str(&u, &value) || !name_fits(name) || !value_fits(value))
      return form;
  }
  return u.at == u.end ? NULL : form;
}

bool qun__fetch_approved(qun_slice settings, qun_slice authority) {
  struct qun_unpack u;
  qun_slice list, entry;
  uint32_t n;
  if (!qun_mp_find(settings, "http_hosts", &list)) return false;
  qun_unpack_init(&u, list);
  if (!qun_unpack_array(&u, &n)) return false;
  while (n-- > 0 && qun_unpack_str(&u, &entry)) {
    if (qun_slice_eq(entry, authority)) return true;
  }
  return false;
}
