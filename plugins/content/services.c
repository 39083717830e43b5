/* SPDX-License-Identifier: Apache-2.0 */
/* What operators do with items. A service looks, answers and emits; the handlers write. */
#include "content.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 65536, TITLE_MAX = 400 };

static int emit(struct qun__content *self, const struct qun_context *ctx, const char *type, qun_slice id,
                const struct qun_pack *data) {
  struct qun_emit e = {.struct_size = sizeof e, .type = qun_str(type), .subject = id, .data = qun_pack_slice(data)};
  int error;
  if (data->failed) return qun__refuse(self, QUN_EFAIL, "memory ran out");
  error = self->events->emit(self->host, ctx->tenant, &e);
  return error < 0 ? error : 0;
}

static int reply(struct qun__content *self, const struct qun_request *request) {
  if (self->answer.failed) return qun__refuse(self, QUN_EFAIL, "memory ran out");
  return self->reply->reply(self->host, request->id, qun_pack_slice(&self->answer));
}

static int find_item(struct qun__content *self, const struct qun_context *ctx, const struct qun_request *request,
                     struct qun__item *item) {
  qun_slice id = qun_mp_str(request->params, "id");
  int error = id.len && id.len <= QUN_ID_MAX ? qun__item_get(self, ctx->tenant, id, item) : QUN_ENOTFOUND;
  if (error == QUN_ENOTFOUND)
    return qun__refuse(self, QUN_ENOTFOUND, "id: there is no item '%.*s'", id.len > 100 ? 100 : (int)id.len,
                       (const char *)id.ptr);
  return error;
}

/* ---- the advisory check */

struct advice {
  char verdict[24];
  int64_t findings; /* -1: not checked */
};

/* Compliance may be absent or off for this tenant: then the item says that nobody looked. */
static void advise(struct qun__content *self, const struct qun_context *ctx, const struct qun__item *item,
                   struct advice *out) {
  struct qun_pack p;
  struct qun_unpack u;
  qun_slice answer, verdict, hits;
  uint32_t n = 0;
  snprintf(out->verdict, sizeof out->verdict, "unchecked");
  out->findings = -1;
  if (item->body.len == 0) return;
  qun_pack_init(&p);
  qun_pack_map(&p, 5);
  qun_pack_kv_cstr(&p, "kind", item->is_ad ? "ad" : "article");
  qun_pack_kv_str(&p, "text", item->body);
  qun_pack_kv_bool(&p, "is_ad", item->is_ad);
  qun_pack_kv_str(&p, "label", item->label);
  qun_pack_kv_str(&p, "category", item->category);
  if (!p.failed && self->call->call(self->host, ctx->tenant, "compliance.check", qun_pack_slice(&p), &answer) >= 0) {
    verdict = qun_mp_str(answer, "verdict");
    if (verdict.len && verdict.len < sizeof out->verdict) {
      memcpy(out->verdict, verdict.ptr, (size_t)verdict.len);
      out->verdict[verdict.len] = 0;
      if (qun_mp_find(answer, "hits", &hits)) {
        qun_unpack_init(&u, hits);
        if (!qun_unpack_array(&u, &n)) n = 0;
      }
      out->findings = n;
    }
  }
  qun_pack_fini(&p);
}

static void pack_advice(struct qun_pack *p, const struct advice *a) {
  qun_pack_kv_cstr(p, "verdict", a->verdict);
  qun_pack_kv_int(p, "findings", a->findings);
}

/* ---- create */

static uint64_t fnv(qun_slice s) {
  uint64_t h = 14695981039346656037u;
  const unsigned char *c = s.ptr;
  for (uint64_t i = 0; i < s.len; i++) h = (h ^ c[i]) * 1099511628211u;
  return h;
}

static int read_new(struct qun__content *self, qun_slice params, struct qun__item *item) {
  qun_slice kind = qun_mp_str(params, "kind"), state = qun_mp_str(params, "state");
  int place = qun__kind_of(kind), begin = state.len ? qun__state_of(state) : QUN_STATE_TOPIC;
  *item = (struct qun__item){.title = qun_mp_str(params, "title"),
                             .body = qun_mp_str(params, "text"),
                             .account = qun_mp_str(params, "account"),
                             .label = qun_mp_str(params, "label"),
                             .category = qun_mp_str(params, "category")};
  if (item->title.len == 0 || item->title.len > TITLE_MAX)
    return qun__refuse(self, QUN_EINVAL, "title: 1 to %d bytes must stand here", TITLE_MAX);
  if (item->body.len > TEXT_MAX) return qun__refuse(self, QUN_EINVAL, "text: more than %d bytes", TEXT_MAX);
  if (item->account.len > QUN_ACCOUNT_MAX)
    return qun__refuse(self, QUN_EINVAL, "account: more than %d bytes", QUN_ACCOUNT_MAX);
  if (place < 0)
    return qun__refuse(self, QUN_EINVAL, "kind: practical, interactive, emotional, ad, service or ugc must stand here");
  if (begin < 0 || begin > QUN_STATE_REVIEW)
    return qun__refuse(self, QUN_EINVAL, "state: an item begins as topic, make or review");
  item->kind = (enum qun__kind)place;
  item->state = (enum qun__state)begin;
  item->is_ad = qun_mp_bool(params, "is_ad", 0) != 0 || place == QUN_KIND_AD;
  return 0;
}

