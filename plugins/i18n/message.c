/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct walk {
  const char *begin, *at, *end;
  const struct qun__message *message; /* NULL: only look */
  struct qun_pack *out;
  void (*each)(void *arg, qun_slice name);
  void *arg;
  const char *why;
};

/* What # stands for within a plural; NULL outside of one. */
struct number {
  int64_t value;
};

static bool text(struct walk *w, unsigned depth, bool write, const struct number *number);

static bool broken(struct walk *w, const char *why) {
  if (!w->why) w->why = why;
  return false;
}

static void put(struct walk *w, bool write, const char *from, const char *to) {
  if (write) qun_pack_raw(w->out, qun_slice_of(from, (size_t)(to - from)));
}

static void skip_space(struct walk *w) {
  while (w->at < w->end && (*w->at == ' ' || *w->at == '\n' || *w->at == '\t')) w->at++;
}

/* Letters, digits, _ . - and bytes above ASCII. */
static qun_slice word(struct walk *w) {
  const char *from = w->at;
  while (w->at < w->end && !strchr(" \n\t,{}#=", *w->at)) w->at++;
  return qun_slice_of(from, (size_t)(w->at - from));
}

static bool argument(const struct qun__message *m, qun_slice name, struct qun_unpack *value) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice key, any;
  qun_unpack_init(&u, m->args);
  if (!qun_unpack_map(&u, &n)) return false;
  while (n-- > 0) {
    if (!qun_unpack_str(&u, &key)) return false;
    *value = u;
    if (!qun_unpack_any(&u, &any)) return false;
    if (qun_slice_eq(key, name)) return true;
  }
  return false;
}

static void put_integer(const struct qun__message *m, struct qun_pack *out, int64_t v, qun_slice kind,
                        qun_slice style) {
  char currency[4] = {0}, digits[24];
  if (qun_slice_is(kind, "ratio")) {
    qun__format_ratio(m->format, out, v);
  } else if (qun_slice_is(kind, "money")) {
    if (style.len == 3) memcpy(currency, style.ptr, 3);
    qun__format_money(m->format, out, v, currency[0] ? currency : m->currency);
  } else if (qun_slice_is(kind, "day")) {
    qun__format_day(m->format, out, v);
  } else if (qun_slice_is(kind, "month")) {
    qun__format_month(m->format, out, v);
  } else if (qun_slice_is(kind, "time")) {
    qun__format_time(m->format, out, v);
  } else if (qun_slice_is(kind, "duration")) {
    qun__format_duration(m->format, out, v);
  } else if (qun_slice_is(kind, "id")) {
    snprintf(digits, sizeof digits, "%" PRId64, v);
    qun_pack_raw(out, qun_str(digits));
  } else {
    qun__format_int(m->format, out, v);
  }
}

/* False: no such argument, or a value that no text can be made of. */
static bool put_argument(struct walk *w, qun_slice name, qun_slice kind, qun_slice style) {
  struct qun_unpack value;
  int64_t integer;
  qun_slice string;
  int boolean;
  if (!argument(w->message, name, &value)) return false;
  if (qun_unpack_int(&value, &integer))
    put_integer(w->message, w->out, integer, kind, style);
  else if (qun_unpack_str(&value, &string))
    qun_pack_raw(w->out, string);
  else if (qun_unpack_bool(&value, &boolean))
    qun_pack_raw(w->out, boolean ? w->message->yes : w->message->no);
  else if (qun_unpack_nil(&value))
    qun_pack_raw(w->out, qun_str("\xe2\x80\x93"));
  else
    return false;
  return true;
}

static bool kind_known(qun_slice kind) {
  static const char *const kinds[] = {"number", "ratio", "money", "day", "month", "time", "duration", "id"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (qun_slice_is(kind, kinds[i])) return true;
  }
  return false;
}

/* "=5" in front of a choice. */
static bool exact(struct walk *w, int64_t *value) {
  const char *from = ++w->at;
  int64_t v = 0;
  for (; w->at < w->end && *w->at >= '0' && *w->at <= '9' && w->at - from < 15; w->at++) v = v * 10 + (*w->at - '0');
  *value = v;
  return w->at > from;
}

struct choice {
  qun_slice name;     /* of the argument */
  bool plural, known; /* known: the argument has a fitting value */
  struct number number;
  qun_slice want; /* category or text that is looked for */
};

/* The case at the walk's place: its text is written when it fits. *fits says so. */
static bool one_case(struct walk *w, unsigned depth, bool write, const struct choice *c, bool *fits) {
  int64_t value;
  *fits = false;
  if (*w->at == '=' && c->plural) {
    if (!exact(w, &value)) return broken(w, "a number must stand behind = in a plural");
    *fits = c->known && c->number.value == value;
  } else {
    qun_slice name = word(w);
    if (name.len == 0) return broken(w, "a choice has the name of a case missing");
    *fits = c->known && qun_slice_eq(name, c->want);
  }
  skip_space(w);
  if (w->at == w->end || *w->at++ != '{') return broken(w, "a choice has a '{' missing behind the name of a case");
  if (!text(w, depth + 1, write && *fits, c->plural ? &c->number : NULL)) return false;
  if (w->at == w->end) return broken(w, "a choice has a '}' missing");
  w->at++;
  return true;
}

/* All cases are read twice: first those that fit, then, if none did, `other`. An exact number stands before its
 * category. */
