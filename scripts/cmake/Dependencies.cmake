# Every library we stand on, as an imported target. All are Debian 12 and Ubuntu 22.04+ packages (see scripts/setup).

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(uv REQUIRED IMPORTED_TARGET libuv>=1.43)
pkg_check_modules(simdjson REQUIRED IMPORTED_TARGET simdjson)

# toml++ is used as headers alone, whether the package has a library too or not.
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)
add_library(tomlplusplus INTERFACE)
target_include_directories(tomlplusplus SYSTEM INTERFACE "${TOMLPLUSPLUS_INCLUDE_DIR}")

# llhttp: Debian 12 and Ubuntu 24.04 ship its generated C sources in node-llhttp; newer systems have libllhttp-dev.
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)
find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp)
find_library(LLHTTP_LIBRARY llhttp)
if(LLHTTP_LIBRARY AND LLHTTP_INCLUDE_DIR)
  add_library(llhttp INTERFACE)
  target_link_libraries(llhttp INTERFACE "${LLHTTP_LIBRARY}")
elseif(LLHTTP_SOURCE_DIR AND LLHTTP_INCLUDE_DIR)
  add_library(llhttp STATIC
    "${LLHTTP_SOURCE_DIR}/api.c" "${LLHTTP_SOURCE_DIR}/http.c" "${LLHTTP_SOURCE_DIR}/llhttp.c")
  set_target_properties(llhttp PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(llhttp PRIVATE "${LLHTTP_INCLUDE_DIR}")
else()
  message(FATAL_ERROR "llhttp not found: apt-get install node-llhttp (Debian 12, Ubuntu 24.04) or libllhttp-dev")
endif()
target_include_directories(llhttp SYSTEM INTERFACE "${LLHTTP_INCLUDE_DIR}")
