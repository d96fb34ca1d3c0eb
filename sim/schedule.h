// The players of a running topology, and what it has them do.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/network/network.h"
#include "sim/players.h"
#include "sim/scenario.h"
#include "sim/traffic/flow.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

// All players of a topology, in its order.
class Cast {
public:
    template <class Player>
    using Named = std::vector<std::pair<std::string, std::unique_ptr<Player>>>;
    template <class Player>
    using ByName = std::map<std::string, Player*>;

    Cast(Network& network, const topologies::Topology& topology) : network_(network), topology_(topology) {}

    // Real programs come first: they need the network's lead.
    enum class Of { RealPrograms, Gatelab };
    Result<void> hire(const Stage&, Of);
    Result<bool> ready() const;  // all of them; the error of the first that never will be, or has died
    void ask();                  // all of them how they stand
    bool told() const;           // they have answered
    Result<void> dismiss();      // the first failure; all are asked to finish

    ClientPlayer& client(const std::string& name);
    GatewayPlayer& gateway(const std::string& name);
    const Named<ClientPlayer>& clients() const { return clients_; }
    const Named<GatewayPlayer>& gateways() const { return gateways_; }

    // A client at its tunnel address, or a virtual machine.
    FlowEnd flow_end(const std::string& node);

private:
    template <class Call>
    void for_each(Call call) const {
        for (const auto& [name, player] : clients_) call(*player);
        for (const auto& [name, player] : gateways_) call(*player);
    }
    EchoSocket* echo_socket(const std::string& node, Host&);

    Network& network_;
    const topologies::Topology& topology_;
    Named<GatewayPlayer> gateways_;
    Named<ClientPlayer> clients_;
    ByName<GatewayPlayer> gateways_by_name_;
    ByName<ClientPlayer> clients_by_name_;
    std::map<std::string, EchoSocket> echo_sockets_;
};

// The connections, actions and flows of a topology. What is due at a time happens in the order of the topology.
class Schedule {
public:
    Schedule(Network&, const topologies::Topology&, Cast&);

    void stop();           // of the flows
    void close();          // no more actions
    bool settled() const;  // nothing of the flows is under way
    std::vector<FlowResult> results() const;

private:
    void plan(const topologies::Action&);
    void act(const topologies::Action&);
    std::unique_ptr<Flow> start(const topologies::Flow&, std::uint16_t number);

    Network& network_;
    const topologies::Topology& topology_;
    Cast& cast_;
    std::vector<std::unique_ptr<Flow>> flows_;  // as in the topology
    bool closed_ = false;
};

}  // namespace gatelab::sim
