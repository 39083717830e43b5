/* SPDX-License-Identifier: Apache-2.0 */
/* The views as a whole, words in both languages, settings of the manifest, determinism. */
#include "tests/plugins/crosspromo/cross.h"

#include "plugins/crosspromo/cross.h"

#include <stdlib.h>

static uint32_t next(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static void live(struct qun_fake *f, uint32_t seed) {
  static const char *const types[] = {"join",         "leave",  "kick",           "rename",        "click",
                                      "purchase",     "refund", "member.profile", "consent.given", "consent.withdrawn",
                                      "member.closed"};
  static const char *const codes[] = {"A", "B", "C"};
  static const char *const partners[] = {"beta", "gamma"};
  cross_agree(f, "beta", "code,count");
  cross_agree(f, "gamma", "code,item,count");
  ASK(f, "crosspromo.code", QUN_TEXT("partner", "beta"), QUN_TEXT("code", "A"));
  ASK(f, "crosspromo.code", QUN_TEXT("partner", "gamma"), QUN_TEXT("code", "B"));
  for (unsigned i = 0; i < 1500; i++) {
    const char *type = types[next(&seed) % 11];
    struct qun_fake_event e = {.type = type,
                               .time_ms = qun_fake_ms(f, "2026-01-05 09:00") + (int64_t)i * 10000000,
                               .member = 1 + next(&seed) % 60,
                               .group = next(&seed) % 3 ? "g" : "h"};
    e.fields[0] = (struct qun_fake_field)QUN_TEXT("code", codes[next(&seed) % 3]);
    if (strcmp(type, "rename") == 0) e.fields[0] = (struct qun_fake_field)QUN_INT("new_member", 1 + next(&seed) % 90);
    if (strcmp(type, "purchase") == 0 || strcmp(type, "refund") == 0) {
      e.fields[0] = (struct qun_fake_field)QUN_INT("amount", next(&seed) % 900);
      e.fields[1] = (struct qun_fake_field)QUN_TEXT("order", codes[next(&seed) % 3]);
    }
    if (strcmp(type, "member.profile") == 0) e.fields[0] = (struct qun_fake_field)QUN_TEXT("phone", "secret");
    if (strncmp(type, "consent", 7) == 0) e.fields[0] = (struct qun_fake_field)QUN_TEXT("purpose", "overlap");
    if (strcmp(type, "consent.given") == 0)
      e.fields[1] = (struct qun_fake_field)QUN_TEXT("partner", partners[next(&seed) % 2]);
    if (strcmp(type, "leave") == 0 || strcmp(type, "kick") == 0 || strcmp(type, "member.closed") == 0)
      memset(e.fields, 0, sizeof e.fields);
    cr_assert_eq(qun_fake_send(f, &e), 0, "%s: %s", type, qun_fake_message(f));
  }
}

static uint64_t hash_of(unsigned recreate) {
  struct qun_fake *f = cross_open();
  uint64_t hash;
  qun_fake_recreate_every(f, recreate);
  live(f, 11);
  hash = qun_fake_hash(f);
  qun_fake_close(f);
  return hash;
}

Test(plugins_crosspromo_report, memory_is_a_cache_only) {
  uint64_t never = hash_of(0);
  cr_assert_eq(hash_of(1), never);
  cr_assert_eq(hash_of(7), never);
}

Test(plugins_crosspromo_report, an_empty_tenant_has_every_view) {
  struct qun_fake *f = cross_open();
  cr_assert_eq(model_figure(cross_view_of(f, "overview"), "now", "partners"), 0);
  cr_assert_eq(model_rows(cross_view_of(f, "advice"), "advice"), 0);
  cr_assert_eq(model_rows(cross_view_of(f, "codes"), "own"), 0);
  REFUSED(f, QUN_ENOTFOUND, "crosspromo.report", QUN_TEXT("view", "nonsense"));
  REFUSED(f, QUN_EINVAL, "crosspromo.report", QUN_INT("from", 30), QUN_INT("to", 20));
  qun_fake_close(f);
}

Test(plugins_crosspromo_report, advice_follows_what_is_known) {
  struct qun_fake *f = cross_open();
  ASK(f, "crosspromo.partner", QUN_TEXT("partner", "blank"), QUN_TEXT("resources", "venue"));
  ASK(f, "crosspromo.partner", QUN_TEXT("partner", "good"), QUN_TEXT("sector", "education"), QUN_TEXT("country", "CN"),
      QUN_INT("reputation", 100));
  ASK(f, "crosspromo.partner", QUN_TEXT("partner", "poor"), QUN_TEXT("sector", "games"), QUN_TEXT("country", "US"),
      QUN_INT("reputation", 10));
  REFUSED(f, QUN_EINVAL, "crosspromo.partner", QUN_TEXT("partner", "x"), QUN_INT("size", 6));
  REFUSED(f, QUN_EINVAL, "crosspromo.partner", QUN_TEXT("partner", "x"), QUN_INT("reputation", 101));
  qun_slice model = cross_view_of(f, "advice");
  cr_assert(qun_slice_is(model_text(model, "advice", 0, "advice"), "ask"));
  cr_assert(qun_slice_is(model_text(model, "advice", 0, "resources"), "venue"));
  cr_assert(qun_slice_is(model_text(model, "advice", 1, "advice"), "propose"));
  cr_assert(qun_slice_is(model_text(model, "advice", 2, "advice"), "wait"));
  qun_fake_close(f);
}

static char *slurp(const char *path) {
  FILE *file = fopen(path, "rb");
  char *text = calloc(1, 1 << 17);
  cr_assert(file && text);
  cr_assert_gt(fread(text, 1, (1 << 17) - 1, file), 0);
  fclose(file);
  return text;
}

struct catalogue {
  char *text;
  unsigned checked;
};

static void must_have(void *arg, qun_slice id) {
  struct catalogue *c = arg;
  char line[160];
  snprintf(line, sizeof line, "msgid \"%.*s\"\n", (int)id.len, (const char *)id.ptr);
  cr_assert(strstr(c->text, line), "no words for %.*s", (int)id.len, (const char *)id.ptr);
  c->checked++;
}

Test(plugins_crosspromo_report, every_text_has_words_in_both_languages) {
  static const char *const files[] = {QUN_SOURCE_DIR "/plugins/crosspromo/locales/en.po",
                                      QUN_SOURCE_DIR "/plugins/crosspromo/locales/zh-CN.po"};
  static const char *const views[] = {"overview", "advice", "codes"};
  struct qun_fake *f = cross_open();
  live(f, 3);
  for (unsigned l = 0; l < 2; l++) {
    struct catalogue c = {slurp(files[l]), 0};
    for (unsigned i = 0; i < 3; i++) model_each_text(cross_view_of(f, views[i]), must_have, &c);
    cr_assert_gt(c.checked, 60);
    free(c.text);
  }
  qun_fake_close(f);
}

/* "0.15" as parts per million, "3" as it is, "true" as 1 */
static int64_t stored(const char *kind, const char *text) {
  int64_t whole = 0, part = 0, scale = 1000000;
  if (strcmp(kind, "bool") == 0) return strncmp(text, "\"true", 5) == 0;
  while (*text >= '0' && *text <= '9') whole = whole * 10 + *text++ - '0';
  if (*text == '.')
    for (text++; *text >= '0' && *text <= '9'; text++) part += (*text - '0') * (scale /= 10);
  return strcmp(kind, "ratio") == 0 ? whole * 1000000 + part : whole;
}

Test(plugins_crosspromo_report, settings_have_the_defaults_of_the_manifest) {
  static const struct {
    const char *name, *kind;
    int64_t fallback;
  } infos[] = {
#define INFO(NAME, KIND, DEFAULT) {#NAME, KIND, DEFAULT},
      CROSS_SETTINGS(INFO)
#undef INFO
  };
  char *text = slurp(QUN_SOURCE_DIR "/plugins/crosspromo/plugin.yaml");
  for (unsigned i = 0; i < sizeof infos / sizeof infos[0]; i++) {
    char name[80];
    const char *line, *at;
    snprintf(name, sizeof name, "{name: %s, kind: %s,", infos[i].name, infos[i].kind);
    line = strstr(text, name);
    cr_assert(line, "no setting %s of that kind", infos[i].name);
    at = strstr(line, "default: ");
    cr_assert(at);
    cr_assert_eq(stored(infos[i].kind, at + 9), infos[i].fallback, "%s has another default", infos[i].name);
  }
  free(text);
}
