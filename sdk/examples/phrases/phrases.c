/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with a line of a file of its package. */
#include <qun/msgpack.h>
#include <qun/plugin.h>

struct phrases {
  const struct qun_host *host;
  const struct qun_package_v1 *package;
  const struct qun_reply_v1 *reply;
};

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct phrases *p = (struct phrases *)calloc(1, sizeof *p);
  (void)config;
  if (!p) return host->fail(host, QUN_EFAIL, qun_str("out of memory"));
  p->host = host;
  int rc = host->query(host, QUN_PACKAGE_1, (const void **)&p->package);
  if (rc == 0) rc = host->query(host, QUN_REPLY_1, (const void **)&p->reply);
  if (rc < 0) {
    free(p);
    return rc;
  }
  *self = p;
  return 0;
}

static void destroy(void *self) {
  free(self);
}

/* The nth line; lines are counted first, so that n goes round. */
static qun_slice line_of(qun_slice text, int64_t n) {
  const char *at = (const char *)text.ptr, *end = at + text.len, *stop;
  int64_t lines = 0;
  for (uint64_t i = 0; i < text.len; i++) lines += at[i] == '\n';
  if (lines == 0 || n < 0) return qun_slice_of(NULL, 0);
  for (n %= lines; n > 0; n--) at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
  stop = (const char *)memchr(at, '\n', (size_t)(end - at));
  return qun_slice_of(at, (size_t)(stop - at));
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  const struct phrases *p = (const struct phrases *)self;
  struct qun_pack body;
  qun_slice text, line;
  int rc = p->package->read(p->host, "", "phrases.txt", &text);
  (void)ctx;
  if (rc < 0) return p->host->fail(p->host, rc, qun_str("phrases.txt cannot be read"));
  line = line_of(text, qun_mp_int(request->params, "n", -1));
  if (!line.ptr) return p->host->fail(p->host, QUN_EINVAL, qun_str("n must be 0 or more"));
  qun_pack_init(&body);
  qun_pack_map(&body, 1);
  qun_pack_kv_str(&body, "phrase", line);
  rc = body.failed ? QUN_EFAIL : p->reply->reply(p->host, request->id, qun_pack_slice(&body));
  qun_pack_fini(&body);
  return rc;
}

static const struct qun_plugin phrases = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_request = on_request,
};

QUN_PLUGIN("phrases", "1.0.0", phrases)
