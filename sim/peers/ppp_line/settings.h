// What a line is told: a file with one "name value" a line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"

namespace gatelab::sim::peers::ppp_line {

struct Settings {
    std::string user, password;
    std::uint64_t seed = 1;
    std::uint16_t mru = 1400;
    std::string socket;             // at which sstpc waits for its keys
    std::string card;               // TUN device to be made: "ppp0"
    std::string up;                 // script, started as pppd starts ip-up
    std::string log;                // of sstpc
    std::vector<std::string> run;   // sstpc's command, a word each
    std::vector<std::string> with;  // its environment, "NAME=value"
};

// Malformed names the line.
Result<Settings> parse_settings(std::string_view text);

}  // namespace gatelab::sim::peers::ppp_line
