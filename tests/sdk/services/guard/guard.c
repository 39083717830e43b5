/* SPDX-License-Identifier: Apache-2.0 */
/* Decides on what others spool, by its target: "fine" and "never" at once, "later" when a message says "decide TOKEN". */
#include <qun/msgpack.h>
#include <qun/plugin.h>

struct guard {
  const struct qun_host *host;
  const struct qun_intercept_v1 *intercept;
};

static void destroy(void *self) {
  free(self);
}

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct guard *g = (struct guard *)calloc(1, sizeof *g);
  (void)config;
  if (!g) return QUN_EFAIL;
  g->host = host;
  int rc = host->query(host, QUN_INTERCEPT_1, (const void **)&g->intercept);
  if (rc < 0)
    destroy(g);
  else
    *self = g;
  return rc;
}

/* Releases with another text and a mark. */
static int release(struct guard *g, qun_handle tenant, qun_slice token) {
  struct qun_pack patch;
  qun_pack_init(&patch);
  qun_pack_map(&patch, 2);
  qun_pack_kv_cstr(&patch, "text", "good day");
  qun_pack_kv_bool(&patch, "seen", 1);
  int rc = g->intercept->complete(g->host, tenant, token, QUN_VERDICT_RELEASE, qun_str(""), qun_pack_slice(&patch));
  qun_pack_fini(&patch);
  return rc;
}

static int on_asked(struct guard *g, const struct qun_context *ctx, const struct qun_event *event) {
  qun_slice token = qun_mp_str(event->data, "token"), target = qun_mp_str(event->data, "target"), none = {NULL, 0};
  if (!qun_slice_is(qun_mp_str(event->data, "plugin"), "probe") ||
      !qun_slice_is(qun_mp_str(event->data, "via"), "spool"))
    return QUN_EFAIL;
  if (qun_mp_int(event->data, "deadline", 0) != ctx->clock_ms + 60000) return QUN_EFAIL;
  if (g->intercept->complete(g->host, ctx->tenant, qun_str("probe/none"), QUN_VERDICT_BLOCK, none, none) !=
      QUN_ENOTFOUND)
    return QUN_EFAIL;
  if (g->intercept->complete(g->host, ctx->tenant, token, 3, none, none) != QUN_EINVAL) return QUN_EFAIL;
  if (g->intercept->complete(g->host, ctx->tenant, token, QUN_VERDICT_RELEASE, none, qun_str("\x01")) != QUN_EINVAL)
    return QUN_EFAIL;
  if (qun_slice_is(target, "fine")) return release(g, ctx->tenant, token);
  if (qun_slice_is(target, "never"))
    return g->intercept->complete(g->host, ctx->tenant, token, QUN_VERDICT_BLOCK, qun_str("not today"), none);
  return 0;
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct guard *g = (struct guard *)self;
  qun_slice text = qun_mp_str(event->data, "text");
  if (qun_slice_is(event->type, "intercept.asked")) return on_asked(g, ctx, event);
  if (text.len < 7 || memcmp(text.ptr, "decide ", 7) != 0) return 0;
  return release(g, ctx->tenant, qun_slice_of((const char *)text.ptr + 7, (size_t)text.len - 7));
}

static const struct qun_plugin guard = {.struct_size = sizeof(struct qun_plugin),
                                        .create = create,
                                        .destroy = destroy,
                                        .on_event = on_event};

QUN_PLUGIN("guard", "1.0.0", guard)
