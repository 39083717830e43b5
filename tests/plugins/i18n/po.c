/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/i18n/po.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct qun__po *parse(const char *text) {
  struct qun__po *po = NULL;
  struct qun__po_error err;
  cr_assert_eq(qun__po_parse(&po, qun_str(text), &err), 0, "%u:%u: %s", err.line, err.column, err.message);
  return po;
}

static void refused(const char *text, uint32_t line, uint32_t column, const char *word) {
  struct qun__po *po = NULL;
  struct qun__po_error err;
  cr_assert_eq(qun__po_parse(&po, qun_str(text), &err), QUN_EINVAL, "was taken: %s", text);
  cr_assert_null(po);
  cr_expect_eq(err.line, line, "line %u, not %u: %s", err.line, line, err.message);
  cr_expect_eq(err.column, column, "column %u, not %u: %s", err.column, column, err.message);
  cr_expect(strstr(err.message, word), "'%s' says nothing of '%s'", err.message, word);
}

Test(plugins_i18n_po, joins_lines_and_reads_escapes) {
  struct qun__po *po = parse("msgid \"\"\n\"a\\tb\" \"c\"\nmsgstr \"\\\"\\\\ \\x41\\102\\n\"\n\"群\"\n");
  cr_assert_eq(po->count, 1);
  cr_assert_str_eq(po->messages[0].id, "a\tbc");
  cr_assert_str_eq(po->messages[0].text[0], "\"\\ AB\n群");
  qun__po_destroy(po);
}

Test(plugins_i18n_po, reads_context_plural_and_flags) {
  struct qun__po *po =
      parse("#: a.c:1\n#, c-format, fuzzy\n#| msgid \"old\"\nmsgctxt \"menu\"\nmsgid \"one\"\nmsgid_plural \"many\"\n"
            "msgstr[0] \"x\"\nmsgstr[1] \"y\"\n\n#~ msgid \"gone\"\n#~ msgstr \"weg\"\n\nmsgid \"one\"\nmsgstr \"\"\n");
  cr_assert_eq(po->count, 3);
  cr_assert_str_eq(po->messages[0].context, "menu");
  cr_assert_str_eq(po->messages[0].plural, "many");
  cr_assert_eq(po->messages[0].texts, 2);
  cr_assert_str_eq(po->messages[0].text[1], "y");
  cr_assert(po->messages[0].fuzzy && !po->messages[0].obsolete);
  cr_assert(po->messages[1].obsolete && !po->messages[1].fuzzy);
  cr_assert_null(po->messages[2].context);
  cr_assert_not(po->messages[2].fuzzy);
  qun__po_destroy(po);
}

Test(plugins_i18n_po, reads_the_header) {
  struct qun__po *po =
      parse("msgid \"\"\nmsgstr \"\"\n\"Language: pl\\n\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n"
            "\"Plural-Forms: nplurals=3; plural=n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 \"\n\"|| n%100>=20) ? 1 : "
            "2;\\n\"\n");
  static const uint32_t forms[] = {2, 0, 1, 1, 1, 2};
  cr_assert_eq(po->count, 0);
  cr_assert_str_eq(po->language, "pl");
  cr_assert_eq(po->rule.forms, 3);
  for (uint64_t n = 0; n < 6; n++) cr_expect_eq(qun__plural_form(&po->rule, n), forms[n]);
  cr_expect_eq(qun__plural_form(&po->rule, 12), 2);
  cr_expect_eq(qun__plural_form(&po->rule, 22), 1);
  qun__po_destroy(po);
}

Test(plugins_i18n_po, turns_other_charsets_into_utf8) {
  struct qun__po *po = parse(
      "msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=GBK\\n\"\n\nmsgid \"g\"\nmsgstr \"\xc8\xba\xd7\xe9\"\n");
  cr_assert_str_eq(po->messages[0].text[0], "群组");
  qun__po_destroy(po);
  refused("msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=NOSUCH\\n\"\n", 1, 1, "NOSUCH");
  refused("msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=GBK\\n\"\nmsgid \"g\"\nmsgstr \"\x81 \"\n", 4, 9,
          "charset");
}

