// The directory that a run leaves behind.
//
//   run.json        inputs, outcome, summary; written last, so a directory without it is no whole run
//   topology.yaml   what was run, as its file said it
//   events.ndjson   one event a line, written as they happen
//   flows.json      what each flow achieved
//   pcap/           one file per interface
//   keys/           Wireshark's key tables, and a profile folder that uses them
//   peers/          what real programs left: configuration, log, exit status
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "impl/base/events.h"
#include "impl/base/result.h"
#include "sim/keys.h"
#include "sim/wireshark_profile.h"

namespace gatelab::sim {

class RunDirectory {
public:
    // Makes the directory, or empties it when an earlier run wrote it. Refused when it holds anything else; Io, with
    // the file and the reason, when it cannot be written.
    static Result<std::unique_ptr<RunDirectory>> create(const std::filesystem::path& path);

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path pcap() const { return path_ / "pcap"; }
    std::filesystem::path peers() const { return path_ / "peers"; }

    // A write that fails is remembered: the first failure is what finish() returns.
    void write(const Event&);
    void write_topology(const std::string& yaml);
    void write_flows(const std::string& json);
    void write_keys(const KeyLog&, const WiresharkProfile&);

    // Completes events.ndjson and then puts run.json in place. Io, with the first file that could not be written whole;
    // run.json is not there then.
    Result<void> finish(const std::string& run_json);

    // Remembers a failure that others met while they wrote into the directory.
    void note_failure(Error);

private:
    struct Closer {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };

    explicit RunDirectory(std::filesystem::path path) : path_(std::move(path)) {}
    Result<void> open_events();
    void close_events();
    void write_file(const std::filesystem::path& relative, std::string_view text);

    std::filesystem::path path_;
    std::unique_ptr<std::FILE, Closer> events_;
    Result<void> state_;
};

}  // namespace gatelab::sim
