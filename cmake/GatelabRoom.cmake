# One room of the house: the target gatelab_<name> from the sources listed, linked to what stands below.
#
#   gatelab_room(esp SOURCES a.cpp b.cpp LINKS gatelab_crypto [PRIVATE_LINKS OpenSSL::Crypto])
#   gatelab_room(host INTERFACE LINKS gatelab_base)          # headers only

add_library(gatelab_options INTERFACE)
target_compile_options(gatelab_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
if(GATELAB_SANITIZE)
  target_compile_options(gatelab_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer -O1)
  target_link_options(gatelab_options INTERFACE -fsanitize=address,undefined)
endif()
if(GATELAB_FUZZ)
  target_compile_options(gatelab_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(gatelab_room name)
  cmake_parse_arguments(ROOM "INTERFACE" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  set(target gatelab_${name})
  if(ROOM_INTERFACE)
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${target} INTERFACE ${ROOM_LINKS})
    return()
  endif()
  add_library(${target} STATIC ${ROOM_SOURCES})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PUBLIC ${ROOM_LINKS} PRIVATE ${ROOM_PRIVATE_LINKS} gatelab_options)
  if(GATELAB_SANITIZE)
    target_link_options(${target} INTERFACE -fsanitize=address,undefined)
  endif()
endfunction()

# A GoogleTest program over one room's tests, known to ctest by the name of the program.
#
#   gatelab_test(esp_test SOURCES replay_window_test.cpp ... LINKS gatelab_esp)
function(gatelab_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_LINKS} gatelab_options GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE GATELAB_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${TEST_TIMEOUT}
    ENVIRONMENT GTEST_OUTPUT=xml:${CMAKE_BINARY_DIR}/test-results/gtest-${name}.xml)
  if(TEST_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${TEST_LABELS}")
  endif()
endfunction()

# The pytest files of the current folder as one test. It finds the build tree in GATELAB_BUILD_DIR.
function(gatelab_pytest name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "LABELS" ${ARGN})
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  add_test(NAME ${name}
    COMMAND ${Python3_EXECUTABLE} -B -m pytest -q -p no:cacheprovider
      --junitxml=${CMAKE_BINARY_DIR}/test-results/pytest-${name}.xml ${CMAKE_CURRENT_SOURCE_DIR})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${TEST_TIMEOUT} ENVIRONMENT GATELAB_BUILD_DIR=${CMAKE_BINARY_DIR})
  if(TEST_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${TEST_LABELS}")
  endif()
endfunction()
