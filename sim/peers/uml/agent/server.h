// The agent's event loop: the wire to the harness, the guest's programs and its sockets.
//
// It sleeps until one of them has news, without timers: an idle guest does not wake.
#pragma once

#include <functional>
#include <string>

#include "sim/peers/file_descriptor.h"
#include "sim/peers/uml/agent/frame_link.h"
#include "sim/peers/uml/agent/programs.h"
#include "sim/peers/uml/agent/sockets.h"

namespace gatelab::sim::peers::uml::agent {

class Server {
public:
    // `wire` carries whole Ethernet frames. `configure` sets up what the harness asks for: "" or what went wrong.
    using Configurer = std::function<std::string(const Configure&)>;
    Server(FileDescriptor wire, Configurer configure);

    // Until something breaks: why.
    std::string serve(const Hello&);

private:
    void tell(const Message&);
    void receive();
    void handle(const Message&);
    void send();
    void watch_what_matters();

    const FileDescriptor wire_, children_, epoll_;
    Configurer configure_;
    FrameLink link_{kControlMac, kHarnessMac};
    Programs programs_;
    Sockets sockets_;
    Bytes unsent_;  // a frame that the wire had no room for
    std::uint32_t wire_interest_ = 0, sockets_interest_ = 0;
    std::string broken_;
};

}  // namespace gatelab::sim::peers::uml::agent
