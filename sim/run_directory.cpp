#include "sim/run_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

namespace gatelab::sim {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kOwnNames = {"run.json", "topology.yaml", "events.ndjson", "flows.json",
                                                       "pcap",     "keys",          "peers"};

Error cannot(std::string_view what, const fs::path& path, int error) {
    const auto reason = std::generic_category().message(error);
    const auto advice = error == ENOSPC || error == EDQUOT || error == EFBIG
                            ? "free some space or choose another run directory"
                            : "choose a run directory that can be written";
    return {Fault::Io, fmt::format("cannot {} '{}': {}; {}", what, path.string(), reason, advice)};
}

// An earlier run's directory may be written over; anything else stays untouched.
Result<void> make_empty(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return tl::unexpected(cannot("make the run directory", path, error.value()));
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator(path, error)) {
        const auto name = entry.path().filename().string();
        if (std::find(kOwnNames.begin(), kOwnNames.end(), name) == kOwnNames.end() && name != ".run.json")
            return fail(Fault::Refused, fmt::format("the run directory '{}' holds '{}', which no run wrote; "
                                                    "choose another directory or empty this one",
                                                    path.string(), name));
        old.push_back(entry.path());
    }
    if (error) return tl::unexpected(cannot("read the run directory", path, error.value()));
    // run.json first: should the rest fail, what is left does not look whole.
    std::sort(old.begin(), old.end(), [](const fs::path& a, const fs::path& b) {
        return std::pair(a.filename() != "run.json", a) < std::pair(b.filename() != "run.json", b);
    });
    for (const auto& entry : old) {
        fs::remove_all(entry, error);
        if (error) return tl::unexpected(cannot("remove the earlier run's", entry, error.value()));
    }
    for (const auto* folder : {"pcap", "keys", "peers"}) {
        fs::create_directory(path / folder, error);
        if (error) return tl::unexpected(cannot("make", path / folder, error.value()));
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<RunDirectory>> RunDirectory::create(const fs::path& path) {
    if (const auto made = make_empty(path); !made) return pass(made);
    std::unique_ptr<RunDirectory> directory{new RunDirectory{path}};
    if (const auto opened = directory->open_events(); !opened) return pass(opened);
    return directory;
}

Result<void> RunDirectory::open_events() {
    const auto file = path_ / "events.ndjson";
    events_.reset(std::fopen(file.c_str(), "w"));
    if (!events_) return tl::unexpected(cannot("write", file, errno));
    return {};
}

void RunDirectory::write(const Event& event) {
    if (!state_ || !events_) return;
    auto line = to_json_line(event);
    line += '\n';
    if (std::fwrite(line.data(), 1, line.size(), events_.get()) != line.size())
        note_failure(cannot("write", path_ / "events.ndjson", errno));
}

void RunDirectory::close_events() {
    if (!events_) return;
    errno = 0;
    if (std::fclose(events_.release()) != 0) note_failure(cannot("write", path_ / "events.ndjson", errno));
}

void RunDirectory::write_file(const fs::path& relative, std::string_view text) {
    if (!state_) return;
    const auto target = path_ / relative;
    errno = 0;
    std::unique_ptr<std::FILE, Closer> file{std::fopen(target.c_str(), "w")};
    bool whole = file && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
    if (file && std::fclose(file.release()) != 0) whole = false;
    if (!whole) note_failure(cannot("write", target, errno));
}

void RunDirectory::write_topology(const std::string& yaml) { write_file("topology.yaml", yaml); }

void RunDirectory::write_flows(const std::string& json) { write_file("flows.json", json); }

void RunDirectory::write_keys(const KeyLog& keys, const WiresharkProfile& profile) {
    write_file("keys/ikev2_decryption_table", keys.ikev2_table());
    write_file("keys/esp_sa", keys.esp_table());
    if (!keys.tls_lines().empty()) write_file("keys/tls_keys", keys.tls_lines());
    write_file("keys/sslkeylog.txt", keys.tls_lines());
    write_file("keys/preferences", profile.preferences);
    write_file("keys/decode_as_entries", profile.decode_as_entries);
    write_file(
        "keys/README",
        "This folder is a Wireshark profile: from the run directory (the one above), the captures open decrypted "
        "with\n\n"
        "    WIRESHARK_CONFIG_DIR=keys tshark -r pcap/FILE      (or wireshark)\n\n"
        "OpenVPN's control channel opens down to its TLS as far as Wireshark puts that together; behind tls-crypt\n"
        "it shows the kinds of messages alone. Of OpenVPN's data packets it decrypts none.\n"
        "The keys are of a simulation and protect nothing.\n");
}

Result<void> RunDirectory::finish(const std::string& run_json) {
    close_events();
    write_file(".run.json", run_json);
    if (!state_) {
        std::error_code ignored;
        fs::remove(path_ / ".run.json", ignored);
        return state_;
    }
    std::error_code error;
    fs::rename(path_ / ".run.json", path_ / "run.json", error);
    if (error) note_failure(cannot("write", path_ / "run.json", error.value()));
    return state_;
}

void RunDirectory::note_failure(Error error) {
    if (state_) state_ = tl::unexpected(std::move(error));
}

}  // namespace gatelab::sim