static int create(struct qun__content *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct qun__item item, other;
  struct advice advice;
  struct qun_pack *p = &self->data;
  char made[40];
  int error = read_new(self, request->params, &item);
  if (error) return error;
  item.id = qun_mp_str(request->params, "id");
  if (item.id.len == 0) {
    snprintf(made, sizeof made, "c%" PRIx64 "-%08" PRIx32, (uint64_t)ctx->clock_ms, (uint32_t)fnv(item.title));
    item.id = qun_str(made);
  }
  if (item.id.len > QUN_ID_MAX) return qun__refuse(self, QUN_EINVAL, "id: more than %d bytes", QUN_ID_MAX);
  error = qun__item_get(self, ctx->tenant, item.id, &other);
  if (error >= 0)
    return qun__refuse(self, QUN_ECONFLICT, "id: there is an item '%.*s' already", (int)item.id.len,
                       (const char *)item.id.ptr);
  if (error != QUN_ENOTFOUND) return error;
  advise(self, ctx, &item, &advice);
  qun_pack_clear(p);
  qun_pack_map(p, 10);
  qun_pack_kv_cstr(p, "state", qun__state_names[item.state]);
  qun_pack_kv_cstr(p, "kind", qun__kind_names[item.kind]);
  qun_pack_kv_str(p, "title", item.title);
  qun_pack_kv_str(p, "text", item.body);
  qun_pack_kv_str(p, "account", item.account);
  qun_pack_kv_bool(p, "is_ad", item.is_ad);
  qun_pack_kv_str(p, "label", item.label);
  qun_pack_kv_str(p, "category", item.category);
  pack_advice(p, &advice);
  error = emit(self, ctx, "content.item", item.id, p);
  if (error) return error;
  qun_pack_clear(&self->answer);
  qun_pack_map(&self->answer, 4);
  qun_pack_kv_str(&self->answer, "id", item.id);
  qun_pack_kv_cstr(&self->answer, "state", qun__state_names[item.state]);
  pack_advice(&self->answer, &advice);
  return reply(self, request);
}

/* ---- review */

static int review(struct qun__content *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct qun__item item;
  struct qun_pack *p = &self->data;
  int64_t score = qun_mp_int(request->params, "score", -1);
  enum qun__state to = qun_mp_bool(request->params, "ok", 0) ? QUN_STATE_READY : QUN_STATE_MAKE;
  qun_slice ok, reason = qun_mp_str(request->params, "reason");
  int error = find_item(self, ctx, request, &item);
  if (error) return error;
  if (!qun_mp_find(request->params, "ok", &ok))
    return qun__refuse(self, QUN_EINVAL, "ok: true or false must stand here");
  if (score < -1 || score > 100) return qun__refuse(self, QUN_EINVAL, "score: 0 to 100");
  if (item.state >= QUN_STATE_SCHEDULED || !qun__state_follows(item.state, to))
    return qun__refuse(self, QUN_ECONFLICT, "an item that is %s is not reviewed", qun__state_names[item.state]);
  qun_pack_clear(p);
  qun_pack_map(p, score < 0 ? 2 : 3);
  qun_pack_kv_cstr(p, "state", qun__state_names[to]);
  qun_pack_kv_str(p, "reason", reason);
  if (score >= 0) qun_pack_kv_int(p, "score", score);
  error = emit(self, ctx, "content.item", item.id, p);
  if (error) return error;
  qun_pack_clear(&self->answer);
  qun_pack_map(&self->answer, 2);
  qun_pack_kv_str(&self->answer, "id", item.id);
  qun_pack_kv_cstr(&self->answer, "state", qun__state_names[to]);
  return reply(self, request);
}

/* ---- schedule */

