// curl, and a small HTTP server for it: Python's.
#pragma once

#include "impl/base/address.h"
#include "sim/peers/programs/program.h"

namespace gatelab::sim::peers::programs {

struct CurlReport {
    int status = 0;  // HTTP's; 0 when there was no answer
    std::string body;
    double seconds = 0;  // of simulated time, from the start to the last octet
    std::string remote;  // address that answered
};
std::unique_ptr<Program> curl(Machine&, const std::string& url, std::function<void(Result<CurlReport>)> done);

// Serves the files of "www" in the machine's folder until it is destroyed.
std::unique_ptr<Program> serve_http(Machine&, std::uint16_t port, std::function<void(Result<int>)> ended);

}  // namespace gatelab::sim::peers::programs
