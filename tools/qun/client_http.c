/* SPDX-License-Identifier: Apache-2.0 */
/* The API over HTTP, by libcurl: to a URL, or through a Unix socket, where the daemon knows the caller as the agency.
 */
#include "tools/qun/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TOKEN_MAX = 512, WAIT_MS = 1000 };

struct http {
  CURLM *multi;
  CURL *easy;
  char *base; /* without a slash at the end */
  char token[TOKEN_MAX];
  const char *locale;
  struct curl_slist *headers;
  struct qun_pack url, body;
  int running;
  int to; /* of the request that is under way */
};

static int read_token(struct http *h, const char *path, struct qun_error *err) {
  FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
  if (!f) return qun_error_set(err, QUN_ENOTFOUND, "the token file %s cannot be read: %m", path);
  char *line = fgets(h->token, sizeof h->token, f);
  if (f != stdin) fclose(f);
  if (line) h->token[strcspn(h->token, "\r\n \t")] = '\0';
  return line && h->token[0] ? 0 : qun_error_set(err, QUN_EINVAL, "the token file %s is empty", path);
}

static size_t on_body(char *data, size_t size, size_t n, void *arg) {
  struct http *h = arg;
  long status = 0;
  if (h->to > 0) curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) {
    for (size_t at = 0, all = size * n; at < all;) {
      ssize_t done = write(h->to, data + at, all - at);
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return 0; /* libcurl ends the transfer */
      at += (size_t)done;
    }
    return size * n;
  }
  qun_pack_raw(&h->body, qun_slice_of(data, size * n));
  return h->body.failed ? 0 : size * n;
}

static int set_up(struct http *h, const struct qun_client_options *options, const char *socket, struct qun_error *err) {
  if (socket && curl_easy_setopt(h->easy, CURLOPT_UNIX_SOCKET_PATH, socket) != CURLE_OK)
    return qun_error_set(err, QUN_EFAIL, "libcurl cannot use a Unix socket");
  if (socket) curl_easy_setopt(h->easy, CURLOPT_PROXY, "");
  curl_easy_setopt(h->easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(h->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, h);
  curl_easy_setopt(h->easy, CURLOPT_USERAGENT, "qun");
  curl_easy_setopt(h->easy, CURLOPT_ACCEPT_ENCODING, NULL);
  return options->token_file ? read_token(h, options->token_file, err) : 0;
}

static void http_close(void *self) {
  struct http *h = self;
  if (!h) return;
  if (h->multi && h->easy) curl_multi_remove_handle(h->multi, h->easy);
  if (h->easy) curl_easy_cleanup(h->easy);
  if (h->multi) curl_multi_cleanup(h->multi);
  curl_slist_free_all(h->headers);
  qun_pack_fini(&h->url);
  qun_pack_fini(&h->body);
  explicit_bzero(h->token, sizeof h->token);
  free(h->base);
  free(h);
}

int qun_client_http_open(void **self, const struct qun_client_options *options, const char *socket,
                         struct qun_error *err) {
  struct http *h = calloc(1, sizeof *h);
  if (!h) return qun_error_set(err, QUN_EFAIL, "out of memory");
  h->locale = options->locale;
  h->base = strdup(socket ? "http://localhost" : options->url);
  h->multi = curl_multi_init();
  h->easy = curl_easy_init();
  int rc = h->base && h->multi && h->easy ? 0 : qun_error_set(err, QUN_EFAIL, "libcurl could not be started");
  for (size_t n = rc == 0 ? strlen(h->base) : 0; n && h->base[n - 1] == '/'; n--) h->base[n - 1] = '\0';
  if (rc == 0) rc = set_up(h, options, socket, err);
  if (rc < 0) {
    http_close(h);
    return rc;
  }
  *self = h;
  return 0;
}

static int header(struct http *h, const char *name, const char *value) {
  char line[TOKEN_MAX + 64];
  if (!value) return 0;
  snprintf(line, sizeof line, "%s: %s", name, value);
  struct curl_slist *more = curl_slist_append(h->headers, line);
  if (!more) return QUN_EFAIL;
  h->headers = more;
  return 0;
}

static int set_headers(struct http *h, const struct qun_client_request *request, struct qun_error *err) {
  char bearer[TOKEN_MAX + 16];
  curl_slist_free_all(h->headers);
  h->headers = NULL;
  snprintf(bearer, sizeof bearer, "Bearer %s", h->token);
  int rc = header(h, "Authorization", h->token[0] ? bearer : NULL);
  if (rc == 0) rc = header(h, "Accept-Language", h->locale);
  if (rc == 0) rc = header(h, "Content-Type", request->content_type);
  if (rc == 0) rc = header(h, "Expect", ""); /* no round trip before the body */
  explicit_bzero(bearer, sizeof bearer);
  return rc < 0 ? qun_error_set(err, rc, "out of memory") : 0;
}

static int set_request(struct http *h, const struct qun_client_request *request, struct qun_error *err) {
  h->to = request->to;
  qun_pack_clear(&h->url);
  qun_pack_clear(&h->body);
  qun_pack_raw(&h->url, qun_str(h->base));
  qun_pack_raw(&h->url, qun_str(request->path));
  if (request->query && *request->query) {
    qun_pack_raw(&h->url, qun_str("?"));
    qun_pack_raw(&h->url, qun_str(request->query));
  }
  qun_pack_raw(&h->url, qun_slice_of("", 1));
  if (h->url.failed) return qun_error_set(err, QUN_EFAIL, "out of memory");
  curl_easy_setopt(h->easy, CURLOPT_URL, (const char *)h->url.buf);
  curl_easy_setopt(h->easy, CURLOPT_HTTPGET, 1L);
  if (request->content_type) {
    curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, request->body.len ? request->body.ptr : "");
    curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
  }
  curl_easy_setopt(h->easy, CURLOPT_CUSTOMREQUEST, request->method);
  int rc = set_headers(h, request, err);
  if (rc == 0) curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers);
  return rc;
}

