/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/address.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>

/* 'p' public, 'l' this machine, '-' neither. */
static char class_of(const char *text) {
  struct sockaddr_in a4 = {.sin_family = AF_INET};
  struct sockaddr_in6 a6 = {.sin6_family = AF_INET6};
  const struct sockaddr *a = (const struct sockaddr *)&a4;
  socklen_t size = sizeof a4;
  if (inet_pton(AF_INET, text, &a4.sin_addr) != 1) {
    cr_assert_eq(inet_pton(AF_INET6, text, &a6.sin6_addr), 1, "%s", text);
    a = (const struct sockaddr *)&a6;
    size = sizeof a6;
  }
  bool open = qun_address_is_public(a, size), loop = qun_address_is_loopback(a, size);
  cr_assert(!(open && loop));
  return open ? 'p' : loop ? 'l' : '-';
}

Test(host_delivery_address, tells_public_addresses_from_all_others) {
  const struct {
    const char *text;
    char class;
  } cases[] = {{"1.1.1.1", 'p'},
               {"8.8.8.8", 'p'},
               {"172.15.255.255", 'p'},
               {"172.32.0.1", 'p'},
               {"100.63.255.255", 'p'},
               {"100.128.0.1", 'p'},
               {"223.255.255.254", 'p'},
               {"198.20.0.1", 'p'},
               {"0.0.0.0", '-'},
               {"10.1.2.3", '-'},
               {"100.64.0.1", '-'},
               {"127.0.0.1", 'l'},
               {"127.255.0.9", 'l'},
               {"169.254.169.254", '-'},
               {"172.16.0.1", '-'},
               {"172.31.255.255", '-'},
               {"192.0.0.1", '-'},
               {"192.0.2.1", '-'},
               {"192.168.1.1", '-'},
               {"198.18.0.1", '-'},
               {"198.19.255.255", '-'},
               {"203.0.113.7", '-'},
               {"224.0.0.1", '-'},
               {"255.255.255.255", '-'},
               {"::", '-'},
               {"::1", 'l'},
               {"fe80::1", '-'},
               {"fc00::1", '-'},
               {"fd12::1", '-'},
               {"ff02::1", '-'},
               {"::ffff:8.8.8.8", '-'},
               {"::ffff:127.0.0.1", '-'},
               {"64:ff9b::7f00:1", '-'},
               {"2002:7f00:1::", '-'},
               {"2001::1", '-'},
               {"2001:db8::1", '-'},
               {"2606:4700:4700::1111", 'p'},
               {"2400:3200::1", 'p'},
               {"2001:4860:4860::8888", 'p'}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    cr_assert_eq(class_of(cases[i].text), cases[i].class, "%s", cases[i].text);
}

Test(host_delivery_address, takes_no_other_kind_of_address) {
  struct sockaddr a = {.sa_family = AF_UNIX};
  cr_assert_not(qun_address_is_public(&a, sizeof a));
  a.sa_family = AF_INET;
  cr_assert_not(qun_address_is_public(&a, 4)); /* too short */
}
