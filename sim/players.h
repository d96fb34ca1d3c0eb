// Who plays the clients and gateways of a topology: our own products on a simulated host, or a real program.
//
// The scenario adds the nodes and links first. A node played by gatelab is a host of the network. A client played by a
// real program is a port. A gateway played by a real program is a router of the gateway's name with the topology's
// links, and behind it, over one fast link, the port `port_of(gateway)`: the program has one network card, and its
// router sends on what the program puts out, by destination.
//
// To add a kind of player: write one class for its clients and one for its gateways, and call them in players.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "impl/base/result.h"
#include "impl/host/host.h"
#include "sim/keys.h"
#include "sim/network/network.h"
#include "sim/pki.h"
#include "sim/roles.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

namespace peers::uml {
class Guests;
}

// What a player is made from; everything outlives it.
struct Stage {
    Network& network;
    const topologies::Topology& topology;
    const Pki& pki;
    KeyLog& keys;
    std::uint64_t seed = 1;
    std::filesystem::path folder;  // for what real programs leave behind: "<run>/peers"; "" when nothing is to be kept
    // Where real programs run in virtual time; nullptr: in namespaces, in real time.
    peers::uml::Guests* guests = nullptr;
};

class Player {
public:
    virtual ~Player() = default;
    // Whether it can take part; real programs need some of the network's lead to get ready. An error when it never
    // will, or when the program has died since.
    virtual Result<bool> ready() const { return true; }
    // The stack that flows to and from this machine use: it sends ICMP, UDP and TCP with the machine's own addresses
    // and routes, tunnel included. A real program's machine may do so with sockets of its namespace. nullptr when it
    // cannot: its flows then count everything as lost.
    virtual Host* stack() = 0;
    virtual std::string program() const { return {}; }  // a real one's name and version
    // Asks a real program how it stands, counters included; told() again once the answer has come, while the network
    // runs.
    virtual void ask() {}
    virtual bool told() const { return true; }
    // Begins to end the player; finish() waits for it.
    virtual void leave() {}
    // Ends the player and leaves its evidence; real programs end in simulated time, so it runs the network for a
    // moment. Idempotent. Called before the network goes.
    virtual Result<void> finish() = 0;
};

class ClientPlayer : public RemoteUser, public Player {
public:
    virtual std::optional<Ipv4Address> inner_address() const = 0;  // while a tunnel is up; asked for every packet
};
class GatewayPlayer : public VpnGateway, public Player {};

// The name of the port of a real gateway's program.
std::string port_of(const std::string& gateway);

// Errors name the node. Unavailable when this machine cannot run the program.
Result<std::unique_ptr<ClientPlayer>> make_client(const Stage&, const std::string& name);
Result<std::unique_ptr<GatewayPlayer>> make_gateway(const Stage&, const std::string& name);

}  // namespace gatelab::sim
