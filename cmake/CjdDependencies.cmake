# Libraries, all from the distribution; nothing is downloaded. Each one is linked only by the
# room that may use it (docs/architecture.md), so they are imported targets and never global.
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium>=1.0.18)
pkg_check_modules(event REQUIRED IMPORTED_TARGET libevent_core>=2.1 libevent_extra>=2.1)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson>=2.13)
if(CJD_TESTS)
    pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka>=1.1)
endif()
find_package(Threads REQUIRED)
