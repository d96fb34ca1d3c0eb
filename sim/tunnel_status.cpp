#include "sim/tunnel_status.h"

namespace gatelab::sim {
namespace {

TunnelStatus told_by(std::monostate) { return {}; }

TunnelStatus told_by(const ipsec::TunnelStatus& tunnel) {
    TunnelStatus status;
    status.up = tunnel.up;
    status.protocol = "ikev2";
    status.peer = to_string(tunnel.peer);
    status.inner_address = tunnel.configuration.address.value_or(Ipv4Address{});
    status.dns = tunnel.configuration.dns;
    if (tunnel.ike_suite) status.ike_suite = to_string(*tunnel.ike_suite);
    if (tunnel.child_suite) status.child_suite = to_string(*tunnel.child_suite);
    status.local_selectors = to_string(tunnel.local);
    status.remote_selectors = to_string(tunnel.remote);
    status.routes = tunnel.configuration.subnets;
    status.outer_peer = tunnel.path.remote;
    status.nat_here = tunnel.nat_here;
    status.nat_there = tunnel.nat_there;
    status.udp_encapsulation = tunnel.udp_encapsulation;
    status.ike_rekeys = tunnel.ike_rekeys;
    status.child_rekeys = tunnel.child_rekeys;
    status.inbound_spi = tunnel.inbound_spi.value();
    status.outbound_spi = tunnel.outbound_spi.value();
    status.packets_in = tunnel.traffic.packets_in;
    status.packets_out = tunnel.traffic.packets_out;
    status.replayed = tunnel.traffic.replayed;
    status.unauthentic = tunnel.traffic.unauthentic;
    status.outside_selectors = tunnel.traffic.outside_selectors;
    return status;
}

TunnelStatus told_by(const tunnel::OpenVpnStatus& tunnel) {
    const auto& session = tunnel.session;
    TunnelStatus status;
    status.up = session.up;
    status.protocol = "openvpn-" + std::string(name_of(tunnel.transport));
    status.peer = session.peer_name;
    if (!session.tls_suite.empty()) status.tls_suite = session.tls_version + '/' + session.tls_suite;
    if (session.cipher) status.data_cipher = name_of(*session.cipher);
    if (session.pushed) {
        status.inner_address = session.pushed->address.value_or(Ipv4Address{});
        status.dns = session.pushed->dns;
        for (const auto& route : session.pushed->routes) status.routes.push_back(route.destination);
    }
    status.outer_peer = tunnel.peer;
    status.moved = tunnel.moved;
    status.ike_rekeys = status.child_rekeys = session.renegotiations;
    status.packets_in = session.data.packets_in;
    status.packets_out = session.data.packets_out;
    status.replayed = session.data.replayed;
    status.unauthentic = session.data.unauthentic;
    return status;
}

std::string hash_name(std::uint8_t hash) {
    if (hash == sstp::kSha256) return "SHA256";
    return hash == sstp::kSha1 ? "SHA1" : "";
}

TunnelStatus told_by(const tunnel::SstpStatus& tunnel) {
    const auto& session = tunnel.session;
    TunnelStatus status;
    status.up = session.up;
    status.protocol = "sstp";
    status.peer = session.peer_name;
    if (!session.tls_suite.empty()) status.tls_suite = session.tls_version + '/' + session.tls_suite;
    if (session.ppp.authentication) status.authentication = name_of(*session.ppp.authentication);
    status.crypto_binding = hash_name(session.binding_hash);
    if (session.ppp.agreed) {
        status.inner_address = session.ppp.agreed->address;
        status.dns = session.ppp.agreed->dns;
    }
    status.outer_peer = tunnel.peer;
    status.packets_in = session.ppp.counters.packets_in;
    status.packets_out = session.ppp.counters.packets_out;
    return status;
}

}  // namespace

TunnelStatus to_status(const tunnel::Status& status) {
    return std::visit([](const auto& tunnel) { return told_by(tunnel); }, status);
}

tunnel::KeyObserver observer_for(KeyLog& log) {
    return {.ipsec = {.ike = [&log](const ikev2::SaKeys& keys) { log.add(keys); },
                      .esp = [&log](const ipsec::EspKeys& keys) { log.add(keys.parameters); }},
            .tls = [&log](const std::string& line) { log.add_tls_line(line); }};
}

}  // namespace gatelab::sim
