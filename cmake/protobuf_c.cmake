# SPDX-License-Identifier: Apache-2.0
# Protobuf messages: protoc-c at build time, and Debian's libprotobuf-c.a, linked statically so that
# libstreambroker.so needs libc only.

find_program(PROTOC_C protoc-c)
find_library(PROTOBUF_C_ARCHIVE NAMES libprotobuf-c.a)
find_path(PROTOBUF_C_INCLUDE protobuf-c/protobuf-c.h)
if(NOT PROTOC_C OR NOT PROTOBUF_C_ARCHIVE OR NOT PROTOBUF_C_INCLUDE)
  message(FATAL_ERROR "protobuf-c is missing: apt-get install protobuf-c-compiler libprotobuf-c-dev, "
                      "or ./dev setup.")
endif()
add_library(protobuf_c_static STATIC IMPORTED GLOBAL)
set_target_properties(protobuf_c_static PROPERTIES
  IMPORTED_LOCATION "${PROTOBUF_C_ARCHIVE}"
  INTERFACE_INCLUDE_DIRECTORIES "${PROTOBUF_C_INCLUDE}")

# sb_protobuf_c(TARGET file.proto...): a static library TARGET of the generated code, and
# `#include "file.pb-c.h"` for whoever links it. Paths are relative to the current source folder.
function(sb_protobuf_c target)
  set(out "${PROJECT_BINARY_DIR}/generated/${target}")
  file(MAKE_DIRECTORY "${out}")
  set(generated "")
  foreach(proto IN LISTS ARGN)
    string(REGEX REPLACE "\\.proto$" "" stem "${proto}")
    add_custom_command(
      OUTPUT "${out}/${stem}.pb-c.c" "${out}/${stem}.pb-c.h"
      COMMAND "${PROTOC_C}" "--c_out=${out}" "-I${CMAKE_CURRENT_SOURCE_DIR}"
              "${CMAKE_CURRENT_SOURCE_DIR}/${proto}"
      DEPENDS ${ARGN}
      COMMENT "protoc-c ${proto}"
      VERBATIM)
    list(APPEND generated "${out}/${stem}.pb-c.c" "${out}/${stem}.pb-c.h")
  endforeach()
  add_library(${target} STATIC ${generated})
  target_include_directories(${target} SYSTEM PUBLIC "${out}")
  target_link_libraries(${target} PUBLIC protobuf_c_static PRIVATE sb_language)
  target_compile_options(${target} PRIVATE -w)
endfunction()
