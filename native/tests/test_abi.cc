// The same in C++.
#include "test_abi.c"
