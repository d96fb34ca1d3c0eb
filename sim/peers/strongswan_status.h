// What charon reports, in gatelab's words.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/peers/vici_message.h"
#include "sim/roles.h"

namespace gatelab::sim::peers {

// One IKE SA with its newest child.
struct ReportedSa {
    std::string connection;
    std::uint32_t id = 0;        // charon's unique numbers
    std::uint32_t child_id = 0;  // 0: it has none
    std::uint64_t spi_i = 0, spi_r = 0;
    bool established = false;
    TunnelStatus tunnel;  // `up` when established with an installed child
};

// The IKE SAs of one "list-sa" event.
std::vector<ReportedSa> reported_sas(const ViciSection& message);

// How often the tunnel with a peer was rekeyed, and what its former children carried.
struct TunnelHistory {
    int ike_rekeys = 0, child_rekeys = 0;
    std::uint64_t packets_in = 0, packets_out = 0;
};

// Follows the events "ike-updown", "ike-rekey" and "child-rekey"; histories are known by the peer's identification.
class TunnelHistories {
public:
    void note(std::string_view event, const ViciSection& message);
    void add_to(ReportedSa&) const;

private:
    std::map<std::string, TunnelHistory> by_peer_;
};

// Why an attempt or a tunnel ended, from what charon logged meanwhile: the last reason given. Nothing when there is
// none. `sa` restricts it to the lines of the IKE SA with that number, 0 takes all.
struct LoggedReason {
    std::string name;  // "peer-silent", as TunnelStatus::failure
    std::string line;
};
std::optional<LoggedReason> reason_in(std::string_view log, std::uint32_t sa = 0);

// The addresses in the nameserver lines of a resolv.conf, in order.
std::vector<Ipv4Address> nameservers_in(std::string_view resolv_conf);

}  // namespace gatelab::sim::peers
