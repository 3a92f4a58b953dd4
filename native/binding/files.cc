#include "binding/files.h"

#include <cerrno>
#include <string>

#if defined(_WIN32)
#include <uv.h>
#include <windows.h>
#elif defined(__APPLE__)
#include <stdio.h>
#include <sys/file.h>
#else
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace sentorch {
namespace {

int exchange(const std::string& a, const std::string& b) {
#if defined(_WIN32)
  return ENOSYS;
#elif defined(__APPLE__)
  return renamex_np(a.c_str(), b.c_str(), RENAME_SWAP) == 0 ? 0 : errno;
#else
  // Not glibc's renameat2: that would need glibc 2.28.
  return syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0 ? 0 : errno;
#endif
}

int lock(int fd) {
#if defined(_WIN32)
  // One byte far after the end, because on Windows other processes cannot read a locked range.
  OVERLAPPED place{};
  place.Offset = 0x7fffffff;
  const DWORD flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
  if (LockFileEx(static_cast<HANDLE>(uv_get_osfhandle(fd)), flags, 0, 1, 0, &place)) return 0;
  return GetLastError() == ERROR_LOCK_VIOLATION || GetLastError() == ERROR_IO_PENDING ? EAGAIN : EINVAL;
#else
  // EWOULDBLOCK is EAGAIN on Linux and macOS.
  return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
#endif
}

}  // namespace

Napi::Value exchange_paths(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), exchange(info[0].As<Napi::String>(), info[1].As<Napi::String>()));
}

Napi::Value lock_file(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), lock(info[0].As<Napi::Number>()));
}

}  // namespace sentorch
