// pppd over a TCP connection between two machines: PPP as the real Linux kernel and its daemon speak it.
//
// One side listens and asks the other for MS-CHAPv2, and gives it an address; the other dials and proves itself.
#pragma once

#include <optional>

#include "impl/base/address.h"
#include "sim/peers/programs/program.h"

namespace gatelab::sim::peers::programs {

struct PppdSettings {
    std::string user, password;       // letters, digits, and marks that need no quoting in pppd's files
    std::uint16_t port = 5000;        // of TCP
    std::optional<Ipv4Address> dial;  // the other machine; none: listens
    Ipv4Address own, given;           // inner addresses, of the side that listens
};

class Pppd {
public:
    // Ends at once, Unsupported, on a machine whose /etc is this computer's.
    Pppd(Machine&, const PppdSettings&);

    struct Report {
        bool authenticated = false;                // by MS-CHAPv2, as this side sees it
        std::optional<Ipv4Address> local, remote;  // once IPCP is up
        bool up() const { return local && remote; }
    };
    // From its log so far.
    Report report() const;
    std::string log() const;
    void stop() {
        if (program_) program_->signal(15);
    }
    const std::optional<Result<int>>& ended() const { return ended_; }

private:
    Machine& machine_;
    std::optional<Result<int>> ended_;
    std::unique_ptr<Program> program_;
};

Pppd::Report pppd_report_in(std::string_view log);

}  // namespace gatelab::sim::peers::programs
