/* SPDX-License-Identifier: Apache-2.0 */
/* qun.http/1 and the manifest's routes. */
#include "fake_internal.h"

enum { ARGS_MAX = 3, TYPE_MAX = 100 };

/* One media type: printable, with a slash, nothing that could end a header. */
static bool type_fits(qun_slice type) {
  const char *at = (const char *)type.ptr;
  bool slash = false;
  if (type.len < 3 || type.len > TYPE_MAX) return false;
  for (uint64_t i = 0; i < type.len; i++) {
    if (at[i] < 0x20 || at[i] > 0x7e) return false;
    slash = slash || (at[i] == '/' && i > 0 && i + 1 < type.len);
  }
  return slash;
}

static int http_respond(const struct qun_host *host, qun_handle request, uint32_t status, qun_slice content_type,
                        qun_slice body) {
  struct qun__fake_plugin *p = (struct qun__fake_plugin *)host->ctx;
  struct qun__fake_frame *frame = p->f->frame;
  struct qun_pack inner, outer;
  if (!frame || frame->plugin != p || frame->mode != QUN_MODE_REQUEST || frame->request != request || frame->answered)
    return qun__fake_fail(p->f, QUN_EGONE, "http.respond: the request was answered or has ended");
  if (status < 200 || status > 599 || (status >= 300 && status < 400))
    return qun__fake_fail(p->f, QUN_EINVAL, "http.respond: a status is 200 to 299 or 400 to 599");
  if (!type_fits(content_type))
    return qun__fake_fail(p->f, QUN_EINVAL, "http.respond: the content type is no media type");
  if (body.len > QUN_HTTP_BODY_MAX) return qun__fake_fail(p->f, QUN_EINVAL, "http.respond: a body has up to 4 MiB");
  qun_pack_init(&inner);
  qun_pack_init(&outer);
  qun_pack_array(&inner, 3);
  qun_pack_int(&inner, status);
  qun_pack_str(&inner, content_type);
  qun_pack_bin(&inner, body);
  qun_pack_ext(&outer, QUN_HTTP_EXT, qun_pack_slice(&inner));
  frame->answered = true;
  frame->reply = qun__fake_copy(&p->f->kept, qun_pack_slice(&outer));
  qun_pack_fini(&inner);
  qun_pack_fini(&outer);
  return 0;
}

const struct qun_http_v1 qun__fake_http_1 = {.struct_size = sizeof(struct qun_http_v1), .respond = http_respond};

/* ---------------------------------------------------------------- asking a route */

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
}

/* Percent-decoded text as one msgpack value. */
static void pack_decoded(struct qun_pack *out, const char *text, size_t len) {
  struct qun_pack plain;
  qun_pack_init(&plain);
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if (c == '%' && i + 2 < len) {
      c = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
      i += 2;
    }
    qun_pack_raw(&plain, qun_slice_of(&c, 1));
  }
  qun_pack_str(out, qun_pack_slice(&plain));
  qun_pack_fini(&plain);
}

/* Whether the path is the route's; its args are appended to `args`. */
static bool matches(const char *pattern, const char *path, size_t path_len, struct qun_pack *args, uint32_t *count) {
  const char *end = path + path_len;
  for (;;) {
    size_t want = strcspn(pattern, "/"), got = 0;
    while (path + got < end && path[got] != '/') got++;
    if (pattern[0] == '{' && got > 0) {
      qun_pack_str(args, qun_slice_of(pattern + 1, want - 2));
      pack_decoded(args, path, got);
      ++*count;
    } else if (want != got || memcmp(pattern, path, want) != 0) {
      return false;
    }
    pattern += want;
    path += got;
    if (!*pattern || path == end) return !*pattern && path == end;
    pattern++;
    path++;
  }
}

static void pack_query(struct qun_pack *out, const char *at) {
  uint32_t n = 0;
  size_t open = qun_pack_open_map(out);
  while (*at) {
    size_t len = strcspn(at, "&"), name = strcspn(at, "=&");
    pack_decoded(out, at, name);
    pack_decoded(out, at + name + (name < len), len - name - (name < len));
    n++;
    at += len + (at[len] == '&');
  }
  qun_pack_close(out, open, n);
}

static void pack_headers(struct qun_pack *out, const struct qun__fake_route *r, qun_slice headers) {
  uint32_t n = 0;
  size_t open = qun_pack_open_map(out);
  for (size_t i = 0; i < r->headers.count; i++) {
    qun_slice value;
    if (!qun_mp_find(headers, r->headers.at[i], &value)) continue;
    qun_pack_cstr(out, r->headers.at[i]);
    qun_pack_raw(out, value);
    n++;
  }
  qun_pack_close(out, open, n);
}

static struct qun_fake_response unwrap(qun_slice reply) {
  struct qun_fake_response out = {.status = 200, .body = reply};
  struct qun_unpack u;
  qun_slice inner;
  uint32_t n;
  int ext;
  int64_t status = 0;
  qun_unpack_init(&u, reply);
  if (!qun_unpack_ext(&u, &ext, &inner) || ext != QUN_HTTP_EXT) return out;
  qun_unpack_init(&u, inner);
  if (qun_unpack_array(&u, &n) && qun_unpack_int(&u, &status) && qun_unpack_str(&u, &out.content_type) &&
      qun_unpack_bin(&u, &out.body))
    out.status = (uint32_t)status;
  return out;
}

struct qun_fake_response qun_fake_http(struct qun_fake *f, const char *method, const char *path, qun_slice headers,
                                       qun_slice body) {
  const struct qun__fake_manifest *m = f->plugin->manifest;
  struct qun_fake_response out = {.status = 404};
  size_t len = strcspn(path, "?");
  for (size_t i = 0; m && i < m->routes_count; i++) {
    const struct qun__fake_route *r = &m->routes[i];
    struct qun_pack args, params;
    uint32_t count = 0;
    qun_slice reply = {NULL, 0};
    qun_pack_init(&args);
    bool found = matches(r->path, path, len, &args, &count);
    if (!found || strcmp(r->method, method) != 0) {
      if (found) out.status = 405;
      qun_pack_fini(&args);
      continue;
    }
    qun_pack_init(&params);
    qun_pack_map(&params, 6);
    qun_pack_kv_cstr(&params, "method", method);
    qun_pack_kv_str(&params, "path", qun_slice_of(path, len));
    qun_pack_cstr(&params, "args");
    qun_pack_map(&params, count);
    qun_pack_raw(&params, qun_pack_slice(&args));
    qun_pack_cstr(&params, "query");
    pack_query(&params, path[len] ? path + len + 1 : "");
    qun_pack_cstr(&params, "headers");
    pack_headers(&params, r, headers);
    qun_pack_cstr(&params, "body");
    qun_pack_bin(&params, body);
    int rc = qun__fake_ask(f, f->plugin, f->tenant, r->service, qun_pack_slice(&params), "", NULL, &reply);
    qun_pack_fini(&params);
    qun_pack_fini(&args);
    return rc < 0 ? (struct qun_fake_response){.status = 0} : unwrap(reply);
  }
  return out;
}
