// Networks with OpenVPN, written as files are.
#pragma once

#include <stdexcept>
#include <string>

#include "topologies/yaml/reader.h"

namespace gatelab::sim {

// alice ---- isp ---- gw ---- hub ---- app1, with `alice` among the keys of the client, `openvpn` among those of the
// gateway's OpenVPN, `point_to_site` (which begins with a comma) beside them, and `more` at the end. Keys are small, so
// that they are quickly made.
inline topologies::Topology openvpn_office(const std::string& alice = "openvpn: {transport: udp}",
                                           const std::string& openvpn = "udp_port: 1194", const std::string& more = "",
                                           const std::string& types = "openvpn",
                                           const std::string& point_to_site = "") {
    const auto text =
        "name: openvpn-office\n"
        "certificates:\n"
        "  P2SRootCert: {key: ecdsa-256}\n"
        "  gw.example.com: {issuer: P2SRootCert, key: ecdsa-256}\n"
        "  alice: {issuer: P2SRootCert, key: ecdsa-256}\n"
        "  bob: {issuer: P2SRootCert, key: ecdsa-256}\n"
        "clients:\n"
        "  alice: {address: 198.51.100.2, connect_at: 0s, tunnels: openvpn, " +
        alice +
        "}\n"
        "  bob: {address: 198.51.100.3, connect_at: never}\n"
        "routers: [isp]\n"
        "gateways:\n"
        "  gw:\n"
        "    public_address: 203.0.113.10\n"
        "    server_name: gw.example.com\n"
        "    point_to_site: {address_pool: 10.60.0.0/24, dns_servers: 10.1.0.53, tunnel_types: [" +
        types + "], openvpn: {" + openvpn + "}" + point_to_site +
        "}\n"
        "virtual_networks:\n"
        "  hub: {address_space: [10.1.0.0/16], subnets: {GatewaySubnet: 10.1.255.0/27}}\n"
        "virtual_machines: {app1: {address: 10.1.0.4}}\n"
        "links: {alice-isp: {delay: 5ms}, bob-isp: , isp-gw: }\n" +
        more;
    auto reading = topologies::parse(text, "openvpn-office.yaml");
    if (!reading.topology) throw std::runtime_error(to_string(reading.problems.at(0)));
    return std::move(*reading.topology);
}

}  // namespace gatelab::sim
