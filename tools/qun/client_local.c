/* SPDX-License-Identifier: Apache-2.0 */
/* The API in this process: opens the data directory itself and dispatches as the agency. */
#include "host/delivery/delivery.h"
#include "host/ops/api.h"
#include "tools/qun/client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct local {
  struct qun_engine *engine;
  struct qun_delivery *delivery;
  struct qun_api *api;
  const char *locale;
  struct qun_api_request request;
  pthread_mutex_t lock;
  pthread_cond_t done;
  bool answered; /* under `lock`, as the answer */
  struct qun_client_answer answer;
};

static void local_close(void *self) {
  struct local *l = self;
  if (!l) return;
  qun_api_destroy(l->api);
  qun_delivery_stop(l->delivery);
  qun_engine_close(l->engine);
  pthread_cond_destroy(&l->done);
  pthread_mutex_destroy(&l->lock);
  free(l);
}

int qun_client_local_open(void **self, const struct qun_client_options *options, struct qun_error *err) {
  struct qun_engine_options engine = {.data_dir = options->data,
                                      .keys_dir = options->keys,
                                      .plugins_dir = options->plugins};
  struct local *l = calloc(1, sizeof *l);
  if (!l) return qun_error_set(err, QUN_EFAIL, "out of memory");
  pthread_mutex_init(&l->lock, NULL);
  pthread_cond_init(&l->done, NULL);
  l->locale = options->locale;
  int rc = qun_engine_open(&l->engine, &engine, err);
  if (rc == 0) rc = qun_delivery_start(&l->delivery, l->engine, NULL, err);
  if (rc == 0) rc = qun_api_create(&l->api, l->engine, err);
  if (rc < 0) {
    local_close(l);
    return rc;
  }
  *self = l;
  return 0;
}

/* On any thread. */
static void on_answer(void *arg, const struct qun_api_response *response) {
  struct local *l = arg;
  pthread_mutex_lock(&l->lock);
  l->answer.status = response->status;
  l->answer.retry_after = response->retry_after;
  snprintf(l->answer.content_type, sizeof l->answer.content_type, "%s",
           response->content_type ? response->content_type : "");
  qun_pack_raw(&l->answer.body, response->body);
  l->answered = true;
  pthread_cond_signal(&l->done);
  pthread_mutex_unlock(&l->lock);
}

static int local_begin(void *self, const struct qun_client_request *request, struct qun_error *err) {
  struct local *l = self;
  (void)err;
  l->request = (struct qun_api_request){.method = request->method,
                                        .path = request->path,
                                        .query = request->query,
                                        .content_type = request->content_type,
                                        .accept_language = l->locale,
                                        .body = request->body,
                                        .role = QUN_ROLE_AGENCY};
  memset(&l->answer, 0, sizeof l->answer);
  qun_pack_init(&l->answer.body);
  l->answered = false;
  qun_api_dispatch(l->api, &l->request, on_answer, l);
  return 0;
}

static int local_end(void *self, struct qun_client_answer *answer, struct qun_error *err) {
  struct local *l = self;
  (void)err;
  pthread_mutex_lock(&l->lock);
  while (!l->answered) pthread_cond_wait(&l->done, &l->lock);
  *answer = l->answer;
  pthread_mutex_unlock(&l->lock);
  return 0;
}

const struct qun_client_ops qun_client_local_ops = {.begin = local_begin, .end = local_end, .close = local_close};
