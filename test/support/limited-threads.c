/* LD_PRELOAD: a limit on threads, as `ulimit -u` or the pids limit of a container sets one. Once SENTORCH_TEST_THREADS is set, by the program
   itself when it wishes, so many threads more than then may be alive at once; pthread_create fails with EAGAIN beyond. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct start {
  void *(*body)(void *);
  void *argument;
};

static atomic_int alive;

static void ended(void *unused) {
  (void)unused;
  atomic_fetch_sub(&alive, 1);
}

static void *counted(void *argument) {
  struct start start = *(struct start *)argument;
  free(argument);
  void *result;
  pthread_cleanup_push(ended, NULL);
  result = start.body(start.argument);
  pthread_cleanup_pop(1);
  return result;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
  static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  if (!real) real = dlsym(RTLD_NEXT, "pthread_create");
  const char *limit = getenv("SENTORCH_TEST_THREADS");
  if (!limit) return real(thread, attributes, body, argument);
  if (atomic_fetch_add(&alive, 1) >= atoi(limit)) {
    atomic_fetch_sub(&alive, 1);
    return EAGAIN;
  }
  struct start *start = malloc(sizeof *start);
  *start = (struct start){body, argument};
  const int failed = real(thread, attributes, counted, start);
  if (failed) {
    free(start);
    atomic_fetch_sub(&alive, 1);
  }
  return failed;
}
