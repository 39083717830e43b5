/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's entry: instances, tenants, and which event goes where. */
#include "agreement.h"
#include "bridge.h"
#include "code.h"
#include "members.h"
#include "month.h"
#include "overlap.h"
#include "partner.h"
#include "services.h"

#include <stdlib.h>

struct route {
  const char *type;
  bool needs_member;
  int (*act)(const struct cross_call *c, const struct qun_event *e);
};

static const struct route routes[] = {
    {"join", true, cross_member_join},
    {"leave", true, cross_member_leave},
    {"kick", true, cross_member_leave},
    {"rename", true, cross_member_rename},
    {"click", false, cross_code_click},
    {"purchase", false, cross_code_purchase},
    {"refund", false, cross_code_refund},
    {"member.profile", true, cross_member_profile},
    {"member.closed", true, cross_member_close},
    {"consent.given", true, cross_member_consent},
    {"consent.refused", true, cross_member_consent},
    {"consent.withdrawn", true, cross_member_consent},
    {"agreement.proposed", false, cross_agreement_event},
    {"agreement.accepted", false, cross_agreement_event},
    {"agreement.ended", false, cross_agreement_event},
    {"bridge.sent", false, cross_bridge_event},
    {"bridge.received", false, cross_bridge_event},
    {"bridge.refused", false, cross_bridge_event},
    {"overlap.counted", false, cross_bridge_event},
    {"crosspromo.partner", false, cross_partner_recorded},
    {"crosspromo.card", false, cross_bridge_card},
    {"crosspromo.code", false, cross_code_recorded},
    {"crosspromo.item", false, cross_bridge_item},
    {"crosspromo.overlap.requested", false, cross_overlap_requested},
};

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct cross_call c = {self, ctx, ctx->local};
  for (unsigned i = 0; i < sizeof routes / sizeof routes[0]; i++) {
    if (!qun_slice_is(event->type, routes[i].type)) continue;
    if (!c.t) return cross_fail(&c, QUN_EINVAL, "crosspromo: an event of a tenant that was not introduced");
    return routes[i].needs_member && event->member == 0 ? QUN_OK : routes[i].act(&c, event);
  }
  return QUN_OK;
}

static int on_timer(void *self, const struct qun_context *ctx, const struct qun_timer *timer) {
  struct cross_call c = {self, ctx, ctx->local};
  if (!c.t) return cross_fail(&c, QUN_EINVAL, "crosspromo: a timer of a tenant that was not introduced");
  return qun_slice_is(timer->name, CROSS_TIMER_MONTH) ? cross_month_run(&c) : QUN_OK;
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct cross_call c = {self, ctx, ctx->local};
  if (!c.t) return cross_fail(&c, QUN_EINVAL, "crosspromo: a request of a tenant that was not introduced");
  return cross_answer(&c, request);
}

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct cross *g = calloc(1, sizeof *g);
  const void *found[8];
  static const char *const ids[8] = {QUN_STORE_1,  QUN_EVENTS_1, QUN_TIMER_1, QUN_CALENDAR_1,
                                     QUN_OUTBOX_1, QUN_REPLY_1,  QUN_CALL_1,  NULL};
  (void)config;
  if (!g) return host->fail(host, QUN_EFAIL, qun_str("crosspromo: out of memory"));
  for (unsigned i = 0; ids[i]; i++) {
    int rc = host->query(host, ids[i], &found[i]);
    if (rc >= 0) continue;
    free(g);
    return rc;
  }
  *g = (struct cross){host, found[0], found[1], found[2], found[3], found[4], found[5], found[6]};
  *self = g;
  return QUN_OK;
}

static void destroy(void *self) {
  free(self);
}

/* A list of the settings, copied; an empty one if it is not there. */
static void copy_list(struct qun_pack *to, qun_slice settings, const char *name) {
  qun_slice value;
  qun_pack_clear(to);
  if (qun_mp_find(settings, name, &value))
    qun_pack_raw(to, value);
  else
    qun_pack_array(to, 0);
}

static int64_t read_one(qun_slice map, const char *name, const char *kind, int64_t fallback) {
  return kind[0] == 'b' ? qun_mp_bool(map, name, fallback != 0) : qun_mp_int(map, name, fallback);
}

static int on_tenant(void *self, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  struct cross *g = self;
  struct cross_tenant *t = *local ? *local : calloc(1, sizeof *t);
  (void)ctx;
  if (!t) return g->host->fail(g->host, QUN_EFAIL, qun_str("crosspromo: out of memory"));
#define READ(NAME, KIND, DEFAULT) t->settings.NAME = read_one(info->settings, #NAME, KIND, DEFAULT);
  CROSS_SETTINGS(READ)
#undef READ
  cross_text_set(&t->name, info->name);
  cross_text_set(&t->sector, info->sector);
  cross_text_set(&t->country, info->country);
  cross_text_set(&t->currency, info->currency);
  cross_text_set(&t->tone, qun_mp_str(info->settings, "tone"));
  copy_list(&t->rivals, info->settings, "rival_sectors");
  copy_list(&t->neutral, info->settings, "neutral_sectors");
  *local = t;
  return t->rivals.failed || t->neutral.failed ? g->host->fail(g->host, QUN_EFAIL, qun_str("crosspromo: out of memory"))
                                               : QUN_OK;
}

static void on_tenant_close(void *self, void *local) {
  struct cross_tenant *t = local;
  (void)self;
  if (!t) return;
  qun_pack_fini(&t->rivals);
  qun_pack_fini(&t->neutral);
  free(t);
}

static const struct qun_plugin crosspromo_plugin = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_tenant = on_tenant,
    .on_tenant_close = on_tenant_close,
    .on_event = on_event,
    .on_timer = on_timer,
    .on_request = on_request,
};

QUN_PLUGIN("crosspromo", "0.1.0", crosspromo_plugin)
