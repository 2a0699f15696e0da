# SPDX-License-Identifier: Apache-2.0
# The language, the warnings and the optimisation of every target of ours. Checks (SB_ASSERT) stay
# on in every build, so no configuration defines NDEBUG.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)

set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
set(SB_HARDENING "-fstack-protector-strong -D_FORTIFY_SOURCE=3")
include(CheckCCompilerFlag)
check_c_compiler_flag(-ftrivial-auto-var-init=zero SB_HAVE_AUTO_VAR_INIT)
if(SB_HAVE_AUTO_VAR_INIT)
  string(APPEND SB_HARDENING " -ftrivial-auto-var-init=zero")
endif()
# Clearing a struct of some words by `rep stos` costs as much as a tenth of a small frame.
set(SB_MEMSET_STRATEGY "-mmemset-strategy=unrolled_loop:256:noalign,libcall:-1:noalign")
check_c_compiler_flag(${SB_MEMSET_STRATEGY} SB_HAVE_MEMSET_STRATEGY)
if(SB_HAVE_MEMSET_STRATEGY)
  string(APPEND SB_HARDENING " ${SB_MEMSET_STRATEGY}")
endif()
foreach(config RELEASE RELWITHDEBINFO MINSIZEREL)
  set(CMAKE_C_FLAGS_${config} "-O2 -g ${SB_HARDENING}")
  foreach(kind EXE SHARED MODULE)
    set(CMAKE_${kind}_LINKER_FLAGS_${config} "-Wl,-z,relro,-z,now")
  endforeach()
endforeach()

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
endif()

# Generated code is compiled with sb_language only; everything that we write links sb_warnings.
add_library(sb_language INTERFACE)
target_compile_definitions(sb_language INTERFACE _GNU_SOURCE)
target_compile_options(sb_language INTERFACE
  -fno-semantic-interposition -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)

add_library(sb_warnings INTERFACE)
target_link_libraries(sb_warnings INTERFACE sb_language)
target_compile_options(sb_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wswitch-enum -Wvla -Wformat=2 -Wundef
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
  $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
  # clang warns about GNU's statement expressions and ##__VA_ARGS__ at -Wpedantic; gcc, which gates, checks the rest.
  $<$<C_COMPILER_ID:Clang>:-Wno-gnu>
  $<$<BOOL:${SB_WERROR}>:-Werror>)
