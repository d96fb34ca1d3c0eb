// Networks with SSTP, written as files are.
#pragma once

#include <stdexcept>
#include <string>

#include "topologies/yaml/reader.h"

namespace gatelab::sim {

// alice ---- isp ---- gw ---- hub ---- app1, and bob beside alice, with `alice` among the keys of the client and
// `point_to_site` among those of the gateway (each begins with a comma), and `more` at the end. Keys are small, so that
// they are quickly made.
inline topologies::Topology sstp_office(const std::string& alice = "", const std::string& types = "sstp",
                                        const std::string& point_to_site = "", const std::string& more = "") {
    const auto text =
        "name: sstp-office\n"
        "certificates:\n"
        "  P2SRootCert: {key: ecdsa-256}\n"
        "  gw.example.com: {issuer: P2SRootCert, key: ecdsa-256}\n"
        "  alice: {issuer: P2SRootCert, key: ecdsa-256}\n"
        "  bob: {issuer: P2SRootCert, key: ecdsa-256}\n"
        "clients:\n"
        "  alice: {address: 198.51.100.2, connect_at: 0s, tunnels: sstp, authentication: password, username: ann, "
        "password: secret" +
        alice +
        "}\n"
        "  bob: {address: 198.51.100.3, connect_at: never, tunnels: " +
        (types == "sstp" ? "sstp, authentication: password, username: bob, password: other" : "ikev2") +
        "}\n"
        "routers: [isp]\n"
        "gateways:\n"
        "  gw:\n"
        "    public_address: 203.0.113.10\n"
        "    server_name: gw.example.com\n"
        "    point_to_site: {address_pool: 10.60.0.0/24, dns_servers: 10.1.0.53, tunnel_types: [" +
        types + "], users: {ann: secret, bob: other}" + point_to_site +
        "}\n"
        "virtual_networks:\n"
        "  hub: {address_space: [10.1.0.0/16], subnets: {GatewaySubnet: 10.1.255.0/27}}\n"
        "virtual_machines: {app1: {address: 10.1.0.4}}\n"
        "links: {alice-isp: {delay: 5ms}, bob-isp: , isp-gw: }\n" +
        more;
    auto reading = topologies::parse(text, "sstp-office.yaml");
    if (!reading.topology) throw std::runtime_error(to_string(reading.problems.at(0)));
    return std::move(*reading.topology);
}

}  // namespace gatelab::sim
