// What IPCP negotiates here (RFC 1332, RFC 1877): the addresses of both ends and the client's DNS servers.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "impl/ppp/control_protocol.h"
#include "impl/ppp/session.h"

namespace gatelab::ppp {

class Ipcp {
public:
    static Ipcp of_client(bool ask_for_dns);
    static Ipcp of_server(const Grant&);

    Bytes request() const;
    Verdict judge(const std::vector<Option>&, bool may_nak);
    Result<void> take_nak(const std::vector<Option>&);
    Result<void> take_reject(const std::vector<Option>&);
    Result<void> check() const;

    Ipv4Address own() const { return own_.value_or(Ipv4Address{}); }
    Ipv4Address peer() const { return peer_; }
    std::vector<Ipv4Address> dns() const;  // client: that it got; server: that it gives

private:
    explicit Ipcp(Role role) : role_(role) {}
    bool is_server() const { return role_ == Role::Server; }
    void judge_of_client(Judgement&, const Option&);
    void judge_of_server(Judgement&, const Option&);

    Role role_;
    std::optional<Ipv4Address> own_;                 // that we ask for; nothing once it was rejected
    std::array<std::optional<Ipv4Address>, 2> dns_;  // client: asked for; server: given
    Ipv4Address granted_;                            // server: what the client must take
    Ipv4Address peer_;                               // that the peer asked for and was given
};

// Whether a host can have it: not zero, loopback, multicast, reserved or broadcast.
bool is_usable(Ipv4Address);

}  // namespace gatelab::ppp
