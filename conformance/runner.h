// Runs cases: each in a process of its own, for every pair of client and gateway that has what the case needs.
//
// In virtual time as many at once as there are jobs; real programs on kernels of their own are no exception. What keeps
// real time runs afterwards, few at once, because such runs must not make each other late.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conformance/case.h"
#include "conformance/report.h"

namespace gatelab::conformance {

// How real programs take part.
enum class RealPeers {
    Virtual,      // in virtual time: the whole report repeats with the seed
    VirtualMost,  // so, and in real time in the few cases that are made for it
    RealTime,     // in real time; a name ("strongswan") then means the player in real time
    None,
};

struct Progress {
    std::size_t done = 0, total = 0;
    const CaseResult* latest = nullptr;  // the case that just ended; nullptr at the start
};

struct Options {
    std::vector<std::string> suites;  // empty: all
    std::vector<std::string> cases;   // globs over case ids ("esp-basic.*replay*"); empty: all
    std::optional<std::string> client, gateway;
    std::vector<std::pair<std::string, std::string>> pairs;  // these alone, each by the names of client and gateway
    std::size_t shard = 1, shards = 1;                       // this is part `shard` of `shards`, from 1
    std::size_t jobs = 0;                                    // cases in virtual time at once; 0: the number of cores
    std::size_t real_time_jobs = 2;
    RealPeers real_peers = RealPeers::VirtualMost;
    std::uint64_t seed = 1;
    std::filesystem::path out;  // evidence goes to <out>/cases/<case>/<client>-<gateway>/; empty: none is kept
    bool captures = true;
    Duration lateness_budget = std::chrono::milliseconds(100);
    std::function<void(const Progress&)> progress;
};

// One case for one pair.
struct Job {
    const Case* what = nullptr;
    Pair pair;
    std::string unsupported;  // why the pair cannot run it; "" when it can
    bool real_time() const { return !pair.virtual_time(); }
};

// What the options select, in the order of the report. Refused, naming what is known, for a suite, client or gateway
// that does not exist or does not take part, or a glob that selects nothing. Two real programs are paired only when
// both are asked for by name, and never one in virtual and one in real time.
Result<std::vector<Job>> select(const Options&);

// Runs what the options select. Refused as select(); Io when `out` cannot be written. A case that crashes or does not
// end becomes a result of verdict Error. The caller should be single-threaded (see sim::Isolated).
Result<Report> run(const Options&);

// The same for jobs of the caller's.
Result<Report> run(const std::vector<Job>&, const Options&);

}  // namespace gatelab::conformance
