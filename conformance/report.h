// What a conformance run found.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"
#include "impl/base/time.h"

namespace gatelab::conformance {

enum class Verdict {
    Passed,       // everything expected was observed
    Failed,       // something else was observed
    Unsupported,  // a player of the pair does not claim a feature that the case needs
    Skipped,      // this machine cannot run it, or nobody asked for it
    Error,        // the harness or a peer broke: says nothing about the requirement
    Invalid,      // a real-time run that fell behind its budget: says nothing either
};
std::string_view name_of(Verdict);  // "passed"
std::optional<Verdict> verdict_of(std::string_view name);

// One thing that a case expected, and what was there instead or indeed.
struct Step {
    Duration at{};  // simulated time since the start
    std::string expected;
    std::string observed;
    bool held = true;
};

// Files that show what happened, relative to the report's directory.
struct Artifacts {
    std::string directory;  // the run directory
    std::vector<std::string> pcap;
    std::string events;
    std::vector<std::string> keys;
};

struct LatenessSummary {
    Duration budget{}, median{}, p99{}, worst{};
};

struct CaseResult {
    std::string id, suite;
    std::vector<std::string> requirements;
    std::string sentence;  // what must hold
    std::string client, gateway;
    Verdict verdict = Verdict::Error;
    std::string expected, observed,
        reason;  // of the first step that did not hold, or of all; `reason` says why not passed
    std::vector<Step> steps;
    std::map<std::string, double> metrics;  // "connect_s"
    std::map<std::string, std::string> facts;  // what a table of such cases is made of: "tunnel": "sstp"
    Artifacts artifacts;
    Duration simulated{};

    // What depends on the machine.
    bool real_time = false;
    Duration wall{};
    int attempts = 1;  // more than one after invalid runs
    std::optional<LatenessSummary> lateness;
    std::optional<double> cpu_wait;  // share of the run during which some process waited for a processor, 0 to 1
};

struct Report {
    std::string version;
    std::uint64_t seed = 1;
    // What a run is made of beside topology and seed: "strongswan": "5.9.8", "kernel": "6.1.192-2", "kernel_hash".
    std::map<std::string, std::string> inputs;
    std::vector<CaseResult> cases;  // by suite, case, client, gateway; however many jobs ran

    std::string started;  // machine: "2026-01-01T00:00:00Z"
    Duration wall{};      // machine
};

struct Summary {
    int passed = 0, failed = 0, unsupported = 0, skipped = 0, errors = 0, invalid = 0;
    // Requirements of the catalogue: all; those that a case of this report names; those of which a case passed and none
    // failed.
    int requirements = 0, covered = 0, verified = 0;
};
Summary summarize(const Report&);

}  // namespace gatelab::conformance
