/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/plugins/crosspromo/cross.h"

static qun_slice state_of(struct qun_fake *f, uint32_t row) {
  return model_nth(model_cell(cross_view_of(f, "overview"), "agreements", row, "state"), 0);
}

static int is_state(struct qun_fake *f, const char *id) {
  struct qun_unpack u;
  qun_slice s;
  qun_unpack_init(&u, state_of(f, 0));
  return qun_unpack_str(&u, &s) && qun_slice_is(s, id);
}

Test(plugins_crosspromo_agreement, is_proposed_accepted_and_ended) {
  struct qun_fake *f = cross_open();
  qun_slice reply = qun_fake_ask(f, "crosspromo.propose", QUN_TEXT("partner", "beta"), QUN_LIST("kinds", "code,count"),
                                 QUN_TEXT("form", "content"), QUN_INT("share", 100000));
  cr_assert(qun_slice_is(qun_mp_str(reply, "agreement"), "acme+beta/1"), "%s", qun_fake_message(f));
  const struct qun_fake_emitted *e = qun_fake_emitted_of(f, "agreement.proposed", 0);
  cr_assert(e && qun_slice_is(e->subject, "acme+beta/1"));
  qun_slice kinds;
  cr_assert(qun_mp_find(e->data, "kinds", &kinds));
  cr_assert(qun_slice_eq(kinds, qun_slice_of("\x92\xa5"
                                             "count\xa4"
                                             "code",
                                             12)),
            "always in the same order, so that both sides' terms are the same bytes");
  cr_assert(is_state(f, "crosspromo.state.proposed"));
  ASK(f, "crosspromo.accept", QUN_TEXT("agreement", "acme+beta/1"));
  e = qun_fake_emitted_of(f, "agreement.accepted", 0);
  cr_assert(e && qun_slice_is(qun_mp_str(e->data, "partner"), "beta"));
  cr_assert_eq(qun_mp_int(e->data, "share", 0), 100000);
  cr_assert(is_state(f, "crosspromo.state.open"));
  cr_assert_eq(qun_fake_timer(f, "month"), qun_fake_ms(f, "2026-02-01 00:00"));
  REFUSED(f, QUN_ECONFLICT, "crosspromo.accept", QUN_TEXT("agreement", "acme+beta/1"));
  ASK(f, "crosspromo.end", QUN_TEXT("agreement", "acme+beta/1"), QUN_TEXT("reason", "season over"));
  cr_assert(is_state(f, "crosspromo.state.ended"));
  REFUSED(f, QUN_ECONFLICT, "crosspromo.end", QUN_TEXT("agreement", "acme+beta/1"));
  reply = qun_fake_ask(f, "crosspromo.propose", QUN_TEXT("partner", "beta"), QUN_LIST("kinds", "item"));
  cr_assert(qun_slice_is(qun_mp_str(reply, "agreement"), "acme+beta/2"));
  qun_fake_close(f);
}

Test(plugins_crosspromo_agreement, a_proposal_crosses_to_the_partner_who_accepts_by_its_id) {
  struct qun_fake *f = cross_open();
  const struct qun_fake_row *row;
  struct qun_pack body;
  ASK(f, "crosspromo.propose", QUN_TEXT("partner", "beta"), QUN_LIST("kinds", "count,item"), QUN_INT("share", 50000),
      QUN_INT("to", 1900000000000));
  row = cross_last(f);
  cr_assert(qun_slice_is(row->via, "bridge") && qun_slice_is(row->target, "beta"));
  cr_assert(qun_slice_is(qun_mp_str(row->body, "kind"), "proposal"));
  cr_assert_eq(qun_mp_str(row->body, "partner").len, 0, "whose partner it is, the bridge says");
  qun_pack_init(&body);
  qun_pack_raw(&body, row->body);
  qun_fake_tenant(f, "beta");
  qun_fake_profile(f, "sector", "education");
  qun_fake_advance_to(f, "2026-01-05 09:00");
  cr_assert_eq(qun_fake_event(f, .type = "bridge.received", .subject = "acme+beta/1", .flags = QUN_EVENT_CONTROL,
                              .fields = {QUN_TEXT("partner", "acme"), QUN_TEXT("agreement", "acme+beta/1"),
                                         QUN_TEXT("kind", "proposal"), QUN_RAW("body", qun_pack_slice(&body))}),
               0, "%s", qun_fake_message(f));
  qun_pack_fini(&body);
  cr_assert(is_state(f, "crosspromo.state.offered"));
  ASK(f, "crosspromo.accept", QUN_TEXT("agreement", "acme+beta/1"));
  const struct qun_fake_emitted *e = qun_fake_emitted_of(f, "agreement.accepted", 0);
  cr_assert(qun_slice_is(qun_mp_str(e->data, "partner"), "acme"));
  cr_assert_eq(qun_mp_int(e->data, "share", 0), 50000);
  cr_assert_eq(qun_mp_int(e->data, "to", 0), 1900000000000);
  qun_fake_close(f);
}