Test(plugins_i18n_po, names_line_and_column_of_what_is_wrong) {
  refused("msgid \"a\"\n", 2, 1, "msgstr");
  refused("msgid \"a\nmsgstr \"b\"\n", 1, 9, "line ends");
  refused("msgid \"a", 1, 9, "file ends");
  refused("msgid \"a\\q\"\nmsgstr \"b\"\n", 1, 9, "escape");
  refused("msgid \"群\\q\"\nmsgstr \"b\"\n", 1, 9, "escape");
  refused("msgid \"a\\000\"\nmsgstr \"b\"\n", 1, 9, "character");
  refused("msgid \"\\377\"\nmsgstr \"b\"\n", 1, 1, "UTF-8");
  refused("msgfoo \"a\"\n", 1, 1, "msgfoo");
  refused("msgid \"a\"\nmsgstr \"b\"\n\nmsgid \"a\"\nmsgstr \"c\"\n", 4, 1, "line 1");
  refused("msgid \"a\"\nmsgid_plural \"b\"\nmsgstr[1] \"x\"\n", 3, 1, "order");
  refused("msgid \"a\"\nmsgid_plural \"b\"\nmsgstr \"x\"\n", 3, 1, "msgstr[0]");
  refused("msgid \"a\"\nmsgstr[0] \"x\"\n", 2, 1, "msgid_plural");
  refused("msgid \"a\"\nmsgstr[x] \"x\"\n", 2, 7, "number");
  refused("#~ msgid \"a\"\n\"b\"\n#~ msgstr \"x\"\n", 2, 1, "#~");
  refused("msgid \"\xff\"\nmsgstr \"\"\n", 1, 8, "UTF-8");
  refused("msgstr \"x\"\n", 1, 1, "msgid");
}

static void rule_refused(const char *rule, const char *word) {
  struct qun__plural p;
  size_t at = 0;
  const char *why = "";
  cr_assert_neq(qun__plural_parse(&p, rule, strlen(rule), &at, &why), 0, "was taken: %s", rule);
  cr_expect(strstr(why, word), "%s: '%s' says nothing of '%s'", rule, why, word);
}

Test(plugins_i18n_po, refuses_plural_rules_that_would_not_do) {
  char deep[600];
  rule_refused("nplurals=2; plural=n/0;", "zero");
  rule_refused("nplurals=2; plural=n%n;", "zero");
  rule_refused("nplurals=2; plural=n;", "beyond");
  rule_refused("nplurals=0; plural=0;", "nplurals");
  rule_refused("nplurals=17; plural=0;", "nplurals");
  rule_refused("nplurals=1; plural=(0;", ")");
  rule_refused("nplurals=1; plural=n?1;", ":");
  rule_refused("nplurals=1; plural=system(1);", "number");
  rule_refused("nplurals=1; plural=0; 5", "behind");
  rule_refused("nplurals=1; plural=99999999999;", "large");
  strcpy(deep, "nplurals=1; plural=");
  memset(deep + strlen(deep), '(', 500);
  rule_refused(deep, "deep");
}

/* ---- against msgfmt: every message of its MO file, and no more */

struct mo {
  unsigned char *bytes;
  size_t len;
};

static uint32_t mo_u32(const struct mo *mo, size_t at) {
  uint32_t v;
  cr_assert_leq(at + 4, mo->len);
  memcpy(&v, mo->bytes + at, 4);
  return v;
}

