// How the C++ inside reports failure to the C ABI: thrown in create only, never while streaming.
#pragma once
#include <stdexcept>
#include <string>

#include "edgemood/edgemood.h"

namespace em {

struct Error : std::runtime_error {
  Error(em_status code, const std::string &message) : std::runtime_error(message), status(code) {}
  em_status status;
};

}  // namespace em
