/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/normalise.h"
#include "host/plugins/manifest.h"

#include <qun/decimal.h>
#include <qun/msgpack.h>

#include <inttypes.h>
#include <stdio.h>

enum { STRING_MAX = 16384, ENTRIES_MAX = 1000 };

/* A stored number as a person writes it: 200000 of a ratio is "0.2". */
static const char *written(char out[32], const struct qun_setting *s, int64_t v) {
  if (s->kind != QUN_SETTING_RATIO) {
    snprintf(out, 32, "%" PRId64, v);
    return out;
  }
  uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
  int n = snprintf(out, 32, "%s%" PRIu64 ".%06" PRIu64, v < 0 ? "-" : "", size / 1000000, size % 1000000);
  while (out[n - 1] == '0') n--;
  if (out[n - 1] == '.') n--;
  out[n] = 0;
  return out;
}

/* "at least 0.1 and at most 0.5" */
static const char *bounds(char out[96], const struct qun_setting *s) {
  char low[32], high[32];
  snprintf(out, 96, "%s%s%s%s%s", s->has_min ? "at least " : "", s->has_min ? written(low, s, s->min) : "",
           s->has_min && s->has_max ? " and " : "", s->has_max ? "at most " : "",
           s->has_max ? written(high, s, s->max) : "");
  return out;
}

static const char *form(const struct qun_setting *s) {
  switch (s->kind) {
  case QUN_SETTING_RATIO: return "a decimal with up to six places, such as 0.25";
  case QUN_SETTING_MONEY: return "a whole number of the currency's minor units (1250 for 12.50)";
  default: return "a whole number";
  }
}

static int parse_number(const struct qun_setting *s, const char *text, struct qun_pack *out, struct qun_error *err) {
  int64_t v;
  char must[96];
  if (!qun_decimal_parse(qun_str(text), s->kind == QUN_SETTING_RATIO ? 6 : 0, &v))
    return qun_error_set(err, QUN_EINVAL, "setting %s: \"%.80s\" must be %s%s%s", s->name, text, form(s),
                         s->has_min || s->has_max ? ", " : "", bounds(must, s));
  if ((s->has_min && v < s->min) || (s->has_max && v > s->max))
    return qun_error_set(err, QUN_EINVAL, "setting %s: %.80s must be %s", s->name, text, bounds(must, s));
  qun_pack_int(out, v);
  return 0;
}

static int parse_list(const struct qun_setting *s, const char *text, struct qun_pack *out, struct qun_error *err) {
  size_t begin = out->len;
  size_t at = qun_pack_open_array(out);
  uint32_t n = 0;
  while (*text) {
    text += strspn(text, " ,");
    size_t whole = strcspn(text, ",");
    size_t len = whole;
    while (len > 0 && text[len - 1] == ' ') len--;
    if (len > 0) {
      qun_pack_str(out, qun_slice_of(text, len));
      n++;
    }
    text += whole;
  }
  if (n > ENTRIES_MAX) {
    out->len = begin;
    return qun_error_set(err, QUN_EINVAL, "setting %s: a list has at most %d entries", s->name, ENTRIES_MAX);
  }
  qun_pack_close(out, at, n);
  return 0;
}

int qun_setting_parse(const struct qun_setting *s, const char *text, struct qun_pack *out, struct qun_error *err) {
  int rc = 0;
  if (strlen(text) > STRING_MAX)
    return qun_error_set(err, QUN_EINVAL, "setting %s: longer than %d bytes", s->name, STRING_MAX);
  if (!qun_utf8_valid(qun_str(text))) return qun_error_set(err, QUN_EINVAL, "setting %s: not UTF-8", s->name);
  switch (s->kind) {
  case QUN_SETTING_INT:
  case QUN_SETTING_RATIO:
  case QUN_SETTING_MONEY: rc = parse_number(s, text, out, err); break;
  case QUN_SETTING_BOOL:
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
      return qun_error_set(err, QUN_EINVAL, "setting %s: \"%.80s\" must be true or false", s->name, text);
    qun_pack_bool(out, text[0] == 't');
    break;
  case QUN_SETTING_STRING: qun_pack_cstr(out, text); break;
  case QUN_SETTING_LIST: rc = parse_list(s, text, out, err); break;
  }
  if (rc == 0 && out->failed) return qun_error_set(err, QUN_EFAIL, "setting %s: out of memory", s->name);
  return rc;
}
