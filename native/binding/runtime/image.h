// Checks whether a file is a complete shared library. Opening a truncated one with dlopen ends the process with SIGBUS,
// so this check comes first.
#pragma once
#include <optional>
#include <string>

namespace sentorch {

// Returns nothing if the file seems complete, otherwise a description of the problem. On systems other than Linux it
// only checks whether the file can be read.
std::optional<std::string> image_problem(const std::string& path);

}  // namespace sentorch
