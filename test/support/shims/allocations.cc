// Preloaded into a process, it makes one allocation of the native code fail, or one and all after it. The file that
// SENTORCH_ALLOCATIONS names is shared with the program, which sets `at` and reads what happened.
// Counted are the memory of tensors, which libc10 takes, and what the core itself takes with `new`. What oneDNN takes
// is not: it follows a null pointer where it cannot have one of its own objects.
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>

namespace {

struct Control {
  int64_t at;       // the allocation that fails, from 1; 0: none does, and nothing is counted
  int64_t forever;  // whether those after it fail too
  int64_t counted;
  int64_t failed;
};

Control* control() {
  static Control* const shared = [] {
    const char* path = std::getenv("SENTORCH_ALLOCATIONS");
    const int file = path ? open(path, O_RDWR) : -1;
    void* memory = file < 0 ? MAP_FAILED : mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file >= 0) close(file);
    return memory == MAP_FAILED ? nullptr : static_cast<Control*>(memory);
  }();
  return shared;
}

struct Image {
  const char* name;
  uintptr_t begin = 0, end = 0;
};

Image core{"libsentorch_core"}, c10{"libc10."};

int note(dl_phdr_info* info, size_t, void*) {
  for (Image* image : {&core, &c10}) {
    if (!std::strstr(info->dlpi_name, image->name)) continue;
    for (int i = 0; i < info->dlpi_phnum; i++) {
      const auto& segment = info->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X)) continue;
      image->begin = info->dlpi_addr + segment.p_vaddr;
      image->end = image->begin + segment.p_memsz;
    }
  }
  return 0;
}

// Whether an allocation is to fail now: one that was asked for from inside the image.
bool fails(const void* caller, const Image& image) {
  Control* const shared = control();
  if (!shared || __atomic_load_n(&shared->at, __ATOMIC_RELAXED) == 0) return false;
  if (core.end == 0) dl_iterate_phdr(note, nullptr);
  const auto place = reinterpret_cast<uintptr_t>(caller);
  if (place < image.begin || place >= image.end) return false;
  const int64_t number = __atomic_add_fetch(&shared->counted, 1, __ATOMIC_RELAXED);
  if (shared->forever ? number < shared->at : number != shared->at) return false;
  __atomic_add_fetch(&shared->failed, 1, __ATOMIC_RELAXED);
  return true;
}

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int posix_memalign(void** out, size_t alignment, size_t size) {
  static auto* const real = next<int(void**, size_t, size_t)>("posix_memalign");
  if (fails(__builtin_return_address(0), c10)) return ENOMEM;
  return real(out, alignment, size);
}

void* operator new(size_t size) {
  void* const block = fails(__builtin_return_address(0), core) ? nullptr : std::malloc(size);
  if (!block) throw std::bad_alloc();
  return block;
}
