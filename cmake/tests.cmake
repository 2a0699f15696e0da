# SPDX-License-Identifier: Apache-2.0
# How tests become CTest entries. A test file may say more about itself in one line near its top:
#
#   // test: labels=tsan,slow timeout=120 lock=loopback uses=shm,streambroker_lib packages=libxxhash
#   # test: labels=root timeout=60 serial
#
#   # test: tiers
#
# runs a Python test a second time as NAME.untrusted, with SB_TIER=untrusted for its graphs.
#
#   // test: needs=gpu_objects
#
# leaves a unit test out where that target is not built.
#
# labels are added to the one of its folder; timeout is in seconds; lock is a CTest RESOURCE_LOCK;
# serial runs it alone; uses names rooms or targets to link; packages are pkg-config modules.
# Exit status 77 is "skipped", and the test has printed the reason.
#
#   // test: labels=slow number=100000000 timeout=1200
#
# A long proof takes its size as one number on the command line. It is registered twice: in full
# (label slow, ./dev test --slow) and as NAME.tenth with a tenth of the number (label tenth, .ci/run).
# Chance comes from $SB_SEED; where that is not set, a test takes a seed of its own and prints it.

set(SB_TEST_TIMEOUT_DEFAULT 60)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
find_program(PYTHON3 python3 REQUIRED)

