/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/citations.h"

#include <criterion/criterion.h>

static void expect(const char *json, uint32_t count, const uint64_t *seqs) {
  struct qun_citations c = {0};
  struct qun_error err;
  cr_assert(qun_citations_add(&c, qun_str(json), &err) == 0, "%s: %s", json, err.message);
  qun_citations_sort(&c);
  cr_expect(c.count == count, "%s: %u citations", json, c.count);
  for (uint32_t i = 0; i < c.count && i < count; i++)
    cr_expect(c.seqs[i] == seqs[i], "%s: %llu", json, (unsigned long long)c.seqs[i]);
  qun_citations_fini(&c);
}

Test(tenants_citations, finds_every_place_that_cites) {
  expect("{\"rules\":[{\"evidence\":[9,2,2]},{\"evidence\":5}],\"examples\":[{\"seq\":7}]}", 4,
         (uint64_t[]){2, 5, 7, 9});
  expect("{\"rows\":[{\"finding\":\"AD-9:120:4\"},{\"finding\":\"PIPL:13:88:0\"}]}", 2, (uint64_t[]){88, 120});
  expect("{\"evidence\":{\"seq\":3}}", 1, (uint64_t[]){3});
}

Test(tenants_citations, leaves_alone_what_cites_nothing) {
  expect("{\"evidence\":0,\"seq\":null,\"finding\":null,\"evidences\":4,\"id\":\"seq\"}", 0, NULL);
  expect("{\"a\":{\"finding\":\"none\"},\"b\":{\"finding\":\"a:b\"},\"c\":{\"finding\":\"a:12\"},\"d\":{\"finding\":"
         "\"a:1x:2\"},\"e\":{\"finding\":\":\"}}",
         0, NULL);
}

Test(tenants_citations, refuses_numbers_that_are_no_sequence_and_doubled_keys) {
  static const char *const bad[] = {"{\"seq\":1.5}",
                                    "{\"seq\":-1}",
                                    "{\"evidence\":[\"1\"]}",
                                    "{\"seq\":1,\"seq\":2}",
                                    "{\"seq\":1e300}",
                                    "{} {}",
                                    "x"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct qun_citations c = {0};
    cr_expect(qun_citations_add(&c, qun_str(bad[i]), NULL) == QUN_EINVAL, "%s", bad[i]);
    qun_citations_fini(&c);
  }
}
