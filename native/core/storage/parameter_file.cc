#include "core/storage/parameter_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif

#include "core/guard.h"

namespace sentorch {
namespace {

class OutputFile {
 public:
  explicit OutputFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "wbx")) {
    if (!file_) fail("cannot be created");
  }
  ~OutputFile() {
    if (file_) std::fclose(file_);
    if (!kept_) std::remove(path_.c_str());
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const void* data, size_t bytes) {
    if (std::fwrite(data, 1, bytes, file_) != bytes) fail("cannot be written");
  }

  void close() {
    if (std::fflush(file_) != 0 || synchronize() != 0) fail("cannot be flushed to the disk");
    const int failed = std::fclose(std::exchange(file_, nullptr));
    if (failed) fail("cannot be closed");
    kept_ = true;
  }

 private:
  int synchronize() {
#if defined(_WIN32)
    return _commit(_fileno(file_));
#else
    return fsync(fileno(file_));
#endif
  }

  [[noreturn]] void fail(const char* what) const {
    throw Error("ERR_FILE", path_ + " " + what + ": " + std::strerror(errno) + ".");
  }

  std::string path_;
  std::FILE* file_;
  bool kept_ = false;
};

void copy(const StoredBytes& stored, OutputFile& out, const StopFlag& stop) {
  std::ifstream file(std::filesystem::u8path(stored.file), std::ios::binary);
  file.seekg(stored.offset);
  std::vector<char> buffer(1 << 20);
  for (int64_t left = stored.bytes; left > 0;) {
    stop_if(stop);
    const int64_t size = std::min<int64_t>(left, static_cast<int64_t>(buffer.size()));
    file.read(buffer.data(), size);
    if (!file)
      throw Error("ERR_MODEL_FORMAT", stored.file + " is too short: it was truncated or changed after it was opened.");
    out.write(buffer.data(), size);
    left -= size;
  }
}

}  // namespace

void write_file(const WriteRequest& request, const PartLookup& lookup, const StopFlag& stop) {
  OutputFile out(request.path);
  out.write(request.header.data(), request.header.size());
  for (const auto& part : request.parts) {
    stop_if(stop);
    if (const auto* stored = std::get_if<StoredBytes>(&part)) {
      copy(*stored, out, stop);
      continue;
    }
    const ParameterPart& named = std::get<ParameterPart>(part);
    const at::Tensor values = lookup(named).to(at::kCPU, at::kFloat).contiguous();
    if (!all_finite(static_cast<const float*>(values.data_ptr()), values.numel()))
      throw Error("ERR_NON_FINITE",
                  "Parameter " + named.parameter + " contains a NaN or an infinity, so it is not saved.");
    out.write(values.data_ptr(), values.nbytes());
  }
  out.close();
}

}  // namespace sentorch
