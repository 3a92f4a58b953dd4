// Opens libtorch and the core, once per process.
#pragma once
#include <string>
#include <vector>

#include "engine/engine.h"

namespace sentorch {

struct OpenRequest {
  std::vector<std::string> libraries;  // absolute, in the order of opening
  std::string core;
};

// Any thread; takes a third of a second the first time. A later call may add libraries (CUDA's) to those that are open.
// Throws Error (ERR_LIBTORCH_MISSING, ERR_LIBTORCH_VERSION, ERR_ADDON_MISSING).
LibraryInfo open_library(const OpenRequest& request);

// Made and destroyed on the JavaScript thread, around open_library. libgomp reads its spin policy from the environment
// when it is opened, and its default (to spin for milliseconds) makes every product wait whole time slices as soon as
// other processes want the processors: 4 times slower on a busy machine. So it is opened with a short spin, unless the
// program or its user chose another policy; the environment is then as before.
class ShortSpin {
 public:
  ShortSpin();
  ~ShortSpin();
  ShortSpin(const ShortSpin&) = delete;
  ShortSpin& operator=(const ShortSpin&) = delete;
};

// Null before the first success of open_library.
Engine* opened_engine();

}  // namespace sentorch
