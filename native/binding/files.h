// What replacing folders needs of the system and Node does not offer. JavaScript thread; both are short and wait for
// nothing.
#pragma once
#include <napi.h>

namespace sentorch {

// exchange(a, b): the two paths swap what they name, in one step. 0, or an errno; ENOSYS where the system cannot.
Napi::Value exchange_paths(const Napi::CallbackInfo& info);

// lock(fd): a lock on an open file that the kernel gives back with the file's last handle, however its owner ends.
// 0, or an errno; EAGAIN where another handle has it.
Napi::Value lock_file(const Napi::CallbackInfo& info);

}  // namespace sentorch
