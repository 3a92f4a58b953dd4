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

// Any thread; the first call takes a third of a second. A later call can open further libraries (those of CUDA).
// Throws Error (ERR_LIBTORCH_MISSING, ERR_LIBTORCH_VERSION, ERR_ADDON_MISSING).
LibraryInfo open_library(const OpenRequest& request);

// Exists while open_library runs. libgomp reads its spin policy from the environment when it is opened. By default its
// threads spin for milliseconds, so that every product waits for whole time slices if other processes use the
// processors: on a busy machine it is 4 times slower. Therefore libgomp is opened with a short spin, unless the program
// or its user has chosen a policy; afterwards the variable is removed again.
class ShortSpin {
 public:
  ShortSpin();
  ~ShortSpin();
  ShortSpin(const ShortSpin&) = delete;
  ShortSpin& operator=(const ShortSpin&) = delete;
};

// Null until open_library has succeeded once.
Engine* opened_engine();

}  // namespace sentorch
