# cmake --install: the server, the load tool, the public header, and what finds it for those who build apps with their own tools
# (find_package(wsd) and pkg-config).

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_directory "${CMAKE_INSTALL_LIBDIR}/cmake/wsd")
file(RELATIVE_PATH WSD_PREFIX_FROM_PC "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX MATCH "^[0-9]+" WSD_COMPILER_MAJOR "${CMAKE_CXX_COMPILER_VERSION}")

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/wsdConfig.cmake.in" "${PROJECT_BINARY_DIR}/wsdConfig.cmake"
  INSTALL_DESTINATION "${package_directory}"
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/wsdConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
configure_file("${CMAKE_CURRENT_LIST_DIR}/wsd.pc.in" "${PROJECT_BINARY_DIR}/wsd.pc" @ONLY)

install(TARGETS wsd wsbench RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/worker/include/wsd" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
install(FILES "${PROJECT_BINARY_DIR}/wsdConfig.cmake" "${PROJECT_BINARY_DIR}/wsdConfigVersion.cmake"
  DESTINATION "${package_directory}")
install(FILES "${PROJECT_BINARY_DIR}/wsd.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
