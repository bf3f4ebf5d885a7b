// What a module and the server must agree on before one may call the other, as a string that both can print.
//
// Composed by the preprocessor where it is included: in the server when that is built, in an application's module when
// that is. A module whose tag is not the server's own is refused when it is loaded, with both tags.

#pragma once

#include <version>

// Raised whenever anything in these headers changes its layout or meaning.
#define WSD_ABI_NUMBER 2

#define WSD_ABI_TEXT_OF(value) #value
#define WSD_ABI_TEXT(value) WSD_ABI_TEXT_OF(value)

#if defined(__clang__)
#define WSD_ABI_COMPILER "clang-" WSD_ABI_TEXT(__clang_major__)
#elif defined(__GNUC__)
#define WSD_ABI_COMPILER "gcc-" WSD_ABI_TEXT(__GNUC__)
#else
#error "wsd knows GCC and Clang"
#endif

#if defined(_LIBCPP_VERSION)
#define WSD_ABI_LIBRARY "libc++-abi" WSD_ABI_TEXT(_LIBCPP_ABI_VERSION)
#elif defined(__GLIBCXX__)
// The second number is 1 where std::string is the one of C++11.
#define WSD_ABI_LIBRARY "libstdc++-" WSD_ABI_TEXT(_GLIBCXX_RELEASE) "-cxx11abi" WSD_ABI_TEXT(_GLIBCXX_USE_CXX11_ABI)
#else
#error "wsd knows libstdc++ and libc++"
#endif

// "wsd-2 gcc-12 libstdc++-12-cxx11abi1 c++202002L 8-byte-pointers"
#define WSD_ABI_TAG                                                                                 \
  "wsd-" WSD_ABI_TEXT(WSD_ABI_NUMBER) " " WSD_ABI_COMPILER " " WSD_ABI_LIBRARY " c++" WSD_ABI_TEXT( \
      __cplusplus) " " WSD_ABI_TEXT(__SIZEOF_POINTER__) "-byte-pointers"
