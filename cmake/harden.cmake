# Flags that make a bug harder to use, on every build; fortify and link-time optimisation only where
# the optimiser runs and no sanitizer does. Frame pointers stay, there but in functions that call
# nothing: profiles need them, at little cost.
# SPDX-License-Identifier: GPL-3.0-or-later
include(CheckPIESupported)
include(CheckIPOSupported)
include(CheckCCompilerFlag)

option(WEFT_LTO "Link-time optimisation of programs in Release builds" OFF)

check_pie_supported(LANGUAGES C)
# Hidden: programs are linked from static rooms, so no call needs to go by way of the symbol table.
add_compile_options(-fno-omit-frame-pointer -fstack-protector-strong -fvisibility=hidden)
add_link_options(LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
# The sanitizers' runtime stands before functions of libraries (crypt_r), which must be there.
if(NOT WEFT_SANITIZE)
    add_link_options(LINKER:--as-needed)
endif()

foreach(flag IN ITEMS -fstack-clash-protection -fcf-protection)
    string(MAKE_C_IDENTIFIER "WEFT_HAVE_${flag}" have)
    check_c_compiler_flag("${flag} -Werror" ${have})
    if(${have} AND NOT WEFT_SANITIZE)
        add_compile_options(${flag})
    endif()
endforeach()

if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT WEFT_SANITIZE)
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -momit-leaf-frame-pointer)
    # The shadow stack alone: for the other half, a mark wherever a call may land, Linux has no use.
    if(WEFT_HAVE__fcf_protection)
        add_compile_options(-fcf-protection=return)
    endif()
    if(WEFT_LTO)
        check_ipo_supported(RESULT WEFT_LTO_WORKS OUTPUT why LANGUAGES C)
        if(NOT WEFT_LTO_WORKS)
            message(FATAL_ERROR "WEFT_LTO is on but this compiler cannot do it: ${why}")
        endif()
        set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
        # Machine code beside it, for the test programs: a hundred of them would be optimised as a
        # whole, one by one, for minutes. CMake's own choice is to leave it out.
        list(REMOVE_ITEM CMAKE_C_COMPILE_OPTIONS_IPO -fno-fat-lto-objects)
        list(APPEND CMAKE_C_COMPILE_OPTIONS_IPO -ffat-lto-objects)
    endif()
endif()

# weft_no_lto(<target>): linked from the rooms' machine code.
function(weft_no_lto target)
    if(CMAKE_INTERPROCEDURAL_OPTIMIZATION)
        set_target_properties(${target} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
        target_link_options(${target} PRIVATE -fno-lto)
    endif()
endfunction()
