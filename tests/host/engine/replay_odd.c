/* SPDX-License-Identifier: Apache-2.0 */
/* Histories that nobody would have, made from a seed: every type with fields at random, times back and forth, settings
   and plugins switched between, service calls that emit, members erased. Whatever came in, each replay gives the state
   that there is. */
#include "host/engine/erase.h"
#include "tests/host/engine/support.h"

#include <qun/events.h>

#include <criterion/criterion.h>
#include <stdio.h>

enum { STEPS = 40, EVENTS = 60, MEMBERS = 12 };

struct odd {
  struct bed b;
  uint64_t random;
  uint32_t ids;
  int64_t time_ms;
};

static uint32_t below(struct odd *o, uint32_t n) {
  o->random = o->random * 6364136223846793005ull + 1442695040888963407ull;
  return (uint32_t)(o->random >> 33) % n;
}

/* ---------------------------------------------------------------- events */

#define ROW(name, flags, doc) {name, flags, doc},
static const struct qun_event_type_info types[] = {QUN_EVENT_TYPES(ROW)};
#undef ROW
#define ROW(of, field, kind, flags, unit, doc) {of, field, QUN_FIELD_##kind, flags, unit, doc},
static const struct qun_event_field_info fields[] = {QUN_EVENT_FIELDS(ROW)};
#undef ROW
enum { TYPES = sizeof types / sizeof *types, FIELDS = sizeof fields / sizeof *fields };

static const char *word(struct odd *o) {
  static const char *const words[] = {"",
                                      "a",
                                      "marketing",
                                      "general",
                                      "ad",
                                      "2.0",
                                      "医保",
                                      "加我微信 wx12345",
                                      "保证收益 100%, 13800138000",
                                      "food",
                                      "\xf0\x9f\x8d\xb5",
                                      "staff",
                                      "u1",
                                      "e1",
                                      "erasure",
                                      "<b>&amp;</b>"};
  return words[below(o, sizeof words / sizeof *words)];
}

static int64_t number(struct odd *o) {
  static const int64_t numbers[] = {0, 1, -1, 7, 100, 1000000, INT32_MAX, INT64_MAX, INT64_MIN, 1500000000000};
  return numbers[below(o, sizeof numbers / sizeof *numbers)];
}

static void write_value(struct odd *o, struct qun_pack *p, enum qun_field_kind kind) {
  char member[16];
  uint32_t n;
  switch (kind) {
  case QUN_FIELD_STR: qun_pack_cstr(p, word(o)); break;
  case QUN_FIELD_INT: qun_pack_int(p, number(o)); break;
  case QUN_FIELD_BOOL: qun_pack_bool(p, (int)below(o, 2)); break;
  case QUN_FIELD_TIME: qun_pack_int(p, 1400000000000 + (int64_t)below(o, 1000) * 86400000); break;
  case QUN_FIELD_MEMBER:
    snprintf(member, sizeof member, "u%u", below(o, MEMBERS));
    qun_pack_cstr(p, member);
    break;
  case QUN_FIELD_LIST:
    qun_pack_array(p, n = below(o, 3));
    while (n-- > 0) qun_pack_cstr(p, word(o));
    break;
  case QUN_FIELD_MAP:
    qun_pack_map(p, n = below(o, 2));
    if (n) qun_pack_kv_int(p, "k", number(o));
    break;
  }
}

static void write_data(struct odd *o, struct qun_pack *p, const char *type) {
  size_t at = qun_pack_open_map(p);
  uint32_t n = 0;
  for (size_t i = 0; i < FIELDS; i++) {
    if (strcmp(fields[i].type, type) != 0 || (!(fields[i].flags & QUN_FIELD_REQ) && below(o, 3) == 0)) continue;
    qun_pack_cstr(p, fields[i].name);
    write_value(o, p, fields[i].kind);
    n++;
  }
  qun_pack_close(p, at, n);
}

