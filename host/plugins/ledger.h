/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger of crashes and hangs: what each plugin has done to the host, kept where no restart and no reload loses it.
 * <data>/plugins/ledger is a file of JSON lines, appended and synced one by one; a torn last line is left out. What follows
 * from it is worked out from the lines alone:
 *  - strikes: crashes and hangs of a version (its library's hash) within QUN_LEDGER_WINDOW_MS of each other. The
 *    QUN_LEDGER_STRIKES-th puts the plugin out: out of the host's process, or, where it ran isolated, out of that tenant.
 *    A release, or a library with another hash, begins anew, on trial: within the window after it one strike is enough.
 *  - poison: an event during which the same plugin came down QUN_LEDGER_POISON times is passed over from then on.
 * Any thread; adding blocks for a disk sync.
 */
#ifndef QUN_HOST_PLUGINS_LEDGER_H
#define QUN_HOST_PLUGINS_LEDGER_H

#include "host/plugins/crumbs.h"

enum {
  QUN_LEDGER_STRIKES = 3,
  QUN_LEDGER_POISON = 2,
  QUN_LEDGER_WINDOW_MS = 3600000,
  QUN_LEDGER_LINES_MAX = 4000, /* older ones go when it is opened */
  QUN_LEDGER_REASON = 256
};

enum qun_ledger_kind {
  QUN_LEDGER_CRASH = 1,
  QUN_LEDGER_HANG,
  QUN_LEDGER_RELEASE, /* somebody lets it run again */
  QUN_LEDGER_VERSION, /* a library that is new here begins to run */
  QUN_LEDGER_BACK     /* a reload was taken back */
};

/* One line. */
struct qun_ledger_entry {
  int64_t at_ms;
  enum qun_ledger_kind kind;
  bool isolated; /* it ran in a process of its own */
  char plugin[QUN_CRUMB_NAME], version[QUN_CRUMB_NAME];
  char sum[17];    /* first half of the library's hash, hex; "": not known */
  char tenant[64]; /* "": none, a replay, or all */
  char callback[24];
  uint64_t seq, key;          /* of the event, see crumbs.h; 0: none */
  char what[QUN_CRUMB_TEXT];  /* how it ended: "SIGSEGV", "hung for 60000 ms", ... */
  char event[QUN_CRUMB_TEXT]; /* which event it was, for people */
  char stack[256];            /* where it hung */
};

struct qun_ledger;

/* Reads the file, which may be missing. Lines that cannot be read are left out and counted. Blocking. QUN_EFAIL. */
int qun_ledger_open(struct qun_ledger **out, const char *data_dir, struct qun_error *err);
/* NULL is fine. */
void qun_ledger_close(struct qun_ledger *l);
/* Lines that could not be read. */
uint32_t qun_ledger_unread(const struct qun_ledger *l);
/* Appends a line, on the disk before it returns; in memory in any case. QUN_EFAIL: not on the disk. */
int qun_ledger_add(struct qun_ledger *l, const struct qun_ledger_entry *entry, struct qun_error *err);
/* A plugin that ran isolated for `tenant` came down at record `seq`; `version` and `sum` as it was loaded. */
int qun_ledger_crash(struct qun_ledger *l, int64_t now_ms, const char *plugin, const char *version, const char *sum,
                     const char *tenant, uint64_t seq, const char *what, struct qun_error *err);
/* A library begins to run in this host: noted if another one of that plugin ran before. */
int qun_ledger_runs(struct qun_ledger *l, int64_t now_ms, const char *plugin, const char *version, const char *sum,
                    struct qun_error *err);

/* Whether the plugin is out, and why in a sentence. isolated false: of the host's process. isolated true: of the tenant,
 * when it runs in a process of its own. `tenant` NULL: any. */
bool qun_ledger_is_out(struct qun_ledger *l, const char *plugin, const char *sum, bool isolated, const char *tenant,
                       char reason[QUN_LEDGER_REASON]);
/* The newest crash or hang of the plugin. False: none. */
bool qun_ledger_last(struct qun_ledger *l, const char *plugin, struct qun_ledger_entry *out);
/* Crashes and hangs of the plugin in all. */
uint32_t qun_ledger_count(struct qun_ledger *l, const char *plugin);
/* Calls `each` with every event that is passed over, one line of it. Stops when it answers other than 0, and answers that. */
int qun_ledger_poison_each(struct qun_ledger *l, int (*each)(void *arg, const struct qun_ledger_entry *entry),
                           void *arg);
/* An entry in a sentence: "crash_event 1.0.0 crashed (SIGSEGV) in on_event, tenant club, record 12 (message 7 of test)". */
void qun_ledger_sentence(const struct qun_ledger_entry *entry, char *out, size_t room);

#endif
