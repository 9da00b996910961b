# WEFT_SANITIZE names the sanitizers ("address,undefined", "thread"), WEFT_FUZZ adds libFuzzer's
# coverage. Rooms may ask `if(WEFT_SANITIZE)`: lib/base then takes the plain allocator, so that each
# block is its own malloc and the sanitizer sees its bounds.
# SPDX-License-Identifier: GPL-3.0-or-later
set(WEFT_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=: address,undefined | thread")
option(WEFT_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)

if(WEFT_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR
            "WEFT_FUZZ needs clang: cmake --preset fuzz, or -DCMAKE_C_COMPILER=clang")
    endif()
    if(NOT WEFT_SANITIZE)
        set(WEFT_SANITIZE "address,undefined")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(WEFT_SANITIZE)
    add_compile_options(-fsanitize=${WEFT_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${WEFT_SANITIZE} -fno-sanitize-recover=all)
endif()
