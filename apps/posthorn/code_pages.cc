#include "code_pages.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace posthorn {

void map_code_pages() {
#ifdef MADV_POPULATE_READ  // Linux 5.14
  const auto map_object = [](dl_phdr_info* object, std::size_t, void*) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < object->dlpi_phnum; ++i) {
      const auto& segment = object->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X)) continue;
      const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
      const std::uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
      ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ);
    }
    return 0;
  };
  ::dl_iterate_phdr(map_object, nullptr);
#endif
}

}  // namespace posthorn
