/* SPDX-License-Identifier: Apache-2.0 */
/* Asks three days after a member joined, at nine in the morning of the tenant, how it goes. */
#include <qun/msgpack.h>
#include <qun/plugin.h>

struct reminder {
  const struct qun_host *host;
  const struct qun_timer_v1 *timer;
  const struct qun_calendar_v1 *calendar;
  const struct qun_events_v1 *events;
};

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct reminder *p = (struct reminder *)calloc(1, sizeof *p);
  (void)config;
  if (!p) return host->fail(host, QUN_EFAIL, qun_str("out of memory"));
  p->host = host;
  int rc = host->query(host, QUN_TIMER_1, (const void **)&p->timer);
  if (rc == 0) rc = host->query(host, QUN_CALENDAR_1, (const void **)&p->calendar);
  if (rc == 0) rc = host->query(host, QUN_EVENTS_1, (const void **)&p->events);
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

/* One timer a member: its name is the member's number in hexadecimal. */
static qun_slice timer_name(char out[16], uint64_t member) {
  static const char digits[] = "0123456789abcdef";
  for (int i = 15; i >= 0; i--, member >>= 4) out[i] = digits[member & 15];
  return qun_slice_of(out, 16);
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  const struct reminder *p = (const struct reminder *)self;
  struct qun_pack member;
  char name[16];
  int64_t due;
  int rc;
  if (event->member == 0) return 0;
  if (qun_slice_is(event->type, "leave"))
    return p->timer->cancel(p->host, ctx->tenant, timer_name(name, event->member));
  rc = p->calendar->from_local(p->host, ctx->tenant, ctx->clock_day + 3, 9 * 60, &due);
  if (rc < 0) return rc;
  qun_pack_init(&member);
  qun_pack_uint(&member, event->member);
  rc = member.failed
           ? QUN_EFAIL
           : p->timer->set(p->host, ctx->tenant, timer_name(name, event->member), due, qun_pack_slice(&member));
  qun_pack_fini(&member);
  return rc;
}

static int on_timer(void *self, const struct qun_context *ctx, const struct qun_timer *timer) {
  const struct reminder *p = (const struct reminder *)self;
  struct qun_unpack u;
  struct qun_emit e;
  int64_t member = 0;
  qun_unpack_init(&u, timer->data);
  qun_unpack_int(&u, &member);
  memset(&e, 0, sizeof e);
  e.struct_size = sizeof e;
  e.member = (uint64_t)member;
  e.type = qun_str("reminder.due");
  return p->events->emit(p->host, ctx->tenant, &e);
}

static const struct qun_plugin reminder = {
    .struct_size = sizeof(struct qun_plugin),
    .create = create,
    .destroy = destroy,
    .on_event = on_event,
    .on_timer = on_timer,
};

QUN_PLUGIN("reminder", "1.0.0", reminder)