/* Half of them the common types; the clock goes on by minutes or by weeks, an event may be older than the one before. */
static void write_event(struct odd *o, struct qun_pack *p) {
  const char *type = types[below(o, below(o, 2) ? 8 : TYPES)].name;
  char id[16], member[16], group[8];
  uint32_t fresh = below(o, 20);
  snprintf(id, sizeof id, "e%u", fresh ? ++o->ids : below(o, o->ids + 1));
  snprintf(member, sizeof member, "u%u", below(o, MEMBERS));
  snprintf(group, sizeof group, "g%u", below(o, 3));
  o->time_ms += below(o, 30) ? (int64_t)below(o, 3600000) : (int64_t)below(o, 40) * 86400000;
  qun_pack_clear(p);
  qun_pack_map(p, 9);
  qun_pack_kv_cstr(p, "id", id);
  qun_pack_kv_cstr(p, "source", "odd");
  qun_pack_kv_cstr(p, "type", type);
  qun_pack_kv_int(p, "time", o->time_ms - (below(o, 10) ? 0 : (int64_t)below(o, 100) * 86400000));
  qun_pack_kv_cstr(p, "member", below(o, 8) ? member : "");
  qun_pack_kv_cstr(p, "group", below(o, 4) ? group : "");
  qun_pack_kv_cstr(p, "channel", below(o, 4) ? "" : word(o));
  qun_pack_kv_cstr(p, "subject", below(o, 2) ? id : word(o));
  qun_pack_cstr(p, "data");
  write_data(o, p, type);
}

/* What the normaliser refuses is left out. */
static void feed(struct odd *o) {
  struct qun_normaliser *norm = NULL;
  struct qun_input_batch in;
  struct qun_submit_result result;
  struct qun_error err = {0};
  struct qun_pack p;
  qun_pack_init(&p);
  qun_input_batch_init(&in);
  cr_assert_eq(qun_engine_normaliser_open(o->b.engine, "acme", &norm, &err), 0, "%s", err.message);
  norm->imported = below(o, 4) != 0;
  norm->operator_types = true;
  for (uint32_t n = 1 + below(o, EVENTS); n > 0; n--) {
    write_event(o, &p);
    qun_normalise(norm, &in, qun_pack_slice(&p), &err);
  }
  if (in.count) cr_assert_eq(qun_engine_submit_wait(o->b.engine, "acme", &in, &result, &err), 0, "%s", err.message);
  qun_engine_normaliser_close(o->b.engine, norm);
  qun_input_batch_fini(&in);
  qun_pack_fini(&p);
}

/* ---------------------------------------------------------------- what else happens */

static void change(struct odd *o) {
  static const char *const changes[][2] = {{"growth.new_days", "7"},
                                           {"growth.new_days", "30"},
                                           {"growth.lost_days", "5"},
                                           {"zone", "America/New_York"},
                                           {"zone", "Asia/Shanghai"},
                                           {"seal_text", "false"},
                                           {"seal_text", "true"},
                                           {"compliance.block_from", "3"},
                                           {"growth.channel_min_cohort", "1"},
                                           {"country", "DE"}};
  const char *const *c = changes[below(o, sizeof changes / sizeof *changes)];
  struct qun_error err = {0};
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 1);
  qun_pack_kv_cstr(&p, c[0], c[1]);
  cr_assert_eq(qun_engine_tenant_set(o->b.engine, "acme", qun_pack_slice(&p), &err), 0, "%s", err.message);
  qun_pack_fini(&p);
}

static void toggle(struct odd *o) {
  static const char *const plugins[] = {"growth", "content", "compliance", "crosspromo", "i18n"};
  struct qun_error err = {0};
  const char *plugin = plugins[below(o, 5)];
  cr_assert_eq(qun_engine_plugin_enable(o->b.engine, "acme", plugin, below(o, 2) != 0, &err), 0, "%s", err.message);
}