static struct mo mo_make(const char *path) {
  char out[] = "/tmp/qun-mo-XXXXXX", command[1200];
  struct mo mo = {0};
  FILE *f;
  long n;
  int fd = mkstemp(out);
  cr_assert_geq(fd, 0);
  close(fd);
  snprintf(command, sizeof command, "msgfmt --endianness=little -o %s '%s' 2>/dev/null", out, path);
  cr_assert_eq(system(command), 0, "msgfmt refuses %s", path);
  f = fopen(out, "rb");
  fseek(f, 0, SEEK_END);
  n = ftell(f);
  rewind(f);
  mo.bytes = malloc((size_t)n);
  mo.len = fread(mo.bytes, 1, (size_t)n, f);
  fclose(f);
  unlink(out);
  return mo;
}

static char *read_file(const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  char *text;
  long n;
  cr_assert(f);
  fseek(f, 0, SEEK_END);
  n = ftell(f);
  rewind(f);
  text = malloc((size_t)n + 1);
  *len = fread(text, 1, (size_t)n, f);
  text[*len] = 0;
  fclose(f);
  return text;
}

/* key: context EOT id NUL plural; value: forms with NUL between. The lengths are the MO file's. */
static bool same(const struct qun__po_message *m, const char *key, uint32_t key_len, const char *value,
                 uint32_t value_len) {
  char want[65536];
  size_t n = 0;
  if (m->context) n += (size_t)sprintf(want + n, "%s\4", m->context);
  n += (size_t)sprintf(want + n, "%s", m->id);
  if (m->plural) {
    want[n++] = 0;
    n += (size_t)sprintf(want + n, "%s", m->plural);
  }
  if (n != key_len || memcmp(want, key, n) != 0) return false;
  n = 0;
  for (uint32_t i = 0; i < m->texts; i++) {
    if (i) want[n++] = 0;
    n += (size_t)sprintf(want + n, "%s", m->text[i]);
  }
  return n == value_len && memcmp(want, value, n) == 0;
}

static void compare(const char *path) {
  struct mo mo = mo_make(path);
  struct qun__po *po = NULL;
  struct qun__po_error err;
  size_t len;
  uint32_t shown = 0, strings = mo_u32(&mo, 8), keys = mo_u32(&mo, 12), values = mo_u32(&mo, 16);
  char *text = read_file(path, &len);
  cr_assert_eq(qun__po_parse(&po, qun_slice_of(text, len), &err), 0, "%s:%u:%u: %s", path, err.line, err.column,
               err.message);
  for (uint32_t i = 0; i < po->count; i++) {
    const struct qun__po_message *m = &po->messages[i];
    bool found = false;
    if (m->fuzzy || m->obsolete || m->text[0][0] == 0) continue;
    shown++;
    for (uint32_t k = 0; k < strings && !found; k++) {
      const char *key = (const char *)mo.bytes + mo_u32(&mo, keys + 8 * k + 4);
      const char *value = (const char *)mo.bytes + mo_u32(&mo, values + 8 * k + 4);
      found = same(m, key, mo_u32(&mo, keys + 8 * k), value, mo_u32(&mo, values + 8 * k));
    }
    cr_expect(found, "%s:%u: msgfmt has this message otherwise: %s", path, m->line, m->id);
  }
  cr_expect_eq(shown + 1, strings, "%s: %u messages, msgfmt has %u with the header", path, shown, strings);
  cr_log_info("%s: %u messages as msgfmt has them", path, shown);
  qun__po_destroy(po);
  free(text);
  free(mo.bytes);
}

Test(plugins_i18n_po, agrees_with_msgfmt_on_real_catalogues) {
  const char *data = getenv("QUN_SHARED_DATA");
  char folder[512], path[1024];
  struct dirent *entry;
  int files = 0;
  DIR *dir;
  snprintf(folder, sizeof folder, "%s/i18n/po", data ? data : "../shared/data");
  dir = opendir(folder);
  if (!dir || system("msgfmt --version >/dev/null 2>&1") != 0) cr_skip_test("%s or msgfmt is not here", folder);
  while ((entry = readdir(dir))) {
    const char *dot = strrchr(entry->d_name, '.');
    if (!dot || strcmp(dot, ".po") != 0) continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    compare(path);
    files++;
  }
  closedir(dir);
  cr_assert_gt(files, 0);
}
