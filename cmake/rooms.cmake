# weft_room(<target> SOURCES … [LINK …] [PRIVATE_LINK …])   a static library
# weft_program(<name> SOURCES … [LINK …])                   an executable in <build>/bin
# Both live beside their sources and list them by name. A room without sources yet becomes an empty
# interface target, and a program without sources is left out, so others can already link to them.
# SPDX-License-Identifier: GPL-3.0-or-later
option(WEFT_MISSING_OK "Leave out listed sources that do not exist yet, with a note" OFF)

# weft_present(<list variable> <whose>): what of the list exists. A missing file is an error that
# says whose it is, unless WEFT_MISSING_OK lets one build around a room that is being written.
function(weft_present variable whose)
    set(present)
    foreach(file IN LISTS ${variable})
        if(IS_ABSOLUTE ${file} OR EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
            list(APPEND present ${file})
        elseif(WEFT_MISSING_OK)
            message(STATUS "note: ${whose} lists ${file}, which does not exist: left out")
        else()
            message(SEND_ERROR "${whose} lists ${file}, which does not exist in "
                "${CMAKE_CURRENT_SOURCE_DIR}. (-DWEFT_MISSING_OK=ON builds without it.)")
        endif()
    endforeach()
    set(${variable} "${present}" PARENT_SCOPE)
endfunction()

function(weft_room target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK;PRIVATE_LINK")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "weft_room(${target}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    weft_present(arg_SOURCES ${target})
    if(NOT arg_SOURCES)
        add_library(${target} INTERFACE)
        target_link_libraries(${target} INTERFACE ${arg_LINK})
        return()
    endif()
    add_library(${target} STATIC ${arg_SOURCES})
    target_link_libraries(${target} PUBLIC ${arg_LINK} PRIVATE ${arg_PRIVATE_LINK})
    set_property(GLOBAL APPEND PROPERTY WEFT_ROOMS ${target})
endfunction()

function(weft_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "weft_program(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    weft_present(arg_SOURCES ${name})
    if(NOT arg_SOURCES)
        return()
    endif()
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_LINK})
    install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# A .c file that no room lists would be dead code that the build never sees.
function(weft_rooms_check)
    get_property(targets GLOBAL PROPERTY WEFT_ROOMS)
    foreach(target IN LISTS targets)
        get_target_property(dir ${target} SOURCE_DIR)
        get_target_property(sources ${target} SOURCES)
        file(GLOB found RELATIVE ${dir} ${dir}/*.c ${dir}/*/*.c)
        foreach(file IN LISTS found)
            get_filename_component(folder ${dir}/${file} DIRECTORY)
            if(NOT folder STREQUAL dir AND EXISTS ${folder}/CMakeLists.txt)
                continue() # another room
            endif()
            if(NOT file IN_LIST sources AND NOT "${dir}/${file}" IN_LIST sources
                    AND NOT file MATCHES "^mem_(pool|plain)\\.c$|_main\\.c$|^main\\.c$")
                message(STATUS "note: ${dir}/${file} is in no source list of ${target}")
            endif()
        endforeach()
    endforeach()
endfunction()
