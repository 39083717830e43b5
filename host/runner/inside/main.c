/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qun-runner PARENT MEMORY_BYTES CPU_SECONDS: one plugin for one tenant, locked in. qund starts it; it has no other use.
 * Descriptors: 3 the connection to the host, 4 the plugin's library in sealed memory, 5 a page that both share.
 */
#include "host/plugins/entry.h"
#include "host/runner/inside/sandbox.h"
#include "host/runner/inside/serve.h"

#include <dlfcn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_PARENT_GONE = 3, EXIT_NOT_SEALED = 4, EXIT_HOST_ODD = 6, KEYSPACE_PART = 8 };

#if defined(__SANITIZE_ADDRESS__)
/* A sanitizer can't bound address space; no leaks are looked for, since that takes what a runner may not do. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void) {
  return "hard_rss_limit_mb=1024:detect_leaks=0:handle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigfpe=0:"
         "handle_sigill=0:abort_on_error=1:disable_coredump=0:allocator_may_return_null=1";
}
#endif

static void say_hello(struct qun_serve *s, const struct qun_sandbox_level *level) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_array(&p, 4);
  qun_pack_cstr(&p, QUN__SERVICES_HASH);
  qun_pack_int(&p, level->landlock);
  qun_pack_bool(&p, level->seccomp);
  qun_pack_bool(&p, level->rlimits);
  qun_channel_note(&s->channel, QUN_WIRE_HELLO, qun_pack_slice(&p));
  qun_channel_flush(&s->channel, false);
  qun_pack_fini(&p);
}

/* [id, version, [required service ids]] */
static bool read_open(struct qun_serve *s, qun_slice args, char id[64], char version[64]) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice a, b;
  qun_unpack_init(&u, args);
  if (!qun_unpack_array(&u, &n) || n != 3 || !qun_unpack_str(&u, &a) || !qun_unpack_str(&u, &b)) return false;
  if (!qun_unpack_array(&u, &n) || n > QUN_REQUIRES_MAX) return false;
  snprintf(id, 64, "%.*s", (int)a.len, (const char *)a.ptr);
  snprintf(version, 64, "%.*s", (int)b.len, (const char *)b.ptr);
  for (; n > 0 && qun_unpack_str(&u, &a); n--)
    snprintf(s->requires[s->requires_count++], sizeof s->requires[0], "%.*s", (int)a.len, (const char *)a.ptr);
  s->second = true;
  for (uint32_t i = 0; i < s->requires_count; i++)
    if (strcmp(s->requires[i], QUN_STORE_1) == 0) s->second = false;
  return n == 0;
}

/* Runs constructors: within the first stage. The second comes before any function is called by us. */
static int load(struct qun_plugin *plugin, const char *id, const char *version, struct qun_error *err) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", QUN_RUNNER_FD_LIBRARY);
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return qun_error_set(err, QUN_EINVAL, "its library cannot be loaded: %s", dlerror());
  close(QUN_RUNNER_FD_LIBRARY);
  if (!qun_sandbox_close()) _exit(EXIT_NOT_SEALED);
  const struct qun_magic *magic;
  return qun__entry_take(plugin, &magic, dlsym(handle, "qun_plugin_v1"), id, version, err);
}

static void answer_open(struct qun_serve *s, uint32_t id, int code, const char *message) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_array(&p, 2);
  qun_pack_int(&p, code);
  qun_pack_cstr(&p, message);
  pthread_mutex_lock(&s->channel.lock);
  qun_wire_put(&s->channel.out, QUN_WIRE_ANSWER, id, QUN_WIRE_OPEN, qun_pack_slice(&p));
  pthread_mutex_unlock(&s->channel.lock);
  qun_channel_flush(&s->channel, false);
  qun_pack_fini(&p);
}

static int open_plugin(struct qun_serve *s, struct qun_plugin *plugin) {
  char id[64], version[64];
  struct qun_error err = {0};
  struct qun_waiting *w = qun_channel_next(&s->channel);
  if (w->method != QUN_WIRE_OPEN || !read_open(s, qun_slice_of(w->args, w->len), id, version)) return EXIT_HOST_ODD;
  int rc = load(plugin, id, version, &err);
  s->plugin = plugin;
  answer_open(s, w->id, rc, rc < 0 ? err.message : "");
  free(w);
  return rc < 0 ? EXIT_HOST_ODD : 0;
}

int main(int argc, char **argv) {
  static struct qun_serve serve;
  static struct qun_plugin plugin;
  struct qun_sandbox_level level = {0};
  if (argc != 4) {
    fprintf(stderr, "qun-runner is started by qund\n");
    return EXIT_USAGE;
  }
  struct qun_sandbox_limits limits = {.memory_bytes = strtoull(argv[2], NULL, 10),
                                      .cpu_s = strtoull(argv[3], NULL, 10)};
  qun_sandbox_close_others(QUN_RUNNER_FD_SOCKET, QUN_RUNNER_FD_PAGE);
  void *page = mmap(NULL, QUN_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, QUN_RUNNER_FD_PAGE, 0);
  if (page == MAP_FAILED) return EXIT_USAGE;
  close(QUN_RUNNER_FD_PAGE);
  if (!qun_sandbox_enter(&limits, atoi(argv[1]), &level)) return EXIT_PARENT_GONE;
  qun_serve_init(&serve, QUN_RUNNER_FD_SOCKET, page, (size_t)(limits.memory_bytes / KEYSPACE_PART));
  say_hello(&serve, &level);
  int status = open_plugin(&serve, &plugin);
  if (status == 0) qun_serve_run(&serve);
  return status;
}
