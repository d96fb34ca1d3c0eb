// The programs of a guest, as the agent runs them.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>

#include "sim/peers/uml/agent/protocol.h"

namespace gatelab::sim::peers::uml::agent {

class Programs {
public:
    explicit Programs(std::function<void(const Message&)> tell) : tell_(std::move(tell)) {}
    ~Programs();  // none outlives it
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;

    // Each program leads a session of its own, has nothing on its standard input and starts in "/".
    void run(const RunProgram&);
    void signal(const SignalProgram&);
    bool close(Channel);  // false when it is no program of ours
    void reap();          // to be called after SIGCHLD; also takes in orphans

private:
    std::function<void(const Message&)> tell_;
    std::map<Channel, pid_t> running_;
};

}  // namespace gatelab::sim::peers::uml::agent
