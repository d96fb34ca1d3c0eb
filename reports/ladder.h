// The messages of one run in the order of time, from its event log: who sent what to whom, and whether it arrived.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace gatelab::reports {

struct LadderMessage {
    double sent = 0;       // seconds since the start; when it arrived for one that only its receiver told of
    double arrived = -1;   // -1: never; when it was sent for one to a node that keeps no such log
    std::string from, to;  // nodes; an outer address where the log does not tell the node; "" when nothing does
    std::string exchange;  // "IKE_AUTH"
    std::int64_t id = 0;
    bool response = false;
    bool repeated = false;
    std::string payloads;  // "IDi, CERT, AUTH"
};

// Anything else that a node told: "state-changed", "child-failed".
struct LadderNote {
    double t = 0;
    std::string node, event, text;
};

struct Ladder {
    std::vector<LadderMessage> messages;
    std::vector<LadderNote> notes;
    bool cut = false;  // there was more than a page should hold
};

// Reads events.ndjson; lines that are none of it are passed over. Empty when there is no such file.
Ladder read_ladder(const std::filesystem::path&);
Ladder read_ladder(std::istream&);

}  // namespace gatelab::reports
