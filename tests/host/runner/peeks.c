/* SPDX-License-Identifier: Apache-2.0 */
/* Tries what a sandbox must deny, first as soon as its library is loaded; each try is a row: its errno, 0 if it was let. A
   message whose group names a deed does that one alone, since it may end the process. */
#include <qun/msgpack.h>
#include <qun/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct peeks {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
};

static int early_read, early_write, early_socket;

static int try_open(const char *path, int flags) {
  int fd = open(path, flags | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

static int try_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

static int try_code(void) {
  void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return errno;
  munmap(at, 4096);
  return 0;
}

static void *nothing(void *arg) {
  return arg;
}

static int try_thread(void) {
  pthread_t t;
  int rc = pthread_create(&t, NULL, nothing, NULL);
  if (rc == 0) pthread_join(t, NULL);
  return rc;
}

static int try_descriptors(void) {
  int open_ones = 0;
  for (int fd = 0; fd < 64; fd++) {
    struct pollfd on = {.fd = fd};
    if (poll(&on, 1, 0) >= 0 && !(on.revents & POLLNVAL)) open_ones++;
  }
  return open_ones;
}

static int try_environment(void) {
  extern char **environ;
  return environ && environ[0] ? 1 : 0;
}

__attribute__((constructor)) static void peek(void) {
  early_read = try_open("/etc/passwd", O_RDONLY);
  early_write = try_open("/tmp/qun-peeks", O_WRONLY | O_CREAT);
  early_socket = try_socket();
}

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct peeks *p = (struct peeks *)calloc(1, sizeof *p);
  (void)config;
  if (!p) return host->fail(host, QUN_EFAIL, qun_str("out of memory"));
  p->host = host;
  *self = p;
  return host->query(host, QUN_STORE_1, (const void **)&p->store);
}

static void destroy(void *self) {
  free(self);
}

static int note(struct peeks *p, qun_handle tenant, const char *key, int64_t n) {
  struct qun_pack v;
  qun_pack_init(&v);
  qun_pack_int(&v, n);
  int rc = p->store->put(p->host, tenant, qun_str(key), qun_pack_slice(&v), 0);
  qun_pack_fini(&v);
  return rc;
}

static int look(struct peeks *p, qun_handle tenant) {
  int rc = note(p, tenant, "early_read", early_read);
  if (rc == 0) rc = note(p, tenant, "early_write", early_write);
  if (rc == 0) rc = note(p, tenant, "early_socket", early_socket);
  if (rc == 0) rc = note(p, tenant, "read", try_open("/etc/passwd", O_RDONLY));
  if (rc == 0) rc = note(p, tenant, "read_library", try_open("/usr/lib/os-release", O_RDONLY));
  if (rc == 0) rc = note(p, tenant, "write", try_open("/tmp/qun-peeks", O_WRONLY | O_CREAT));
  if (rc == 0) rc = note(p, tenant, "socket", try_socket());
  if (rc == 0) rc = note(p, tenant, "code", try_code());
  if (rc == 0) rc = note(p, tenant, "thread", try_thread());
  if (rc == 0) rc = note(p, tenant, "descriptors", try_descriptors());
  if (rc == 0) rc = note(p, tenant, "environment", try_environment());
  if (rc == 0) rc = note(p, tenant, "unknown", syscall(1000) < 0 ? errno : 0);
  return rc;
}

/* What only an attack does: the kernel ends the process. */
static int attack(qun_slice how) {
  char *const none[] = {NULL};
  if (qun_slice_is(how, "exec")) return execve("/bin/true", none, none);
  if (qun_slice_is(how, "fork")) return fork();
  if (qun_slice_is(how, "ptrace")) return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
  if (qun_slice_is(how, "unshare")) return (int)syscall(SYS_unshare, 0x10000000);
  return 0;
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct peeks *p = (struct peeks *)self;
  if (!event->group.len) return look(p, ctx->tenant);
  (void)attack(event->group);
  return note(p, ctx->tenant, "survived", 1);
}

static const struct qun_plugin peeks = {.struct_size = sizeof(struct qun_plugin),
                                        .create = create,
                                        .destroy = destroy,
                                        .on_event = on_event};
QUN_PLUGIN("peeks", "1.0.0", peeks)
