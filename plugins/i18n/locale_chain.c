/* SPDX-License-Identifier: Apache-2.0 */
#include "locale_chain.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unicode/uenum.h>
#include <unicode/uloc.h>
#include <unicode/ures.h>
#include <unicode/ustring.h>

struct parts {
  char language[ULOC_LANG_CAPACITY], script[ULOC_SCRIPT_CAPACITY], region[ULOC_COUNTRY_CAPACITY];
};

static void split(const char *id, struct parts *p) {
  UErrorCode status = U_ZERO_ERROR;
  memset(p, 0, sizeof *p);
  uloc_getLanguage(id, p->language, sizeof p->language, &status);
  uloc_getScript(id, p->script, sizeof p->script, &status);
  uloc_getCountry(id, p->region, sizeof p->region, &status);
}

static void join(char *out, size_t size, const struct parts *p, bool script, bool region) {
  snprintf(out, size, "%s%s%s%s%s", p->language, script ? "_" : "", script ? p->script : "", region ? "_" : "",
           region ? p->region : "");
}

/* The parts that CLDR thinks likely for an incomplete id. */
static void likely(const char *id, struct parts *p) {
  char full[ULOC_FULLNAME_CAPACITY];
  UErrorCode status = U_ZERO_ERROR;
  uloc_addLikelySubtags(id, full, sizeof full, &status);
  split(U_FAILURE(status) ? id : full, p);
}

int qun__locale_tag(char *out, size_t size, qun_slice locale) {
  char raw[QUN_LOCALE_MAX], id[ULOC_FULLNAME_CAPACITY];
  UErrorCode status = U_ZERO_ERROR;
  int32_t read = 0;
  if (locale.len == 0 || locale.len >= sizeof raw || memchr(locale.ptr, 0, (size_t)locale.len)) return -1;
  memcpy(raw, locale.ptr, (size_t)locale.len);
  raw[locale.len] = 0;
  for (char *c = raw; *c; c++) {
    if (*c == '_') *c = '-';
  }
  uloc_forLanguageTag(raw, id, sizeof id, &read, &status);
  if (U_FAILURE(status) || read != (int32_t)locale.len || (id[0] == 0 && strcasecmp(raw, "und") != 0)) return -1;
  uloc_toLanguageTag(id, out, (int32_t)size, 1, &status);
  return U_FAILURE(status) || status == U_STRING_NOT_TERMINATED_WARNING ? -1 : 0;
}

static void add(struct qun__chain *out, const char *id) {
  char tag[QUN_LOCALE_MAX];
  UErrorCode status = U_ZERO_ERROR;
  uloc_toLanguageTag(id, tag, sizeof tag, 0, &status);
  if (U_FAILURE(status) || status == U_STRING_NOT_TERMINATED_WARNING || out->count == QUN_CHAIN_MAX) return;
  for (uint32_t i = 0; i < out->count; i++) {
    if (strcmp(out->tag[i], tag) == 0) return;
  }
  snprintf(out->tag[out->count++], QUN_LOCALE_MAX, "%s", tag);
}

/* Adds every spelling of language + script + region that means just that: the script may go where it is the likely one.
 */
static void add_spellings(struct qun__chain *out, const struct parts *p) {
  char id[ULOC_FULLNAME_CAPACITY];
  struct parts guess;
  bool region = p->region[0] != 0;
  join(id, sizeof id, p, false, region);
  likely(id, &guess);
  if (region && strcmp(guess.script, p->script) == 0) add(out, id);
  join(id, sizeof id, p, p->script[0] != 0, region);
  add(out, id);
  join(id, sizeof id, p, false, region);
  if (strcmp(guess.script, p->script) == 0) add(out, id);
}

static bool listed(const UResourceBundle *children, const char *id) {
  UErrorCode status = U_ZERO_ERROR;
  char child[ULOC_FULLNAME_CAPACITY];
  if (ures_getType(children) == URES_STRING) {
    int32_t len = 0;
    const UChar *text = ures_getString(children, &len, &status);
    if (U_FAILURE(status) || len >= (int32_t)sizeof child) return false;
    u_UCharsToChars(text, child, len + 1);
    return strcmp(child, id) == 0;
  }
  for (int32_t i = 0; i < ures_getSize(children); i++) {
    int32_t len = 0;
    const UChar *text = ures_getStringByIndex(children, i, &len, &status);
    if (U_FAILURE(status) || len >= (int32_t)sizeof child) return false;
    u_UCharsToChars(text, child, len + 1);
    if (strcmp(child, id) == 0) return true;
  }
  return false;
}

