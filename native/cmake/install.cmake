# What `cmake --install` puts where: libraries, header, CMake package, pkg-config file, example. Nothing in it names the
# prefix, so the tree can be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(targets em_core)
if(EDGEMOOD_SHARED)
  list(APPEND targets edgemood)
endif()
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/edgemood")
install(TARGETS ${targets} EXPORT edgemood INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY include/edgemood DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT edgemood NAMESPACE edgemood:: FILE edgemood-targets.cmake DESTINATION "${package_dir}")
install(FILES examples/head_unit.cc examples/CMakeLists.txt DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples")
install(FILES ../LICENSE ../docs/c-library.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# What an archive of C++ needs when a C compiler links it: the compiler's own words for its C++ runtime.
set(EDGEMOOD_RUNTIME ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(FILTER EDGEMOOD_RUNTIME INCLUDE REGEX "^(stdc\\+\\+|c\\+\\+|c\\+\\+abi|m)$")
list(REMOVE_DUPLICATES EDGEMOOD_RUNTIME)
target_link_libraries(em_core INTERFACE "$<INSTALL_INTERFACE:${EDGEMOOD_RUNTIME}>")
list(TRANSFORM EDGEMOOD_RUNTIME PREPEND "-l")
string(REPLACE ";" " " EDGEMOOD_RUNTIME "${EDGEMOOD_RUNTIME}")

# Before 1.0 a minor version may change the API; from then on only a major one does.
string(REGEX MATCH "^[0-9]+(\\.[0-9]+)*" numeric_version "${EDGEMOOD_VERSION}")
if(numeric_version VERSION_LESS 1)
  set(compatibility SameMinorVersion)
else()
  set(compatibility SameMajorVersion)
endif()
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/edgemood-config-version.cmake"
                                 VERSION "${numeric_version}" COMPATIBILITY ${compatibility})
file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/edgemood-config.cmake"
     "include(\"\${CMAKE_CURRENT_LIST_DIR}/edgemood-targets.cmake\")\n")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/edgemood-config.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/edgemood-config-version.cmake" DESTINATION "${package_dir}")

# Directories given as absolute stay so; the others follow the .pc file wherever the tree goes.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(EDGEMOOD_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH EDGEMOOD_PC_PREFIX "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
  string(REGEX REPLACE "/$" "" EDGEMOOD_PC_PREFIX "\${pcfiledir}/${EDGEMOOD_PC_PREFIX}")
endif()
foreach(dir LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(EDGEMOOD_PC_${dir} "${CMAKE_INSTALL_${dir}}")
  else()
    set(EDGEMOOD_PC_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()
configure_file(cmake/edgemood.pc.in edgemood.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/edgemood.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
