# Warnings for all of our own code, as errors. Third-party headers come in as SYSTEM includes and
# generated code is compiled with -w (cmake/protobuf.cmake), so nothing here needs an exception.
# SPDX-License-Identifier: GPL-3.0-or-later
option(WEFT_WERROR "Treat warnings as errors" ON)

add_compile_options(
    -Wall -Wextra
    -Wformat=2 -Wimplicit-fallthrough -Wmissing-prototypes -Wold-style-definition
    -Wpointer-arith -Wshadow -Wstrict-prototypes -Wvla -Wwrite-strings)
if(WEFT_WERROR)
    add_compile_options(-Werror)
endif()
