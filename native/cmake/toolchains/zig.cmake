# Cross-compiles with the C and C++ compiler (clang) of the Python package ziglang, which carries the headers of every
# glibc: what it links runs on any Linux with that glibc or a later one. For release wheels (tools/wheels):
#   cmake -S native -B build/x --toolchain native/cmake/toolchains/zig.cmake \
#     -DEDGEMOOD_ZIG_PYTHON=python3 -DEDGEMOOD_ZIG_TARGET=aarch64-linux-gnu.2.17
set(EDGEMOOD_ZIG_PYTHON python3 CACHE STRING "A Python that has the package ziglang")
set(EDGEMOOD_ZIG_TARGET "" CACHE STRING "ARCHITECTURE-linux-ABI.GLIBC")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES EDGEMOOD_ZIG_PYTHON EDGEMOOD_ZIG_TARGET)
if(NOT EDGEMOOD_ZIG_TARGET MATCHES "^([a-z0-9_]+)-linux-[a-z]+\\.[0-9.]+$")
  message(FATAL_ERROR "EDGEMOOD_ZIG_TARGET is '${EDGEMOOD_ZIG_TARGET}', not as in aarch64-linux-gnu.2.17")
endif()

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${CMAKE_MATCH_1})
set(CMAKE_C_COMPILER ${EDGEMOOD_ZIG_PYTHON} -m ziglang cc)
set(CMAKE_CXX_COMPILER ${EDGEMOOD_ZIG_PYTHON} -m ziglang c++)
set(CMAKE_C_COMPILER_TARGET ${EDGEMOOD_ZIG_TARGET})
set(CMAKE_CXX_COMPILER_TARGET ${EDGEMOOD_ZIG_TARGET})
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "arm")
  set(CMAKE_SYSTEM_PROCESSOR armv7l)
  set(CMAKE_C_FLAGS_INIT -mcpu=cortex_a7) # zig's name of what -mfpu=neon-vfpv4 asks for
  set(CMAKE_CXX_FLAGS_INIT -mcpu=cortex_a7)
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  set(CMAKE_CXX_FLAGS_INIT "-include ${CMAKE_CURRENT_LIST_DIR}/zig_cpu_supports.h")
endif()
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY) # each kind of program linked has zig build its C++ library: minutes
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
