/* SPDX-License-Identifier: Apache-2.0 */
/* The fake host holds a plugin to its manifest: two probes that differ in their manifests alone. */
#include <qun/fake_host.h>

#include <criterion/criterion.h>

struct probe {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_reply_v1 *reply;
  const struct qun_call_v1 *call;
};

static int timer_answer, settings_given;
static int64_t share;

static int create(const struct qun_host *host, qun_slice config, void **self) {
  const void *timer = NULL;
  struct probe *p = calloc(1, sizeof *p);
  (void)config;
  p->host = host;
  host->query(host, QUN_STORE_1, (const void **)&p->store);
  host->query(host, QUN_EVENTS_1, (const void **)&p->events);
  host->query(host, QUN_REPLY_1, (const void **)&p->reply);
  host->query(host, QUN_CALL_1, (const void **)&p->call);
  timer_answer = host->query(host, QUN_TIMER_1, &timer);
  *self = p;
  return 0;
}

static void destroy(void *self) {
  free(self);
}

static int on_tenant(void *self, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  (void)self;
  (void)ctx;
  (void)local;
  settings_given++;
  if (qun_mp_int(info->settings, "share", -1) >= 0) share = qun_mp_int(info->settings, "share", -1);
  return 0;
}

static int emit_text(struct probe *p, qun_handle tenant, const char *type, const char *name, const char *text) {
  struct qun_pack data;
  struct qun_emit e = {.struct_size = sizeof e, .type = qun_str(type)};
  qun_pack_init(&data);
  qun_pack_map(&data, 1);
  if (text)
    qun_pack_kv_cstr(&data, name, text);
  else
    qun_pack_kv_int(&data, name, 3);
  e.data = qun_pack_slice(&data);
  int rc = p->events->emit(p->host, tenant, &e);
  qun_pack_fini(&data);
  return rc;
}

/* What the event's subject says. */
static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct probe *p = self;
  qun_slice reply;
  p->store->put(p->host, ctx->tenant, qun_str("seen"), event->data, 0);
  if (qun_slice_is(event->subject, "note")) return emit_text(p, ctx->tenant, "clerk.note", "n", NULL);
  if (qun_slice_is(event->subject, "foreign")) return emit_text(p, ctx->tenant, "join", "code", "x");
  if (qun_slice_is(event->subject, "missing")) return emit_text(p, ctx->tenant, "clerk.note", "words", "x");
  if (qun_slice_is(event->subject, "kind")) return emit_text(p, ctx->tenant, "clerk.note", "n", "three");
  if (qun_slice_is(event->subject, "field")) return emit_text(p, ctx->tenant, "clerk.note", "m", NULL);
  if (qun_slice_is(event->subject, "call pure"))
    return p->call->call(p->host, ctx->tenant, "judge.pure", qun_str(""), &reply);
  if (qun_slice_is(event->subject, "call emit"))
    return p->call->call(p->host, ctx->tenant, "judge.emit", qun_str(""), &reply);
  return 0;
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct probe *p = self;
  struct qun_pack body;
  qun_slice value = {NULL, 0};
  int got;
  if (qun_slice_is(request->service, "clerk.pure") || qun_slice_is(request->service, "judge.pure"))
    got = p->store->get(p->host, ctx->tenant, qun_str("seen"), &value);
  else
    got = emit_text(p, ctx->tenant, "clerk.note", "n", NULL);
  qun_pack_init(&body);
  qun_pack_map(&body, 2);
  qun_pack_kv_int(&body, "got", got);
  qun_pack_kv_str(&body, "role", request->role);
  int rc = p->reply->reply(p->host, request->id, qun_pack_slice(&body));
  qun_pack_fini(&body);
  return rc;
}

static const struct qun_plugin probe = {.struct_size = sizeof probe,
                                        .create = create,
                                        .destroy = destroy,
                                        .on_tenant = on_tenant,
                                        .on_event = on_event,
                                        .on_request = on_request};

#define PACKAGES QUN_SOURCE_DIR "/tests/sdk/testing"

static struct qun_fake *f;

static void open_fake(void) {
  f = qun_fake_open_vtable(&probe, PACKAGES "/clerk");
  cr_assert_not_null(f);
  cr_assert_eq(qun_fake_join_vtable(f, &probe, PACKAGES "/judge"), 0, "%s", qun_fake_message(f));
}

static void close_fake(void) {
  qun_fake_close(f);
}

TestSuite(sdk_testing_fake_manifest, .init = open_fake, .fini = close_fake);

Test(sdk_testing_fake_manifest, denies_a_service_that_is_not_required) {
  cr_assert_eq(timer_answer, QUN_EDENIED);
}

Test(sdk_testing_fake_manifest, gives_settings_typed_and_again_when_they_change) {
  qun_fake_event(f, .type = "join");
  cr_expect_eq(share, 250000);
  int before = settings_given;
  qun_fake_event(f, .type = "join");
  cr_expect_eq(settings_given, before);
  cr_assert_eq(qun_fake_set(f, "share=0.3"), 0);
  qun_fake_event(f, .type = "join");
  cr_expect_eq(share, 300000);
  cr_expect_eq(settings_given, before + 1);
  cr_expect_eq(qun_fake_set(f, "share=2"), QUN_EINVAL);
  cr_expect_str_eq(qun_fake_message(f), "setting share: 2 is not within 0..1");
  cr_expect_eq(qun_fake_set(f, "shore=1"), QUN_EINVAL);
  cr_expect_eq(qun_fake_set(f, "on=yes"), QUN_EINVAL);
  cr_expect_eq(qun_fake_settings(f, qun_fake_map(f, QUN_INT("share", 7))), 0);
  qun_fake_event(f, .type = "join");
  cr_expect_eq(share, 7);
  cr_expect_eq(qun_fake_settings(f, qun_fake_map(f, QUN_INT("shore", 7))), QUN_EINVAL);
}

