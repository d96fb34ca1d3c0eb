# Run by gatelab_embed() at build time; see Embed.cmake. The assembler copies the files, which takes no time at any size.
string(REPLACE "|" ";" files "${FILES}")
string(REGEX MATCH "^(.*)::([^:]+)$" matched "${SYMBOL}")
set(namespace ${CMAKE_MATCH_1})
set(function ${CMAKE_MATCH_2})

set(declarations "")
set(blobs "")
set(entries "")
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME)
  file(SIZE ${file} size)
  file(SHA256 ${file} sum)  # in the symbol, so that the code differs when the contents do: compiler caches see only it
  string(MAKE_C_IDENTIFIER "gatelab_embedded_${SYMBOL}_${name}_${sum}" symbol)
  string(APPEND declarations "extern \"C\" __attribute__((visibility(\"hidden\"))) const char ${symbol}[];\n")
  string(APPEND blobs
    "asm(\".pushsection .rodata\\n.balign 16\\n.globl ${symbol}\\n.hidden ${symbol}\\n"
    "${symbol}:\\n.incbin \\\"${file}\\\"\\n.byte 0\\n.popsection\\n\");\n")
  string(APPEND entries "        {\"${name}\", {${symbol}, ${size}}},\n")
endforeach()

set(list "std::vector<std::pair<std::string_view, std::string_view>>")
file(WRITE ${OUTPUT} "#include <string_view>\n#include <utility>\n#include <vector>\n
${declarations}\n${blobs}\nnamespace ${namespace} {\n
const ${list}& ${function}();\n
const ${list}& ${function}() {\n    static const ${list} kFiles = {\n${entries}    };\n    return kFiles;\n}\n
}  // namespace ${namespace}\n")
