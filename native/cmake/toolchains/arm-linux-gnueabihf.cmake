# 32-bit ARM (ARMv7 with NEON and VFPv4: Raspberry Pi 2 and later under a 32-bit system) with Debian's
# g++-arm-linux-gnueabihf; tests run under qemu-user:
#   cmake -S native -B build/armhf --toolchain native/cmake/toolchains/arm-linux-gnueabihf.cmake
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(EDGEMOOD_TRIPLET arm-linux-gnueabihf)
set(EDGEMOOD_QEMU qemu-arm)
set(EDGEMOOD_QEMU_CPU cortex-a7 CACHE STRING "The processor that qemu emulates")
include(${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake)
