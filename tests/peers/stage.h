// A small network between a client and a gateway that real programs play, without a scenario around it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "sim/peers/strongswan_players.h"
#include "sim/traffic/echo_socket.h"
#include "sim/traffic/flow.h"
#include "tests/peers/way.h"

namespace gatelab::sim::peers {

inline topologies::CertificateSpec certificate_spec(const std::string& name, const std::string& issuer) {
    topologies::CertificateSpec spec;
    spec.name = name;
    spec.issuer = issuer;
    spec.key = {topologies::KeySpec::Kind::Ecdsa, 256};
    if (!issuer.empty()) spec.dns_names = {name};
    return spec;
}

// alice --- isp --- gateway === its machine; a host "vm" behind the gateway's router.
//
// With NAT: alice --- home (NAT) --- isp.
class PairStage {
public:
    struct Options {
        bool nat = false;
        std::function<void(topologies::Client&, topologies::Gateway&)> change = [](auto&, auto&) {};
        std::filesystem::path folder = {};
        Way way = Way::Namespaces;
    };

    explicit PairStage(Options options) : options_(std::move(options)) {
        topology_.certificates = {certificate_spec("root", ""), certificate_spec("alice.example.com", "root"),
                                  certificate_spec("gw.example.com", "root")};
        topologies::Client alice;
        alice.address = options_.nat ? Ipv4Address{192, 168, 1, 10} : Ipv4Address{198, 51, 100, 10};
        alice.gateway = "gateway";
        alice.implementation = topologies::Implementation::StrongSwan;
        alice.certificate = "alice.example.com";
        alice.remote_selectors = {Prefix{Ipv4Address{10, 50, 0, 0}, 16}};
        topologies::Gateway door;
        door.public_address = Ipv4Address{203, 0, 113, 1};
        door.virtual_network = "vnet";
        door.inside_address = Ipv4Address{10, 50, 255, 4};
        door.implementation = topologies::Implementation::StrongSwan;
        door.client_address_pool = Prefix{Ipv4Address{10, 60, 0, 0}, 24};
        door.dns_servers = {Ipv4Address{10, 50, 0, 53}};
        door.server_name = "gw.example.com";
        door.certificate = "gw.example.com";
        door.root_certificates = {"root"};
        options_.change(alice, door);
        alice_address_ = alice.address;
        topologies::VirtualNetwork vnet;
        vnet.address_space = {Prefix{Ipv4Address{10, 50, 0, 0}, 16}};
        add("alice", alice);
        add("gateway", door);
        add("vnet", vnet);
        build();
        pki_ = std::make_unique<Pki>(prepare_pki(topology_, 1).value());
    }

    // The error, or "".
    std::string start() {
        if (options_.way == Way::Guests) {
            auto made = guests_for(*network);
            if (!made) return made.error().detail;
            guests = std::move(*made);
        }
        const Stage stage{*network, topology_, *pki_, keys, 1, options_.folder, guests.get()};
        auto made_gateway = make_strongswan_gateway(stage, "gateway");
        if (!made_gateway) return made_gateway.error().detail;
        auto made_client = make_strongswan_client(stage, "alice");
        if (!made_client) return made_client.error().detail;
        gateway = std::move(*made_gateway);
        client = std::move(*made_client);
        const auto wrong = [&]() -> std::string {
            for (const auto& ready : {gateway->ready(), client->ready()})
                if (!ready) return ready.error().detail;
            return "";
        };
        const auto ready = [&] { return gateway->ready().value_or(false) && client->ready().value_or(false); };
        network->run_until([&] { return !wrong().empty() || (!guests && ready()); }, Duration{});
        if (wrong().empty() && !ready()) return "not ready after the lead";
        network->begin();
        return wrong();
    }

    bool run_until(const std::function<bool()>& condition, Duration limit = std::chrono::seconds(5)) {
        return network->run_until(condition, network->now() + limit);
    }
    bool connect() {
        client->connect();
        return run_until([&] { return client->status().up || !client->status().failure.empty(); }) &&
               client->status().up && run_until([&] { return gateway->sessions().size() == 1; });
    }
    TunnelEnd* session() { return gateway->session("alice.example.com"); }

    // How many of three pings were answered.
    std::uint64_t ping(Host* from, Ipv4Address source, Ipv4Address to) {
        FlowOptions flow;
        EchoSocket echoes{*from};
        flow.from = {from, [=] { return std::optional{source}; }, &echoes};
        flow.to = {nullptr, [=] { return std::optional{to}; }};
        flow.epoch = topology_.epoch;
        flow.start = topology_.epoch + network->now();
        flow.number = ++flows_;
        const auto pings = start_ping(std::move(flow), {std::chrono::milliseconds(50), 56, 3});
        run_until([&] { return pings->settled(); });
        return pings->counters().packets_received;
    }
    std::uint64_t ping_in() { return ping(client->stack(), client->status().inner_address, vm); }
    std::uint64_t ping_out() { return ping(&network->host("vm"), vm, client->status().inner_address); }

    const Ipv4Address vm{10, 50, 0, 4};
    std::unique_ptr<Network> network;
    std::unique_ptr<uml::Guests> guests;
    KeyLog keys;
    std::vector<Event> events;
    std::unique_ptr<GatewayPlayer> gateway;  // after the network: gone before it
    std::unique_ptr<ClientPlayer> client;

private:
    void add(const std::string& name, topologies::NodeKind kind) {
        const auto vertex = boost::add_vertex(topology_.graph);
        topology_.graph[vertex].name = name;
        topology_.graph[vertex].kind = std::move(kind);
    }
    void connect_nodes(const std::string& a, const std::string& b) {
        topologies::Link link;
        link.name = a + "-" + b;
        network->connect(a, b, link);
    }
    void build() {
        NetworkOptions options;
        options.real_time = options_.way == Way::Namespaces;
        options.lead = kTestLead;
        options.epoch = topology_.epoch;
        options.events = [this](Event event) { events.push_back(std::move(event)); };
        network = std::make_unique<Network>(options);
        network->add_port("alice");
        network->add_router("isp");
        network->add_router("gateway");
        network->add_port(port_of("gateway"));
        network->add_host("vm", {vm});
        if (options_.nat) {
            topologies::Nat nat;
            nat.outside = "isp";
            nat.outside_address = Ipv4Address{198, 51, 100, 1};
            network->add_nat("home", nat);
            connect_nodes("alice", "home");
            connect_nodes("home", "isp");
            network->add_route("isp", Prefix{nat.outside_address, 32}, "home");
        } else {
            connect_nodes("alice", "isp");
            network->add_route("isp", Prefix{alice_address_, 32}, "alice");
        }
        connect_nodes("isp", "gateway");
        connect_nodes("gateway", port_of("gateway"));
        connect_nodes("gateway", "vm");
        const Prefix everything;
        network->add_route("isp", everything, "gateway");
        network->add_route("gateway", everything, "isp");
        network->add_route("gateway", Prefix{Ipv4Address{203, 0, 113, 1}, 32}, port_of("gateway"));
        network->add_route("gateway", Prefix{Ipv4Address{10, 50, 255, 4}, 32}, port_of("gateway"));
        network->add_route("gateway", Prefix{Ipv4Address{10, 60, 0, 0}, 24}, port_of("gateway"));
        network->add_route("gateway", Prefix{vm, 32}, "vm");
        network->add_route("vm", everything, "gateway");
    }

    Options options_;
    topologies::Topology topology_;
    std::unique_ptr<Pki> pki_;
    Ipv4Address alice_address_;
    std::uint16_t flows_ = 0;
};

}  // namespace gatelab::sim::peers
