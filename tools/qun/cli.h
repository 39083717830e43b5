/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line. One table of commands (tools/qun/commands.c); the parser, `qun help` and the tests are made from
 * it. Every command is a client of the API (tools/qun/client.h), so what it prints is what the API answers. Results go
 * to `out`, all else (errors, progress) to `err`. One thread.
 */
#ifndef QUN_TOOLS_QUN_CLI_H
#define QUN_TOOLS_QUN_CLI_H

#include "host/plugins/manifest.h"
#include "tools/qun/client.h"

#include <stdio.h>

enum { QUN_EXIT_OK = 0, QUN_EXIT_NO = 1, QUN_EXIT_USAGE = 2, QUN_EXIT_FAILED = 3 };
enum { QUN_CLI_WORDS_MAX = 256, QUN_CLI_FLAGS_MAX = 64 };

struct qun_flag {
  const char *name;  /* without the dashes; a list ends with NULL */
  const char *value; /* what stands after it, for help; NULL: a switch */
  struct qun_text help;
};

struct qun_cli;

struct qun_command {
  const char *words; /* "tenant create" */
  const char *
      args; /* "NAME [FILE]": one word an argument, optional ones in brackets, "..." after the last for many; "" none */
  const struct qun_flag *flags; /* of its own; NULL none */
  struct qun_text help;
  int (*run)(struct qun_cli *cli); /* answers the exit status */
};

extern const struct qun_command qun_commands[]; /* ends with NULL words */
extern const struct qun_flag qun_global_flags[];

/* A command line taken apart. */
struct qun_args {
  const struct qun_command *command;    /* NULL: none was given */
  const char *words[QUN_CLI_WORDS_MAX]; /* arguments behind the command's words, borrowed from argv */
  uint32_t count;
  struct {
    const char *name, *value; /* value "" for a switch */
  } flags[QUN_CLI_FLAGS_MAX];
  uint32_t flags_count;
};

struct qun_cli {
  struct qun_args args;
  FILE *out, *err;
  bool json; /* --json */
  bool zh;   /* the person reads Chinese */
  struct qun_client *client;
};

/* Runs one command line; the exit status. */
int qun_cli_main(int argc, char **argv, FILE *out, FILE *err);

/* ---- args.c. Flags may stand before or behind the words; "--" ends them. 0, or QUN_EINVAL with a sentence for the
 * person. */
int qun_args_parse(struct qun_args *args, int argc, char **argv, struct qun_error *err);
/* The last value of a flag, "" for a switch that is on, NULL when absent. */
const char *qun_args_flag(const struct qun_args *args, const char *name);
/* The nth argument, or NULL. */
const char *qun_args_word(const struct qun_args *args, uint32_t nth);
/* A flag as a whole number of least..most; `otherwise` when absent. QUN_EINVAL names flag and bounds. */
int qun_args_number(const struct qun_args *args, const char *name, int64_t otherwise, int64_t least, int64_t most,
                    int64_t *out, struct qun_error *err);

/* ---- help.c */
int qun_help_run(struct qun_cli *cli);
/* Commands whose words begin with `words`; all if "". 0 when there is none. */
int qun_help_print(const struct qun_cli *cli, FILE *to, const char *words);

