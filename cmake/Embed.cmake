# Puts files, of text or not, into a room, so that they are there wherever the program runs.
#
#   gatelab_embed(OUTPUT catalogue_files.cpp SYMBOL gatelab::conformance::catalogue_files FILES a.yaml $<TARGET_FILE:b>)
#
# defines `const std::vector<std::pair<std::string_view, std::string_view>>& catalogue_files()` in that namespace: name
# without folder, and contents, in the order given. The output stands in the current binary folder; list it among the
# room's sources. It is made and compiled anew when a file changes.

set(GATELAB_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/embed.cmake)

function(gatelab_embed)
  cmake_parse_arguments(EMBED "" "OUTPUT;SYMBOL" "FILES" ${ARGN})
  list(TRANSFORM EMBED_FILES REPLACE "^([^/$].*)$" "${CMAKE_CURRENT_SOURCE_DIR}/\\1")
  string(REPLACE ";" "|" files "${EMBED_FILES}")
  add_custom_command(OUTPUT ${EMBED_OUTPUT}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${CMAKE_CURRENT_BINARY_DIR}/${EMBED_OUTPUT} -DSYMBOL=${EMBED_SYMBOL}
            "-DFILES=${files}" -P ${GATELAB_EMBED_SCRIPT}
    DEPENDS ${EMBED_FILES} ${GATELAB_EMBED_SCRIPT}
    VERBATIM)
endfunction()