Test(sdk_testing_fake_manifest, shows_texts_to_those_who_ask_and_identities_to_nobody) {
  qun_slice v;
  qun_fake_event(f, .type = "message", .fields = {QUN_TEXT("text", "secret"), QUN_TEXT("kind", "text")});
  qun_slice seen = qun_fake_get(f, qun_str("seen"));
  cr_expect_not(qun_mp_find(seen, "text", &v));
  cr_expect(qun_slice_is(qun_mp_str(seen, "kind"), "text"));
  qun_fake_plugin(f, "judge");
  cr_expect(qun_slice_is(qun_mp_str(qun_fake_get(f, qun_str("seen")), "text"), "secret"));
  qun_fake_event(f, .type = "member.profile", .member = 1, .fields = {QUN_TEXT("phone", "13800138000")});
  cr_expect_eq(qun_mp_bool(qun_fake_get(f, qun_str("seen")), "phone", 0), 1);
}

Test(sdk_testing_fake_manifest, refuses_events_that_the_vocabulary_does_not_have) {
  cr_expect_eq(qun_fake_event(f, .type = "jion"), QUN_EINVAL);
  cr_expect_str_eq(qun_fake_message(f), "jion: no such event type");
  cr_expect_eq(qun_fake_event(f, .type = "purchase"), QUN_EINVAL);
  cr_expect_str_eq(qun_fake_message(f), "purchase: data.amount is missing");
  cr_expect_eq(qun_fake_event(f, .type = "purchase", .fields = {QUN_TEXT("amount", "1")}), QUN_EINVAL);
  cr_expect_str_eq(qun_fake_message(f), "purchase: data.amount is of another kind");
  cr_expect_eq(qun_fake_event(f, .type = "read", .fields = {QUN_INT("secnods", 1)}), QUN_EINVAL);
  cr_expect_str_eq(qun_fake_message(f), "read: no such field: data.secnods");
  cr_expect_eq(qun_fake_seq(f), 0);
}

Test(sdk_testing_fake_manifest, checks_what_is_emitted) {
  cr_expect_eq(qun_fake_event(f, .type = "join", .subject = "foreign"), QUN_EDENIED);
  cr_expect_str_eq(qun_fake_message(f), "events.emit: join is not under events.emit of the manifest");
  cr_expect_eq(qun_fake_event(f, .type = "join", .subject = "missing"), QUN_EINVAL);
  cr_expect_eq(qun_fake_event(f, .type = "join", .subject = "kind"), QUN_EINVAL);
  cr_expect_eq(qun_fake_event(f, .type = "join", .subject = "field"), QUN_EINVAL);
  cr_expect_eq(qun_fake_emitted_count(f), 0);
  cr_expect_eq(qun_fake_dead(f), 8, "both plugins refuse each of the four");
}

Test(sdk_testing_fake_manifest, gives_a_star_no_type_that_is_somebodys_own) {
  qun_fake_event(f, .type = "join", .subject = "note");
  cr_expect_eq(qun_fake_emitted_count(f), 1);
  cr_expect_eq(qun_mp_int(qun_fake_get(f, qun_str("seen")), "n", -1), -1);
}

Test(sdk_testing_fake_manifest, lets_a_pure_service_read_nothing) {
  qun_fake_event(f, .type = "join");
  cr_expect_eq(qun_mp_int(qun_fake_request(f, "clerk.pure", qun_str("")), "got", 0), QUN_EDENIED);
  cr_expect_eq(qun_fake_event(f, .type = "join", .subject = "call pure"), QUN_ECONFLICT, "judge calls itself");
}

Test(sdk_testing_fake_manifest, lets_handlers_call_nothing_that_has_effects) {
  cr_expect_eq(qun_fake_event(f, .type = "join", .subject = "call emit"), QUN_EDENIED);
  cr_expect_str_eq(qun_fake_message(f), "call: judge.emit is not pure, so no handler may call it");
}

Test(sdk_testing_fake_manifest, lets_only_marked_services_emit) {
  qun_slice reply = qun_fake_request(f, "clerk.emit", qun_str(""));
  cr_expect_eq(qun_mp_int(reply, "got", -1), 0);
  cr_expect(qun_slice_is(qun_mp_str(reply, "role"), "owner"));
  cr_expect_eq(qun_fake_emitted_count(f), 1);
  cr_expect_eq(qun_fake_emitted(f, 0)->hops, 0);
  cr_expect_eq(qun_mp_int(qun_fake_request(f, "clerk.quiet", qun_str("")), "got", 0), QUN_EDENIED);
  cr_expect_eq(qun_fake_emitted_count(f), 1);
  cr_expect_eq(qun_fake_request(f, "clerk.absent", qun_str("")).len, 0);
  cr_expect_eq(qun_fake_code(f), QUN_ENOTFOUND);
}
