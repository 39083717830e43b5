/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <qun/events.h>

#include <criterion/criterion.h>
#include <stdlib.h>

#define PLUGIN_DIR QUN_BUILD_DIR "/plugins/compliance"

static int kind_of(const char *type, const char *field) {
#define ROW(TYPE, NAME, KIND, FLAGS, UNIT, DOC) {TYPE, NAME, QUN_FIELD_##KIND},
  static const struct {
    const char *type, *name;
    int kind;
  } rows[] = {QUN_EVENT_FIELDS(ROW)};
#undef ROW
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].type, type) == 0 && strcmp(rows[i].name, field) == 0) return rows[i].kind;
  cr_assert_fail("the vocabulary has no field %s of %s", field, type);
  return 0;
}

static void blanks(char *text) {
  for (; *text; text++)
    if (*text == '_') *text = ' ';
}

static void put_field(struct qun_fake *f, struct qun_fake_event *e, char *name, char *value) {
  struct qun_fake_field *to = e->fields;
  while (to->name) to++;
  int kind = kind_of(e->type, name);
  to->name = name;
  switch (kind) {
  case QUN_FIELD_BOOL:
    to->kind = QUN_MP_BOOL;
    to->number = strcmp(value, "true") == 0;
    break;
  case QUN_FIELD_INT:
  case QUN_FIELD_MEMBER:
    to->kind = QUN_MP_INT;
    to->number = strtoll(value, NULL, 10);
    break;
  case QUN_FIELD_TIME: {
    char local[40];
    snprintf(local, sizeof local, "%s 00:00", value);
    to->kind = QUN_MP_INT;
    to->number = qun_fake_ms(f, local);
    break;
  }
  default:
    if (kind != QUN_FIELD_LIST) blanks(value);
    to->kind = QUN_MP_STR;
    to->text = value;
    to->list = kind == QUN_FIELD_LIST;
  }
}

static void play_line(struct qun_fake *f, char *line) {
  char at[40], *save, *word = strtok_r(line, " ", &save);
  if (!word) return;
  if (strcmp(word, "until") == 0) {
    word = strtok_r(NULL, " ", &save);
    snprintf(at, sizeof at, "%s 00:00", word);
    cr_assert_eq(qun_fake_advance_to(f, at), 0, "%s: %s", word, qun_fake_message(f));
    return;
  }
  struct qun_fake_event e = {0};
  snprintf(at, sizeof at, "%.10s %s", word, strlen(word) > 11 ? word + 11 : "09:00");
  e.at = at;
  e.type = strtok_r(NULL, " ", &save);
  while ((word = strtok_r(NULL, " ", &save))) {
    char *value = strchr(word, '=');
    cr_assert_not_null(value, "%s is no name=value", word);
    *value++ = 0;
    if (strcmp(word, "m") == 0)
      e.member = strtoull(value, NULL, 10);
    else if (strcmp(word, "s") == 0)
      e.subject = value;
    else if (strcmp(word, "g") == 0)
      e.group = value;
    else if (strcmp(word, "id") == 0)
      e.id = value;
    else
      put_field(f, &e, word, value);
  }
  cr_assert_eq(qun_fake_send(f, &e), 0, "%s at %s: %s", e.type, at, qun_fake_message(f));
}

void script_play(struct qun_fake *f, const char *script) {
  char *copy = strdup(script), *save;
  for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) play_line(f, line);
  free(copy);
}

struct qun_fake *script_host(const char *tenant, const char *country) {
  struct qun_fake *f = qun_fake_open(PLUGIN_DIR);
  cr_assert_not_null(f);
  qun_fake_tenant(f, tenant);
  qun_fake_profile(f, "country", country);
  return f;
}

qun_slice script_audit(struct qun_fake *f, const char *rule) {
  qun_slice reply = qun_fake_ask(f, "compliance.audit", QUN_TEXT("scope", rule)), rules, entry;
  struct qun_unpack u;
  uint32_t n = 0;
  cr_assert(reply.len > 0, "%s: %s", rule, qun_fake_message(f));
  cr_assert(qun_mp_find(reply, "rules", &rules));
  qun_unpack_init(&u, rules);
  cr_assert(qun_unpack_array(&u, &n));
  while (n-- > 0 && qun_unpack_any(&u, &entry))
    if (qun_slice_is(qun_mp_str(entry, "id"), rule)) return entry;
  cr_assert_fail("the audit has no rule %s", rule);
  return qun_slice_of(NULL, 0);
}

const char *script_status(struct qun_fake *f, const char *rule, char *buf, size_t cap) {
  qun_slice entry = script_audit(f, rule), status = qun_mp_str(entry, "status"), reason = qun_mp_str(entry, "reason");
  snprintf(buf, cap, "%.*s: %.*s", (int)status.len, (const char *)status.ptr, (int)reason.len,
           (const char *)reason.ptr);
  return buf;
}
