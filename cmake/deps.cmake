# Third-party libraries as imported targets dep_*. All come from pkg-config but two, which
# scripts/bootstrap prepares: llhttp (the system's, or a copy in the cache) and wolfSSL (our own
# static build in the cache). -DWEFT_WOLFSSL_ROOT and -DWEFT_LLHTTP_ROOT name yours.
# SPDX-License-Identifier: GPL-3.0-or-later
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

function(weft_pkg_dep name module)
    pkg_check_modules(PC_${name} REQUIRED QUIET IMPORTED_TARGET GLOBAL ${module})
    add_library(dep_${name} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(dep_${name} INTERFACE PkgConfig::PC_${name})
endfunction()

weft_pkg_dep(uv "libuv>=1.44")
weft_pkg_dep(nghttp2 "libnghttp2>=1.52")
weft_pkg_dep(jansson "jansson>=2.13")
weft_pkg_dep(yaml "yaml-0.1>=0.2.5")
weft_pkg_dep(protobuf_c "libprotobuf-c>=1.4")
weft_pkg_dep(pcre2 "libpcre2-8>=10.40")
weft_pkg_dep(cares "libcares>=1.18")
weft_pkg_dep(brotlienc "libbrotlienc>=1.0.9")
weft_pkg_dep(brotlidec "libbrotlidec>=1.0.9")
weft_pkg_dep(zstd "libzstd>=1.5")
weft_pkg_dep(zlib "zlib>=1.2.13")
weft_pkg_dep(expat "expat>=2.5")
weft_pkg_dep(argon2 "libargon2")
weft_pkg_dep(crypt "libxcrypt")

# cmocka is only needed by the tests: without it they are left out, see cmake/tests.cmake.
pkg_check_modules(PC_cmocka QUIET IMPORTED_TARGET GLOBAL "cmocka>=1.1.5")
if(PC_cmocka_FOUND)
    add_library(dep_cmocka INTERFACE IMPORTED GLOBAL)
    target_link_libraries(dep_cmocka INTERFACE PkgConfig::PC_cmocka)
endif()

set(WEFT_WOLFSSL_ROOT "" CACHE PATH "wolfSSL {include,lib}; empty: the one scripts/bootstrap built")
set(WEFT_LLHTTP_ROOT "" CACHE PATH "llhttp {include,lib}; empty: what scripts/bootstrap found")

execute_process(COMMAND ${CMAKE_SOURCE_DIR}/scripts/bootstrap --print-paths
    OUTPUT_VARIABLE bootstrap_paths RESULT_VARIABLE bootstrap_rc OUTPUT_STRIP_TRAILING_WHITESPACE)
if(bootstrap_rc)
    message(FATAL_ERROR "scripts/bootstrap --print-paths failed")
endif()

function(weft_root_of name out)
    set(root "${WEFT_${name}_ROOT}")
    if(NOT root AND bootstrap_paths MATCHES "WEFT_${name}_ROOT=([^\n]+)")
        set(root "${CMAKE_MATCH_1}")
    endif()
    set(${out} "${root}" PARENT_SCOPE)
endfunction()

function(weft_static_dep name root header archive)
    find_path(DEP_${name}_INCLUDE ${header} PATHS ${root}/include NO_DEFAULT_PATH NO_CACHE)
    find_library(DEP_${name}_LIB ${archive}
        PATHS ${root}/lib ${root}/lib/${CMAKE_C_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH NO_CACHE)
    if(NOT DEP_${name}_INCLUDE OR NOT DEP_${name}_LIB)
        message(FATAL_ERROR "${name}: no ${header} and ${archive} under '${root}'. "
            "Run scripts/bootstrap (and this again), or say where they are.")
    endif()
    add_library(dep_${name} STATIC IMPORTED GLOBAL)
    set_target_properties(dep_${name} PROPERTIES
        IMPORTED_LOCATION ${DEP_${name}_LIB} INTERFACE_INCLUDE_DIRECTORIES ${DEP_${name}_INCLUDE})
    message(STATUS "${name}: ${DEP_${name}_LIB}")
endfunction()

weft_root_of(LLHTTP llhttp_root)
weft_root_of(WOLFSSL wolfssl_root)
weft_static_dep(llhttp "${llhttp_root}" llhttp.h libllhttp.a)
weft_static_dep(wolfssl "${wolfssl_root}" wolfssl/options.h libwolfssl.a)
# wolfSSL's public headers only agree with the library when its options.h comes first.
target_compile_definitions(dep_wolfssl INTERFACE WOLFSSL_USE_OPTIONS_H)
target_link_libraries(dep_wolfssl INTERFACE Threads::Threads m)

file(STRINGS ${wolfssl_root}/include/wolfssl/version.h wolfssl_version_line
    REGEX "LIBWOLFSSL_VERSION_STRING")
string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" WEFT_WOLFSSL_VERSION "${wolfssl_version_line}")
if(WEFT_WOLFSSL_VERSION VERSION_LESS 5.9.2)
    message(FATAL_ERROR
        "wolfSSL ${WEFT_WOLFSSL_VERSION} under ${wolfssl_root} is too old: at least 5.9.2")
endif()
