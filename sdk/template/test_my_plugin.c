/* On the fake host: a host in memory whose clock only the test moves. */
#include <qun/fake_host.h>

#include <criterion/criterion.h>

static struct qun_fake *f;

static void open_fake(void) {
  f = qun_fake_open(QUN_PACKAGE_DIR);
  cr_assert_not_null(f);
}

static void close_fake(void) {
  qun_fake_close(f);
}

TestSuite(my_plugin, .init = open_fake, .fini = close_fake);

static void write_messages(int count, const char *at) {
  for (int i = 0; i < count; i++) cr_assert_eq(qun_fake_event(f, .type = "message", .at = at, .member = 7), 0);
}

static int64_t count_of(int64_t member) {
  return qun_mp_int(qun_fake_ask(f, "my-plugin.count", QUN_INT("member", member)), "messages", -1);
}

Test(my_plugin, counts_messages) {
  write_messages(3, "2026-01-05 09:00");
  cr_assert_eq(count_of(7), 3);
  cr_assert_eq(count_of(8), 0);
}

Test(my_plugin, tells_on_monday_how_the_week_went) {
  cr_assert_eq(qun_fake_set(f, "goal=3"), 0);
  write_messages(3, "2026-01-05 09:00"); /* a Monday */
  cr_assert_eq(qun_fake_advance_to(f, "2026-01-11 23:59"), 0);
  cr_assert_eq(qun_fake_emitted_count(f), 0);
  cr_assert_eq(qun_fake_advance_to(f, "2026-01-12 00:00"), 0);
  cr_assert_eq(qun_fake_emitted_count(f), 1);
  cr_assert_eq(qun_mp_int(qun_fake_emitted(f, 0)->data, "messages", 0), 3);
  cr_assert_eq(qun_mp_bool(qun_fake_emitted(f, 0)->data, "reached", 0), 1);
}

Test(my_plugin, begins_each_week_anew) {
  write_messages(3, "2026-01-05 09:00");
  write_messages(1, "2026-01-14 09:00");
  cr_assert_eq(qun_fake_advance_to(f, "2026-02-02 00:00"), 0);
  cr_assert_eq(qun_fake_emitted_count(f), 2);
  cr_assert_eq(qun_mp_int(qun_fake_emitted(f, 1)->data, "messages", 0), 1);
  cr_assert_eq(qun_mp_bool(qun_fake_emitted(f, 1)->data, "reached", 1), 0);
}

Test(my_plugin, refuses_a_count_of_nobody) {
  cr_assert_eq(count_of(0), -1);
  cr_assert_eq(qun_fake_code(f), QUN_EINVAL);
  cr_assert_str_eq(qun_fake_message(f), "member must be a member's number");
}

Test(my_plugin, refuses_a_goal_below_its_bounds) {
  cr_assert_eq(qun_fake_set(f, "goal=0"), QUN_EINVAL);
}

/* Memory is a cache: the host may make the instance anew after any callback. */
Test(my_plugin, forgets_nothing_when_it_is_made_anew) {
  qun_fake_recreate_every(f, 1);
  write_messages(3, "2026-01-05 09:00");
  cr_assert_eq(qun_fake_advance_to(f, "2026-01-12 00:00"), 0);
  cr_assert_eq(count_of(7), 3);
  cr_assert_eq(qun_fake_emitted_count(f), 1);
}

Test(my_plugin, keeps_tenants_apart) {
  qun_fake_tenant(f, "a");
  write_messages(1, "2026-01-05 09:00");
  qun_fake_tenant(f, "b");
  cr_assert_eq(qun_fake_rows(f), 0);
}

Test(my_plugin, keeps_nothing_of_a_member_who_is_erased) {
  write_messages(2, "2026-01-05 09:00");
  qun_fake_erase(f, 7);
  cr_assert_eq(count_of(7), 0);
}
