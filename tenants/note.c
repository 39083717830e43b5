/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/note.h"

#include "tenants/base64.h"
#include "tenants/sha256.h"

#include <sodium.h>
#include <stdio.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

enum { ALGORITHM = 0x01, SIGNATURE_SIZE = 4 + 64, SIGNATURES_MAX = 64 };

static const char dash[] = "\xe2\x80\x94 "; /* U+2014 and a space, before each signature */

int qun__line(qun_slice *line, qun_slice *rest) {
  const char *end = rest->len ? memchr(rest->ptr, '\n', (size_t)rest->len) : NULL;
  if (!end) return 0;
  const char *start = rest->ptr;
  *line = qun_slice_of(start, (size_t)(end - start));
  *rest = qun_slice_of(end + 1, (size_t)(rest->len - line->len - 1));
  return 1;
}

int qun__decimal(uint64_t *out, qun_slice text) {
  const char *at = text.ptr;
  uint64_t value = 0;
  if (text.len == 0 || text.len > 20 || (at[0] == '0' && text.len > 1)) return 0;
  for (uint64_t i = 0; i < text.len; i++) {
    if (at[i] < '0' || at[i] > '9') return 0;
    if (__builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, (unsigned)(at[i] - '0'), &value))
      return 0;
  }
  *out = value;
  return 1;
}

/* Calls for every code point; false at the first that is not allowed or not UTF-8. */
static bool every_code_point(qun_slice text, bool (*allowed)(UChar32 c)) {
  const uint8_t *at = text.ptr;
  if (text.len > QUN_NOTE_MAX) return false;
  int32_t n = (int32_t)text.len;
  for (int32_t i = 0; i < n;) {
    UChar32 c;
    U8_NEXT(at, i, n, c);
    if (c < 0 || !allowed(c)) return false;
  }
  return true;
}

static bool in_a_name(UChar32 c) {
  return c != '+' && c >= 0x20 && !u_isUWhiteSpace(c);
}

static bool in_a_text(UChar32 c) {
  return c >= 0x20 || c == '\n';
}

/* ---- verifiers */

int qun_verifier_make(struct qun_verifier *out, const char *name, const unsigned char public_key[32],
                      struct qun_error *err) {
  static const unsigned char between[] = {'\n', ALGORITHM};
  unsigned char hash[QUN_SHA256_SIZE];
  struct qun_sha256 s;
  size_t n = strlen(name);
  if (n == 0 || n > QUN_KEY_NAME_MAX || !every_code_point(qun_str(name), in_a_name))
    return qun_error_set(err, QUN_EINVAL, "'%.80s' cannot name a key: 1 to 255 bytes of UTF-8 without spaces and '+'",
                         name);
  qun_sha256_init(&s);
  qun_sha256_update(&s, name, n);
  qun_sha256_update(&s, between, sizeof between);
  qun_sha256_update(&s, public_key, 32);
  qun_sha256_final(&s, hash);
  memcpy(out->name, name, n + 1);
  memcpy(out->id, hash, sizeof out->id);
  memcpy(out->key, public_key, 32);
  return 0;
}

int qun_verifier_read(struct qun_verifier *out, qun_slice text, struct qun_error *err) {
  static const char form[] = "a verifier key has the form name+id+key, as `qun audit key` prints it";
  char name[QUN_KEY_NAME_MAX + 1], hex[9];
  unsigned char key[1 + 32];
  struct qun_verifier v;
  const char *at = text.ptr, *plus = text.len ? memchr(at, '+', (size_t)text.len) : NULL;
  if (!plus || (size_t)(plus - at) >= sizeof name) return qun_error_set(err, QUN_EINVAL, "%s", form);
  size_t n = (size_t)(plus - at);
  if (text.len != n + 1 + 8 + 1 + 44 || at[n + 9] != '+') return qun_error_set(err, QUN_EINVAL, "%s", form);
  memcpy(name, at, n);
  name[n] = '\0';
  if (strlen(name) != n) return qun_error_set(err, QUN_EINVAL, "%s", form);
  if (!qun_base64_read_exactly(key, sizeof key, qun_slice_of(at + n + 10, 44)) || key[0] != ALGORITHM)
    return qun_error_set(err, QUN_EINVAL, "%s: its last part is not the base64 of an Ed25519 key", form);
  int code = qun_verifier_make(&v, name, key + 1, err);
  if (code) return code;
  sodium_bin2hex(hex, sizeof hex, v.id, sizeof v.id);
  if (memcmp(hex, at + n + 1, 8) != 0)
    return qun_error_set(err, QUN_EINVAL, "the id of verifier key %s should be %s: name or key was altered", name, hex);
  *out = v;
  return 0;
}

