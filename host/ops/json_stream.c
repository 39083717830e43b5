/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/normalise.h"
#include "host/ops/json_build.h"

#include <stdlib.h>

enum { CHUNK = 64 * 1024, ELEMENT_MAX = 1024 * 1024 };

enum token_kind { T_NULL, T_BOOL, T_NUMBER, T_STRING, T_KEY, T_MAP, T_ARRAY, T_END };

struct token {
  enum token_kind kind;
  int flag;
  qun_slice text;
};

enum target { NOTHING, ROOT_MEMBER, ELEMENT };

struct qun_json_stream {
  ptrdiff_t (*read)(void *arg, void *buf, size_t size);
  void *arg;
  yajl_handle yajl;
  char *array;    /* NULL: the root is the array */
  unsigned depth; /* open containers outside of what is being built */
  bool in_array;
  bool found;  /* the array was there */
  bool wanted; /* its key was just read */
  bool ended;  /* no more bytes */
  struct qun_error broken;
  enum target target;
  unsigned inside; /* open containers of what is being built */
  bool skipping;   /* it is refused; its rest is stepped over */
  struct qun_json_build build;
  struct qun_pack element;
  struct qun_pack root;
  uint32_t root_count;
  size_t root_was;
  struct qun_pack ready; /* elements not yet given: value, or nil and a reason */
  size_t given;
  uint64_t number; /* given */
  uint64_t made;   /* read */
  char chunk[CHUNK];
};

static int broken(struct qun_json_stream *s, const char *reason) {
  qun_error_set(&s->broken, QUN_EINVAL, "%s", reason);
  return 0;
}

static void begin(struct qun_json_stream *s, enum target target) {
  struct qun_pack *out = target == ELEMENT ? &s->element : &s->root;
  if (target == ELEMENT) qun_pack_clear(out);
  s->target = target;
  s->inside = 0;
  s->skipping = false;
  qun__json_build_init(&s->build, out);
}

static void finish_element(struct qun_json_stream *s) {
  s->made++;
  if (!s->skipping) {
    qun_pack_bool(&s->ready, 1);
    qun_pack_raw(&s->ready, qun_pack_slice(&s->element));
  } else {
    char reason[sizeof s->build.err.message];
    snprintf(reason, sizeof reason, "%s", s->build.err.message);
    qun_pack_bool(&s->ready, 0);
    qun_pack_str(&s->ready, qun_slice_of(reason, strlen(reason) + 1)); /* with its NUL: given as a C text */
  }
}

static void finish(struct qun_json_stream *s) {
  if (s->target == ELEMENT)
    finish_element(s);
  else if (s->skipping)
    s->root.len = s->root_was;
  else
    s->root_count++;
  s->target = NOTHING;
}

static int forward(struct qun_json_build *b, const struct token *t) {
  switch (t->kind) {
  case T_NULL: return qun__json_build_null(b);
  case T_BOOL: return qun__json_build_bool(b, t->flag);
  case T_NUMBER: return qun__json_build_number(b, t->text);
  case T_STRING: return qun__json_build_string(b, t->text);
  case T_KEY: return qun__json_build_key(b, t->text);
  case T_MAP: return qun__json_build_start(b, true);
  case T_ARRAY: return qun__json_build_start(b, false);
  case T_END: return qun__json_build_end(b);
  }
  return 0;
}

static int check(struct qun_json_stream *s, const struct token *t) {
  struct qun_error *err = &s->build.err;
  if ((t->kind == T_STRING || t->kind == T_KEY) && !qun_utf8_valid(t->text))
    qun_error_set(err, QUN_EINVAL, "a text is not valid UTF-8 without NUL");
  else if (s->build.out->len + t->text.len > ELEMENT_MAX)
    qun_error_set(err, QUN_EINVAL, "longer than %d bytes", ELEMENT_MAX);
  return err->code == 0;
}

static int build(struct qun_json_stream *s, const struct token *t) {
  if (t->kind == T_MAP || t->kind == T_ARRAY) s->inside++;
  if (t->kind == T_END) s->inside--;
  if (!s->skipping && !(check(s, t) && forward(&s->build, t))) s->skipping = true;
  if (s->inside == 0 && t->kind != T_KEY) finish(s);
  return 1;
}

static int at_root(struct qun_json_stream *s, const struct token *t) {
  if (t->kind != (s->array ? T_MAP : T_ARRAY))
    return broken(s, s->array ? "the document is not an object" : "the document is not a list");
  s->depth = 1;
  s->in_array = s->found = !s->array;
  return 1;
}

static int in_root_object(struct qun_json_stream *s, const struct token *t) {
  if (t->kind == T_END) {
    s->depth = 0;
    return 1;
  }
  if (t->kind == T_KEY && qun_slice_eq(t->text, qun_str(s->array))) {
    if (s->found) return broken(s, "its list is given twice");
    s->wanted = true;
    return 1;
  }
  if (t->kind == T_KEY) {
    s->root_was = s->root.len;
    qun_pack_str(&s->root, t->text);
    begin(s, ROOT_MEMBER);
    return 1;
  }
  if (!s->wanted || t->kind != T_ARRAY) return broken(s, "its list is not a list");
  s->wanted = false;
  s->in_array = s->found = true;
  s->depth = 2;
  return 1;
}

