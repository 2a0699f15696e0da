# SPDX-License-Identifier: Apache-2.0
# Rooms: what each may include, and the functions that make their targets.
#
# The table is the only place where an arrow between two rooms is written. It is enforced three
# times: a room may name in USES only what the table lists (else the configuration fails), it sees
# the headers of nothing else (else the compilation fails), and tests/tidy reads the includes.
# Everybody may include <streambroker/...>, so `include` is not listed.

#       room        may use
set(SB_ROOM_TABLE
        "base:      "
        "schemas:   base"
        "shm:       schemas base"
        "sandbox:   schemas base"
        "broker:    shm schemas sandbox base"
        "worker:    shm schemas base"
        "processors:"
        "tools:     schemas base"
)

set(SB_ROOMS "")
foreach(row IN LISTS SB_ROOM_TABLE)
  string(REGEX MATCH "^([a-z]+): *(.*)$" matched "${row}")
  if(NOT matched)
    message(FATAL_ERROR "SB_ROOM_TABLE: cannot read the row '${row}'.")
  endif()
  list(APPEND SB_ROOMS ${CMAKE_MATCH_1})
  separate_arguments(uses UNIX_COMMAND "${CMAKE_MATCH_2}")
  set(SB_ROOM_${CMAKE_MATCH_1}_MAY_USE ${uses})
endforeach()

# Use is transitive, so a row must list what the rooms in it may use as well.
foreach(room IN LISTS SB_ROOMS)
  foreach(used IN LISTS SB_ROOM_${room}_MAY_USE)
    foreach(inner IN LISTS SB_ROOM_${used}_MAY_USE)
      if(NOT inner IN_LIST SB_ROOM_${room}_MAY_USE)
        message(FATAL_ERROR "SB_ROOM_TABLE: ${room} uses ${used}, which uses ${inner}: list ${inner} too.")
      endif()
    endforeach()
  endforeach()
endforeach()

find_package(PkgConfig REQUIRED)

# Everything runs from the build tree as it will from an install: bin, lib and libexec side by side.
set(SB_BIN_DIR "${PROJECT_BINARY_DIR}/bin")
set(SB_LIB_DIR "${PROJECT_BINARY_DIR}/lib")
set(SB_LIBEXEC_DIR "${PROJECT_BINARY_DIR}/libexec/streambroker")
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
file(RELATIVE_PATH SB_BIN_TO_LIB
     "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}")
file(RELATIVE_PATH SB_LIBEXEC_TO_LIB
     "${CMAKE_INSTALL_FULL_LIBEXECDIR}/streambroker" "${CMAKE_INSTALL_FULL_LIBDIR}")

# sb_run_path(TARGET dir...): where it finds our libraries, from the build tree and from an install alike,
# by folders relative to its own. CMake's own build path is padded with empty entries, which the loader
# takes for the current folder: whoever writes a graph's folder would choose the libc of its workers.
function(sb_run_path target)
  list(TRANSFORM ARGN PREPEND "$ORIGIN/")
  list(REMOVE_DUPLICATES ARGN)
  set_target_properties(${target} PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "${ARGN}")
endfunction()

