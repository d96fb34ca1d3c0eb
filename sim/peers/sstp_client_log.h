// What sstpc, pppd and a line (ppp_line/) log, as the state of one call.
//
//   Nov 21 11:07:38 sstpc[32203]: Started PPP Link Negotiation         sstpc, at level 4
//   local  IP address 172.16.201.2                                     pppd, with debug
//   line: address 172.16.201.2                                         a line
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "impl/base/address.h"

namespace gatelab::sim::peers {

class SstpClientLog {
public:
    // The logs go on with this; a line at the end that has no newline yet is kept for the next call.
    void read_sstpc(std::string_view text);
    void read_ppp(std::string_view text);

    bool up() const { return up_; }                   // addresses and routes are there
    bool call_connected() const { return bound_; }    // sstpc has sent its crypto binding
    Ipv4Address address() const { return address_; }  // of this end, inside
    const std::vector<Ipv4Address>& dns() const { return dns_; }
    const std::string& authentication() const { return authentication_; }  // "mschapv2", "pap"; "" before it is through
    // Why the call failed or ended, under the names of sstp::CloseReason and of impl/client; "" before. The first
    // reason counts, but who was refused as a user was refused for that.
    const std::string& failure() const { return failure_; }
    const std::string& detail() const { return detail_; }  // the line that said so

private:
    void sstpc_line(std::string_view);
    void ppp_line(std::string_view);
    void own_line(std::string_view);
    void add_dns(Ipv4Address);
    void fail(std::string_view reason, std::string_view line);

    std::string sstpc_rest_, ppp_rest_;
    bool up_ = false, bound_ = false;
    Ipv4Address address_;
    std::vector<Ipv4Address> dns_;
    std::string asked_, authentication_, failure_, detail_;
    std::string hint_;  // of what the next general words of sstpc are about
};

// A log without the keys that pppd's plugin tells in it.
std::string without_keys(std::string log);

// "sstp-client 1.0.18, pppd 2.4.9" of what the programs said when they were asked.
std::string sstp_version_in(std::string_view text);

}  // namespace gatelab::sim::peers
