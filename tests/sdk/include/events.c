/* SPDX-License-Identifier: Apache-2.0 */
#include <qun/events.h>

#include <criterion/criterion.h>

#include <string.h>

#define TYPE_ROW(name, flags, doc) {name, flags, doc},
#define FIELD_ROW(type, field, kind, flags, unit, doc) {type, field, QUN_FIELD_##kind, flags, unit, doc},
static const struct qun_event_type_info types[] = {QUN_EVENT_TYPES(TYPE_ROW)};
static const struct qun_event_field_info fields[] = {QUN_EVENT_FIELDS(FIELD_ROW)};
enum { TYPES = sizeof types / sizeof *types, FIELDS = sizeof fields / sizeof *fields };

Test(sdk_include_events, names_each_type_and_field_once) {
  for (size_t i = 0; i < TYPES; i++)
    for (size_t j = 0; j < i; j++) cr_expect(strcmp(types[i].name, types[j].name) != 0, "%s", types[i].name);
  for (size_t i = 0; i < FIELDS; i++)
    for (size_t j = 0; j < i; j++)
      cr_expect(strcmp(fields[i].type, fields[j].type) != 0 || strcmp(fields[i].name, fields[j].name) != 0, "%s.%s",
                fields[i].type, fields[i].name);
}

Test(sdk_include_events, has_fields_of_known_types_only) {
  for (size_t i = 0; i < FIELDS; i++) {
    int known = 0;
    for (size_t k = 0; k < TYPES; k++) known += strcmp(types[k].name, fields[i].type) == 0;
    cr_expect_eq(known, 1, "%s.%s", fields[i].type, fields[i].name);
  }
}

Test(sdk_include_events, documents_everything) {
  for (size_t i = 0; i < TYPES; i++) cr_expect_gt(strlen(types[i].doc), 5, "%s", types[i].name);
  for (size_t i = 0; i < FIELDS; i++) cr_expect_gt(strlen(fields[i].doc), 1, "%s.%s", fields[i].type, fields[i].name);
}

Test(sdk_include_events, seals_texts_only) {
  for (size_t i = 0; i < FIELDS; i++)
    if (fields[i].flags & (QUN_FIELD_TEXT | QUN_FIELD_IDENT))
      cr_expect_eq(fields[i].kind, QUN_FIELD_STR, "%s.%s", fields[i].type, fields[i].name);
}