# sb_public_headers(): the target sb_include, which gives <streambroker/...> to whoever links it.
function(sb_public_headers)
  configure_file("${PROJECT_SOURCE_DIR}/include/streambroker/version.h.in"
                 "${PROJECT_BINARY_DIR}/include/streambroker/version.h" @ONLY)
  add_library(sb_include INTERFACE)
  target_include_directories(sb_include INTERFACE
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include;${PROJECT_BINARY_DIR}/include>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
endfunction()

# sb_packages(TARGET SCOPE module...): link pkg-config modules; the error names the missing one.
function(sb_packages target scope)
  foreach(module IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "SB_PKG_${module}" variable)
    if(NOT TARGET PkgConfig::${variable})
      pkg_check_modules(${variable} REQUIRED IMPORTED_TARGET GLOBAL ${module})
    endif()
    target_link_libraries(${target} ${scope} PkgConfig::${variable})
  endforeach()
endfunction()

# sb_check_edges(room used...): a configuration error for each edge that the table does not have.
function(sb_check_edges room)
  if(NOT room IN_LIST SB_ROOMS)
    message(FATAL_ERROR "There is no room '${room}': the rooms are in SB_ROOM_TABLE, cmake/rooms.cmake.")
  endif()
  foreach(used IN LISTS ARGN)
    if(NOT used IN_LIST SB_ROOM_${room}_MAY_USE)
      list(JOIN SB_ROOM_${room}_MAY_USE " " allowed)
      message(FATAL_ERROR "The room '${room}' may not use '${used}'. It may use: ${allowed} "
                          "(SB_ROOM_TABLE in cmake/rooms.cmake).")
    endif()
    if(NOT TARGET room_${used})
      message(FATAL_ERROR "The room '${room}' uses '${used}', which has no CMakeLists.txt with sb_room().")
    endif()
  endforeach()
endfunction()

# The folder that makes `#include "ROOM/file.h"` work, with this room's name in it and nothing else.
function(sb_room_includes target room)
  set(view "${PROJECT_BINARY_DIR}/rooms/${room}")
  file(MAKE_DIRECTORY "${view}")
  file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${room}" "${view}/${room}" SYMBOLIC)
  target_include_directories(${target} PUBLIC "${view}")
  target_compile_options(${target} PUBLIC "-fmacro-prefix-map=${view}/=")
endfunction()

# sb_room(NAME SOURCES a.c... [USES room...] [PACKAGES pkg-config-module...] [LIBS target...])
#   One static, position independent library `room_NAME`. Who links it sees its headers and those of
#   the rooms that it uses. LIBS are private: their headers are seen by this room's own files only.
function(sb_room name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES;PACKAGES;LIBS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "sb_room(${name}): unknown argument ${arg_UNPARSED_ARGUMENTS}.")
  endif()
  sb_check_edges(${name} ${arg_USES})
  add_library(room_${name} STATIC ${arg_SOURCES})
  sb_room_includes(room_${name} ${name})
  target_link_libraries(room_${name} PUBLIC sb_include PRIVATE sb_warnings ${arg_LIBS})
  foreach(used IN LISTS arg_USES)
    target_link_libraries(room_${name} PUBLIC room_${used})
  endforeach()
  sb_packages(room_${name} PUBLIC ${arg_PACKAGES})
endfunction()

# sb_program(NAME ROOM room SOURCES a.c... [PACKAGES ...] [LIBS target...])
#   An executable build/bin/NAME on top of a room (its sources are not part of the room's library).
function(sb_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "ROOM" "SOURCES;PACKAGES;LIBS")
  add_executable(${name} ${arg_SOURCES})
  if(TARGET room_${arg_ROOM})
    target_link_libraries(${name} PRIVATE room_${arg_ROOM})
  else()
    sb_check_edges(${arg_ROOM})
  endif()
  target_link_libraries(${name} PRIVATE sb_include sb_warnings ${arg_LIBS})
  sb_packages(${name} PRIVATE ${arg_PACKAGES})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${SB_BIN_DIR}")
  sb_run_path(${name} "${SB_BIN_TO_LIB}" "../lib")
endfunction()

# sb_shared_library(TARGET OUTPUT name ROOMS room... [OBJECTS target...]): libNAME.so from all objects of
# the rooms and of the other targets. Exported is what the public headers mark with SB_API; the archives
# that are linked into it (generated code, libprotobuf-c) export nothing. It needs libc and nothing else.
function(sb_shared_library target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT" "ROOMS;OBJECTS")
  add_library(${target} SHARED)
  target_link_libraries(${target} INTERFACE sb_include)
  foreach(room IN LISTS arg_ROOMS)
    if(TARGET room_${room})
      target_sources(${target} PRIVATE $<TARGET_OBJECTS:room_${room}>)
      get_target_property(libs room_${room} LINK_LIBRARIES)
      list(FILTER libs EXCLUDE REGEX "^(room_|sb_)")
      target_link_libraries(${target} PRIVATE ${libs})
    endif()
  endforeach()
  foreach(part IN LISTS arg_OBJECTS)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${part}>)
  endforeach()
  target_link_options(${target} PRIVATE
    -Wl,--exclude-libs,ALL -Wl,-Bsymbolic-functions -Wl,--as-needed)
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${arg_OUTPUT}
    EXPORT_NAME ${arg_OUTPUT}
    LINKER_LANGUAGE C
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}
    LIBRARY_OUTPUT_DIRECTORY "${SB_LIB_DIR}"
    BUILD_WITH_INSTALL_RPATH ON)
endfunction()

# sb_processor(NAME SOURCES a.c... [PACKAGES ...] [LIBS target...])
#   An executable build/libexec/streambroker/NAME (target processor_NAME) on the public API only. What
#   processors share among themselves is included as "processors/common/x.h".
function(sb_processor name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PACKAGES;LIBS")
  string(REPLACE "-" "_" target "processor_${name}")
  add_executable(${target} ${arg_SOURCES})
  sb_room_includes(${target} processors)
  target_link_libraries(${target} PRIVATE streambroker_lib sb_include sb_warnings ${arg_LIBS})
  sb_packages(${target} PRIVATE ${arg_PACKAGES})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${name}
    RUNTIME_OUTPUT_DIRECTORY "${SB_LIBEXEC_DIR}")
  sb_run_path(${target} "${SB_LIBEXEC_TO_LIB}" "../../lib")
  set_property(GLOBAL APPEND PROPERTY SB_PROCESSORS ${target})
endfunction()

# sb_man_page(NAME COMMAND target [argument...]): what that program of ours prints is the manual page
# share/man/man1/NAME of the build and of the install.
function(sb_man_page name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "COMMAND")
  list(POP_FRONT arg_COMMAND program)
  set(page "${PROJECT_BINARY_DIR}/share/man/man1/${name}")
  add_custom_command(
    OUTPUT "${page}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${PROJECT_BINARY_DIR}/share/man/man1"
    COMMAND ${program} ${arg_COMMAND} > "${page}"
    DEPENDS ${program}
    COMMENT "Manual page ${name}"
    VERBATIM)
  add_custom_target(man_${name} ALL DEPENDS "${page}")
endfunction()
