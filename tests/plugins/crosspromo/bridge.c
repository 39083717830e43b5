/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/plugins/crosspromo/cross.h"

static qun_slice body_of(struct qun_pack *p, uint32_t n) {
  qun_pack_init(p);
  qun_pack_map(p, n);
  return qun_slice_of(NULL, 0);
}

Test(plugins_crosspromo_bridge, an_item_crosses_with_its_label_and_once) {
  struct qun_fake *f = cross_open();
  size_t before;
  cross_agree(f, "beta", "item");
  before = qun_fake_outbox_count(f);
  REFUSED(f, QUN_EINVAL, "crosspromo.share", QUN_TEXT("partner", "beta"), QUN_TEXT("item", "i1"),
          QUN_TEXT("title", "t"));
  ASK(f, "crosspromo.share", QUN_TEXT("partner", "beta"), QUN_TEXT("item", "i1"), QUN_TEXT("title", "Spring"),
      QUN_TEXT("text", "hello"), QUN_TEXT("label", "合作推广"));
  ASK(f, "crosspromo.share", QUN_TEXT("partner", "beta"), QUN_TEXT("item", "i1"), QUN_TEXT("title", "Spring"),
      QUN_TEXT("label", "合作推广"));
  cr_assert_eq(qun_fake_outbox_count(f), before + 1);
  const struct qun_fake_row *row = cross_last(f);
  cr_assert(qun_slice_is(qun_mp_str(row->body, "kind"), "item"));
  cr_assert(qun_slice_is(qun_mp_str(row->body, "agreement"), "with-beta"));
  cr_assert(qun_slice_is(qun_mp_str(row->body, "label"), "合作推广"));
  cr_assert(qun_slice_is(qun_mp_str(row->body, "text"), "hello"));
  REFUSED(f, QUN_EDENIED, "crosspromo.card", QUN_TEXT("partner", "beta"));
  qun_fake_close(f);
}

static int members_answer(void *arg, qun_slice params, struct qun_pack *reply) {
  (void)arg, (void)params;
  qun_pack_map(reply, 1);
  qun_pack_kv_int(reply, "members", 700);
  return 0;
}

Test(plugins_crosspromo_bridge, a_card_says_size_class_and_tone_and_is_learnt) {
  struct qun_fake *f = cross_open();
  struct qun_pack body;
  cr_assert_eq(qun_fake_set(f, "tone=warm"), 0);
  cross_agree(f, "beta", "count");
  qun_fake_provide(f, "growth.members", 0, members_answer, NULL);
  ASK(f, "crosspromo.card", QUN_TEXT("partner", "beta"));
  const struct qun_fake_row *row = cross_last(f);
  cr_assert(qun_slice_is(qun_mp_str(row->body, "what"), "card"));
  cr_assert_eq(qun_mp_int(row->body, "size", 0), 3, "700 members; the figure itself does not cross");
  cr_assert(qun_slice_is(qun_mp_str(row->body, "tone"), "warm"));
  cr_assert(qun_slice_is(qun_mp_str(row->body, "sector"), "retail"));
  qun_pack_init(&body);
  qun_pack_map(&body, 6);
  qun_pack_kv_cstr(&body, "what", "card");
  qun_pack_kv_cstr(&body, "sector", "education");
  qun_pack_kv_cstr(&body, "country", "CN");
  qun_pack_kv_cstr(&body, "tone", "warm");
  qun_pack_kv_int(&body, "size", 3);
  qun_pack_kv_int(&body, "reputation", 100);
  cr_assert_eq(cross_receive(f, "beta", "count", qun_pack_slice(&body)), 0, "%s", qun_fake_message(f));
  qun_pack_fini(&body);
  qun_slice model = cross_view_of(f, "advice");
  cr_assert_eq(model_at(model, "advice", 0, "size"), 100);
  cr_assert_eq(model_at(model, "advice", 0, "tone"), 100);
  cr_assert_eq(model_at(model, "advice", 0, "place"), 100);
  cr_assert_eq(model_at(model, "advice", 0, "reputation"), NIL, "nobody vouches for oneself");
  cr_assert_eq(model_at(model, "advice", 0, "audience"), NIL);
  cr_assert_eq(model_at(model, "advice", 0, "fit"), 775000, "(50*30 + 100*20 + 100*20 + 100*15 + 50*15) / 100");
  qun_fake_close(f);
}

