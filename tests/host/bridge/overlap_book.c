/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bridge/overlap_book.h"

#include "host/bridge/overlap.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char keys[64];
static struct qun_overlap_book book;
static struct qun_error err;
static unsigned char marks[100 * QUN_MARK_SIZE];
static const int64_t day_ms = 86400000, start = 1763712000000ll;

static void setup(void) {
  char path[100];
  cr_assert_geq(sodium_init(), 0);
  snprintf(keys, sizeof keys, "/tmp/qun-book-XXXXXX");
  cr_assert_not_null(mkdtemp(keys));
  snprintf(path, sizeof path, "%s/acme", keys);
  cr_assert_eq(mkdir(path, 0700), 0);
  cr_assert_eq(qun__overlap_book_open(&book, keys, "acme", &err), 0, "%s", err.message);
  for (int i = 0; i < 100; i++) marks[i * QUN_MARK_SIZE] = (unsigned char)i;
}

static void teardown(void) {
  char command[128];
  qun__overlap_book_close(&book);
  snprintf(command, sizeof command, "rm -rf '%s'", keys);
  cr_assert_eq(system(command), 0);
}

TestSuite(host_bridge_overlap_book, .init = setup, .fini = teardown);

static const struct qun_overlap_bounds bounds = {.k = 10, .pair_budget = 3, .tenant_budget = 5};

static int check(const char *saga, const char *partner, int64_t at, uint32_t from, uint32_t n) {
  struct qun_overlap_set set = {.marks = marks + (size_t)from * QUN_MARK_SIZE, .count = n};
  struct qun_overlap_entry e = {.saga = saga, .partner = partner, .at_ms = at, .set = &set};
  return qun__overlap_book_check(&book, &e, &bounds, &err);
}

static void add(const char *saga, const char *partner, int64_t at, uint32_t from, uint32_t n) {
  struct qun_overlap_set set = {.marks = marks + (size_t)from * QUN_MARK_SIZE, .count = n};
  struct qun_overlap_entry e = {.saga = saga, .partner = partner, .at_ms = at, .set = &set};
  cr_assert_eq(qun__overlap_book_write(&book, &e, &err), 0, "%s", err.message);
}

Test(host_bridge_overlap_book, refuses_a_set_that_is_nearly_one_counted_before) {
  add("s1", "bolt", start, 0, 50);
  cr_assert_eq(check("s2", "bolt", start, 0, 50), 0); /* the same set gives the same figure */
  cr_assert_eq(check("s2", "bolt", start, 0, 51), QUN_EDENIED);
  cr_assert_eq(check("s2", "bolt", start, 1, 49), QUN_EDENIED);
  cr_assert_eq(check("s2", "bolt", start, 4, 51), QUN_EDENIED); /* four gone, five new */
  cr_assert_eq(check("s2", "bolt", start, 5, 50), 0);           /* ten */
  cr_assert_eq(check("s2", "cafe", start, 0, 51), 0);           /* another partner */
  cr_assert_eq(check("s1", "bolt", start, 0, 51), 0);           /* itself, after a crash */
  cr_assert_eq(check("s2", "bolt", start + 300 * day_ms, 0, 51), QUN_EDENIED);
  cr_assert_eq(check("s2", "bolt", start + 401 * day_ms, 0, 51), 0);
}

Test(host_bridge_overlap_book, keeps_to_the_budgets_of_thirty_days) {
  add("s1", "bolt", start, 0, 50);
  add("s2", "bolt", start + day_ms, 0, 50);
  add("s3", "bolt", start + 2 * day_ms, 0, 50);
  cr_assert_eq(check("s4", "bolt", start + 3 * day_ms, 0, 50), QUN_EQUOTA);
  cr_assert_eq(check("s4", "cafe", start + 3 * day_ms, 0, 50), 0);
  cr_assert_eq(check("s4", "bolt", start + 30 * day_ms, 0, 50), 0); /* the first is thirty days old */
  add("s5", "cafe", start + 3 * day_ms, 0, 50);
  add("s6", "dune", start + 3 * day_ms, 0, 50);
  cr_assert_eq(check("s7", "echo", start + 3 * day_ms, 0, 50), QUN_EQUOTA);
}

Test(host_bridge_overlap_book, keeps_its_secret_and_figures) {
  unsigned char secret[32];
  int64_t count = 0, own = 0;
  struct qun_overlap_set set = {.marks = marks, .count = 50};
  struct qun_overlap_entry e = {
      .saga = "s1", .partner = "bolt", .at_ms = start, .set = &set, .ended = true, .count = 20, .own = 50};
  memcpy(secret, book.secret, sizeof secret);
  add("s1", "bolt", start, 0, 50);
  cr_assert_eq(qun__overlap_book_find(&book, "s1", &count, &own, &err), QUN_ENOTFOUND);
  cr_assert_eq(qun__overlap_book_write(&book, &e, &err), 0);
  qun__overlap_book_close(&book);
  cr_assert_eq(qun__overlap_book_open(&book, keys, "acme", &err), 0);
  cr_assert_eq(memcmp(secret, book.secret, sizeof secret), 0);
  cr_assert_eq(qun__overlap_book_find(&book, "s1", &count, &own, &err), 0);
  cr_assert_eq(count, 20);
  cr_assert_eq(own, 50);
}

Test(host_bridge_overlap_book, counts_nothing_while_a_page_cannot_be_read) {
  char path[200];
  add("s1", "bolt", start, 0, 50);
  cr_assert_eq(check("s2", "cafe", start, 0, 50), 0);
  snprintf(path, sizeof path, "sh -c 'for f in %s/acme/overlap.????????*; do echo x > $f; done'", keys);
  cr_assert_eq(system(path), 0);
  cr_assert_lt(check("s2", "cafe", start, 0, 50), 0);
}

Test(host_bridge_overlap, rounds_and_noises_the_same_way_each_time) {
  unsigned char seed[32] = {1};
  int64_t sum = 0, first = qun_overlap_figure(100, seed, 5, 10);
  cr_assert_eq(qun_overlap_figure(100, seed, 5, 10), first);
  cr_assert_eq(qun_overlap_figure(104, seed, 0, 10), 100);
  cr_assert_eq(qun_overlap_figure(105, seed, 0, 10), 110);
  cr_assert_eq(qun_overlap_figure(0, seed, 0, 10), 0);
  bool differs = false;
  for (int i = 0; i < 500; i++) {
    seed[0] = (unsigned char)i;
    seed[1] = (unsigned char)(i >> 8);
    int64_t figure = qun_overlap_figure(100, seed, 5, 1);
    cr_assert_geq(figure, 0);
    differs |= figure != 100;
    sum += figure;
  }
  cr_assert(differs);
  cr_assert(sum > 500 * 98 && sum < 500 * 102, "mean %lld / 500", (long long)sum); /* standard error 0.35 */
}
