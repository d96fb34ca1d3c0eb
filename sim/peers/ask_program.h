// Runs a program of this machine for a short while and reads what it says.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"
#include "impl/base/time.h"

namespace gatelab::sim::peers {

struct Question {
    std::vector<std::string> arguments;                 // the first is the program, as a path
    std::vector<std::string> environment = {};          // "NAME=value"; none: ours
    Duration patience = std::chrono::seconds(5);        // of wall time
    std::function<bool(std::string_view)> enough = {};  // whether what it said so far will do
};

struct Answer {
    std::string text;     // standard output and standard error, at most 64 KiB
    int wait_status = 0;  // of the program; it is killed when it has said enough or patience has ended
};

// The program has no standard input and is the leader of a session; what it started is killed with it. NotFound when it
// cannot be started.
Result<Answer> ask_program(const Question&);

// The program as a shell would find it in folders joined by ":"; "" when it is not there.
std::string find_program(const std::string& name, const std::string& folders);

}  // namespace gatelab::sim::peers