Test(plugins_crosspromo_bridge, counts_of_a_month_replace_what_was_said_before) {
  struct qun_fake *f = cross_open();
  cross_agree(f, "beta", "count");
  for (int joins = 5; joins <= 7; joins += 2) {
    struct qun_pack body;
    body_of(&body, 3);
    qun_pack_kv_cstr(&body, "what", "counts");
    qun_pack_kv_int(&body, "month", (2026 - 1970) * 12);
    qun_pack_kv_int(&body, "joins", joins);
    cr_assert_eq(cross_receive(f, "beta", "count", qun_pack_slice(&body)), 0);
    qun_pack_fini(&body);
  }
  qun_slice model = cross_view_of(f, "overview");
  cr_assert_eq(model_at(model, "balance", 0, "given_joins"), 7);
  cr_assert_eq(model_at(model, "balance", 0, "balance"), -70);
  qun_fake_close(f);
}

Test(plugins_crosspromo_bridge, hostile_bodies_are_refused_and_leave_nothing) {
  struct qun_fake *f = cross_open();
  struct qun_pack body;
  uint64_t before;
  cross_agree(f, "beta", "count,code");
  before = qun_fake_hash(f);
  cr_assert_neq(cross_receive(f, "beta", "count", EMPTY), 0);
  cr_assert_neq(cross_receive(f, "beta", "members", EMPTY), 0);
  cr_assert_neq(cross_receive(f, "beta", "code", EMPTY), 0);
  body_of(&body, 2);
  qun_pack_kv_cstr(&body, "what", "counts");
  qun_pack_kv_int(&body, "month", 999999);
  cr_assert_neq(cross_receive(f, "beta", "count", qun_pack_slice(&body)), 0, "a month to come");
  qun_pack_fini(&body);
  body_of(&body, 1);
  qun_pack_kv_cstr(&body, "code", "a\nb");
  cr_assert_neq(cross_receive(f, "beta", "code", qun_pack_slice(&body)), 0);
  qun_pack_fini(&body);
  cr_assert_eq(qun_fake_hash(f), before);
  body_of(&body, 4);
  qun_pack_kv_cstr(&body, "what", "counts");
  qun_pack_kv_int(&body, "month", (2026 - 1970) * 12);
  qun_pack_kv_int(&body, "joins", INT64_MAX);
  qun_pack_kv_int(&body, "clicks", -5);
  cr_assert_eq(cross_receive(f, "beta", "count", qun_pack_slice(&body)), 0, "bounded");
  qun_pack_fini(&body);
  cr_assert_eq(model_at(cross_view_of(f, "overview"), "balance", 0, "given_joins"), 1000000000000000);
  qun_fake_close(f);
}

Test(plugins_crosspromo_bridge, a_partners_code_and_item_arrive_and_a_refusal_is_shown) {
  struct qun_fake *f = cross_open();
  struct qun_pack body;
  cross_agree(f, "beta", "code,item");
  ASK(f, "crosspromo.code", QUN_TEXT("partner", "beta"), QUN_TEXT("code", "OURS"));
  body_of(&body, 1);
  qun_pack_kv_cstr(&body, "code", "THEIRS");
  cr_assert_eq(cross_receive(f, "beta", "code", qun_pack_slice(&body)), 0);
  cr_assert_neq(cross_receive(f, "gamma", "code", qun_pack_slice(&body)), 0, "one code, two partners");
  qun_pack_fini(&body);
  body_of(&body, 1);
  qun_pack_kv_cstr(&body, "code", "OURS");
  cr_assert_neq(cross_receive(f, "beta", "code", qun_pack_slice(&body)), 0, "our own code does not become theirs");
  qun_pack_fini(&body);
  body_of(&body, 3);
  qun_pack_kv_cstr(&body, "item", "b-1");
  qun_pack_kv_cstr(&body, "title", "读书会");
  qun_pack_kv_cstr(&body, "label", "合作推广");
  cr_assert_eq(cross_receive(f, "beta", "item", qun_pack_slice(&body)), 0);
  qun_pack_fini(&body);
  qun_fake_event(f, .type = "bridge.refused",
                 .fields = {QUN_TEXT("partner", "beta"), QUN_TEXT("reason", "terms differ")});
  qun_fake_event(f, .type = "click", .member = 9, .fields = {QUN_TEXT("code", "THEIRS")});
  qun_slice model = cross_view_of(f, "overview");
  cr_assert_eq(model_rows(model, "items"), 1);
  cr_assert(qun_slice_is(model_text(model, "items", 0, "title"), "读书会"));
  cr_assert_eq(model_rows(model, "refusals"), 1);
  cr_assert(qun_slice_is(model_text(model, "refusals", 0, "reason"), "terms differ"));
  cr_assert_eq(model_at(model, "balance", 0, "given_clicks"), 1);
  cr_assert_eq(model_rows(cross_view_of(f, "codes"), "partners"), 1);
  qun_fake_close(f);
}