/* One turn of the transfer; false when it has ended. */
static bool turn(struct http *h) {
  if (curl_multi_perform(h->multi, &h->running) != CURLM_OK || h->running == 0) return false;
  curl_multi_poll(h->multi, NULL, 0, WAIT_MS, NULL);
  return true;
}

static int http_begin(void *self, const struct qun_client_request *request, struct qun_error *err) {
  struct http *h = self;
  curl_off_t sent = 0;
  int rc = set_request(h, request, err);
  if (rc < 0) return rc;
  if (curl_multi_add_handle(h->multi, h->easy) != CURLM_OK)
    return qun_error_set(err, QUN_EFAIL, "libcurl refused the request");
  do {
    curl_multi_perform(h->multi, &h->running);
    curl_easy_getinfo(h->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
  } while (h->running && (uint64_t)sent < request->body.len && turn(h));
  return 0;
}

static CURLcode outcome(struct http *h) {
  int left;
  for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left));)
    if (m->msg == CURLMSG_DONE) return m->data.result;
  return CURLE_GOT_NOTHING;
}

static int http_end(void *self, struct qun_client_answer *answer, struct qun_error *err) {
  struct http *h = self;
  curl_off_t later = 0;
  const char *type = NULL;
  long status = 0;
  while (turn(h)) {
  }
  CURLcode code = outcome(h);
  curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(h->easy, CURLINFO_RETRY_AFTER, &later);
  curl_easy_getinfo(h->easy, CURLINFO_CONTENT_TYPE, &type);
  snprintf(answer->content_type, sizeof answer->content_type, "%s", type ? type : "");
  curl_multi_remove_handle(h->multi, h->easy);
  if (code != CURLE_OK)
    return qun_error_set(err, QUN_EFAIL, "no answer from %s: %s", h->base, curl_easy_strerror(code));
  answer->status = (int)status;
  answer->retry_after = (int)later;
  answer->body = h->body;
  qun_pack_init(&h->body);
  return 0;
}

const struct qun_client_ops qun_client_http_ops = {.begin = http_begin, .end = http_end, .close = http_close};