static void call(struct odd *o) {
  static const char *const services[] = {"compliance.dismiss", "compliance.resolve", "crosspromo.code",
                                         "crosspromo.pause",   "content.plan",       "compliance.audit"};
  struct qun_error err = {0};
  struct qun_pack params, reply;
  struct qun_call_spec spec = {.tenant = "acme", .service = services[below(o, 6)], .role = "owner"};
  qun_pack_init(&params);
  qun_pack_init(&reply);
  qun_pack_map(&params, 4);
  qun_pack_kv_int(&params, "finding", below(o, 9));
  qun_pack_kv_cstr(&params, "reason", "odd");
  qun_pack_kv_cstr(&params, "partner", "other");
  qun_pack_kv_cstr(&params, "code", word(o));
  spec.params = qun_pack_slice(&params);
  qun_engine_call_wait(o->b.engine, &spec, &reply, &err); /* some are refused */
  qun_pack_fini(&params);
  qun_pack_fini(&reply);
}

static void erase(struct odd *o) {
  struct qun_error err = {0};
  struct qun_pack out;
  char member[16];
  snprintf(member, sizeof member, "u%u", below(o, MEMBERS));
  struct qun_engine_erase_spec spec = {.member = qun_str(member), .by = "owner"};
  qun_pack_init(&out);
  int rc = qun_engine_erase(o->b.engine, "acme", &spec, &out, &err);
  cr_assert(rc == 0 || rc == QUN_ENOTFOUND, "%s", err.message);
  qun_pack_fini(&out);
}

static void reopen(struct odd *o) {
  bed_close(&o->b);
  bed_reopen(&o->b);
}

static void live(struct odd *o, bool erasures) {
  for (int i = 0; i < STEPS; i++) {
    uint32_t what = below(o, 40);
    if (what < 27)
      feed(o);
    else if (what < 31)
      change(o);
    else if (what < 35)
      toggle(o);
    else if (what < 37)
      call(o);
    else if (what < 38 && erasures)
      erase(o);
    else
      reopen(o);
  }
}

/* ---------------------------------------------------------------- and again */

static void check(struct odd *o, uint64_t seed) {
  static const uint32_t batches[] = {0, 1, 50}, threads[] = {1, 3};
  for (uint32_t i = 0; i < 6; i++) {
    struct qun_replay_spec spec = {.mode = i % 2 ? QUN_REPLAY_REBUILD : QUN_REPLAY_VERIFY,
                                   .until_ms = INT64_MAX,
                                   .batch = batches[i % 3],
                                   .threads = threads[i / 3]};
    struct qun_error err = {0};
    struct qun_pack p;
    qun_pack_init(&p);
    cr_assert_eq(qun_engine_replay(o->b.engine, "acme", &spec, &p, &err), 0, "seed %llu: %s", (unsigned long long)seed,
                 err.message);
    cr_expect_eq(qun_mp_int(qun_pack_slice(&p), "derived_differ", -1), 0, "seed %llu, case %u",
                 (unsigned long long)seed, i);
    cr_expect(qun_mp_bool(qun_pack_slice(&p), "match", 0), "seed %llu, case %u", (unsigned long long)seed, i);
    qun_pack_fini(&p);
  }
}

static void history(uint64_t seed, bool erasures) {
  struct odd o = {.random = seed * 7919 + 17, .time_ms = 1500000000000};
  bed_open(&o.b, 2);
  bed_close(&o.b);
  snprintf(o.b.packages, sizeof o.b.packages, "%s", QUN_PLUGIN_PACKAGES);
  bed_reopen(&o.b);
  bed_tenant(&o.b, "acme", false);
  live(&o, erasures);
  cr_assert_gt(bed_int(&o.b, "acme", "seq", NULL), 300, "there is a history");
  check(&o, seed);
  bed_remove(&o.b);
}

Test(host_engine_replay_odd, any_history_gives_its_state_again) {
  for (uint64_t seed = 1; seed <= 2; seed++) history(seed, false);
}

Test(host_engine_replay_odd, erasures_differ_nowhere_else) {
  for (uint64_t seed = 101; seed <= 101; seed++) history(seed, true);
}
