/* The header, first and on its own, against the committed record of its ABI version. Compiled as strict C99 and, by
 * test_abi.cc, as strict C++17: a function of another type does not compile, a moved member fails when run. */
#include <edgemood/edgemood.h>
#include <edgemood/edgemood.h>

#include "check.h"

#define FUNCTION(result, name, parameters) extern result(*const type_of_##name) parameters;
#define ENUMERATOR(name, value)
#define STRUCT(name, size64, size32)
#define MEMBER(structure, type, name, offset64, offset32)           \
  type const *type_of_##structure##_##name(const structure *value); \
  type const *type_of_##structure##_##name(const structure *value) { return &value->name; }
#include EM_ABI_FILE
#undef FUNCTION
#undef ENUMERATOR
#undef STRUCT
#undef MEMBER

#define FUNCTION(result, name, parameters) result(*const type_of_##name) parameters = name;
#define ENUMERATOR(name, value)
#define STRUCT(name, size64, size32)
#define MEMBER(structure, type, name, offset64, offset32)
#include EM_ABI_FILE
#undef FUNCTION
#undef ENUMERATOR
#undef STRUCT
#undef MEMBER

#define FITS(actual, bytes64, bytes32) CHECK((actual) == (sizeof(void *) == 8 ? (bytes64) : (bytes32)))
#define FUNCTION(result, name, parameters) CHECK(type_of_##name != NULL);
#define ENUMERATOR(name, value) CHECK((int)(name) == (value));
#define STRUCT(name, size64, size32) FITS(sizeof(name), (size_t)(size64), (size_t)(size32));
#define MEMBER(structure, type, name, offset64, offset32) \
  FITS(offsetof(structure, name), (size_t)(offset64), (size_t)(offset32));

int main(void) {
  CHECK(em_abi_version() == EM_ABI_VERSION);
  CHECK(sizeof(em_status) == 4);
#include EM_ABI_FILE
  return checks_report();
}
