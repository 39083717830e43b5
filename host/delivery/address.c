/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

struct block {
  unsigned char bytes[16];
  unsigned bits;
};

/* RFC 6890 and its updates, multicast and class E. */
static const struct block closed4[] = {
    {{0}, 8},
    {{10}, 8},
    {{100, 64}, 10},
    {{127}, 8},
    {{169, 254}, 16},
    {{172, 16}, 12},
    {{192, 0, 0}, 24},
    {{192, 0, 2}, 24},
    {{192, 31, 196}, 24},
    {{192, 52, 193}, 24},
    {{192, 88, 99}, 24},
    {{192, 168}, 16},
    {{192, 175, 48}, 24},
    {{198, 18}, 15},
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},
    {{224}, 4},
    {{240}, 4},
};

static const struct block open6[] = {{{0x20}, 3}};
static const struct block closed6[] = {
    {{0x20, 0x01}, 23},                         /* protocol assignments: Teredo, ORCHID, ... */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},             /* documentation */
    {{0x20, 0x02}, 16},                         /* 6to4: an IPv4 address inside */
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48}, /* AS112 */
    {{0x3f, 0xff}, 20},                         /* documentation */
};
static const struct block loop4[] = {{{127}, 8}};
static const struct block loop6[] = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128}};

static bool inside(const struct block *b, const unsigned char *address) {
  unsigned whole = b->bits / 8, rest = b->bits % 8;
  if (memcmp(b->bytes, address, whole) != 0) return false;
  return rest == 0 || ((b->bytes[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

static bool in_any(const struct block *blocks, size_t n, const unsigned char *address) {
  for (size_t i = 0; i < n; i++) {
    if (inside(&blocks[i], address)) return true;
  }
  return false;
}

#define IN_ANY(blocks, address) in_any(blocks, sizeof(blocks) / sizeof((blocks)[0]), address)

/* The address in network order, or NULL. */
static const unsigned char *bytes_of(const struct sockaddr *address, socklen_t size, unsigned char out[16], bool *six) {
  struct sockaddr_in a4;
  struct sockaddr_in6 a6;
  if (address->sa_family == AF_INET && size >= sizeof a4) {
    memcpy(&a4, address, sizeof a4);
    memcpy(out, &a4.sin_addr, 4);
    *six = false;
    return out;
  }
  if (address->sa_family == AF_INET6 && size >= sizeof a6) {
    memcpy(&a6, address, sizeof a6);
    memcpy(out, &a6.sin6_addr, 16);
    *six = true;
    return out;
  }
  return NULL;
}

bool qun_address_is_public(const struct sockaddr *address, socklen_t size) {
  unsigned char bytes[16];
  bool six = false;
  if (!bytes_of(address, size, bytes, &six)) return false;
  if (!six) return !IN_ANY(closed4, bytes);
  return IN_ANY(open6, bytes) && !IN_ANY(closed6, bytes);
}

bool qun_address_is_loopback(const struct sockaddr *address, socklen_t size) {
  unsigned char bytes[16];
  bool six = false;
  if (!bytes_of(address, size, bytes, &six)) return false;
  return six ? IN_ANY(loop6, bytes) : IN_ANY(loop4, bytes);
}
