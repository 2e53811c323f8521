# 64-bit ARM with Debian's g++-aarch64-linux-gnu; tests run under qemu-user:
#   cmake -S native -B build/aarch64 --toolchain native/cmake/toolchains/aarch64-linux-gnu.cmake
# -DEDGEMOOD_QEMU_CPU=cortex-a53 (Raspberry Pi 3, Zero 2 W), cortex-a72 (4), cortex-a76 (5)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(EDGEMOOD_TRIPLET aarch64-linux-gnu)
set(EDGEMOOD_QEMU qemu-aarch64)
set(EDGEMOOD_QEMU_CPU cortex-a53 CACHE STRING "The processor that qemu emulates")
include(${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake)
