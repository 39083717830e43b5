/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses the host may send to: public ones (IANA special-purpose registries for IPv4 and IPv6, RFC 6890; for
 * IPv6 only global unicast 2000::/3 without its special blocks, so that mapped, translated and tunnelled forms of
 * private addresses are out), and this machine's own if the operator says so. Pure.
 */
#ifndef QUN_HOST_DELIVERY_ADDRESS_H
#define QUN_HOST_DELIVERY_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

bool qun_address_is_public(const struct sockaddr *address, socklen_t size);
/* 127.0.0.0/8 or ::1. */
bool qun_address_is_loopback(const struct sockaddr *address, socklen_t size);

#endif
