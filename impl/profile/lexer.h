// The lines of a profile as OpenVPN splits them. Internal to this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"

namespace gatelab::profile {

// A directive with its arguments, or a block: then `words` is its name alone.
struct Statement {
    int line = 0;
    std::vector<std::string> words;
    std::optional<std::string> block;  // what stands between <name> and </name>, line ends as "\n"
};

// "file:line: what".
tl::unexpected<Error> fail_at(const std::string& file, int line, std::string what);

// The words of one line: blanks separate, quotes hold together, a backslash outside single quotes takes the next
// character as it is, # and ; begin a comment where a word could. Malformed without a place.
Result<std::vector<std::string>> split_words(std::string_view line);

// Malformed, with file and line. `first_line` is the number of the text's first line.
Result<std::vector<Statement>> split_statements(std::string_view text, const std::string& file, int first_line = 1);

}  // namespace gatelab::profile
