// What pluto, libreswan's daemon, logs, as the state of its tunnels.
//
// Its control program tells little, and only when asked; the log tells all that happens, when it happens. Lines:
//
//   Jan 15 08:00:03.072057: "home"[1] 10.66.0.2 #1: initiator established IKE SA; authenticated peer using ...
//   Jan 15 08:00:03.073110: "home"[1] 10.66.0.2 #2: initiator established Child SA using #1; IPsec tunnel [...] ...
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/roles.h"

namespace gatelab::sim::peers {

class LibreswanLog {
public:
    struct Tunnel {
        std::string connection;  // "home"
        std::uint32_t ike = 0;   // libreswan's number of the IKE SA
        std::uint32_t child = 0;
        TunnelStatus status;  // `up`; no peer, no counters, and not on which side there is a NAT
        std::vector<Ipv4Address> granted_dns;
    };
    struct Outcome {
        std::string reason;  // as TunnelStatus::failure
        std::string line;
    };

    // The log goes on with this; a line at its end that has no newline yet is kept for the next call.
    void read(std::string_view text);

    bool ready() const { return ready_; }                                      // it answers peers and orders
    const std::vector<std::string>& refused() const { return refused_; }       // connections that it did not take
    const std::map<std::string, Tunnel>& tunnels() const { return tunnels_; }  // that are up, by connection
    // Why a connection's last attempt or tunnel ended; nullptr while there is none, or it is under way.
    const Outcome* outcome(const std::string& connection) const;
    void forget_outcome(const std::string& connection) { outcomes_.erase(connection); }

private:
    struct Line {
        std::string_view connection;
        std::uint32_t number = 0;  // of the SA
        std::string_view text;
    };
    struct Ike {
        std::string connection, suite;
    };
    struct Grant {
        Ipv4Address address;
        std::vector<Ipv4Address> dns;
    };

    void read_line(std::string_view line);
    void note_child(const Line&, bool rekeyed);
    void note_ike_rekeyed(const Line&);
    void note_end(const Line&);
    void note_reason(const Line&);
    void end(const std::string& connection, std::string_view line);
    static bool parse(std::string_view line, Line&);

    std::string rest_;
    bool ready_ = false;
    std::vector<std::string> refused_;
    std::map<std::uint32_t, Ike> ikes_;
    std::map<std::string, Tunnel> tunnels_;
    std::map<std::string, Grant> grants_;
    std::map<std::string, Outcome> reasons_;  // given so far, for whatever ends next
    std::map<std::string, Outcome> outcomes_;
};

}  // namespace gatelab::sim::peers
