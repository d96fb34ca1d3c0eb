// Keeps the calling thread, and what it starts from now on, on one processor.
//
// A simulation and its guests take turns: only one of them ever runs. Spread over processors, each turn wakes a
// sleeping one up, which takes several times as long as the turn itself. Harnesses that run side by side take different
// processors: a claim is an abstract socket's name, so it ends with the process. When all are claimed, nothing is done.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <optional>

#include "sim/peers/file_descriptor.h"

namespace gatelab::sim::peers::uml {

class OneProcessor {
public:
    OneProcessor();
    ~OneProcessor();  // the thread may run everywhere again where it might before
    OneProcessor(const OneProcessor&) = delete;
    OneProcessor& operator=(const OneProcessor&) = delete;

    std::optional<int> processor() const { return processor_; }

private:
    pid_t thread_;
    cpu_set_t before_;
    std::optional<int> processor_;
    FileDescriptor claim_;
};

}  // namespace gatelab::sim::peers::uml
