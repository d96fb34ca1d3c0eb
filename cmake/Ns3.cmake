# ns-3 as Debian packages it, made usable from C++20: the target gatelab_ns3.
#
# Two of its headers spell constructors `Singleton<T>(`, which C++20 refuses. A mirror of the header folder (links to the
# originals, those two respelled) goes first on the include path. Linking is by library name, because the packaged
# CMake targets want development packages that nothing here needs.

find_path(NS3_INCLUDE_DIR ns3/core-module.h REQUIRED)
set(mirror ${CMAKE_BINARY_DIR}/ns3-headers)
file(MAKE_DIRECTORY ${mirror}/ns3)
file(GLOB headers ${NS3_INCLUDE_DIR}/ns3/*.h)
foreach(header IN LISTS headers)
  get_filename_component(name ${header} NAME)
  if(name MATCHES "^(simulation-)?singleton\\.h$")
    file(READ ${header} text)
    string(REGEX REPLACE "Singleton<T>\\(" "Singleton(" text "${text}")
    file(CONFIGURE OUTPUT ${mirror}/ns3/${name} CONTENT "${text}" @ONLY)
  else()
    file(CREATE_LINK ${header} ${mirror}/ns3/${name} SYMBOLIC)
  endif()
endforeach()

add_library(gatelab_ns3 INTERFACE)
target_include_directories(gatelab_ns3 SYSTEM INTERFACE ${mirror})
# GCC replaces the path of a system header by its real one where that is shorter, and so would find the neighbours of a
# linked header beside the original.
target_compile_options(gatelab_ns3 INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fno-canonical-system-headers>)
target_link_libraries(gatelab_ns3 INTERFACE
  ns3-virtual-net-device ns3-point-to-point ns3-traffic-control ns3-internet ns3-bridge ns3-network ns3-stats ns3-core)