static void pack_plan(struct qun__content *self, const struct qun__item *item, const struct qun__plan *plan,
                      const struct advice *advice) {
  struct qun_pack *p = &self->answer;
  bool moved = plan->quiet || plan->quota;
  qun_pack_clear(p);
  qun_pack_map(p, plan->refused ? 7 : 6);
  qun_pack_kv_str(p, "id", item->id);
  qun_pack_kv_bool(p, "planned", !plan->refused);
  if (plan->refused) {
    qun_pack_kv_cstr(p, "reason", plan->refused);
    qun_pack_kv_int(p, "value", plan->value);
    qun_pack_kv_int(p, "limit", plan->limit);
  } else {
    qun_pack_kv_int(p, "at", plan->at_ms);
    qun_pack_kv_cstr(p, "moved",
                     !moved                       ? ""
                     : plan->quiet && plan->quota ? "quiet+quota"
                     : plan->quiet                ? "quiet"
                                                  : "quota");
  }
  pack_advice(p, advice);
}

/* The verdict stays with the item, though only the gate decides. */
static int emit_advice(struct qun__content *self, const struct qun_context *ctx, const struct qun__item *item,
                       const struct advice *advice) {
  qun_pack_clear(&self->data);
  qun_pack_map(&self->data, 3);
  qun_pack_kv_cstr(&self->data, "state", qun__state_names[item->state]);
  pack_advice(&self->data, advice);
  return emit(self, ctx, "content.item", item->id, &self->data);
}

static int emit_plan(struct qun__content *self, const struct qun_context *ctx, const struct qun_request *request,
                     const struct qun__item *item, int64_t at) {
  static const char *const texts[] = {"account", "via", "target", "over"};
  struct qun_pack *p = &self->data;
  qun_pack_clear(p);
  qun_pack_map(p, 5);
  qun_pack_kv_int(p, "at", at);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    qun_pack_kv_str(p, texts[i], qun_mp_str(request->params, texts[i]));
  return emit(self, ctx, "content.plan", item->id, p);
}

static int schedule(struct qun__content *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct qun__item item;
  struct qun__plan plan;
  struct advice advice;
  qun_slice account = qun_mp_str(request->params, "account"), over = qun_mp_str(request->params, "over");
  int64_t at = qun_mp_int(request->params, "at", ctx->clock_ms);
  int error = find_item(self, ctx, request, &item);
  if (error) return error;
  if (account.len > QUN_ACCOUNT_MAX)
    return qun__refuse(self, QUN_EINVAL, "account: more than %d bytes", QUN_ACCOUNT_MAX);
  if (over.len && !qun_slice_is(over, "next") && !qun_slice_is(over, "refuse"))
    return qun__refuse(self, QUN_EINVAL, "over: next or refuse");
  error = qun__plan_make(self, ctx, &item, account.len ? account : item.account, at, over, &plan);
  if (error) return error;
  advise(self, ctx, &item, &advice);
  if (!plan.refused) {
    error = emit_advice(self, ctx, &item, &advice);
    if (!error) error = emit_plan(self, ctx, request, &item, at);
    if (error) return error;
  }
  pack_plan(self, &item, &plan, &advice);
  return reply(self, request);
}

/* ---- publish */

static int publish(struct qun__content *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct qun__item item;
  int error = find_item(self, ctx, request, &item);
  if (error) return error;
  if (item.published_ms || !qun__state_follows(item.state, QUN_STATE_PUBLISHED))
    return qun__refuse(self, QUN_ECONFLICT, "an item that is %s is not published", qun__state_names[item.state]);
  error = qun__item_emit(self, ctx, item.id, QUN_STATE_PUBLISHED, qun_mp_str(request->params, "reason"));
  if (error < 0) return error;
  qun_pack_clear(&self->answer);
  qun_pack_map(&self->answer, 2);
  qun_pack_kv_str(&self->answer, "id", item.id);
  qun_pack_kv_cstr(&self->answer, "state", "published");
  return reply(self, request);
}

static const struct {
  const char *name;
  int (*serve)(struct qun__content *self, const struct qun_context *ctx, const struct qun_request *request);
} services[] = {{"content.create", create},
                {"content.review", review},
                {"content.schedule", schedule},
                {"content.publish", publish},
                {"content.report", qun__report}};

int qun__serve(struct qun__content *self, const struct qun_context *ctx, const struct qun_request *request) {
  if (request->params.len && !qun_mp_valid(request->params, 8))
    return qun__refuse(self, QUN_EINVAL, "the parameters are not one msgpack map");
  for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
    if (qun_slice_is(request->service, services[i].name)) return services[i].serve(self, ctx, request);
  }
  return qun__refuse(self, QUN_ENOTFOUND, "content has no service of that name");
}
