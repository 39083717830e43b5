/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/prefetch.h"

#include "host/runner/proxy.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATTERNS_MAX = 8, AFFIX_MAX = 24, SHIPPED = 4096, SEEN_LEAST = 3, DECIMAL = 0 };

struct pattern {
  unsigned char prefix[AFFIX_MAX], suffix[AFFIX_MAX];
  size_t prefix_len, suffix_len;
  unsigned width; /* bytes of the number, or DECIMAL */
  uint32_t seen;
};

struct qun__prefetch {
  struct pattern patterns[PATTERNS_MAX];
  uint32_t count;
  uint64_t shipped[SHIPPED]; /* members, by hash: the runner knows what it was sent */
};

struct qun__prefetch *qun__prefetch_create(void) {
  return calloc(1, sizeof(struct qun__prefetch));
}

void qun__prefetch_reset(struct qun__prefetch *p) {
  memset(p->shipped, 0, sizeof p->shipped);
}

void qun__prefetch_destroy(struct qun__prefetch *p) {
  free(p);
}

static size_t write_number(unsigned char out[24], uint64_t n, unsigned width) {
  if (width == DECIMAL) return (size_t)snprintf((char *)out, 24, "%llu", (unsigned long long)n);
  for (unsigned i = width; i > 0; i--, n >>= 8) out[i - 1] = (unsigned char)(n & 0xff);
  return width;
}

static void learn(struct qun__prefetch *p, qun_slice key, size_t at, size_t len, unsigned width) {
  const unsigned char *bytes = key.ptr;
  size_t rest = (size_t)key.len - at - len;
  if (at > AFFIX_MAX || rest > AFFIX_MAX) return;
  for (uint32_t i = 0; i < p->count; i++) {
    struct pattern *t = &p->patterns[i];
    if (t->width == width && t->prefix_len == at && t->suffix_len == rest && memcmp(t->prefix, bytes, at) == 0 &&
        memcmp(t->suffix, bytes + at + len, rest) == 0) {
      t->seen++;
      return;
    }
  }
  if (p->count == PATTERNS_MAX) return;
  struct pattern *t = &p->patterns[p->count++];
  *t = (struct pattern){.prefix_len = at, .suffix_len = rest, .width = width, .seen = 1};
  memcpy(t->prefix, bytes, at);
  memcpy(t->suffix, bytes + at + len, rest);
}

void qun__prefetch_asked(void *arg, uint64_t member, qun_slice key) {
  static const unsigned widths[] = {8, 4, DECIMAL};
  struct qun__prefetch *p = arg;
  unsigned char number[24];
  if (!member) return;
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    if (widths[i] == 4 && member > UINT32_MAX) continue;
    size_t len = write_number(number, member, widths[i]);
    if (key.len < len) continue;
    const unsigned char *at = memmem(key.ptr, (size_t)key.len, number, len);
    if (!at) continue;
    learn(p, key, (size_t)(at - (const unsigned char *)key.ptr), len, widths[i]);
    return;
  }
}

static void ship(const struct pattern *t, const struct qun_view *v, unsigned table, uint64_t member, void *local) {
  unsigned char key[2 * AFFIX_MAX + 24];
  qun_slice stored;
  memcpy(key, t->prefix, t->prefix_len);
  size_t n = t->prefix_len + write_number(key + t->prefix_len, member, t->width);
  memcpy(key + n, t->suffix, t->suffix_len);
  n += t->suffix_len;
  if (qun_view_get(v, table, qun_slice_of(key, n), &stored) < 0) {
    qun_proxy_known(local, qun_slice_of(key, n), NULL);
    return;
  }
  const unsigned char *at = stored.ptr; /* an owner stands before the value, as qun.store/1 writes it */
  size_t head = 0;
  while (head < stored.len && head < 10 && (at[head] & 0x80)) head++;
  if (head + 1 > stored.len) return;
  qun_slice value = qun_slice_of(at + head + 1, (size_t)stored.len - head - 1);
  qun_proxy_known(local, qun_slice_of(key, n), &value);
}

void qun__prefetch_ship(struct qun__prefetch *p, const struct qun_view *v, unsigned table, uint64_t member,
                        void *local) {
  uint64_t *place = &p->shipped[member % SHIPPED];
  if (!member || *place == member) return;
  bool any = false;
  for (uint32_t i = 0; i < p->count; i++) {
    if (p->patterns[i].seen < SEEN_LEAST) continue;
    ship(&p->patterns[i], v, table, member, local);
    any = true;
  }
  if (any) *place = member;
}