static bool cases(struct walk *w, unsigned depth, bool write, struct choice *c) {
  const char *from = w->at;
  bool done = false, fits, has_other = false;
  const char *other = NULL;
  for (int pass = 0; pass < 2; pass++) {
    w->at = from;
    for (skip_space(w); w->at < w->end && *w->at != '}'; skip_space(w)) {
      bool number = *w->at == '=';
      const char *start = w->at;
      if (!number && (size_t)(w->end - w->at) > 5 && memcmp(w->at, "other", 5) == 0 && strchr(" \n\t{", w->at[5]))
        other = start, has_other = true;
      if (!one_case(w, depth, write && !done && number == (pass == 0), c, &fits)) return false;
      done = done || (fits && number == (pass == 0));
    }
  }
  if (!has_other) return broken(w, "a choice has no case 'other'");
  if (w->at == w->end) return broken(w, "a choice has a '}' missing");
  if (!done && write) {
    const char *behind = w->at;
    struct choice last = *c;
    last.known = true;
    last.want = qun_str("other");
    w->at = other;
    if (!one_case(w, depth, true, &last, &fits)) return false;
    w->at = behind;
  }
  w->at++;
  return true;
}

static bool choose(struct walk *w, unsigned depth, bool write, qun_slice name, qun_slice kind) {
  struct choice c = {.name = name, .plural = !qun_slice_is(kind, "select")};
  struct qun_unpack value;
  char digits[24];
  int boolean;
  if (depth >= QUN_MESSAGE_DEPTH) return broken(w, "choices are nested too deep");
  if (w->at == w->end || *w->at++ != ',') return broken(w, "a choice has its cases missing");
  if (w->message && argument(w->message, name, &value)) {
    if (c.plural && qun_unpack_int(&value, &c.number.value)) {
      snprintf(digits, sizeof digits, "%" PRId64, c.number.value);
      c.want = qun_str(qun__format_plural(w->message->format, digits[0] == '-' ? digits + 1 : digits,
                                          qun_slice_is(kind, "selectordinal")));
      c.known = true;
    } else if (!c.plural) {
      c.known = qun_unpack_str(&value, &c.want);
      if (!c.known && qun_unpack_bool(&value, &boolean)) c.known = true, c.want = qun_str(boolean ? "true" : "false");
    }
  }
  return cases(w, depth, write, &c);
}

/* Behind a '{'. */
static bool placeholder(struct walk *w, unsigned depth, bool write) {
  const char *from = w->at - 1;
  qun_slice name, kind = {0}, style = {0};
  skip_space(w);
  name = word(w);
  if (name.len == 0) return broken(w, "a name must stand behind '{'; a brace itself is written {{");
  if (w->each) w->each(w->arg, name);
  skip_space(w);
  if (w->at < w->end && *w->at == ',') {
    w->at++;
    skip_space(w);
    kind = word(w);
    skip_space(w);
    if (qun_slice_is(kind, "plural") || qun_slice_is(kind, "selectordinal") || qun_slice_is(kind, "select"))
      return choose(w, depth, write, name, kind);
    if (!kind_known(kind)) return broken(w, "no such kind of value");
    if (w->at < w->end && *w->at == ',') {
      w->at++;
      skip_space(w);
      style = word(w);
      skip_space(w);
    }
  }
  if (w->at == w->end || *w->at++ != '}') return broken(w, "a '}' is missing");
  if (write && !put_argument(w, name, kind, style)) put(w, true, from, w->at);
  return true;
}

/* To the end, or in a choice (depth > 0) to its '}'. */
static bool text(struct walk *w, unsigned depth, bool write, const struct number *number) {
  while (w->at < w->end) {
    const char *from = w->at;
    while (w->at < w->end && *w->at != '{' && *w->at != '}' && *w->at != '#') w->at++;
    put(w, write, from, w->at);
    if (w->at == w->end) break;
    if (*w->at == '}' && depth > 0) return true;
    if (*w->at == '#') {
      if (!number)
        put(w, write, w->at, w->at + 1);
      else if (write)
        qun__format_int(w->message->format, w->out, number->value);
      w->at++;
    } else if (w->end - w->at > 1 && w->at[1] == *w->at) {
      put(w, write, w->at, w->at + 1);
      w->at += 2;
    } else if (*w->at == '}') {
      put(w, write, w->at, w->at + 1);
      w->at++;
    } else {
      w->at++;
      if (!placeholder(w, depth, write)) return false;
    }
  }
  return depth == 0 || broken(w, "a choice has a '}' missing");
}

bool qun__message_format(struct qun_pack *out, qun_slice template, const struct qun__message *m) {
  const char *from = template.len ? template.ptr : "";
  struct walk w = {.begin = from, .at = from, .end = from + template.len, .message = m, .out = out};
  size_t before = out->len;
  if (!memchr(from, '{', (size_t) template.len) && !memchr(from, '}', (size_t) template.len)) {
    qun_pack_raw(out, template);
    return true;
  }
  if (text(&w, 0, true, NULL)) return true;
  out->len = before;
  qun_pack_raw(out, template);
  return false;
}

bool qun__message_scan(qun_slice template, void (*each)(void *arg, qun_slice name), void *arg, size_t *at,
                       const char **why) {
  const char *from = template.len ? template.ptr : "";
  struct walk w = {.begin = from, .at = from, .end = from + template.len, .each = each, .arg = arg};
  if (text(&w, 0, false, NULL)) return true;
  *at = (size_t)(w.at - from);
  *why = w.why;
  return false;
}
