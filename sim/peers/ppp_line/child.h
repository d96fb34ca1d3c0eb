// sstpc as a child of a line: its standard input and output are one end of a socket pair, its words come through a
// pipe.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "impl/base/result.h"
#include "sim/peers/file_descriptor.h"

namespace gatelab::sim::peers::ppp_line {

class Child {
public:
    // It dies with us.
    static Result<Child> start(const std::vector<std::string>& command, const std::vector<std::string>& environment);

    int line() const { return line_.get(); }    // PPP as async-HDLC, both ways; non-blocking
    int words() const { return words_.get(); }  // what it logs
    void hang_up() { line_.reset(); }
    void kill(int signal) const;

private:
    FileDescriptor line_, words_;
    pid_t process_ = 0;
};

}  // namespace gatelab::sim::peers::ppp_line
