#include "binding/runtime/image.h"

#include <filesystem>
#include <fstream>
#include <vector>

#if defined(__linux__)
#include <elf.h>

#include <cstring>
#endif

namespace sentorch {
namespace {

#if defined(__linux__)
// The kernel maps the segments that the program headers describe, so each of them must lie inside the file.
std::optional<std::string> elf_problem(std::ifstream& file, uint64_t size) {
  Elf64_Ehdr header;
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header))
    return "is too short for a shared library (" + std::to_string(size) + " bytes)";
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
    return "is not a 64-bit ELF file";
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > size ||
      header.e_phnum * sizeof(Elf64_Phdr) > size - header.e_phoff) {
    return "has damaged program headers";
  }
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  file.seekg(static_cast<std::streamoff>(header.e_phoff));
  file.read(reinterpret_cast<char*>(segments.data()),
            static_cast<std::streamsize>(segments.size() * sizeof(Elf64_Phdr)));
  uint64_t needed = 0;
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_LOAD) continue;
    if (segment.p_filesz > UINT64_MAX - segment.p_offset) return "has damaged program headers";
    needed = std::max<uint64_t>(needed, segment.p_offset + segment.p_filesz);
  }
  if (needed > size)
    return "is truncated: its headers describe " + std::to_string(needed) + " bytes, but the file has " +
           std::to_string(size);
  return std::nullopt;
}
#endif

}  // namespace

std::optional<std::string> image_problem(const std::string& path) {
  std::error_code error;
  const std::filesystem::path at = std::filesystem::u8path(path);
  const uint64_t size = std::filesystem::file_size(at, error);
  if (error) return "cannot be read (" + error.message() + ")";
  std::ifstream file(at, std::ios::binary);
  if (!file) return "cannot be opened for reading";
#if defined(__linux__)
  return elf_problem(file, size);
#else
  return size == 0 ? std::optional<std::string>("is empty") : std::nullopt;
#endif
}

}  // namespace sentorch