# Reads the `test:` line of FILE into test_labels, test_timeout, test_lock, test_serial, test_uses,
# test_packages, test_tiers and test_number of the caller.
macro(sb_read_test_line file)
  set(test_labels "")
  set(test_timeout ${SB_TEST_TIMEOUT_DEFAULT})
  set(test_lock "")
  set(test_serial OFF)
  set(test_uses "")
  set(test_packages "")
  set(test_number "")
  set(test_needs "")
  set(test_tiers OFF)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(STRINGS "${file}" test_line REGEX "^(//|#) test: " LIMIT_COUNT 1 LIMIT_INPUT 4096)
  string(REGEX REPLACE "^(//|#) test: *" "" test_line "${test_line}")
  separate_arguments(test_words UNIX_COMMAND "${test_line}")
  foreach(word IN LISTS test_words)
    if(word MATCHES "^(labels|uses|packages|lock|needs)=(.+)$")
      string(REPLACE "," ";" test_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
    elseif(word MATCHES "^(timeout|number)=([0-9]+)$")
      set(test_${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
    elseif(word STREQUAL "tiers")
      set(test_tiers ON)
    elseif(word STREQUAL "serial")
      set(test_serial ON)
    else()
      message(FATAL_ERROR "${file}: cannot read '${word}' in its test line (see cmake/tests.cmake).")
    endif()
  endforeach()
endmacro()

# sb_test_properties(ctest_name label): what sb_read_test_line found, set on one CTest entry. The
# sanitizers slow a program down by up to ten times; the limit is there to end what hangs.
macro(sb_test_properties ctest_name label)
  set(test_limit ${test_timeout})
  if(SB_SANITIZE OR SB_COVERAGE)
    math(EXPR test_limit "${test_timeout} * 4")
  endif()
  set(test_environment
    "SB_SOURCE_DIR=${PROJECT_SOURCE_DIR}" "SB_BUILD_DIR=${PROJECT_BINARY_DIR}"
    "SB_SANITIZE=${SB_SANITIZE}" "PYTHONPATH=${PROJECT_SOURCE_DIR}/tests/harness")
  set_tests_properties(${ctest_name} PROPERTIES
    LABELS "${label};${test_labels}"
    TIMEOUT ${test_limit}
    SKIP_RETURN_CODE 77
    RUN_SERIAL ${test_serial}
    ENVIRONMENT "${test_environment}"
    WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  if(test_lock)
    set_tests_properties(${ctest_name} PROPERTIES RESOURCE_LOCK "${test_lock}")
  endif()
endmacro()

# sb_register_test(ctest_name label command...): the CTest entry of a test, and the one of a tenth of it.
macro(sb_register_test ctest_name label)
  sb_register_one_test(${ctest_name} "${label}" ${ARGN})
  if(test_tiers)
    sb_register_one_test(${ctest_name}.untrusted "${label}" ${ARGN})
    set_property(TEST ${ctest_name}.untrusted APPEND PROPERTY ENVIRONMENT SB_TIER=untrusted)
    if(TEST ${ctest_name}.untrusted.tenth)
      set_property(TEST ${ctest_name}.untrusted.tenth APPEND PROPERTY ENVIRONMENT SB_TIER=untrusted)
    endif()
  endif()
endmacro()

macro(sb_register_one_test ctest_name label)
  add_test(NAME ${ctest_name} COMMAND ${ARGN} ${test_number})
  sb_test_properties(${ctest_name} "${label}")
  if(test_number AND "slow" IN_LIST test_labels)
    math(EXPR tenth "${test_number} / 10")
    add_test(NAME ${ctest_name}.tenth COMMAND ${ARGN} ${tenth})
    set(test_all_labels ${test_labels})
    list(REMOVE_ITEM test_labels slow)
    list(APPEND test_labels tenth)
    sb_test_properties(${ctest_name}.tenth "${label}")
    set(test_labels ${test_all_labels})
  endif()
endmacro()

# sb_test_program(TARGET file.c [LIBS ...]): one cmocka executable in the current build folder.
function(sb_test_program target file)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "LIBS;USES;PACKAGES")
  add_executable(${target} "${file}")
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(${target} PRIVATE sb_include sb_warnings PkgConfig::CMOCKA ${arg_LIBS})
  if(TARGET test_harness)
    target_link_libraries(${target} PRIVATE test_harness)
  endif()
  foreach(used IN LISTS arg_USES)
    if(TARGET room_${used})
      target_link_libraries(${target} PRIVATE room_${used})
    else()
      target_link_libraries(${target} PRIVATE ${used})
    endif()
  endforeach()
  sb_packages(${target} PRIVATE ${arg_PACKAGES})
endfunction()

# sb_unit_tests(ROOM [LIBS target...]): every tests/unit/ROOM/test_*.c as unit.ROOM.STEM. Call it in
# tests/unit/ROOM/CMakeLists.txt for a room with LIBS of its own; the others need no such file.
function(sb_unit_tests room)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
  file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/unit/${room}/test_*.c")
  foreach(file IN LISTS files)
    cmake_path(GET file STEM stem)
    string(REGEX REPLACE "^test_" "" noun "${stem}")
    sb_read_test_line("${file}")
    if(test_needs AND NOT TARGET ${test_needs})
      continue()
    endif()
    set(uses ${test_uses})
    if(TARGET room_${room})
      list(PREPEND uses ${room})
    endif()
    set(target "unit_${room}_${noun}")
    sb_test_program(${target} "${file}" LIBS ${arg_LIBS} USES ${uses} PACKAGES ${test_packages})
    set_target_properties(${target} PROPERTIES
      OUTPUT_NAME ${stem} RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/unit/${room}")
    sb_register_test(unit.${room}.${noun} unit ${target})
  endforeach()
endfunction()

# sb_system_test(NAME FILE [LABELS label...] [LIBS target...] [ARGS ...]): one test of the whole,
# a C file (cmocka) or a Python script. The first of LABELS is its folder's. Python finds the trees
# in $SB_SOURCE_DIR and $SB_BUILD_DIR.
function(sb_system_test name file)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "LABELS;LIBS;ARGS")
  cmake_path(ABSOLUTE_PATH file)
  if(NOT arg_LABELS)
    set(arg_LABELS system)
  endif()
  list(GET arg_LABELS 0 kind)
  set(ctest_name "${kind}.${name}")
  sb_read_test_line("${file}")
  if(file MATCHES "\\.c$")
    set(target "${kind}_${name}")
    sb_test_program(${target} "${file}" LIBS ${arg_LIBS} USES ${test_uses} PACKAGES ${test_packages})
    set_target_properties(${target} PROPERTIES
      OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/${kind}")
    sb_register_test(${ctest_name} "${arg_LABELS}" ${target} ${arg_ARGS})
  else()
    sb_register_test(${ctest_name} "${arg_LABELS}" "${PYTHON3}" -B "${file}" ${arg_ARGS})
  endif()
endfunction()

# sb_test_folder(LABEL): every test_*.c and test_*.py of the current folder, as LABEL.STEM.
function(sb_test_folder label)
  file(GLOB files CONFIGURE_DEPENDS
       "${CMAKE_CURRENT_SOURCE_DIR}/test_*.c" "${CMAKE_CURRENT_SOURCE_DIR}/test_*.py")
  foreach(file IN LISTS files)
    cmake_path(GET file STEM stem)
    string(REGEX REPLACE "^test_" "" name "${stem}")
    sb_system_test(${name} "${file}" LABELS ${label})
  endforeach()
endfunction()

# sb_fuzz_targets(): every fuzz_*.c of the current folder. With SB_SANITIZE=fuzz each becomes a
# libFuzzer program build-fuzz/tests/fuzz/fuzz_X; in every other build the same code replays the kept
# inputs of corpus/fuzz_X as the CTest entry fuzz.X, label unit.
function(sb_fuzz_targets)
  file(GLOB files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/fuzz_*.c")
  foreach(file IN LISTS files)
    cmake_path(GET file STEM stem)
    string(REGEX REPLACE "^fuzz_" "" name "${stem}")
    sb_read_test_line("${file}")
    sb_test_program(${stem} "${file}" USES ${test_uses} PACKAGES ${test_packages})
    set_target_properties(${stem} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/fuzz")
    set(corpus "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${stem}")
    if(SB_SANITIZE STREQUAL "fuzz")
      target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
      add_test(NAME fuzz.${name} COMMAND ${stem} -runs=0 "${corpus}")
    else()
      target_sources(${stem} PRIVATE "${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c")
      add_test(NAME fuzz.${name} COMMAND ${stem} "${corpus}")
    endif()
    sb_test_properties(fuzz.${name} unit)
  endforeach()
endfunction()
