// Topologies written down in code.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "topologies/model/topology.h"

namespace gatelab::sim {

// Puts a topology together by names.
class Sketch {
public:
    Sketch& node(const std::string& name, topologies::NodeKind kind) {
        topologies::add_node(topology_, {name, std::move(kind), {}, {}});
        return *this;
    }
    // A link called "a-b".
    Sketch& link(const std::string& a, const std::string& b, topologies::Link link = {}) {
        link.name = a + "-" + b;
        topologies::add_link(topology_, *topologies::find(topology_, a), *topologies::find(topology_, b), link);
        return *this;
    }
    topologies::Topology& topology() { return topology_; }

private:
    topologies::Topology topology_;
};

inline topologies::Client user(Ipv4Address address) {
    topologies::Client client;
    client.address = address;
    client.gateway = "gw";
    return client;
}

inline topologies::Gateway gateway() {
    topologies::Gateway gateway;
    gateway.public_address = Ipv4Address{203, 0, 113, 10};
    gateway.inside_address = Ipv4Address{10, 1, 255, 4};
    gateway.virtual_network = "hub";
    gateway.client_address_pool = Prefix{Ipv4Address{10, 60, 0, 0}, 24};
    gateway.server_name = "gw.example.com";
    return gateway;
}

inline topologies::VirtualNetwork hub() {
    topologies::VirtualNetwork network;
    network.address_space = {Prefix{Ipv4Address{10, 1, 0, 0}, 16}};
    network.gateway_subnet = Prefix{Ipv4Address{10, 1, 255, 0}, 27};
    return network;
}

inline topologies::VirtualMachine machine(std::uint8_t host) {
    topologies::VirtualMachine machine;
    machine.address = Ipv4Address{10, 1, 0, host};
    machine.virtual_network = "hub";
    return machine;
}

inline topologies::CertificateSpec certificate(const std::string& name, const std::string& issuer) {
    topologies::CertificateSpec spec;
    spec.name = name;
    spec.issuer = issuer;
    spec.key = {topologies::KeySpec::Kind::Ecdsa, 256};
    return spec;
}

// alice --- isp --- gw --- hub --- app1: a remote user with a pre-shared key, at a gateway with a certificate.
inline Sketch office() {
    Sketch sketch;
    sketch.topology().certificates = {certificate("servers", ""), certificate("users", ""),
                                      certificate("gw.example.com", "servers"),
                                      certificate("alice.example.com", "users")};
    auto alice = user(Ipv4Address{198, 51, 100, 2});
    alice.authentication = topologies::Authentication::PreSharedKey;
    alice.pre_shared_key = "correct horse battery staple";
    alice.identification = "alice.example.com";
    alice.connect_at = Duration::zero();
    auto gw = gateway();
    gw.pre_shared_key = alice.pre_shared_key;
    gw.certificate = "gw.example.com";
    gw.root_certificates = {"users"};
    sketch.node("alice", alice).node("isp", topologies::Router{}).node("gw", gw);
    sketch.node("hub", hub()).node("app1", machine(4));
    sketch.link("alice", "isp").link("isp", "gw").link("gw", "hub").link("hub", "app1");
    sketch.topology().name = "office";
    return sketch;
}

}  // namespace gatelab::sim
