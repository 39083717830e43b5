/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/host/delivery/receiver.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct receiver {
  struct MHD_Daemon *daemon;
  uint16_t port;
  pthread_mutex_t lock;
  unsigned status;
  char header[64], value[256];
  unsigned char said[131072];
  size_t said_len;
  uint32_t count;
  struct received last;
};

static void copy_header(struct MHD_Connection *c, const char *name, char *to, size_t size) {
  const char *value = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
  snprintf(to, size, "%s", value ? value : "");
}

static enum MHD_Result answer(struct receiver *r, struct MHD_Connection *c) {
  pthread_mutex_lock(&r->lock);
  unsigned status = r->status;
  struct MHD_Response *response = MHD_create_response_from_buffer(r->said_len, r->said, MHD_RESPMEM_MUST_COPY);
  if (r->header[0]) MHD_add_response_header(response, r->header, r->value);
  r->count++;
  pthread_mutex_unlock(&r->lock);
  enum MHD_Result rc = MHD_queue_response(c, status, response);
  MHD_destroy_response(response);
  return rc;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **state) {
  struct receiver *r = arg;
  (void)version;
  if (!*state) {
    *state = r;
    pthread_mutex_lock(&r->lock);
    memset(&r->last, 0, sizeof r->last);
    copy_header(c, "webhook-id", r->last.id, sizeof r->last.id);
    copy_header(c, "webhook-timestamp", r->last.timestamp, sizeof r->last.timestamp);
    copy_header(c, "webhook-signature", r->last.signature, sizeof r->last.signature);
    copy_header(c, "content-type", r->last.type, sizeof r->last.type);
    copy_header(c, "authorization", r->last.authorization, sizeof r->last.authorization);
    snprintf(r->last.method, sizeof r->last.method, "%s", method);
    snprintf(r->last.path, sizeof r->last.path, "%s", url);
    pthread_mutex_unlock(&r->lock);
    return MHD_YES;
  }
  if (*size == 0) return answer(r, c);
  pthread_mutex_lock(&r->lock);
  size_t at = strlen(r->last.body), room = sizeof r->last.body - at - 1;
  memcpy(r->last.body + at, data, *size < room ? *size : room);
  pthread_mutex_unlock(&r->lock);
  *size = 0;
  return MHD_YES;
}

struct receiver *receiver_start(void) {
  struct receiver *r = calloc(1, sizeof *r);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  pthread_mutex_init(&r->lock, NULL);
  r->status = 204;
  receiver_say(r, "ok", 2);
  r->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, r, MHD_OPTION_SOCK_ADDR, &at,
                               MHD_OPTION_END);
  cr_assert_not_null(r->daemon);
  r->port = MHD_get_daemon_info(r->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
  return r;
}

void receiver_stop(struct receiver *r) {
  MHD_stop_daemon(r->daemon);
  pthread_mutex_destroy(&r->lock);
  free(r);
}

uint16_t receiver_port(const struct receiver *r) {
  return r->port;
}

void receiver_answer(struct receiver *r, unsigned status, const char *header) {
  pthread_mutex_lock(&r->lock);
  r->status = status;
  r->header[0] = '\0';
  if (header) cr_assert_eq(sscanf(header, "%63[^:]: %255[^\n]", r->header, r->value), 2);
  pthread_mutex_unlock(&r->lock);
}

void receiver_say(struct receiver *r, const void *bytes, size_t n) {
  pthread_mutex_lock(&r->lock);
  cr_assert_leq(n, sizeof r->said);
  memcpy(r->said, bytes, n);
  r->said_len = n;
  pthread_mutex_unlock(&r->lock);
}

uint32_t receiver_count(struct receiver *r) {
  pthread_mutex_lock(&r->lock);
  uint32_t n = r->count;
  pthread_mutex_unlock(&r->lock);
  return n;
}

struct received receiver_last(struct receiver *r) {
  pthread_mutex_lock(&r->lock);
  struct received last = r->last;
  pthread_mutex_unlock(&r->lock);
  return last;
}
