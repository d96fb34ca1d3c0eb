#include "sim/peers/tls_keys.h"

#include <sstream>
#include <string_view>
#include <utility>

#include "sim/peers/files.h"

namespace gatelab::sim::peers {

// The library; made by the build.
const std::vector<std::pair<std::string_view, std::string_view>>& tls_keys_files();

namespace {

constexpr const char* kLibrary = "tls-keys.so";
constexpr const char* kKeys = "tls-keys.log";

}  // namespace

Result<void> put_tls_keys_library(Machine& machine) {
    return write_file(machine.folder() / kLibrary, std::string{tls_keys_files().front().second});
}

std::vector<std::string> tls_keys_environment(const Machine& machine) {
    return {"LD_PRELOAD=" + machine.inside(kLibrary), "GATELAB_TLS_KEYS=" + machine.inside(kKeys)};
}

void collect_tls_keys(const Machine& machine, KeyLog& keys) {
    std::istringstream lines{read_file(machine.folder() / kKeys)};
    for (std::string line; std::getline(lines, line);) keys.add_tls_line(std::move(line));
}

}  // namespace gatelab::sim::peers
