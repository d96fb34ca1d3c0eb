#include "impl/ipsec/tunnel_table.h"

namespace gatelab::ipsec {

TunnelStatus status_of(const Tunnel& tunnel) {
    TunnelStatus status{.id = tunnel.id,
                        .connection = tunnel.connection,
                        .initiator = tunnel.initiator,
                        .up = !tunnel.children.empty(),
                        .peer = tunnel.peer,
                        .path = tunnel.path,
                        .nat_here = tunnel.nat_here,
                        .nat_there = tunnel.nat_there,
                        .configuration = tunnel.configuration,
                        .ike_suite = tunnel.ike_suite,
                        .children = static_cast<int>(tunnel.children.list().size()),
                        .ike_rekeys = tunnel.ike_rekeys,
                        .child_rekeys = tunnel.child_rekeys,
                        .traffic = tunnel.children.traffic()};
    if (const auto* child = tunnel.children.newest()) {
        status.udp_encapsulation = child->udp_encapsulation;
        status.child_suite = child->suite;
        status.local = child->inbound.parameters().local;
        status.remote = child->inbound.parameters().remote;
        status.inbound_spi = child->inbound.parameters().spi;
        status.outbound_spi = child->outbound.parameters().spi;
    }
    return status;
}

Tunnel* TunnelTable::find(TunnelId id) const {
    const auto at = tunnels_.find(id);
    return at == tunnels_.end() ? nullptr : at->second.get();
}

Tunnel* TunnelTable::find(ikev2::SaId sa) const {
    const auto at = by_sa_.find(sa);
    return at == by_sa_.end() ? nullptr : at->second;
}

TunnelTable::Inbound TunnelTable::find(esp::Spi inbound) const {
    const auto at = by_spi_.find(inbound.value());
    return at == by_spi_.end() ? Inbound{} : at->second;
}

Tunnel& TunnelTable::adopt(ikev2::SaId sa, std::string connection, bool initiator) {
    if (auto* known = find(sa)) return *known;
    auto tunnel = std::make_unique<Tunnel>();
    tunnel->id = TunnelId{sa.value()};
    tunnel->sa = sa;
    tunnel->connection = std::move(connection);
    tunnel->initiator = initiator;
    by_sa_[sa] = tunnel.get();
    return *tunnels_.insert_or_assign(tunnel->id, std::move(tunnel)).first->second;
}

void TunnelTable::renew(Tunnel& tunnel, ikev2::SaId newer) {
    tunnel.sa = newer;
    ++tunnel.ike_rekeys;
    by_sa_[newer] = &tunnel;
}

void TunnelTable::erase(Tunnel& tunnel) {
    for (const auto& child : tunnel.children.list()) by_spi_.erase(child->inbound.parameters().spi.value());
    std::erase_if(by_sa_, [&](const auto& entry) { return entry.second == &tunnel; });
    tunnels_.erase(tunnel.id);
}

Child& TunnelTable::add_child(Tunnel& tunnel, const ikev2::Engine::ChildEstablished& established) {
    auto& child = tunnel.children.add(established);
    if (established.replaces) ++tunnel.child_rekeys;
    by_spi_[established.inbound.spi.value()] = {&tunnel, &child};
    return child;
}

void TunnelTable::remove_child(Tunnel& tunnel, ikev2::ChildId id) {
    const auto* child = tunnel.children.find(id);
    if (!child) return;
    by_spi_.erase(child->inbound.parameters().spi.value());
    tunnel.children.remove(id);
}

}  // namespace gatelab::ipsec
