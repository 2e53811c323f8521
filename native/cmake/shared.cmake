# libedgemood.so: em_core's objects, versioned by the ABI, complete, hardened, with only the header's functions visible.
add_library(edgemood SHARED $<TARGET_OBJECTS:em_core>)
add_library(edgemood::edgemood ALIAS edgemood)
if(NOT EDGEMOOD_SHARED)
  set_target_properties(edgemood PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
set_target_properties(edgemood PROPERTIES LINKER_LANGUAGE CXX VERSION "${EDGEMOOD_VERSION}" SOVERSION "${EDGEMOOD_ABI}")
target_include_directories(edgemood PUBLIC "$<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>")

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  # Hidden visibility alone leaves instances of the standard library's templates visible: they are declared so.
  set(version_script "${CMAKE_CURRENT_BINARY_DIR}/edgemood.map")
  file(CONFIGURE OUTPUT "${version_script}" CONTENT "EDGEMOOD_${EDGEMOOD_ABI} {\n  global: em_*;\n  local: *;\n};\n")
  set_target_properties(edgemood PROPERTIES LINK_DEPENDS "${version_script}")
  target_link_options(edgemood PRIVATE "LINKER:--version-script=${version_script}" "LINKER:-z,defs" "LINKER:-z,relro"
                      "LINKER:-z,now" "LINKER:--as-needed")
endif()
if(EDGEMOOD_STATIC_RUNTIME)
  target_link_options(edgemood PRIVATE -static-libstdc++ -static-libgcc)
endif()
