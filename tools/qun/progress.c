/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/cli.h"

#include <time.h>
#include <unistd.h>

enum { DRAW_EVERY_MS = 100, BAR = 28 };

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void qun_progress_begin(struct qun_progress *p, const struct qun_cli *cli, const char *label) {
  int fd = fileno(cli->err);
  p->to = fd >= 0 && isatty(fd) ? cli->err : NULL;
  p->label = label;
  p->begun_ms = now_ms();
  p->drawn_ms = p->begun_ms - DRAW_EVERY_MS;
}

void qun_progress_draw(struct qun_progress *p, uint64_t done, uint64_t total, const char *note) {
  if (!p->to) return;
  int64_t now = now_ms();
  if (now - p->drawn_ms < DRAW_EVERY_MS) return;
  p->drawn_ms = now;
  if (total) {
    int full = (int)((done < total ? done : total) * BAR / total);
    fprintf(p->to, "\r\033[K%s [", p->label);
    for (int i = 0; i < BAR; i++) fputs(i < full ? "█" : "░", p->to);
    fprintf(p->to, "] %3d%%", (int)((done < total ? done : total) * 100 / total));
  } else {
    fprintf(p->to, "\r\033[K%s %llu", p->label, (unsigned long long)done);
  }
  if (note) fprintf(p->to, "  %s", note);
  fflush(p->to);
}

void qun_progress_end(struct qun_progress *p) {
  if (!p->to) return;
  fputs("\r\033[K", p->to);
  fflush(p->to);
}