/* CLDR's parentLocales: en_GB -> en_001, zh_Hant -> root. False: none is written down, so the parent comes by cutting.
 */
static bool written_parent(char *out, size_t size, const char *id) {
  UErrorCode status = U_ZERO_ERROR;
  UResourceBundle *data = ures_openDirect(NULL, "supplementalData", &status);
  UResourceBundle *parents = ures_getByKey(data, "parentLocales", NULL, &status);
  UResourceBundle *children = NULL;
  bool found = false;
  while (!found && U_SUCCESS(status) && ures_hasNext(parents)) {
    children = ures_getNextResource(parents, children, &status);
    if (U_FAILURE(status) || !listed(children, id)) continue;
    snprintf(out, size, "%s", ures_getKey(children));
    found = true;
  }
  ures_close(children);
  ures_close(parents);
  ures_close(data);
  return found;
}

/* Moves *p to its parent. False: it has none but root. */
static bool to_parent(struct parts *p) {
  char id[ULOC_FULLNAME_CAPACITY], parent[ULOC_FULLNAME_CAPACITY];
  struct parts guess;
  for (int script = 0; script < 2; script++) {
    join(id, sizeof id, p, script != 0 && p->script[0], p->region[0] != 0);
    likely(id, &guess);
    if (strcmp(guess.script, p->script) != 0 || !written_parent(parent, sizeof parent, id)) continue;
    if (strcmp(parent, "root") == 0) return false;
    split(parent, p);
    if (!p->script[0]) {
      likely(parent, &guess);
      memcpy(p->script, guess.script, sizeof p->script);
    }
    return true;
  }
  if (!p->region[0]) return false;
  p->region[0] = 0;
  return true;
}

void qun__chain_make(struct qun__chain *out, qun_slice locale) {
  char tag[QUN_LOCALE_MAX], id[ULOC_FULLNAME_CAPACITY];
  struct parts p, guess;
  UErrorCode status = U_ZERO_ERROR;
  out->count = 0;
  if (qun__locale_tag(tag, sizeof tag, locale)) snprintf(tag, sizeof tag, "und");
  uloc_forLanguageTag(tag, id, sizeof id, NULL, &status);
  add(out, id);
  if (U_FAILURE(status) || strcmp(tag, "und") == 0) return;
  split(id, &p);
  if (!p.script[0]) {
    likely(id, &guess);
    memcpy(p.script, guess.script, sizeof p.script);
  }
  do {
    add_spellings(out, &p);
  } while (out->count < QUN_CHAIN_MAX && to_parent(&p));
  /* "zh" and "zh-SG" readers are served by zh-CN: the region that stands for the language in this script. */
  join(id, sizeof id, &p, p.script[0] != 0, false);
  likely(id, &guess);
  if (strcmp(guess.script, p.script) == 0) add_spellings(out, &guess);
}

/* The place of `id` in `have`; -1: not there. */
static int place_of(const char *id, const char *const *have, uint32_t count) {
  char tag[QUN_LOCALE_MAX];
  UErrorCode status = U_ZERO_ERROR;
  uloc_toLanguageTag(id, tag, sizeof tag, 0, &status);
  for (uint32_t i = 0; U_SUCCESS(status) && i < count; i++) {
    if (strcmp(have[i], tag) == 0) return (int)i;
  }
  return -1;
}

static int same_language(const char *id, const char *const *have, uint32_t count) {
  struct parts want, other;
  split(id, &want);
  for (uint32_t i = 0; i < count; i++) {
    split(have[i], &other);
    if (strcmp(want.language, other.language) == 0) return (int)i;
  }
  return -1;
}

int qun__chain_nearest(const char *wanted, const char *const *have, uint32_t count) {
  UErrorCode status = U_ZERO_ERROR;
  UAcceptResult how = ULOC_ACCEPT_FAILED;
  char id[ULOC_FULLNAME_CAPACITY], first[ULOC_FULLNAME_CAPACITY];
  const char *wants[1] = {first};
  UEnumeration *available;
  int at = -1;
  if (count == 0 || strcmp(wanted, "und") == 0) return -1;
  uloc_forLanguageTag(wanted, first, sizeof first, NULL, &status);
  available = uenum_openCharStringsEnumeration(have, (int32_t)count, &status);
  if (U_FAILURE(status)) return -1;
  uloc_acceptLanguage(id, sizeof id, &how, wants, 1, available, &status);
  uenum_close(available);
  if (U_SUCCESS(status) && how != ULOC_ACCEPT_FAILED) at = place_of(id, have, count);
  return at >= 0 ? at : same_language(first, have, count);
}
