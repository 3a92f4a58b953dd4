// Whether a file is a whole shared library. dlopen of a truncated one ends the process with SIGBUS, so this is asked
// first.
#pragma once
#include <optional>
#include <string>

namespace sentorch {

// Nothing when the file looks whole, else what is wrong. Elsewhere than on Linux only whether it can be read.
std::optional<std::string> image_problem(const std::string& path);

}  // namespace sentorch
