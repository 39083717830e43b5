/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants that the loop's thread holds open. A normaliser pins its tenant's store against closing and deletion, so none
 * is held for as long as a client stays: it is opened anew every QUN__PIN_MS, which also brings new settings, and let go
 * when nobody sent for that long. The first is opened by a worker thread, as that may read a store from disk.
 */
#define HASH_NONFATAL_OOM 1
#include "host/intake/socket_internal.h"

#include <uthash.h>

#include <stdio.h>
#include <stdlib.h>

struct qun__pin {
  char tenant[sizeof((struct qun_grant *)0)->tenant];
  uint32_t connections;
  struct qun_normaliser *normaliser; /* NULL: the tenant is not held */
  uint64_t opened_ms, used_ms;       /* by the loop's clock */
  uint64_t turn;                     /* that its receive time is of */
  UT_hash_handle hh;
};

struct qun__pin *qun__pin_get(struct qun_intake *s, const char *tenant) {
  struct qun__pin *pin;
  HASH_FIND_STR(s->pins, tenant, pin);
  if (!pin) {
    pin = calloc(1, sizeof *pin);
    if (!pin) return NULL;
    snprintf(pin->tenant, sizeof pin->tenant, "%s", tenant);
    HASH_ADD_STR(s->pins, tenant, pin);
    if (!pin->hh.tbl) {
      free(pin);
      return NULL;
    }
  }
  pin->connections++;
  return pin;
}

static void release(struct qun_intake *s, struct qun__pin *pin) {
  if (pin->normaliser) qun_engine_normaliser_close(s->options.engine, pin->normaliser);
  pin->normaliser = NULL;
}

void qun__pin_put(struct qun_intake *s, struct qun__pin *pin) {
  if (!pin || --pin->connections > 0) return;
  release(s, pin);
  HASH_DEL(s->pins, pin);
  free(pin);
}

static void hold(struct qun_intake *s, struct qun__pin *pin, struct qun_normaliser *n) {
  pin->normaliser = n;
  pin->opened_ms = pin->used_ms = uv_now(s->options.loop);
  if (!uv_is_active((uv_handle_t *)&s->sweep)) uv_timer_start(&s->sweep, qun__pins_sweep, QUN__PIN_MS, QUN__PIN_MS);
}

/* The old one is closed after the new one is open, so that the store stays open between them. */
static void renew(struct qun_intake *s, struct qun__pin *pin) {
  struct qun_normaliser *old = pin->normaliser, *n = NULL;
  struct qun_error err;
  pin->normaliser = NULL;
  if (qun_engine_normaliser_open(s->options.engine, pin->tenant, &n, &err) == 0) hold(s, pin, n);
  qun_engine_normaliser_close(s->options.engine, old);
}

struct qun_normaliser *qun__pin_normaliser(struct qun_intake *s, struct qun__pin *pin) {
  if (!pin->normaliser) return NULL;
  uint64_t now = uv_now(s->options.loop);
  if (now - pin->opened_ms >= QUN__PIN_MS) renew(s, pin);
  if (!pin->normaliser) return NULL;
  pin->used_ms = now;
  if (pin->turn != s->turn || pin->normaliser->now_ms == 0) {
    pin->normaliser->now_ms = qun_engine_now(s->options.engine);
    pin->turn = s->turn;
  }
  return pin->normaliser;
}

void qun__pin_adopt(struct qun_intake *s, struct qun__pin *pin, struct qun_normaliser *n) {
  if (!n) return;
  if (pin->normaliser || s->stopping)
    qun_engine_normaliser_close(s->options.engine, n);
  else
    hold(s, pin, n);
}

void qun__pins_sweep(uv_timer_t *timer) {
  struct qun_intake *s = timer->data;
  uint64_t now = uv_now(s->options.loop);
  bool held = false;
  for (struct qun__pin *pin = s->pins; pin; pin = pin->hh.next) {
    if (now - pin->used_ms >= QUN__PIN_MS) release(s, pin);
    held = held || pin->normaliser;
  }
  if (!held) uv_timer_stop(timer);
}
