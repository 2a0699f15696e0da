# SPDX-License-Identifier: Apache-2.0
# `cmake --install`: everything that runs and builds processors, movable as a whole (every path inside
# is relative to where it is found). Included after all rooms, so that their targets exist.
include(CMakePackageConfigHelpers)

set(SB_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/streambroker")
set(SB_PC_DIR "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
set(SB_SHARE_DIR "${CMAKE_INSTALL_DATADIR}/streambroker")
set(SB_PACKAGE_DIR "${PROJECT_BINARY_DIR}/package")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/streambroker" "${PROJECT_BINARY_DIR}/include/streambroker"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")

# The library, and what finds it: streambroker.pc, and find_package(streambroker).
install(TARGETS streambroker_lib streambroker_control EXPORT streambroker
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS sb_include EXPORT streambroker)
if(TARGET streambroker_gpu)
  install(TARGETS streambroker_gpu EXPORT streambroker LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
          INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
endif()
install(EXPORT streambroker NAMESPACE streambroker:: DESTINATION "${SB_CMAKE_DIR}"
        FILE streambroker-targets.cmake)
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/streambroker-config.cmake.in"
  "${SB_PACKAGE_DIR}/streambroker-config.cmake" INSTALL_DESTINATION "${SB_CMAKE_DIR}"
  PATH_VARS CMAKE_INSTALL_LIBEXECDIR)
write_basic_package_version_file("${SB_PACKAGE_DIR}/streambroker-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${SB_PACKAGE_DIR}/streambroker-config.cmake"
              "${SB_PACKAGE_DIR}/streambroker-config-version.cmake"
        DESTINATION "${SB_CMAKE_DIR}")
file(RELATIVE_PATH SB_PC_TO_PREFIX "/prefix/${SB_PC_DIR}" "/prefix")
string(REGEX REPLACE "/$" "" SB_PC_TO_PREFIX "${SB_PC_TO_PREFIX}")
# A worker has an empty environment, so a program must know by itself where the library is, unless
# that is a place where every program looks.
set(SB_PC_RPATH "-Wl,-rpath,\${libdir} ")
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(SB_PC_RPATH "")
endif()
set(SB_PC_NAMES streambroker streambroker-control)
if(TARGET streambroker_gpu)
  list(APPEND SB_PC_NAMES streambroker-gpu)
endif()
foreach(name IN LISTS SB_PC_NAMES)
  configure_file("${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in" "${SB_PACKAGE_DIR}/${name}.pc" @ONLY)
  install(FILES "${SB_PACKAGE_DIR}/${name}.pc" DESTINATION "${SB_PC_DIR}")
endforeach()

# The programs and the processors.
foreach(program streambroker streamctl streambench)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  endif()
endforeach()
if(TARGET streambroker_domain)
  install(TARGETS streambroker_domain RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}")
endif()
if(TARGET streambroker_shim)
  install(TARGETS streambroker_shim RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}")
endif()
get_property(SB_PROCESSORS GLOBAL PROPERTY SB_PROCESSORS)
if(SB_PROCESSORS)
  install(TARGETS ${SB_PROCESSORS} RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/streambroker")
endif()

# What is generated to be read: the JSON Schema of graph files is build/share/streambroker/*.json.
install(DIRECTORY "${PROJECT_BINARY_DIR}/share/streambroker/" DESTINATION "${SB_SHARE_DIR}" OPTIONAL)
install(DIRECTORY "${PROJECT_BINARY_DIR}/share/man/man1" DESTINATION "${CMAKE_INSTALL_MANDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples" DESTINATION "${CMAKE_INSTALL_DOCDIR}" OPTIONAL
        USE_SOURCE_PERMISSIONS
        PATTERN "out" EXCLUDE PATTERN "root/debian" EXCLUDE PATTERN "root/python" EXCLUDE)
# As in the source tree, so that links from one page to another lead somewhere.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/README.md" "${PROJECT_SOURCE_DIR}/CHANGELOG.md"
              "${PROJECT_SOURCE_DIR}/CONTRIBUTING.md"
              "${PROJECT_SOURCE_DIR}/LICENSE"
        DESTINATION "${CMAKE_INSTALL_DOCDIR}")
