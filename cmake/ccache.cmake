# Compile through ccache when it is installed; -DWEFT_CCACHE=OFF turns that off.
# SPDX-License-Identifier: GPL-3.0-or-later
option(WEFT_CCACHE "Compile through ccache when it is installed" ON)
if(WEFT_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
    find_program(WEFT_CCACHE_PROGRAM ccache)
    if(WEFT_CCACHE_PROGRAM)
        set(CMAKE_C_COMPILER_LAUNCHER ${WEFT_CCACHE_PROGRAM})
    endif()
endif()