char *qun_verifier_write(char out[QUN_VERIFIER_TEXT_SIZE], const struct qun_verifier *v) {
  unsigned char key[1 + 32] = {ALGORITHM};
  char hex[9], base64[QUN_BASE64_SIZE(sizeof key)];
  memcpy(key + 1, v->key, 32);
  sodium_bin2hex(hex, sizeof hex, v->id, sizeof v->id);
  snprintf(out, QUN_VERIFIER_TEXT_SIZE, "%s+%s+%s", v->name, hex, qun_base64_write(base64, key, sizeof key));
  return out;
}

int qun_verifier_check(const struct qun_verifier *v, qun_slice message, qun_slice signature) {
  if (signature.len != crypto_sign_BYTES) return QUN_EINVAL;
  return crypto_sign_verify_detached(signature.ptr, message.ptr, message.len, v->key) == 0 ? 0 : QUN_EINVAL;
}

/* ---- notes */

static bool ends_with_newline(qun_slice text) {
  return text.len && ((const char *)text.ptr)[text.len - 1] == '\n';
}

int qun_note_sign(struct qun_pack *out, qun_slice text, const struct qun_verifier *who, qun_note_signer sign, void *arg,
                  struct qun_error *err) {
  unsigned char signature[SIGNATURE_SIZE];
  char base64[QUN_BASE64_SIZE(SIGNATURE_SIZE)];
  if (!ends_with_newline(text) || !every_code_point(text, in_a_text))
    return qun_error_set(err, QUN_EINVAL,
                         "a note's text is up to 1 MiB of UTF-8 without control characters, a newline last");
  memcpy(signature, who->id, sizeof who->id);
  int code = sign(arg, text, signature + sizeof who->id, err);
  if (code) return code;
  qun_pack_raw(out, text);
  qun_pack_raw(out, qun_str("\n"));
  qun_pack_raw(out, qun_str(dash));
  qun_pack_raw(out, qun_str(who->name));
  qun_pack_raw(out, qun_str(" "));
  qun_pack_raw(out, qun_str(qun_base64_write(base64, signature, sizeof signature)));
  qun_pack_raw(out, qun_str("\n"));
  return out->failed ? qun_error_set(err, QUN_EFAIL, "out of memory") : 0;
}

/* Text and signature lines part at the last empty line. */
static int split_note(qun_slice *text, qun_slice *signatures, qun_slice note, struct qun_error *err) {
  const char *at = note.ptr;
  if (note.len > QUN_NOTE_MAX) return qun_error_set(err, QUN_EINVAL, "a note of more than 1 MiB");
  if (!ends_with_newline(note)) return qun_error_set(err, QUN_EINVAL, "the note does not end with a newline");
  if (!every_code_point(note, in_a_text))
    return qun_error_set(err, QUN_EINVAL, "the note holds bytes that are not plain UTF-8 text");
  for (uint64_t i = note.len - 1; i > 0; i--) {
    if (at[i] != '\n' || at[i - 1] != '\n') continue;
    *text = qun_slice_of(at, (size_t)i);
    *signatures = qun_slice_of(at + i + 1, (size_t)(note.len - i - 1));
    return 0;
  }
  return qun_error_set(err, QUN_EINVAL, "the note has no empty line before its signatures");
}

/* Which known key a signature line is by; -1 with a message. */
static int signer_of(qun_slice line, qun_slice text, const struct qun_verifier *known, uint32_t count,
                     struct qun_error *err) {
  unsigned char signature[SIGNATURE_SIZE];
  const char *at = line.ptr;
  size_t mark = sizeof dash - 1, base64 = QUN_BASE64_SIZE(SIGNATURE_SIZE) - 1;
  if (line.len < mark + 2 + base64 || memcmp(at, dash, mark) != 0 || at[line.len - base64 - 1] != ' ') {
    qun_error_set(err, QUN_EINVAL, "a line below the text is not the signature of an Ed25519 key");
    return -1;
  }
  qun_slice name = qun_slice_of(at + mark, (size_t)line.len - mark - 1 - base64);
  if (!qun_base64_read_exactly(signature, sizeof signature, qun_slice_of(at + line.len - base64, base64))) {
    qun_error_set(err, QUN_EINVAL, "the signature line of %.*s is not canonical base64", (int)name.len,
                  (const char *)name.ptr);
    return -1;
  }
  for (uint32_t i = 0; i < count; i++) {
    if (!qun_slice_is(name, known[i].name) || memcmp(signature, known[i].id, sizeof known[i].id) != 0) continue;
    if (qun_verifier_check(&known[i], text, qun_slice_of(signature + 4, 64)) == 0) return (int)i;
    qun_error_set(err, QUN_EINVAL, "the signature of %s does not fit the text", known[i].name);
    return -1;
  }
  qun_error_set(err, QUN_EINVAL, "signed by %.*s with key %02x%02x%02x%02x, which is not the key given", (int)name.len,
                (const char *)name.ptr, signature[0], signature[1], signature[2], signature[3]);
  return -1;
}

