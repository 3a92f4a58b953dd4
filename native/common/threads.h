// What the system allows, asked before a library that cannot bear a refusal starts threads.
#pragma once
#include <cstdint>

namespace sentorch {

// How many of `count` threads the system lets live at once now. They are started, and have ended when it returns.
int64_t startable_threads(int64_t count);

}  // namespace sentorch