Test(plugins_crosspromo_agreement, an_offer_changes_nothing_that_is_accepted_or_anothers) {
  struct qun_fake *f = cross_open();
  struct qun_pack body;
  cross_agree(f, "beta", "count");
  qun_pack_init(&body);
  qun_pack_map(&body, 1);
  qun_pack_kv_cstr(&body, "kinds", "item");
  cr_assert_neq(cross_receive(f, "beta", "proposal", qun_pack_slice(&body)), 0);
  cr_assert_neq(cross_receive(f, "gamma", "proposal", qun_pack_slice(&body)), 0);
  qun_pack_fini(&body);
  cr_assert(is_state(f, "crosspromo.state.open"));
  qun_fake_tenant(f, "other");
  qun_fake_advance_to(f, "2026-01-05 09:00");
  cr_assert_neq(cross_receive(f, "beta", "proposal", EMPTY), 0, "terms that name no kinds");
  qun_pack_init(&body);
  qun_pack_map(&body, 1);
  qun_pack_kv_cstr(&body, "kinds", "item, members");
  cr_assert_neq(cross_receive(f, "beta", "proposal", qun_pack_slice(&body)), 0);
  qun_pack_fini(&body);
  qun_fake_close(f);
}

Test(plugins_crosspromo_agreement, refuses_terms_that_are_none) {
  struct qun_fake *f = cross_open();
  REFUSED(f, QUN_EINVAL, "crosspromo.propose", QUN_TEXT("partner", "Beta"), QUN_LIST("kinds", "count"));
  REFUSED(f, QUN_EINVAL, "crosspromo.propose", QUN_TEXT("partner", "acme"), QUN_LIST("kinds", "count"));
  REFUSED(f, QUN_EINVAL, "crosspromo.propose", QUN_TEXT("partner", "beta"), QUN_LIST("kinds", "count,members"));
  REFUSED(f, QUN_EINVAL, "crosspromo.propose", QUN_TEXT("partner", "beta"));
  REFUSED(f, QUN_EINVAL, "crosspromo.propose", QUN_TEXT("partner", "beta"), QUN_LIST("kinds", "count"),
          QUN_TEXT("form", "marriage"));
  REFUSED(f, QUN_EINVAL, "crosspromo.propose", QUN_TEXT("partner", "beta"), QUN_LIST("kinds", "count"),
          QUN_INT("share", 1000001));
  REFUSED(f, QUN_EINVAL, "crosspromo.propose", QUN_TEXT("partner", "beta"), QUN_LIST("kinds", "count"),
          QUN_INT("from", 20), QUN_INT("to", 10));
  REFUSED(f, QUN_EINVAL, "crosspromo.accept", QUN_TEXT("agreement", "nowhere"));
  REFUSED(f, QUN_ENOTFOUND, "crosspromo.end", QUN_TEXT("agreement", "nowhere"));
  cr_assert_eq(qun_fake_emitted_count(f), 0);
  qun_fake_close(f);
}

Test(plugins_crosspromo_agreement, never_matches_a_rival) {
  struct qun_fake *f = cross_open();
  ASK(f, "crosspromo.partner", QUN_TEXT("partner", "rival"), QUN_TEXT("sector", "retail"));
  REFUSED(f, QUN_EDENIED, "crosspromo.propose", QUN_TEXT("partner", "rival"), QUN_LIST("kinds", "count"));
  REFUSED(f, QUN_EDENIED, "crosspromo.accept", QUN_TEXT("agreement", "x"), QUN_TEXT("partner", "rival"),
          QUN_LIST("kinds", "count"));
  REFUSED(f, QUN_EDENIED, "crosspromo.code", QUN_TEXT("partner", "rival"));
  cr_assert(qun_slice_is(model_text(cross_view_of(f, "advice"), "advice", 0, "advice"), "never"));
  ASK(f, "crosspromo.partner", QUN_TEXT("partner", "school"), QUN_TEXT("sector", "education"));
  ASK(f, "crosspromo.propose", QUN_TEXT("partner", "school"), QUN_LIST("kinds", "count"));
  cr_assert_eq(qun_fake_set(f, "rival_sectors=travel,education"), 0);
  REFUSED(f, QUN_EDENIED, "crosspromo.propose", QUN_TEXT("partner", "school"), QUN_LIST("kinds", "item"));
  qun_fake_close(f);
}

Test(plugins_crosspromo_agreement, is_open_in_its_time_only) {
  struct qun_fake *f = cross_open();
  ASK(f, "crosspromo.propose", QUN_TEXT("partner", "beta"), QUN_LIST("kinds", "item"),
      QUN_INT("from", qun_fake_ms(f, "2026-02-01 00:00")), QUN_INT("to", qun_fake_ms(f, "2026-03-01 00:00")));
  ASK(f, "crosspromo.accept", QUN_TEXT("agreement", "acme+beta/1"));
  cr_assert(is_state(f, "crosspromo.state.waiting"));
  REFUSED(f, QUN_EDENIED, "crosspromo.share", QUN_TEXT("partner", "beta"), QUN_TEXT("item", "i1"),
          QUN_TEXT("title", "t"), QUN_TEXT("label", "合作"));
  qun_fake_advance_to(f, "2026-02-10 00:00");
  ASK(f, "crosspromo.share", QUN_TEXT("partner", "beta"), QUN_TEXT("item", "i1"), QUN_TEXT("title", "t"),
      QUN_TEXT("label", "合作"));
  qun_fake_advance_to(f, "2026-03-02 00:00");
  cr_assert(is_state(f, "crosspromo.state.expired"));
  qun_fake_advance_to(f, "2026-04-02 00:00");
  cr_assert_eq(qun_fake_timers(f), 0, "no agreement, no timer");
  qun_fake_close(f);
}
