// The tunnels of a Stack, found by what the engine, the wire or the owner knows of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "impl/ipsec/child.h"
#include "impl/ipsec/tunnel.h"

namespace gatelab::ipsec {

struct Tunnel {
    TunnelId id;
    ikev2::SaId sa;          // the newest IKE SA
    bool announced = false;  // the owner knows that it is up
    std::string connection;
    bool initiator = false;
    ikev2::Identification peer;
    ikev2::Path path;
    bool nat_here = false, nat_there = false;
    ikev2::Configuration configuration;
    std::optional<ikev2::IkeSuite> ike_suite;
    int ike_rekeys = 0, child_rekeys = 0;
    Children children;
};

TunnelStatus status_of(const Tunnel&);

class TunnelTable {
public:
    struct Inbound {
        Tunnel* tunnel = nullptr;
        Child* child = nullptr;
    };

    Tunnel* find(TunnelId) const;
    Tunnel* find(ikev2::SaId) const;
    Inbound find(esp::Spi inbound) const;  // nulls when there is none

    // The tunnel of that IKE SA, made when there is none.
    Tunnel& adopt(ikev2::SaId, std::string connection, bool initiator);
    // From now on `tunnel` is carried by a newer IKE SA; the old one still names it until it is forgotten.
    void renew(Tunnel&, ikev2::SaId newer);
    // Ends what the engine knows as `sa`; the tunnel itself stays.
    void forget(ikev2::SaId sa) { by_sa_.erase(sa); }
    void erase(Tunnel&);

    Child& add_child(Tunnel&, const ikev2::Engine::ChildEstablished&);
    void remove_child(Tunnel&, ikev2::ChildId);

private:
    std::map<TunnelId, std::unique_ptr<Tunnel>> tunnels_;
    std::map<ikev2::SaId, Tunnel*> by_sa_;
    std::unordered_map<std::uint32_t, Inbound> by_spi_;  // never walked: its order shows nowhere
};

}  // namespace gatelab::ipsec
