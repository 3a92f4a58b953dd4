// Opens libtorch and the core, once per process.
#pragma once
#include <string>
#include <vector>

#include "core/engine.h"

namespace sentorch {

struct OpenRequest {
  std::vector<std::string> libraries;  // absolute, in the order of opening
  std::string core;
};

// Any thread; takes a third of a second the first time. A later call may add libraries (CUDA's) to those that are open. Throws Error (ERR_LIBTORCH_MISSING, ERR_LIBTORCH_VERSION, ERR_ADDON_MISSING).
LibraryInfo open_library(const OpenRequest& request);

// Null before the first success of open_library.
Engine* opened_engine();

}  // namespace sentorch
