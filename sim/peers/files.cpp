#include "sim/peers/files.h"

#include <fstream>
#include <sstream>

namespace gatelab::sim::peers {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path, std::size_t from) {
    std::ifstream file{path, std::ios::binary};
    if (from > 0) file.seekg(static_cast<std::streamoff>(from));
    std::ostringstream text;
    if (file) text << file.rdbuf();
    return std::move(text).str();
}

std::size_t size_of(const fs::path& path) {
    std::error_code missing;
    const auto size = fs::file_size(path, missing);
    return missing ? 0 : size;
}

Result<void> write_file(const fs::path& path, const std::string& text) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    std::ofstream file{path, std::ios::binary};
    if (!(file << text) || !file.flush()) return fail(Fault::Io, path.string() + " cannot be written");
    return {};
}

}  // namespace gatelab::sim::peers
