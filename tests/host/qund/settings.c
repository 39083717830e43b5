/* SPDX-License-Identifier: Apache-2.0 */
#include "host/qund/settings.h"

#include <criterion/criterion.h>
#include <qun/plugin.h>
#include <stdlib.h>
#include <unistd.h>

static struct qun_qund_settings s;
static struct qun_error err;
static enum qun_qund_wish wish;
enum { WORDS = 12 };

/* Reads a command line given as words up to NULL. */
static int read_line(const char *const *words) {
  char *argv[WORDS] = {(char[]){"qund"}}, copies[WORDS][200];
  int argc = 1;
  for (; *words; words++, argc++) {
    snprintf(copies[argc], sizeof copies[argc], "%s", *words);
    argv[argc] = copies[argc];
  }
  return qun_qund_settings_read(&s, argc, argv, &wish, &err);
}

#define LINE(...) read_line((const char *const[]){__VA_ARGS__, NULL})

static void fini(void) {
  qun_qund_settings_fini(&s);
}

TestSuite(host_qund_settings, .fini = fini);

Test(host_qund_settings, fills_in_the_defaults) {
  cr_assert_eq(LINE("--data", "/d"), 0, "%s", err.message);
  cr_assert_str_eq(s.data, "/d");
  cr_assert_str_eq(s.listen, "127.0.0.1:8480");
  cr_assert_null(s.keys);
  cr_assert_eq(qun_qund_number(s.body_limit), 16u << 20);
  cr_assert_eq(qun_qund_number(s.allow_untrusted), 0);
}

Test(host_qund_settings, takes_both_forms_of_an_option) {
  cr_assert_eq(LINE("--data=/d", "--body-limit", "2M", "--body_budget=1G", "--allow-untrusted", "--shards=4"), 0, "%s",
               err.message);
  cr_assert_eq(qun_qund_number(s.body_limit), 2u << 20);
  cr_assert_eq(qun_qund_number(s.body_budget), 1u << 30);
  cr_assert_eq(qun_qund_number(s.allow_untrusted), 1);
  cr_assert_eq(qun_qund_number(s.shards), 4);
}

Test(host_qund_settings, refusals_name_the_thing) {
  static const struct {
    const char *words[5], *named;
  } table[] = {{{NULL}, "--data"},
               {{"--data"}, "--data"},
               {{"--data", "/d", "--shards", "0"}, "shards"},
               {{"--data", "/d", "--shards", "2x"}, "shards"},
               {{"--data", "/d", "--shards=-1"}, "shards"},
               {{"--data", "/d", "--body-limit", "99999999999999999999"}, "body_limit"},
               {{"--data", "/d", "--nosuch", "1"}, "--nosuch"},
               {{"--data", "/d", "stray"}, "stray"},
               {{"--data", "/d", "--allow-untrusted=perhaps"}, "allow_untrusted"},
               {{"--data="}, "data"}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    cr_assert_eq(read_line(table[i].words), QUN_EINVAL, "case %zu", i);
    cr_assert_not_null(strstr(err.message, table[i].named), "case %zu: %s", i, err.message);
    qun_qund_settings_fini(&s);
  }
}

static char path[32];

static void write_file(const char *text) {
  strcpy(path, "/tmp/qun-settings-XXXXXX");
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
}

Test(host_qund_settings, the_command_line_goes_before_the_file) {
  write_file("data: /from-file\nshards: 3\nlisten: \"[::1]:1\"\n");
  cr_assert_eq(LINE("--shards", "5", "--config", path), 0, "%s", err.message);
  unlink(path);
  cr_assert_str_eq(s.data, "/from-file");
  cr_assert_str_eq(s.shards, "5");
  cr_assert_str_eq(s.listen, "[::1]:1");
}

Test(host_qund_settings, a_bad_file_is_named_with_the_key) {
  static const char *const bad[][2] = {{"data: /d\nshards: many\n", "shards"},
                                       {"data: /d\nnosuch: 1\n", "nosuch"},
                                       {"data: [", ""},
                                       {"- 1\n", ""}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    write_file(bad[i][0]);
    cr_assert_eq(LINE("--config", path), QUN_EINVAL, "case %zu", i);
    unlink(path);
    cr_assert_not_null(strstr(err.message, path), "case %zu: %s", i, err.message);
    cr_assert_not_null(strstr(err.message, bad[i][1]), "case %zu: %s", i, err.message);
    qun_qund_settings_fini(&s);
  }
  cr_assert_eq(LINE("--config", "/nosuch/file"), QUN_EINVAL);
  cr_assert_not_null(strstr(err.message, "/nosuch/file"));
}

Test(host_qund_settings, help_lists_every_setting) {
  char *text = NULL;
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  qun_qund_help(out);
  fclose(out);
#define X(name, kind, fallback, least, most, placeholder, help) cr_assert_not_null(strstr(text, help), "%s", #name);
  QUN_QUND_SETTINGS(X)
#undef X
  free(text);
  cr_assert_eq(LINE("--help"), 0);
  cr_assert_eq(wish, QUN_QUND_HELP);
}
