// Ready topologies, compiled in: they are there wherever the program runs.
#pragma once

#include <string_view>
#include <vector>

namespace gatelab::topologies {

struct LibraryEntry {
    std::string_view name;     // "remote-user"
    std::string_view summary;  // the file's opening sentence
    std::string_view text;     // YAML
};

// By name, in alphabetical order.
const std::vector<LibraryEntry>& library();

// The entry of that name, or nullptr.
const LibraryEntry* find_in_library(std::string_view name);

}  // namespace gatelab::topologies
