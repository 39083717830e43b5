/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

static qun_slice text(const char *s) {
  return qun_str(s);
}

static int has(struct probe *p, const struct qun_context *ctx, const char *key, const char *want) {
  qun_slice value;
  int rc = p->store->get(p->host, ctx->tenant, text(key), &value);
  return want ? rc == 0 && qun_slice_is(value, want) : rc == QUN_ENOTFOUND;
}

static struct qun_store_op op(uint32_t kind, const char *key, const char *value) {
  struct qun_store_op o = {.kind = kind, .key = text(key), .value = text(value)};
  return o;
}

static int many(struct probe *p, const struct qun_context *ctx) {
  qun_slice keys[4] = {text("m/b"), text("m/none"), text("m/a"), text("m/b")}, values[4];
  PROBE(p->store->put(p->host, ctx->tenant, text("m/a"), text("1"), 0) == 0);
  PROBE(p->store1->put(p->host, ctx->tenant, text("m/b"), qun_slice_of(NULL, 0), 7) == 0);
  PROBE(p->store->get_many(p->host, ctx->tenant, keys, 4, values) == 0);
  PROBE(values[0].ptr && values[0].len == 0);
  PROBE(!values[1].ptr && values[1].len == 0);
  PROBE(qun_slice_is(values[2], "1"));
  PROBE(values[3].ptr && values[3].len == 0);
  PROBE(p->store->get_many(p->host, ctx->tenant, keys, 0, values) == 0);
  PROBE(p->store->get_many(p->host, ctx->tenant + 1, keys, 4, values) == QUN_EDENIED);
  keys[3] = text("");
  values[0] = text("before");
  PROBE(p->store->get_many(p->host, ctx->tenant, keys, 4, values) == QUN_EINVAL);
  PROBE(qun_slice_is(values[0], "before"));
  return 0;
}

/* More than one answer holds: 40 values of 100,000 bytes. */
static int many_large(struct probe *p, const struct qun_context *ctx) {
  enum { N = 40, SIZE = 100000 };
  static char name[N][8];
  qun_slice keys[N], values[N];
  char *bytes = (char *)malloc(SIZE);
  int bad = 0;
  PROBE(bytes);
  for (int i = 0; i < N; i++) {
    name[i][0] = 'l';
    name[i][1] = (char)('A' + i);
    keys[i] = qun_slice_of(name[i], 2);
    memset(bytes, 'A' + i, SIZE);
    if (i % 7 && p->store->put(p->host, ctx->tenant, keys[i], qun_slice_of(bytes, SIZE), 0) != 0) bad = __LINE__;
  }
  if (p->store->get_many(p->host, ctx->tenant, keys, N, values) != 0) bad = __LINE__;
  for (int i = 0; i < N && !bad; i++) {
    memset(bytes, 'A' + i, SIZE);
    if (i % 7 ? !qun_slice_eq(values[i], qun_slice_of(bytes, SIZE)) : values[i].ptr != NULL) bad = __LINE__;
  }
  free(bytes);
  return bad;
}

static int batch(struct probe *p, const struct qun_context *ctx) {
  struct qun_store_op first[3] = {op(QUN_STORE_ABSENT, "b/x", ""), op(QUN_STORE_PUT, "b/x", "1"),
                                  op(QUN_STORE_PUT, "b/y", "2")};
  PROBE(p->store->batch(p->host, ctx->tenant, first, 3) == 0);
  PROBE(has(p, ctx, "b/x", "1") && has(p, ctx, "b/y", "2"));
  PROBE(p->store->batch(p->host, ctx->tenant, first, 3) == QUN_ECONFLICT);
  struct qun_store_op move[4] = {op(QUN_STORE_DEL, "b/x", ""), op(QUN_STORE_PUT, "b/z", "1"),
                                 op(QUN_STORE_PUT, "b/z", "3"),
                                 op(QUN_STORE_EXPECT, "b/x", "1")}; /* held against the state before */
  PROBE(p->store->batch(p->host, ctx->tenant, move, 4) == 0);
  PROBE(has(p, ctx, "b/x", NULL) && has(p, ctx, "b/z", "3"));
  PROBE(p->store->batch(p->host, ctx->tenant, move, 0) == 0);
  return 0;
}

static int batch_refused(struct probe *p, const struct qun_context *ctx) {
  struct qun_store_op o[3] = {op(QUN_STORE_PUT, "r/a", "new"), op(QUN_STORE_DEL, "r/b", ""),
                              op(QUN_STORE_EXPECT, "r/b", "other")};
  PROBE(p->store->put(p->host, ctx->tenant, text("r/b"), text("kept"), 0) == 0);
  PROBE(p->store->batch(p->host, ctx->tenant, o, 3) == QUN_ECONFLICT);
  o[2] = op(QUN_STORE_EXPECT, "r/none", "");
  PROBE(p->store->batch(p->host, ctx->tenant, o, 3) == QUN_ECONFLICT);
  o[2] = op(5, "r/c", "");
  PROBE(p->store->batch(p->host, ctx->tenant, o, 3) == QUN_EINVAL);
  o[2] = op(0, "r/c", "");
  PROBE(p->store->batch(p->host, ctx->tenant, o, 3) == QUN_EINVAL);
  o[2] = op(QUN_STORE_PUT, "", "x");
  PROBE(p->store->batch(p->host, ctx->tenant, o, 3) == QUN_EINVAL);
  PROBE(p->store->batch(p->host, ctx->tenant + 1, o, 2) == QUN_EDENIED);
  PROBE(has(p, ctx, "r/a", NULL) && has(p, ctx, "r/b", "kept"));
  return 0;
}

/* In a request the keyspace is read, never written. */
static int reads_only(struct probe *p, const struct qun_context *ctx) {
  struct qun_store_op o = op(QUN_STORE_PUT, "q/a", "1");
  qun_slice key = text("b/z"), value;
  PROBE(p->store->batch(p->host, ctx->tenant, &o, 1) == QUN_EDENIED);
  PROBE(p->store->put(p->host, ctx->tenant, o.key, o.value, 0) == QUN_EDENIED);
  PROBE(p->store->get_many(p->host, ctx->tenant, &key, 1, &value) == 0);
  PROBE(qun_slice_is(value, "3"));
  return 0;
}

const struct probe_row probe_store[] = {{"store.many", many},
                                        {"store.many_large", many_large},
                                        {"store.batch", batch},
                                        {"store.batch_refused", batch_refused},
                                        {"store.reads_only", reads_only},
                                        {NULL, NULL}};
