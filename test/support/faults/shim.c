// Preloaded into a process (LD_PRELOAD): counts the calls that change files below a folder, and at one of them kills the process or fails.
// SHIM_CONTROL names a file of 32-bit numbers that a test shares with it (shim.cjs); SHIM_ROOT names the folder.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// MOVED: the number of the last call that moved something.
enum { ENABLED, AT, ERRNO, STICKY, COUNT, NO_EXCHANGE, MOVED, NUMBERS };

static volatile int* control;
static const char* root;

__attribute__((constructor)) static void begin(void) {
  const char* file = getenv("SHIM_CONTROL");
  root = getenv("SHIM_ROOT");
  if (!file || !root) return;
  int fd = syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* memory = mmap(NULL, NUMBERS * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory != MAP_FAILED) control = memory;
  syscall(SYS_close, fd);
}

static int below(const char* path) { return path && strncmp(path, root, strlen(root)) == 0; }

// Counts a call; non-zero where it is to fail, with errno set.
static int struck(void) {
  const int number = __sync_add_and_fetch(&control[COUNT], 1);
  if (number < control[AT] || (number > control[AT] && !control[STICKY])) return 0;
  // Without an errno it is a kill.
  if (control[ERRNO] == 0) kill(getpid(), SIGKILL);
  errno = control[ERRNO];
  return 1;
}

static int hit(const char* path) { return control && control[ENABLED] && below(path) && struck(); }

static int hit_move(const char* path) {
  if (!control || !control[ENABLED] || !below(path)) return 0;
  control[MOVED] = control[COUNT] + 1;
  return struck();
}

static int hit_fd(int fd) {
  if (!control || !control[ENABLED]) return 0;
  const int before = errno;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  errno = before;
  if (length < 0) return 0;
  path[length] = 0;
  return below(path) && struck();
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                            \
  int name(const char* path, int flags, ...) {                \
    va_list rest;                                             \
    va_start(rest, flags);                                    \
    const int mode = va_arg(rest, int);                       \
    va_end(rest);                                             \
    return hit(path) ? -1 : NEXT(name)(path, flags, mode);    \
  }
OPEN(open)
OPEN(open64)

FILE* fopen(const char* path, const char* mode) { return hit(path) ? NULL : NEXT(fopen)(path, mode); }
FILE* fopen64(const char* path, const char* mode) { return hit(path) ? NULL : NEXT(fopen64)(path, mode); }
size_t fwrite(const void* data, size_t size, size_t count, FILE* file) {
  return hit_fd(fileno(file)) ? 0 : NEXT(fwrite)(data, size, count, file);
}
int fflush(FILE* file) { return file && hit_fd(fileno(file)) ? EOF : NEXT(fflush)(file); }
ssize_t write(int fd, const void* data, size_t size) { return hit_fd(fd) ? -1 : NEXT(write)(fd, data, size); }
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) { return hit_fd(fd) ? -1 : NEXT(pwrite)(fd, data, size, at); }
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) { return hit_fd(fd) ? -1 : NEXT(pwrite64)(fd, data, size, at); }
ssize_t writev(int fd, const struct iovec* data, int count) { return hit_fd(fd) ? -1 : NEXT(writev)(fd, data, count); }
int ftruncate(int fd, off_t size) { return hit_fd(fd) ? -1 : NEXT(ftruncate)(fd, size); }
int fsync(int fd) { return hit_fd(fd) ? -1 : NEXT(fsync)(fd); }
int fdatasync(int fd) { return hit_fd(fd) ? -1 : NEXT(fdatasync)(fd); }
int rename(const char* from, const char* to) { return hit_move(from) ? -1 : NEXT(rename)(from, to); }
int mkdir(const char* path, mode_t mode) { return hit(path) ? -1 : NEXT(mkdir)(path, mode); }
int unlink(const char* path) { return hit(path) ? -1 : NEXT(unlink)(path); }
int rmdir(const char* path) { return hit(path) ? -1 : NEXT(rmdir)(path); }
int scandir64(const char* path, struct dirent64*** names, int (*filter)(const struct dirent64*),
              int (*compare)(const struct dirent64**, const struct dirent64**)) {
  return hit(path) ? -1 : NEXT(scandir64)(path, names, filter, compare);
}
int remove(const char* path) { return hit(path) ? -1 : NEXT(remove)(path); }
// The addon exchanges folders by the bare call.
long syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  long a[6];
  for (int i = 0; i < 6; i++) a[i] = va_arg(rest, long);
  va_end(rest);
  static long (*next)(long, ...);
  if (!next) next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  if (number == SYS_renameat2 && root && below((const char*)a[1])) {
    if (hit_move((const char*)a[1])) return -1;
    if (control && control[NO_EXCHANGE]) {
      errno = EINVAL;
      return -1;
    }
  }
  return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
