/* SPDX-License-Identifier: Apache-2.0 */
/* Plural categories against CLDR's own samples. The data is CLDR 48, Debian 12's ICU 72 has CLDR 42: the languages
   named below got their rules between the two, all others must agree in every sample. */
#include "plugins/i18n/format.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const newer_than_icu[] = {"blo", "csw", "cv", "ie", "kok", "kok-Latn", "lld", "scn", "sgs"};

static bool newer(const char *locale) {
  for (size_t i = 0; i < sizeof newer_than_icu / sizeof *newer_than_icu; i++) {
    if (strcmp(newer_than_icu[i], locale) == 0) return true;
  }
  return false;
}

static cJSON *read_json(const char *name) {
  const char *data = getenv("QUN_SHARED_DATA");
  char path[512];
  char *text;
  long n;
  FILE *f;
  cJSON *json;
  snprintf(path, sizeof path, "%s/i18n/cldr/%s", data ? data : "../shared/data", name);
  f = fopen(path, "rb");
  if (!f) return NULL;
  fseek(f, 0, SEEK_END);
  n = ftell(f);
  rewind(f);
  text = calloc(1, (size_t)n + 1);
  cr_assert_eq(fread(text, 1, (size_t)n, f), (size_t)n);
  fclose(f);
  json = cJSON_Parse(text);
  free(text);
  return json;
}

struct tally {
  unsigned samples, wrong;
};

static void check_sample(struct qun__format *f, const char *digits, int ordinal, const char *category,
                         struct tally *t) {
  if (strchr(digits, 'c') || strchr(digits, 'e')) return; /* compact notation: no message writes numbers so */
  t->samples++;
  t->wrong += strcmp(qun__format_plural(f, digits, ordinal), category) != 0;
}

/* "2~4, 22~24, 1.0~1.5, 100, …" : both ends of each range. */
static void check_samples(struct qun__format *f, char *samples, int ordinal, const char *category, struct tally *t) {
  char *save = NULL;
  for (char *one = strtok_r(samples, ", ", &save); one; one = strtok_r(NULL, ", ", &save)) {
    char *tilde = strchr(one, '~');
    if (one[0] < '0' || one[0] > '9') continue;
    if (tilde) {
      *tilde = 0;
      check_sample(f, tilde + 1, ordinal, category, t);
    }
    check_sample(f, one, ordinal, category, t);
  }
}

static void check_rule(struct qun__format *f, const cJSON *rule, int ordinal, struct tally *t) {
  const char *category = rule->string + strlen("pluralRule-count-");
  char *copy = strdup(rule->valuestring), *integers = strstr(copy, "@integer"), *decimals = strstr(copy, "@decimal");
  if (decimals) {
    *decimals = 0;
    check_samples(f, decimals + 8, ordinal, category, t);
  }
  if (integers) check_samples(f, integers + 8, ordinal, category, t);
  free(copy);
}

static void check_file(const char *file, const char *type, int ordinal, unsigned least) {
  cJSON *json = read_json(file), *locale, *rule;
  unsigned locales = 0, samples = 0;
  if (!json) cr_skip_test("%s is not here", file);
  cJSON_ArrayForEach(locale, cJSON_GetObjectItem(cJSON_GetObjectItem(json, "supplemental"), type)) {
    struct qun__format *f = NULL;
    struct tally t = {0};
    locales++;
    cr_assert_eq(qun__format_open(&f, locale->string, NULL), 0, "%s", locale->string);
    cJSON_ArrayForEach(rule, locale) check_rule(f, rule, ordinal, &t);
    qun__format_close(f);
    samples += t.samples;
    if (t.wrong) cr_log_warn("%s: %u of %u samples otherwise", locale->string, t.wrong, t.samples);
    cr_expect(t.wrong == 0 || newer(locale->string), "%s: %u of %u samples otherwise", locale->string, t.wrong,
              t.samples);
  }
  cJSON_Delete(json);
  cr_assert_geq(locales, least);
  cr_assert_gt(samples, 1000);
}

Test(plugins_i18n_cldr, cardinal_samples) {
  check_file("plurals.json", "plurals-type-cardinal", 0, 200);
}

Test(plugins_i18n_cldr, ordinal_samples) {
  check_file("ordinals.json", "plurals-type-ordinal", 1, 90);
}
