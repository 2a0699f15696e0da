# SPDX-License-Identifier: Apache-2.0
# SB_SANITIZE and SB_COVERAGE, applied to every target, generated code included.

set(SB_SANITIZE_FLAGS "")
if(SB_SANITIZE STREQUAL "address")
  set(SB_SANITIZE_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(SB_SANITIZE STREQUAL "thread")
  set(SB_SANITIZE_FLAGS -fsanitize=thread)
elseif(SB_SANITIZE STREQUAL "fuzz")
  if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "SB_SANITIZE=fuzz needs clang (found ${CMAKE_C_COMPILER_ID}): "
                        "use cmake --preset fuzz, or set CMAKE_C_COMPILER=clang-14.")
  endif()
  set(SB_SANITIZE_FLAGS -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
elseif(NOT SB_SANITIZE STREQUAL "")
  message(FATAL_ERROR "SB_SANITIZE=${SB_SANITIZE}: use address, thread, fuzz or nothing.")
endif()

if(SB_SANITIZE_FLAGS)
  add_compile_options(${SB_SANITIZE_FLAGS} -fno-omit-frame-pointer)
  add_link_options(${SB_SANITIZE_FLAGS})
  # Lets a test say why it skips what a sanitizer's own memory makes meaningless.
  add_compile_definitions(SB_SANITIZE_NAME="${SB_SANITIZE}")
else()
  # A shared library with undefined symbols is an error; sanitizers leave theirs to the program.
  string(APPEND CMAKE_SHARED_LINKER_FLAGS " -Wl,-z,defs")
endif()

if(SB_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()
