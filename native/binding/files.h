// System calls that replacing a folder needs and that Node does not offer. JavaScript thread; neither of them blocks.
#pragma once
#include <napi.h>

namespace sentorch {

// exchange(a, b): swaps the files or folders of two paths atomically. Returns 0 or an errno; ENOSYS if the system does
// not support it.
Napi::Value exchange_paths(const Napi::CallbackInfo& info);

// lock(fd): locks an open file. The kernel releases the lock when the last handle of the file is closed, however its
// owner ends. Returns 0 or an errno; EAGAIN if another handle holds the lock.
Napi::Value lock_file(const Napi::CallbackInfo& info);

}  // namespace sentorch
