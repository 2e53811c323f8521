# What the toolchain files for Debian's cross compilers share. The including file sets EDGEMOOD_TRIPLET, EDGEMOOD_QEMU
# (the emulator of its user-mode programs) and CMAKE_SYSTEM_PROCESSOR. EDGEMOOD_QEMU_CPU is the processor to emulate:
# never leave it to qemu, whose default has every extension there is and so runs code that a board refuses.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${EDGEMOOD_TRIPLET}-gcc)
set(CMAKE_CXX_COMPILER ${EDGEMOOD_TRIPLET}-g++)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES EDGEMOOD_QEMU_CPU)

set(CMAKE_FIND_ROOT_PATH /usr/${EDGEMOOD_TRIPLET})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)

# CTest runs each test through this.
set(CMAKE_CROSSCOMPILING_EMULATOR ${EDGEMOOD_QEMU} -cpu ${EDGEMOOD_QEMU_CPU} -L /usr/${EDGEMOOD_TRIPLET})
