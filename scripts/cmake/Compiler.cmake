# What every target of ours is compiled with. Third-party code (llhttp's C sources) is not.

add_library(wsd_compile_options INTERFACE)
target_compile_features(wsd_compile_options INTERFACE cxx_std_20)
target_include_directories(wsd_compile_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(wsd_compile_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Werror
  -fstack-protector-strong)
target_compile_definitions(wsd_compile_options INTERFACE _GLIBCXX_ASSERTIONS)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC bug 105329: false alarms in std::string's operator+ when optimising.
  target_compile_options(wsd_compile_options INTERFACE -Wno-restrict)
  # The same kind of false alarm, at link time when optimising across files.
  target_link_options(wsd_compile_options INTERFACE -Wno-stringop-overflow -Wno-stringop-overread)
endif()

# What executables of ours, and the apps that wsd compiles, are checked by.
set(WSD_SANITIZERS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT WSD_SANITIZE_WORDS)
  # GCC keeps a record of each of UBSan's checks, and ASan guards each record: half a million of them, which made wsd a
  # file of 190 MB that took 70 ms to start. A check that fails traps instead, and ASan (handle_sigill=1) names the line.
  # vptr alone is not checked so; Clang's build of the fuzz targets has it.
  list(APPEND WSD_SANITIZERS -fsanitize-undefined-trap-on-error)
endif()

if(WSD_SANITIZE)
  # Not relocatable: the loader would spend longer on the tables of the sanitizers than many a test runs.
  target_compile_options(wsd_compile_options INTERFACE ${WSD_SANITIZERS} -fno-pie)
  target_link_options(wsd_compile_options INTERFACE ${WSD_SANITIZERS} -no-pie)
elseif(WSD_MSAN)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "WSD_MSAN needs Clang: configure with --preset msan")
  endif()
  set(sanitizers -fsanitize=memory -fsanitize-memory-track-origins -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(wsd_compile_options INTERFACE ${sanitizers})
  target_link_options(wsd_compile_options INTERFACE ${sanitizers})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  target_compile_options(wsd_compile_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  target_link_options(wsd_compile_options INTERFACE -pie -Wl,-z,relro,-z,now)
endif()

if(WSD_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "WSD_FUZZ needs Clang: configure with --preset fuzz")
  endif()
  # Coverage instrumentation for every library; the fuzz targets alone link libFuzzer's main.
  target_compile_options(wsd_compile_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
