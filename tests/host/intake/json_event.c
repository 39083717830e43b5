/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/json_event.h"

#include "support.h"

Test(host_intake_json_event, reads_and_writes_an_event) {
  static const char text[] =
      "{\"id\":9007199254740993,\"source\":\"s\",\"type\":\"purchase\",\"data\":{\"amount\":-5}}";
  struct qun_pack event, json;
  struct qun_error err = {0};
  qun_pack_init(&event);
  qun_pack_init(&json);
  cr_assert_eq(qun_json_event_read(&event, qun_str(text), &err), 0, "%s", err.message);
  cr_assert_eq(qun_json_event_write(&json, qun_pack_slice(&event), &err), 0, "%s", err.message);
  cr_assert(qun_slice_eq(qun_pack_slice(&json), qun_str(text)));
  qun_pack_fini(&event);
  qun_pack_fini(&json);
}

Test(host_intake_json_event, refuses_what_is_no_event) {
  static const char *const bad[][2] = {{"[1]", "an event must be a JSON object"},
                                       {"\"x\"", "an event must be a JSON object"},
                                       {"{\"id\":1,\"id\":1}", "line 1, column 16: the key \"id\" is given twice"}};
  struct qun_pack event;
  struct qun_error err = {0};
  qun_pack_init(&event);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    cr_assert_eq(qun_json_event_read(&event, qun_str(bad[i][0]), &err), QUN_EINVAL);
    cr_assert_str_eq(err.message, bad[i][1]);
    cr_assert_eq(event.len, 0);
  }
  qun_pack_fini(&event);
}

Test(host_intake_json_event, bounds_the_length) {
  struct qun_pack event, text;
  struct qun_error err = {0};
  qun_pack_init(&event);
  qun_pack_init(&text);
  for (int i = 0; i < 6; i++) qun_pack_raw(&text, qun_str(repeat(' ', 100000)));
  qun_pack_raw(&text, qun_str("{}"));
  cr_assert_eq(qun_json_event_read(&event, qun_pack_slice(&text), &err), QUN_EINVAL);
  cr_assert_str_eq(err.message, "the event is too long: 600002 bytes of JSON, at most 524288 are allowed");
  qun_pack_fini(&event);
  qun_pack_fini(&text);
}
