# weft_protobuf(<target> <proto> …): <name>.pb-c.{c,h} for each .proto, in the build tree at the
# same path, as a static library. A proto is named from the repository root, and so is its header:
#   weft_protobuf(weft_proto policies/proto/config.proto) -> #include "policies/proto/config.pb-c.h"
# SPDX-License-Identifier: GPL-3.0-or-later
find_program(WEFT_PROTOC protoc)
find_program(WEFT_PROTOC_GEN_C protoc-gen-c)
find_program(WEFT_PROTOC_C protoc-c)
if(WEFT_PROTOC AND WEFT_PROTOC_GEN_C)
    set(WEFT_PROTOC_COMMAND ${WEFT_PROTOC})
elseif(WEFT_PROTOC_C)
    # The older way in: one program that is both, which newer releases warn about.
    set(WEFT_PROTOC_COMMAND ${WEFT_PROTOC_C})
else()
    message(FATAL_ERROR
        "neither protoc with protoc-gen-c nor protoc-c is installed: run scripts/bootstrap")
endif()

function(weft_protobuf target)
    set(generated)
    foreach(proto IN LISTS ARGN)
        string(REGEX REPLACE "\\.proto$" "" stem ${proto})
        set(out ${CMAKE_BINARY_DIR}/${stem}.pb-c)
        add_custom_command(OUTPUT ${out}.c ${out}.h
            COMMAND ${WEFT_PROTOC_COMMAND}
                --proto_path=${CMAKE_SOURCE_DIR} --c_out=${CMAKE_BINARY_DIR} ${proto}
            DEPENDS ${CMAKE_SOURCE_DIR}/${proto}
            WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
            COMMENT "Generating ${stem}.pb-c.c"
            VERBATIM)
        list(APPEND generated ${out}.c ${out}.h)
    endforeach()
    add_library(${target} STATIC ${generated})
    target_compile_options(${target} PRIVATE -w)
    target_include_directories(${target} SYSTEM PUBLIC ${CMAKE_BINARY_DIR})
    target_link_libraries(${target} PUBLIC dep_protobuf_c)
endfunction()