static int token(struct qun_json_stream *s, const struct token *t) {
  if (s->target != NOTHING) return build(s, t);
  if (s->depth == 0) return at_root(s, t);
  if (!s->in_array) return in_root_object(s, t);
  if (t->kind == T_END) {
    s->in_array = false;
    s->depth--;
    return 1;
  }
  begin(s, ELEMENT);
  return build(s, t);
}

static int on_null(void *s) {
  return token(s, &(struct token){.kind = T_NULL});
}
static int on_bool(void *s, int v) {
  return token(s, &(struct token){.kind = T_BOOL, .flag = v});
}
static int on_number(void *s, const char *at, size_t n) {
  return token(s, &(struct token){.kind = T_NUMBER, .text = qun_slice_of(at, n)});
}
static int on_string(void *s, const unsigned char *at, size_t n) {
  return token(s, &(struct token){.kind = T_STRING, .text = qun_slice_of(at, n)});
}
static int on_key(void *s, const unsigned char *at, size_t n) {
  return token(s, &(struct token){.kind = T_KEY, .text = qun_slice_of(at, n)});
}
static int on_map(void *s) {
  return token(s, &(struct token){.kind = T_MAP});
}
static int on_array(void *s) {
  return token(s, &(struct token){.kind = T_ARRAY});
}
static int on_end(void *s) {
  return token(s, &(struct token){.kind = T_END});
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_end,
};

int qun_json_stream_open(struct qun_json_stream **out, const char *array,
                         ptrdiff_t (*read)(void *arg, void *buf, size_t size), void *arg) {
  struct qun_json_stream *s = calloc(1, sizeof *s);
  if (!s) return QUN_EFAIL;
  s->read = read;
  s->arg = arg;
  s->array = array ? strdup(array) : NULL;
  s->yajl = yajl_alloc(&callbacks, NULL, s);
  if (!s->yajl || (array && !s->array)) {
    qun_json_stream_close(s);
    return QUN_EFAIL;
  }
  /* a wrong byte refuses one element (see check), not the document */
  yajl_config(s->yajl, yajl_dont_validate_strings, 1);
  qun_pack_init(&s->element);
  qun_pack_init(&s->root);
  qun_pack_init(&s->ready);
  *out = s;
  return QUN_OK;
}

void qun_json_stream_close(struct qun_json_stream *s) {
  if (!s) return;
  if (s->yajl) yajl_free(s->yajl);
  free(s->array);
  qun_pack_fini(&s->element);
  qun_pack_fini(&s->root);
  qun_pack_fini(&s->ready);
  free(s);
}

static void note_syntax(struct qun_json_stream *s) {
  unsigned char *words = yajl_get_error(s->yajl, 0, NULL, 0);
  const char *from = words ? (const char *)words : "broken";
  const char *colon = strstr(from, "error: ");
  if (colon) from = colon + 7;
  qun_error_set(&s->broken, QUN_EINVAL, "not valid JSON after entry %llu: %.*s", (unsigned long long)s->made,
                (int)strcspn(from, "\n"), from);
  if (words) yajl_free_error(s->yajl, words);
}

/* Reads one more piece. What stood before a break was good and is given first. */
static void advance(struct qun_json_stream *s) {
  ptrdiff_t n = s->read(s->arg, s->chunk, sizeof s->chunk);
  yajl_status st;
  s->ended = n <= 0;
  if (n < 0) {
    qun_error_set(&s->broken, QUN_EINVAL, "the file could not be read to its end");
    return;
  }
  st = n > 0 ? yajl_parse(s->yajl, (const unsigned char *)s->chunk, (size_t)n) : yajl_complete_parse(s->yajl);
  if (st == yajl_status_error)
    note_syntax(s);
  else if (s->ended && !s->found && s->broken.code == 0)
    broken(s, "the document has no such list");
}

static int give(struct qun_json_stream *s, struct qun_json_element *element) {
  struct qun_unpack u;
  int ok;
  qun_slice reason;
  qun_unpack_init(&u, qun_slice_of(s->ready.buf + s->given, s->ready.len - s->given));
  memset(element, 0, sizeof *element);
  element->number = ++s->number;
  if (!qun_unpack_bool(&u, &ok)) return 0;
  if (ok && !qun_unpack_any(&u, &element->value)) return 0;
  if (!ok && !qun_unpack_str(&u, &reason)) return 0;
  if (!ok) element->reason = reason.ptr;
  s->given = (size_t)(u.at - s->ready.buf);
  return 1;
}

int qun_json_stream_next(struct qun_json_stream *s, struct qun_json_element *element, struct qun_error *err) {
  while (s->given == s->ready.len) {
    if (s->broken.code != 0) return qun_error_set(err, s->broken.code, "%s", s->broken.message);
    if (s->ended) return 0;
    qun_pack_clear(&s->ready);
    s->given = 0;
    advance(s);
    if (s->ready.failed || s->root.failed || s->element.failed) return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  return give(s, element) ? 1 : qun_error_set(err, QUN_EFAIL, "out of memory");
}

void qun_json_stream_root(const struct qun_json_stream *s, struct qun_pack *out) {
  qun_pack_map(out, s->root_count);
  qun_pack_raw(out, qun_slice_of(s->root.buf, s->target == ROOT_MEMBER ? s->root_was : s->root.len));
}