int qun_note_open(qun_slice *out, qun_slice note, const struct qun_verifier *known, uint32_t count,
                  struct qun_error *err) {
  qun_slice text = {NULL, 0}, rest = {NULL, 0}, line;
  uint64_t signed_by = 0;
  if (count == 0 || count > SIGNATURES_MAX)
    return qun_error_set(err, QUN_EINVAL, "a note is checked with 1 to 64 keys");
  int code = split_note(&text, &rest, note, err);
  if (code) return code;
  while (qun__line(&line, &rest)) {
    int who = signer_of(line, text, known, count, err);
    if (who < 0) return QUN_EINVAL;
    if (signed_by >> who & 1) return qun_error_set(err, QUN_EINVAL, "%s signed the note twice", known[who].name);
    signed_by |= (uint64_t)1 << who;
  }
  if (!(signed_by & 1)) return qun_error_set(err, QUN_EINVAL, "the note is not signed by %s", known[0].name);
  *out = text;
  return 0;
}

/* ---- checkpoints */

void qun_checkpoint_write(struct qun_pack *out, const char *origin, uint64_t size, const unsigned char root[32]) {
  char number[24], base64[QUN_BASE64_SIZE(32)];
  int n = snprintf(number, sizeof number, "\n%llu\n", (unsigned long long)size);
  qun_pack_raw(out, qun_str(origin));
  qun_pack_raw(out, qun_slice_of(number, (size_t)n));
  qun_pack_raw(out, qun_str(qun_base64_write(base64, root, 32)));
  qun_pack_raw(out, qun_str("\n"));
}

int qun_checkpoint_read(struct qun_checkpoint *out, qun_slice body, struct qun_error *err) {
  struct qun_checkpoint c = {.size = 0};
  qun_slice size, root, line, rest = body;
  size_t n;
  if (!qun__line(&c.origin, &rest) || !qun__line(&size, &rest) || !qun__line(&root, &rest))
    return qun_error_set(err, QUN_EINVAL, "a checkpoint has three lines at least: origin, size, root");
  if (c.origin.len == 0) return qun_error_set(err, QUN_EINVAL, "the checkpoint's first line, its origin, is empty");
  if (!qun__decimal(&c.size, size))
    return qun_error_set(err, QUN_EINVAL, "the checkpoint's second line is not a tree size");
  if (!qun_base64_read(c.root, sizeof c.root, &n, root) || n == 0)
    return qun_error_set(err, QUN_EINVAL, "the checkpoint's third line is not the base64 of a root");
  c.root_size = (uint32_t)n;
  c.extension = rest;
  while (qun__line(&line, &rest))
    if (line.len == 0) return qun_error_set(err, QUN_EINVAL, "the checkpoint has an empty line");
  if (rest.len) return qun_error_set(err, QUN_EINVAL, "the checkpoint does not end with a newline");
  *out = c;
  return 0;
}

int qun_checkpoint_open(struct qun_checkpoint *out, qun_slice note, const struct qun_verifier *known, uint32_t count,
                        struct qun_error *err) {
  struct qun_checkpoint c;
  qun_slice text;
  int code = qun_note_open(&text, note, known, count, err);
  if (!code) code = qun_checkpoint_read(&c, text, err);
  if (code) return code;
  if (!qun_slice_is(c.origin, known[0].name))
    return qun_error_set(err, QUN_EINVAL, "the checkpoint's origin is %.*s, its key's name %s", (int)c.origin.len,
                         (const char *)c.origin.ptr, known[0].name);
  if (c.root_size != 32) return qun_error_set(err, QUN_EINVAL, "the checkpoint's root is not a SHA-256 hash");
  *out = c;
  return 0;
}
