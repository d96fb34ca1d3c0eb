#include "conformance/worlds.h"

#include <cstdlib>

namespace gatelab::conformance {
namespace {

using namespace topologies;



Vertex add_node(Topology& topology, std::string name, NodeKind kind) {
    return topologies::add_node(topology, Node{std::move(name), std::move(kind), {}, {}});
}

void add_link(Topology& topology, Vertex a, Vertex b) {
    Link link;
    link.name = topology.graph[a].name + "-" + topology.graph[b].name;
    topologies::add_link(topology, a, b, std::move(link));
}

void add_certificate(Topology& topology, const std::string& name, const std::string& issuer, const std::string& dns) {
    CertificateSpec spec;
    spec.name = name;
    spec.issuer = issuer;
    if (!dns.empty()) spec.dns_names = {dns};
    topology.certificates.push_back(std::move(spec));
}

Vertex add_client(Topology& topology, const Pair& pair, const std::string& name, Ipv4Address address) {
    add_certificate(topology, name, kClientRoot, name + ".gatelab.example");
    Client client;
    client.address = address;
    client.gateway = "gateway";
    client.implementation = pair.client->implementation;
    client.certificate = name;
    return add_node(topology, name, std::move(client));
}

// The part that all worlds share: isp --- gateway --- vnet --- app1. Returns the ISP's router.
Vertex add_azure(Topology& topology, const Pair& pair) {
    add_certificate(topology, kServerRoot, "", "");
    add_certificate(topology, kClientRoot, "", "");
    add_certificate(topology, kServerName, kServerRoot, kServerName);
    Gateway gateway;
    gateway.public_address = kGatewayAddress;
    gateway.virtual_network = "vnet";
    gateway.inside_address = Ipv4Address{10, 1, 255, 4};
    gateway.implementation = pair.gateway->implementation;
    gateway.client_address_pool = kPool;
    gateway.dns_servers = {kDnsAddress};
    gateway.server_name = kServerName;
    gateway.certificate = kServerName;
    gateway.root_certificates = {kClientRoot};
    VirtualNetwork network;
    network.address_space = {kNetwork};
    network.gateway_subnet = Prefix{Ipv4Address{10, 1, 255, 0}, 24};
    network.subnets = {{"apps", Prefix{Ipv4Address{10, 1, 0, 0}, 24}}};

    const auto isp = add_node(topology, "isp", Router{});
    const auto azure = add_node(topology, "gateway", std::move(gateway));
    const auto vnet = add_node(topology, "vnet", std::move(network));
    const auto app = add_node(topology, "app1", VirtualMachine{kAppAddress, "vnet"});
    add_link(topology, isp, azure);
    add_link(topology, azure, vnet);
    add_link(topology, vnet, app);
    return isp;
}

template <class Change>
void for_each_client(Topology& topology, Change change) {
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph)))
        if (auto* client = std::get_if<Client>(&topology.graph[vertex].kind)) change(*client);
}

Topology with_openvpn(Topology topology, const Pair& pair) {
    for_each_client(topology, [](Client& client) { client.tunnels = {Tunnel::OpenVpn}; });
    gateway_of(topology).tunnels = {Tunnel::OpenVpn};
    use_transport(topology, Transport::Udp);
    // A case that is about the protection needs the feature, and does not get here without it.
    if (!pair.lack_of({{Side::Both, Feature::ProtectedControl}}).empty())
        use_protection(topology, OpenVpn::Protection::None);
    return topology;
}

Topology with_sstp(Topology topology) {
    auto& gateway = gateway_of(topology);
    gateway.tunnels = {Tunnel::Sstp};
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
        auto& node = topology.graph[vertex];
        auto* client = std::get_if<Client>(&node.kind);
        if (!client) continue;
        client->tunnels = {Tunnel::Sstp};
        client->authentication = Authentication::Password;
        client->username = node.name;
        client->password = kSstpPassword;
        gateway.users.push_back({node.name, kSstpPassword});
    }
    return topology;
}

}  // namespace

