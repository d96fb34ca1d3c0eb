// Whole files, small ones.
#pragma once

#include <filesystem>
#include <string>

#include "impl/base/result.h"

namespace gatelab::sim::peers {

struct ConfigFile {
    std::string path;  // relative to the peer's folder
    std::string text;
    bool secret = false;  // keys: never among a run's evidence
};

// From the octet `from` on; "" when it is not there, or shorter.
std::string read_file(const std::filesystem::path&, std::size_t from = 0);
std::size_t size_of(const std::filesystem::path&);  // 0 when it is not there
// Makes the folders that lead to it. Io, with the path.
Result<void> write_file(const std::filesystem::path&, const std::string& text);

}  // namespace gatelab::sim::peers
