/* SPDX-License-Identifier: Apache-2.0 */
/* A request with CloudEvents: lines "name: value", an empty line, the body. */
#include "host/intake/cloudevents.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADERS_MAX = 24 };

struct request {
  const char *names[HEADERS_MAX], *values[HEADERS_MAX];
  size_t count;
};

static const char *get(void *arg, const char *name) {
  const struct request *r = arg;
  for (size_t i = 0; i < r->count; i++)
    if (strcasecmp(r->names[i], name) == 0) return r->values[i];
  return NULL;
}

/* Cuts the headers off `text`, which ends with a NUL. Answers where the body begins. */
static char *read_headers(struct request *r, char *text) {
  char *end;
  while ((end = strchr(text, '\n')) != NULL) {
    char *colon = memchr(text, ':', (size_t)(end - text));
    *end = '\0';
    if (end == text || !colon || r->count == HEADERS_MAX) return end + 1;
    *colon++ = '\0';
    r->names[r->count] = text;
    r->values[r->count++] = colon + (*colon == ' ');
    text = end + 1;
  }
  return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_gate *g = fuzz_gate();
  struct request r = {.count = 0};
  struct qun_refusals refused = {0};
  struct qun_error err = {0};
  struct qun_pack events;
  uint32_t total = 0;
  char *text = malloc(size + 1);
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  char *body = read_headers(&r, text);
  struct qun_cloudevents_request q = {.content_type = get(&r, "content-type"),
                                      .header = get,
                                      .header_arg = &r,
                                      .body = qun_slice_of(body, (size_t)(text + size - body)),
                                      .limits = {.bytes = 1 << 20, .events = 100}};
  int rc = qun_cloudevents_take(&g->n, &g->batch, &refused, &q, &total, &err);
  fuzz_check(rc < 0 || g->batch.count == (uint32_t)rc, "events taken are not events in the batch");
  fuzz_check(rc < 0 || (uint32_t)rc + refused.total == total, "taken and refused are not all");
  qun_refusals_fini(&refused);
  refused = (struct qun_refusals){0};
  qun_pack_init(&events);
  int read = qun_cloudevents_read(&events, &refused, &q, &err);
  fuzz_check((rc < 0) == (read < 0) && (read < 0 || (uint32_t)read == total), "two ways to read differ");
  qun_refusals_fini(&refused);
  qun_pack_fini(&events);
  free(text);
  return 0;
}