Topology remote_access(const Pair& pair) {
    Topology topology;
    topology.name = "remote-access";
    topology.summary = "One remote user dials a gateway";
    const auto isp = add_azure(topology, pair);
    add_link(topology, add_client(topology, pair, "alice", kAliceAddress), isp);
    return topology;
}

Topology remote_access_behind_nat(const Pair& pair) {
    Topology topology;
    topology.name = "remote-access-behind-nat";
    topology.summary = "Two remote users behind one NAT dial a gateway";
    const auto isp = add_azure(topology, pair);
    Nat nat;
    nat.outside = "isp";
    nat.outside_address = kHomeAddress;
    const auto home = add_node(topology, "home", nat);
    add_link(topology, home, isp);
    add_link(topology, add_client(topology, pair, "alice", Ipv4Address{192, 168, 1, 10}), home);
    add_link(topology, add_client(topology, pair, "bob", Ipv4Address{192, 168, 1, 11}), home);
    return topology;
}

Topology openvpn_access(const Pair& pair) { return with_openvpn(remote_access(pair), pair); }

Topology openvpn_access_behind_nat(const Pair& pair) { return with_openvpn(remote_access_behind_nat(pair), pair); }

Topology sstp_access(const Pair& pair) { return with_sstp(remote_access(pair)); }

Topology sstp_access_behind_nat(const Pair& pair) { return with_sstp(remote_access_behind_nat(pair)); }

void at_every_end(Topology& topology, const std::function<void(Sstp&)>& change) {
    for_each_client(topology, [&](Client& client) { change(client.sstp); });
    change(gateway_of(topology).sstp);
}

void at_every_end(Topology& topology, const std::function<void(OpenVpn&)>& change) {
    for_each_client(topology, [&](Client& client) { change(client.openvpn); });
    change(gateway_of(topology).openvpn);
}

void use_transport(Topology& topology, Transport transport) {
    for_each_client(topology, [&](Client& client) { client.openvpn.transport = transport; });
    auto& gateway = gateway_of(topology).openvpn;
    gateway.udp_port.reset();
    gateway.tcp_port.reset();
    (transport == Transport::Udp ? gateway.udp_port : gateway.tcp_port) =
        transport == Transport::Udp ? kOpenVpnUdpPort : kOpenVpnTcpPort;
}

void use_protection(Topology& topology, OpenVpn::Protection protection) {
    at_every_end(topology, [&](OpenVpn& end) { end.protection = protection; });
}

void use_password(Topology& topology, const std::string& name, const std::string& password, bool certificate_too,
                  const std::string& client) {
    auto& user = client_of(topology, client);
    user.username = name;
    user.password = password;
    user.authentication = Authentication::Password;
    if (!certificate_too) user.certificate.clear();
    auto& gateway = gateway_of(topology);
    gateway.users.push_back({name, password});
    gateway.openvpn.certificate_required = certificate_too;
}

Client& client_of(Topology& topology, const std::string& name) {
    auto* client = find_as<Client>(topology, name);
    if (!client) std::abort();  // a case asks for a client that its world does not have
    return *client;
}

Gateway& gateway_of(Topology& topology) {
    auto* gateway = find_as<Gateway>(topology, "gateway");
    if (!gateway) std::abort();
    return *gateway;
}

CertificateSpec& certificate_of(Topology& topology, const std::string& name) {
    for (auto& spec : topology.certificates)
        if (spec.name == name) return spec;
    std::abort();
}

void use_pre_shared_key(Topology& topology, const std::string& clients_key, const std::string& gateways_key) {
    for (const auto* name : {"alice", "bob"}) {
        if (auto* client = find_as<Client>(topology, name)) {
            client->authentication = Authentication::PreSharedKey;
            client->pre_shared_key = clients_key;
        }
    }
    gateway_of(topology).pre_shared_key = gateways_key;
}

}  // namespace gatelab::conformance
