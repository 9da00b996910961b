# Tests, all run by CTest, chosen by label (unit, sim, fuzz, e2e, lint):
#   weft_unit_test(<name> SOURCES … [LINK …])                       cmocka program
#   weft_sim_test(<name> SOURCES … [LINK …])                        cmocka program, whole exchanges
#   weft_fuzz_target(<name> SOURCES … [LINK …] [CORPUS <dir>])      libFuzzer, or corpus replay
#   weft_pytest(<name> <file> [LABEL <label>] [TIMEOUT <s>] [DEPENDS …])  one file of pytest
#   weft_lint(<name> COMMAND …)                                     a check of the sources
# A program is called test_<name> (fuzz_<name>) and its test <label>.<name>.
# SPDX-License-Identifier: GPL-3.0-or-later

# The system's interpreter first: it is the one that sees Debian's python3-* packages.
find_program(WEFT_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(WEFT_PYTHON python3)

set(WEFT_TEST_ENV
    "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/cmake/lsan.supp:print_suppressions=0"
    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1"
    "WEFT_SOURCE=${CMAKE_SOURCE_DIR}"
    "WEFT_BUILD=${CMAKE_BINARY_DIR}"
    "WEFT_SANITIZE=${WEFT_SANITIZE}")

function(weft_cmocka_test label name)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "TIMEOUT" "SOURCES;LINK")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR
            "weft_${label}_test(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    weft_present(arg_SOURCES ${name})
    if(NOT arg_SOURCES)
        return()
    endif()
    foreach(file IN LISTS arg_SOURCES)
        cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
        set_property(GLOBAL APPEND PROPERTY WEFT_TEST_SOURCES ${file})
    endforeach()
    if(NOT TARGET dep_cmocka)
        get_property(told GLOBAL PROPERTY WEFT_NO_CMOCKA_TOLD)
        if(NOT told)
            message(STATUS "cmocka is not installed: unit and sim tests are left out "
                "(scripts/bootstrap --tests)")
            set_property(GLOBAL PROPERTY WEFT_NO_CMOCKA_TOLD TRUE)
        endif()
        return()
    endif()
    string(REGEX REPLACE "^test_" "" stem ${name})
    add_executable(test_${stem} ${arg_SOURCES})
    # cmocka hands every test a state argument that most of them do not need.
    target_compile_options(test_${stem} PRIVATE -Wno-unused-parameter)
    target_link_libraries(test_${stem} PRIVATE ${arg_LINK} dep_cmocka)
    weft_no_lto(test_${stem})
    set_target_properties(test_${stem} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${label}.${stem} COMMAND test_${stem})
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 300)
    endif()
    set_tests_properties(${label}.${stem} PROPERTIES
        LABELS ${label} TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "${WEFT_TEST_ENV}")
endfunction()

function(weft_unit_test)
    weft_cmocka_test(unit ${ARGV})
endfunction()

function(weft_sim_test)
    weft_cmocka_test(sim ${ARGV})
endfunction()

# A test that no list has would pass for ever. Sanitized builds leave some out on purpose.
function(weft_tests_check)
    if(WEFT_SANITIZE)
        return()
    endif()
    get_property(listed GLOBAL PROPERTY WEFT_TEST_SOURCES)
    file(GLOB_RECURSE found
        ${CMAKE_SOURCE_DIR}/tests/unit/test_*.c ${CMAKE_SOURCE_DIR}/tests/sim/test_*.c)
    foreach(file IN LISTS found)
        if(NOT file IN_LIST listed)
            message(SEND_ERROR "${file} is in no list of tests: see the CMakeLists.txt beside it")
        endif()
    endforeach()
endfunction()

function(weft_fuzz_target name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;LINK")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR
            "weft_fuzz_target(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    weft_present(arg_SOURCES ${name})
    if(NOT arg_SOURCES)
        return()
    endif()
    if(NOT arg_CORPUS)
        set(arg_CORPUS ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    endif()
    string(REGEX REPLACE "^fuzz_" "" stem ${name})
    add_executable(fuzz_${stem} ${arg_SOURCES})
    target_compile_options(fuzz_${stem} PRIVATE -Wno-missing-prototypes)
    target_link_libraries(fuzz_${stem} PRIVATE ${arg_LINK} weft_base)
    weft_no_lto(fuzz_${stem})
    set_target_properties(fuzz_${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    if(WEFT_FUZZ)
        target_link_options(fuzz_${stem} PRIVATE -fsanitize=fuzzer)
        add_test(NAME fuzz.${stem} COMMAND fuzz_${stem} -runs=0 ${arg_CORPUS})
    else()
        target_sources(fuzz_${stem} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.c)
        add_test(NAME fuzz.${stem} COMMAND fuzz_${stem} ${arg_CORPUS})
    endif()
    set_tests_properties(fuzz.${stem} PROPERTIES
        LABELS fuzz TIMEOUT 300 ENVIRONMENT "${WEFT_TEST_ENV}")
endfunction()

function(weft_pytest name file)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "LABEL;TIMEOUT" "DEPENDS")
    if(NOT arg_LABEL)
        set(arg_LABEL e2e)
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 900)
    endif()
    # scripts/test runs those on a cluster on their own, from their folder of the build.
    set(results ${CMAKE_BINARY_DIR}/Testing/junit)
    if(arg_LABEL STREQUAL "cluster")
        set(results ${CMAKE_CURRENT_BINARY_DIR}/Testing/junit)
    endif()
    get_filename_component(path ${file} ABSOLUTE)
    string(REGEX REPLACE "^test_" "" stem ${name})
    add_test(NAME ${arg_LABEL}.${stem}
        COMMAND ${WEFT_PYTHON} -m pytest -q -rs -p no:cacheprovider
            --junitxml=${results}/${arg_LABEL}.${stem}.xml ${path}
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    # End-to-end tests start many processes: of each label one at a time, beside those of others, in
    # namespaces of their own. A file of which every test was skipped is shown as skipped, not as
    # passed.
    set_tests_properties(${arg_LABEL}.${stem} PROPERTIES
        LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} RESOURCE_LOCK weft_${arg_LABEL}
        ENVIRONMENT "${WEFT_TEST_ENV};PYTHONDONTWRITEBYTECODE=1"
        SKIP_REGULAR_EXPRESSION "(^|\n)[0-9]+ skipped in ")
endfunction()

function(weft_lint name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "COMMAND")
    add_test(NAME lint.${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(lint.${name} PROPERTIES
        LABELS lint TIMEOUT 300 SKIP_RETURN_CODE 77
        ENVIRONMENT "${WEFT_TEST_ENV};PYTHONDONTWRITEBYTECODE=1")
endfunction()
