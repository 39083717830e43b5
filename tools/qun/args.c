/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct qun_flag *find_flag(const struct qun_flag *flags, const char *name, size_t len) {
  for (; flags && flags->name; flags++)
    if (strlen(flags->name) == len && memcmp(flags->name, name, len) == 0) return flags;
  return NULL;
}

/* A flag of any command: before the words are known, only this tells whether a value follows. */
static const struct qun_flag *find_any_flag(const char *name, size_t len) {
  const struct qun_flag *f = find_flag(qun_global_flags, name, len);
  for (const struct qun_command *c = qun_commands; c->words && !f; c++) f = find_flag(c->flags, name, len);
  return f;
}

static int take_flag(struct qun_args *args, int argc, char **argv, int *i, struct qun_error *err) {
  const char *text = argv[*i] + 2, *equals = strchr(text, '=');
  size_t len = equals ? (size_t)(equals - text) : strlen(text);
  const struct qun_flag *f = find_any_flag(text, len);
  if (!f) return qun_error_set(err, QUN_EINVAL, "there is no flag --%.*s", (int)len, text);
  if (args->flags_count == QUN_CLI_FLAGS_MAX) return qun_error_set(err, QUN_EINVAL, "too many flags");
  if (!f->value && equals) return qun_error_set(err, QUN_EINVAL, "--%s takes no value", f->name);
  const char *value = f->value ? equals ? equals + 1 : *i + 1 < argc ? argv[++*i] : NULL : "";
  if (!value) return qun_error_set(err, QUN_EINVAL, "--%s needs a value: --%s %s", f->name, f->name, f->value);
  args->flags[args->flags_count].name = f->name;
  args->flags[args->flags_count++].value = value;
  return 0;
}

static int split(struct qun_args *args, int argc, char **argv, struct qun_error *err) {
  bool flags = true;
  for (int i = 1; i < argc; i++) {
    if (flags && strcmp(argv[i], "--") == 0) {
      flags = false;
    } else if (flags && strncmp(argv[i], "--", 2) == 0) {
      int rc = take_flag(args, argc, argv, &i, err);
      if (rc < 0) return rc;
    } else if (flags && argv[i][0] == '-' && argv[i][1] != '\0' && (argv[i][1] < '0' || argv[i][1] > '9')) {
      return qun_error_set(err, QUN_EINVAL, "there is no flag %s; flags begin with two dashes", argv[i]);
    } else if (args->count == QUN_CLI_WORDS_MAX) {
      return qun_error_set(err, QUN_EINVAL, "too many arguments");
    } else {
      args->words[args->count++] = argv[i];
    }
  }
  return 0;
}

/* How many of the words the command's own words take; 0 if they are not there. */
static uint32_t match(const char *command, const struct qun_args *args) {
  uint32_t n = 0;
  for (const char *at = command; *at;) {
    size_t len = strcspn(at, " ");
    if (n == args->count || strlen(args->words[n]) != len || memcmp(args->words[n], at, len) != 0) return 0;
    n++;
    at += len + (at[len] == ' ');
  }
  return n;
}

static void find_command(struct qun_args *args) {
  uint32_t best = 0;
  for (const struct qun_command *c = qun_commands; c->words; c++) {
    uint32_t n = match(c->words, args);
    if (n <= best) continue;
    best = n;
    args->command = c;
  }
  args->count -= best;
  memmove(args->words, args->words + best, args->count * sizeof args->words[0]);
}

static int check_flags(const struct qun_args *args, struct qun_error *err) {
  for (uint32_t i = 0; i < args->flags_count; i++) {
    const char *name = args->flags[i].name;
    if (find_flag(qun_global_flags, name, strlen(name)) || find_flag(args->command->flags, name, strlen(name)))
      continue;
    return qun_error_set(err, QUN_EINVAL, "\"%s\" has no flag --%s", args->command->words, name);
  }
  return 0;
}

static int check_count(const struct qun_args *args, struct qun_error *err) {
  uint32_t least = 0, most = 0;
  bool many = false;
  for (const char *at = args->command->args; *at;) {
    size_t len = strcspn(at, " ");
    most++;
    least += at[0] != '[';
    many |= len > 3 && (memcmp(at + len - 3, "...", 3) == 0 || (len > 4 && memcmp(at + len - 4, "...]", 4) == 0));
    at += len + (at[len] == ' ');
  }
  if (args->count >= least && (many || args->count <= most)) return 0;
  return qun_error_set(err, QUN_EINVAL, "usage: qun %s%s%s", args->command->words, most ? " " : "",
                       args->command->args);
}

int qun_args_parse(struct qun_args *args, int argc, char **argv, struct qun_error *err) {
  memset(args, 0, sizeof *args);
  int rc = split(args, argc, argv, err);
  if (rc < 0) return rc;
  find_command(args);
  if (!args->command || qun_args_flag(args, "help")) return 0;
  rc = check_flags(args, err);
  return rc < 0 ? rc : check_count(args, err);
}

const char *qun_args_flag(const struct qun_args *args, const char *name) {
  for (uint32_t i = args->flags_count; i-- > 0;)
    if (strcmp(args->flags[i].name, name) == 0) return args->flags[i].value;
  return NULL;
}

const char *qun_args_word(const struct qun_args *args, uint32_t nth) {
  return nth < args->count ? args->words[nth] : NULL;
}

int qun_args_number(const struct qun_args *args, const char *name, int64_t otherwise, int64_t least, int64_t most,
                    int64_t *out, struct qun_error *err) {
  const char *text = qun_args_flag(args, name);
  char *end;
  *out = otherwise;
  if (!text) return 0;
  errno = 0;
  long long v = strtoll(text, &end, 10);
  if (errno || end == text || *end || v < least || v > most)
    return qun_error_set(err, QUN_EINVAL, "--%s must be a whole number from %lld to %lld, not \"%.60s\"", name,
                         (long long)least, (long long)most, text);
  *out = v;
  return 0;
}
