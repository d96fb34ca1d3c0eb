# Run by gatelab_embed() at build time; see EmbedFiles.cmake.
string(REPLACE "|" ";" files "${FILES}")
string(REGEX MATCH "^(.*)::([^:]+)$" matched "${SYMBOL}")
set(namespace ${CMAKE_MATCH_1})
set(function ${CMAKE_MATCH_2})

set(code "#include <string_view>\n#include <utility>\n#include <vector>\n\nnamespace ${namespace} {\n
const std::vector<std::pair<std::string_view, std::string_view>>& ${function}();\n
const std::vector<std::pair<std::string_view, std::string_view>>& ${function}() {
    static const std::vector<std::pair<std::string_view, std::string_view>> kFiles = {\n")
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME)
  # As numbers: a string literal would have a delimiter to clash with and a length to keep.
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(MAKE_C_IDENTIFIER ${name} identifier)
  string(APPEND arrays "constexpr char k_${identifier}[] = {${bytes}'\\0'};\n")
  string(APPEND code "        {\"${name}\", {k_${identifier}, sizeof k_${identifier} - 1}},\n")
endforeach()
string(APPEND code "    };\n    return kFiles;\n}\n\n}  // namespace ${namespace}\n")
string(REPLACE "\n\nnamespace ${namespace} {\n" "\n\nnamespace {\n${arrays}}  // namespace\n\nnamespace ${namespace} {\n"
       code "${code}")
file(WRITE ${OUTPUT} "${code}")
