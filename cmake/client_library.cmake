# The client library for other programs: one archive, the headers that it needs under include/posthorn, and a file for pkg-config.
#   cmake --install build/release --component client --prefix /usr/local
include(GNUInstallDirs)
set(client_modules base text crypto async net message proto mailfile client)

set(client_objects)
foreach(module ${client_modules})
  list(APPEND client_objects $<TARGET_OBJECTS:ph_${module}>)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/src/${module}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/posthorn/${module} COMPONENT client
    FILES_MATCHING PATTERN "*.h" PATTERN "*_testing.h" EXCLUDE)
endforeach()
add_library(posthorn_client STATIC ${client_objects})
set_target_properties(posthorn_client PROPERTIES OUTPUT_NAME posthorn-client LINKER_LANGUAGE CXX)
install(TARGETS posthorn_client ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT client)

file(RELATIVE_PATH POSTHORN_PREFIX_FROM_PC /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${CMAKE_SOURCE_DIR}/cmake/posthorn-client.pc.in ${CMAKE_BINARY_DIR}/posthorn-client.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/posthorn-client.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT client)
