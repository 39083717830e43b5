/* SPDX-License-Identifier: Apache-2.0 */
/* Asks another plugin, hello, how much a member wrote, and says it in words. */
#include <qun/msgpack.h>
#include <qun/plugin.h>

struct asker {
  const struct qun_host *host;
  const struct qun_call_v1 *call;
  const struct qun_reply_v1 *reply;
};

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct asker *p = (struct asker *)calloc(1, sizeof *p);
  (void)config;
  if (!p) return host->fail(host, QUN_EFAIL, qun_str("out of memory"));
  p->host = host;
  int rc = host->query(host, QUN_CALL_1, (const void **)&p->call);
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

static const char *words_of(int64_t messages) {
  return messages == 0 ? "nothing yet" : messages < 10 ? "a little" : "a lot";
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  const struct asker *p = (const struct asker *)self;
  struct qun_pack body;
  qun_slice counted;
  int rc = p->call->call(p->host, ctx->tenant, "hello.count", request->params, &counted);
  if (rc == QUN_ENOTFOUND) return p->host->fail(p->host, rc, qun_str("the plugin hello is not there"));
  if (rc < 0) return rc;
  qun_pack_init(&body);
  qun_pack_map(&body, 1);
  qun_pack_kv_cstr(&body, "words", words_of(qun_mp_int(counted, "messages", 0)));
  rc = body.failed ? QUN_EFAIL : p->reply->reply(p->host, request->id, qun_pack_slice(&body));
  qun_pack_fini(&body);
  return rc;
}

static const struct qun_plugin asker = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_request = on_request,
};

QUN_PLUGIN("asker", "1.0.0", asker)