/* ---- answer.c: what commands share */
/* "qun: message" on err; answers `status`. */
int qun_cli_fail(const struct qun_cli *cli, int status, const struct qun_error *err);
int qun_cli_usage(const struct qun_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Opens the client on first use. 0, or the exit status after saying why. */
int qun_cli_open(struct qun_cli *cli);
/* The host says when to come back: a full queue (429), or one that is starting or stopping (503). */
bool qun_cli_should_wait(const struct qun_client_answer *answer);
/* One request, sent again while the host says "later" (429, 503). 0 and an answer of any status (fini it), or the exit
 * status after saying why. */
int qun_cli_ask_patiently(struct qun_cli *cli, const struct qun_client_request *request,
                          struct qun_client_answer *answer);
/* One request; 0 and an answer of 2xx (fini it), or the exit status after saying why. */
int qun_cli_ask(struct qun_cli *cli, const struct qun_client_request *request, struct qun_client_answer *answer);
/* Says what an answer that is not 2xx says. Answers QUN_EXIT_FAILED. */
int qun_cli_refused(const struct qun_cli *cli, const struct qun_client_answer *answer);
/* A msgpack value for the person: JSON on one line with --json, else laid out in lines. */
void qun_cli_print_map(const struct qun_cli *cli, qun_slice map);
/* A text of its own form: as it is, or {name: text} with --json. */
void qun_cli_print_text(const struct qun_cli *cli, const char *name, qun_slice text);
/* A request whose body is a msgpack map sent as JSON (empty: no body); the answer as msgpack appended to `reply`. 0, or
 * the exit status after saying why. */
int qun_cli_ask_map(struct qun_cli *cli, const char *method, const char *path, const char *query, qun_slice map,
                    struct qun_pack *reply);
/* The same, and prints the answer with qun_cli_print_map. */
int qun_cli_ask_and_print(struct qun_cli *cli, const char *method, const char *path, const char *query, qun_slice map);

/* ---- url.c. Both end `out` with a NUL that does not count; NULL when memory ran out. */
/* "/v1/tenants/%s/reports/%s": each %s a text, percent-encoded. */
const char *qun_url_path(struct qun_pack *out, const char *format, ...);
/* "view=%s&from=%s": the same; members whose text is NULL are left out. */
const char *qun_url_query(struct qun_pack *out, const char *format, ...);

/* ---- progress.c: a bar on a terminal, nothing in a pipe */
struct qun_progress {
  FILE *to; /* NULL: silent */
  const char *label;
  int64_t begun_ms, drawn_ms;
};
void qun_progress_begin(struct qun_progress *p, const struct qun_cli *cli, const char *label);
/* `total` 0: not known. `note`: words behind the bar, or NULL. */
void qun_progress_draw(struct qun_progress *p, uint64_t done, uint64_t total, const char *note);
/* Clears the line. */
void qun_progress_end(struct qun_progress *p);

/* ---- cmd_tenant.c */
/* Makes a tenant from the flags profile, title, lang and zone; what the host answered, with the tokens, in `reply`. */
int qun_cli_tenant_create(struct qun_cli *cli, const char *name, bool simulated, struct qun_pack *reply);

/* ---- cmd_audit.c */
/* A checkpoint's text from a file, appended. QUN_ENOTFOUND, QUN_EINVAL. */
int qun_cli_read_checkpoint(const char *path, struct qun_pack *out, struct qun_error *err);

/* ---- the commands, in cmd_<subject>.c */
int qun_cmd_tenant_create(struct qun_cli *cli);
int qun_cmd_tenant_list(struct qun_cli *cli);
int qun_cmd_tenant_show(struct qun_cli *cli);
int qun_cmd_tenant_set(struct qun_cli *cli);
int qun_cmd_tenant_delete(struct qun_cli *cli);
int qun_cmd_event_send(struct qun_cli *cli);
int qun_cmd_event_import(struct qun_cli *cli);
int qun_cmd_event_tail(struct qun_cli *cli);
int qun_cmd_report(struct qun_cli *cli);
int qun_cmd_call(struct qun_cli *cli);
int qun_cmd_audit_run(struct qun_cli *cli);
int qun_cmd_audit_checkpoint(struct qun_cli *cli);
int qun_cmd_audit_key(struct qun_cli *cli);
int qun_cmd_audit_verify(struct qun_cli *cli);
int qun_cmd_audit_prove(struct qun_cli *cli);
int qun_cmd_replay(struct qun_cli *cli);
int qun_cmd_simulate(struct qun_cli *cli);
int qun_cmd_bench(struct qun_cli *cli);
int qun_cmd_backup(struct qun_cli *cli);
int qun_cmd_backup_verify(struct qun_cli *cli);
int qun_cmd_restore(struct qun_cli *cli);
int qun_cmd_erase(struct qun_cli *cli);
int qun_cmd_doctor(struct qun_cli *cli);
int qun_cmd_tenant_export(struct qun_cli *cli);
int qun_cmd_plugin_new(struct qun_cli *cli);
int qun_cmd_plugin_pack(struct qun_cli *cli);
int qun_cmd_plugin_sign(struct qun_cli *cli);
int qun_cmd_plugin_key_new(struct qun_cli *cli);
int qun_cmd_plugin_key_show(struct qun_cli *cli);
int qun_cmd_plugin_trust_add(struct qun_cli *cli);
int qun_cmd_plugin_trust_list(struct qun_cli *cli);
int qun_cmd_plugin_trust_remove(struct qun_cli *cli);
int qun_cmd_plugin_install(struct qun_cli *cli);
int qun_cmd_plugin_uninstall(struct qun_cli *cli);
int qun_cmd_plugin_validate(struct qun_cli *cli);
int qun_cmd_plugin_dev(struct qun_cli *cli);
int qun_cmd_plugin_list(struct qun_cli *cli);
int qun_cmd_plugin_inspect(struct qun_cli *cli);
int qun_cmd_plugin_enable(struct qun_cli *cli);
int qun_cmd_plugin_disable(struct qun_cli *cli);
int qun_cmd_plugin_release(struct qun_cli *cli);

#endif
