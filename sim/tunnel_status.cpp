#include "sim/tunnel_status.h"

namespace gatelab::sim {

TunnelStatus to_status(const ipsec::TunnelStatus& tunnel) {
    TunnelStatus status;
    status.up = tunnel.up;
    status.peer = to_string(tunnel.peer);
    status.inner_address = tunnel.configuration.address.value_or(Ipv4Address{});
    status.dns = tunnel.configuration.dns;
    if (tunnel.ike_suite) status.ike_suite = to_string(*tunnel.ike_suite);
    if (tunnel.child_suite) status.child_suite = to_string(*tunnel.child_suite);
    status.local_selectors = to_string(tunnel.local);
    status.remote_selectors = to_string(tunnel.remote);
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

ipsec::KeyObserver observer_for(KeyLog& log) {
    return {.ike = [&log](const ikev2::SaKeys& keys) { log.add(keys); },
            .esp = [&log](const ipsec::EspKeys& keys) { log.add(keys.parameters); }};
}

}  // namespace gatelab::sim
