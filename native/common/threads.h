// Tests how many threads the system allows, before a library starts threads that cannot handle a failure.
#pragma once
#include <cstdint>

namespace sentorch {

// The number of threads, up to `count`, that the system currently allows to run at the same time. They are started, and
// have ended when the function returns.
int64_t startable_threads(int64_t count);

}  // namespace sentorch
