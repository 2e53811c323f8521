#include "kernel.h"

namespace em {

namespace baseline {
extern const Kernel kernel;
}
#if defined(EM_HAVE_V4)
namespace v4 {
extern const Kernel kernel;
}
#endif
#if defined(EM_HAVE_V3)
namespace v3 {
extern const Kernel kernel;
}
#endif

const Kernel *const *kernels(size_t *count) {
  static const Kernel *const all[] = {
#if defined(EM_HAVE_V4)
      &v4::kernel,
#endif
#if defined(EM_HAVE_V3)
      &v3::kernel,
#endif
      &baseline::kernel,
  };
  *count = sizeof all / sizeof *all;
  return all;
}

const Kernel *best_kernel() {
  size_t count = 0, best = 0;
  const Kernel *const *all = kernels(&count);
  while (best + 1 < count && !all[best]->supported()) ++best;  // the last one is the baseline
  return all[best];
}

}  // namespace em
