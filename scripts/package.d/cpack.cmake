# What CPack makes a .deb of: the tree that scripts/package has staged.

set(CPACK_GENERATOR DEB)
set(CPACK_INSTALLED_DIRECTORIES "$ENV{WSD_STAGE};/")
set(CPACK_PACKAGING_INSTALL_PREFIX /)

set(CPACK_PACKAGE_NAME wsd)
set(CPACK_PACKAGE_FILE_NAME "wsd-$ENV{WSD_VERSION}")
set(CPACK_PACKAGE_VENDOR "The wsd authors")
set(CPACK_PACKAGE_VERSION "$ENV{WSD_VERSION}")
set(CPACK_DEBIAN_PACKAGE_VERSION "$ENV{WSD_VERSION}")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "$ENV{WSD_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "passwd")
# An app in C++ is compiled where it runs.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "g++")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "logrotate, nginx")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "WebSocket application server")
set(CPACK_PACKAGE_DESCRIPTION
  "A master process, N workers and callbacks in C++, or no code at all with the
built-in applications and an HTTP interface to publish with.
.
New code, new options and new versions of the server itself are put in place
while every client stays connected.")
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "$ENV{WSD_FILES}/conffiles;$ENV{WSD_FILES}/postinst;$ENV{WSD_FILES}/prerm;$ENV{WSD_FILES}/postrm")
