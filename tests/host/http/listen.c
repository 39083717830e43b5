/* SPDX-License-Identifier: Apache-2.0 */
#include "host/http/listen.h"

#include <criterion/criterion.h>
#include <qun/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct qun_error err;

Test(host_http_listen, a_free_port_is_found_and_named) {
  char bound[QUN_ADDRESS_SIZE], again[QUN_ADDRESS_SIZE];
  int fd = -1, other = -1;
  cr_assert_eq(qun_listen_tcp(&fd, bound, "127.0.0.1:0", &err), 0, "%s", err.message);
  cr_assert_eq(strncmp(bound, "127.0.0.1:", 10), 0);
  cr_assert_str_neq(bound, "127.0.0.1:0");
  cr_assert_eq(qun_listen_tcp(&other, again, bound, &err), QUN_ECONFLICT);
  cr_assert_not_null(strstr(err.message, bound));
  close(fd);
}

Test(host_http_listen, refuses_what_is_no_address) {
  static const char *const bad[] = {
      "", "8480", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "::1:8480", "127.0.0.1:99999999", "[::1]"};
  char bound[QUN_ADDRESS_SIZE];
  int fd;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_assert_lt(qun_listen_tcp(&fd, bound, bad[i], &err), 0, "%s", bad[i]);
}

static char path[64];

static void in_a_folder(void) {
  strcpy(path, "/tmp/qun-listen-XXXXXX");
  cr_assert_not_null(mkdtemp(path));
  strcat(path, "/s");
}

static void clear_folder(void) {
  unlink(path);
  *strrchr(path, '/') = '\0';
  rmdir(path);
}

Test(host_http_listen, a_unix_socket_is_only_for_whom_it_says, .init = in_a_folder, .fini = clear_folder) {
  struct stat st;
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  int fd, client = socket(AF_UNIX, SOCK_STREAM, 0);
  uid_t uid = (uid_t)-1;
  cr_assert_eq(qun_listen_unix(&fd, path, 0600, &err), 0, "%s", err.message);
  cr_assert_eq(stat(path, &st), 0);
  cr_assert_eq(st.st_mode & 0777, 0600);
  strcpy(at.sun_path, path);
  cr_assert_eq(connect(client, (struct sockaddr *)&at, sizeof at), 0);
  int server = accept(fd, NULL, NULL);
  cr_assert(qun_peer_uid(server, &uid));
  cr_assert_eq(uid, geteuid());
  close(server);
  close(client);
  close(fd);
}

Test(host_http_listen, takes_over_a_dead_name_but_not_a_living_one, .init = in_a_folder, .fini = clear_folder) {
  int fd, second;
  cr_assert_eq(qun_listen_unix(&fd, path, 0600, &err), 0);
  cr_assert_eq(qun_listen_unix(&second, path, 0600, &err), QUN_ECONFLICT);
  cr_assert_not_null(strstr(err.message, path));
  close(fd);
  cr_assert_eq(qun_listen_unix(&second, path, 0600, &err), 0, "%s", err.message);
  close(second);
}

Test(host_http_listen, never_removes_a_file, .init = in_a_folder, .fini = clear_folder) {
  int fd;
  fclose(fopen(path, "w"));
  cr_assert_eq(qun_listen_unix(&fd, path, 0600, &err), QUN_ECONFLICT);
  cr_assert_eq(access(path, F_OK), 0);
}

Test(host_http_listen, a_path_that_is_too_long_is_refused) {
  char longer[200];
  int fd;
  memset(longer, 'x', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  cr_assert_eq(qun_listen_unix(&fd, longer, 0600, &err), QUN_EINVAL);
}
