#include "sim/peers/strongswan_players.h"

#include <algorithm>
#include <map>

#include "sim/credentials.h"
#include "sim/peers/strongswan_machine.h"

namespace gatelab::sim::peers {
namespace {

// The newest of the SAs that `wanted` takes: during a rekeying there are two.
template <class Predicate>
const ReportedSa* newest(const CharonReport& report, Predicate wanted) {
    const ReportedSa* found = nullptr;
    for (const auto& sa : report.sas)
        if (wanted(sa) && (!found || sa.id > found->id)) found = &sa;
    return found;
}

class StrongSwanClient final : public ClientPlayer {
public:
    explicit StrongSwanClient(std::unique_ptr<StrongSwanMachine> machine) : machine_(std::move(machine)) {}

    void connect() override {
        wanted_ = true;
        ++attempts_;
        last_ = {};
        last_id_ = 0;
        machine_->charon().initiate(kClientConnection);
    }
    void disconnect() override {
        wanted_ = false;
        machine_->charon().terminate(kClientConnection);
    }
    void rekey_child() override {
        if (const auto* sa = current()) machine_->charon().rekey_child(sa->child_id);
    }
    void rekey_ike() override {
        if (const auto* sa = current()) machine_->charon().rekey_ike(sa->id);
    }
    void check_liveness() override {}
    Result<bool> ready() const override { return machine_->ready(); }
    void ask() override { machine_->charon().ask_report(); }
    bool told() const override { return !machine_->charon().report_asked(); }
    Host* stack() override { return &machine_->stack(); }
    void leave() override { machine_->leave(); }
    Result<void> finish() override { return machine_->finish(); }

    std::optional<Ipv4Address> inner_address() const override {
        const auto* sa = current();
        return sa ? std::optional{sa->tunnel.inner_address} : std::nullopt;
    }

    TunnelStatus status() const override {
        const auto& report = machine_->look();
        if (const auto* sa = current()) {
            last_ = sa->tunnel;
            last_id_ = sa->id;
            last_.dns = report.dns;
            return last_;
        }
        auto status = last_;
        status.up = false;
        status.inner_address = {};
        if (report.attempts == attempts_) status.failure = report.failure;  // else it is about an earlier one
        if (status.failure.empty() && last_id_ != 0)
            status.failure = wanted_ ? machine_->reason_of(last_id_) : "requested";
        return status;
    }

private:
    const ReportedSa* current() const {
        return newest(machine_->report(), [](const auto& sa) { return sa.tunnel.up; });
    }

    std::unique_ptr<StrongSwanMachine> machine_;
    bool wanted_ = false;
    int attempts_ = 0;
    mutable TunnelStatus last_;  // what the last tunnel was, once it is gone
    mutable std::uint32_t last_id_ = 0;
};

class StrongSwanSession final : public TunnelEnd {
public:
    StrongSwanSession(StrongSwanMachine& machine, std::string user) : machine_(machine), user_(std::move(user)) {}

    TunnelStatus status() const override {
        machine_.look();
        if (const auto* sa = current()) return sa->tunnel;
        return {};
    }
    void rekey_child() override {
        if (const auto* sa = current()) machine_.charon().rekey_child(sa->child_id);
    }
    void rekey_ike() override {
        if (const auto* sa = current()) machine_.charon().rekey_ike(sa->id);
    }
    void check_liveness() override {}
    void disconnect() override {
        if (const auto* sa = current()) machine_.charon().terminate(sa->id);
    }

private:
    const ReportedSa* current() const {
        return newest(machine_.report(), [&](const auto& sa) { return sa.tunnel.up && sa.tunnel.peer == user_; });
    }
    StrongSwanMachine& machine_;
    const std::string user_;
};

class StrongSwanGateway final : public GatewayPlayer {
public:
    explicit StrongSwanGateway(std::unique_ptr<StrongSwanMachine> machine) : machine_(std::move(machine)) {}

    std::vector<std::string> sessions() const override {
        auto sas = machine_->look().sas;
        std::sort(sas.begin(), sas.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
        std::vector<std::string> users;
        for (const auto& sa : sas)
            if (sa.tunnel.up && std::find(users.begin(), users.end(), sa.tunnel.peer) == users.end())
                users.push_back(sa.tunnel.peer);
        return users;
    }
    TunnelEnd* session(const std::string& user) override {
        const auto users = sessions();
        if (std::find(users.begin(), users.end(), user) == users.end()) return nullptr;
        return &ends_.try_emplace(user, *machine_, user).first->second;
    }
    Result<bool> ready() const override { return machine_->ready(); }
    void ask() override { machine_->charon().ask_report(); }
    bool told() const override { return !machine_->charon().report_asked(); }
    Host* stack() override { return &machine_->stack(); }
    void leave() override { machine_->leave(); }
    Result<void> finish() override { return machine_->finish(); }

private:
    std::unique_ptr<StrongSwanMachine> machine_;
    std::map<std::string, StrongSwanSession> ends_;
};

// What both kinds of node say alike.
template <class Node>
Result<StrongSwanCommon> common_of(const std::string& name, const Node& node) {
    StrongSwanCommon common;
    auto ike = ike_policy_from(node.ike_policy);
    if (!ike) return fail(ike.error().fault, name + ": " + ike.error().detail);
    auto ipsec = ipsec_policy_from(node.ipsec_policy);
    if (!ipsec) return fail(ipsec.error().fault, name + ": " + ipsec.error().detail);
    common.ike_policy = std::move(*ike);
    common.ipsec_policy = std::move(*ipsec);
    common.ike_lifetime = node.ike_lifetime;
    common.child_lifetime = node.child_lifetime;
    common.liveness = node.liveness;
    return common;
}

template <class Value>
tl::unexpected<Error> named(const std::string& name, const Result<Value>& wrong) {
    return fail(wrong.error().fault, name + ": " + wrong.error().detail);
}

// The gateway's half of the selectors of any child that its clients can ask it for.
std::vector<Prefix> possible_selectors(const topologies::Topology& topology, const std::string& gateway,
                                       const std::vector<Prefix>& granted) {
    auto selectors = granted;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
        const auto* client = std::get_if<topologies::Client>(&topology.graph[vertex].kind);
        if (!client || client->gateway != gateway) continue;
        for (const auto wanted : client->remote_selectors)
            for (const auto given : granted)
                if (given.contains(wanted) && given != wanted) selectors.push_back(wanted);
    }
    return selectors;
}

// kernel-libipsec installs no policy unless the machine has an address within its own half of the selectors, whatever
// the settings say about routes. It shall find one in each, without anything changing for the hosts that are there.
MachineSpec gateway_machine(const topologies::Gateway& node, const std::vector<Prefix>& selectors) {
    MachineSpec machine;
    machine.forwards = true;
    machine.addresses = {node.public_address, node.inside_address,
                         Ipv4Address{node.client_address_pool.first().number() + 1}};
    for (const auto& selector : selectors) {
        const auto inside = [&](auto address) { return selector.contains(address); };
        if (std::none_of(machine.addresses.begin(), machine.addresses.end(), inside) &&
            std::none_of(machine.borrowed.begin(), machine.borrowed.end(), inside))
            machine.borrowed.push_back(Ipv4Address{selector.last().number() - (selector.size() > 2 ? 1 : 0)});
    }
    return machine;
}

}  // namespace

Result<std::unique_ptr<ClientPlayer>> make_strongswan_client(const Stage& stage, const std::string& name) {
    const auto& node = *topologies::find_as<topologies::Client>(stage.topology, name);
    const auto& gateway = *topologies::find_as<topologies::Gateway>(stage.topology, node.gateway);
    auto common = common_of(name, node);
    if (!common) return pass(common);
    common->address = node.address;
    if (node.authentication == topologies::Authentication::PreSharedKey) {
        common->pre_shared_key = node.pre_shared_key;
    } else {
        auto identity = stage.pki.identity(node.certificate);
        if (!identity) return named(name, identity);
        auto roots = roots_of_gateway(stage.pki, gateway);
        if (!roots) return named(name, roots);
        common->identity = std::move(*identity);
        common->roots = std::move(*roots);
    }
    StrongSwanClientSettings settings{std::move(*common), gateway.public_address,
                                      identification_of(stage.topology, stage.pki, name),
                                      server_name_of(stage.topology, stage.pki, node.gateway), node.remote_selectors};
    StrongSwanMachine::Options options;
    options.node = options.port = name;
    options.machine.addresses = {node.address};
    options.files = client_files(settings);
    auto machine = StrongSwanMachine::start(stage, std::move(options));
    if (!machine) return pass(machine);
    return std::make_unique<StrongSwanClient>(std::move(*machine));
}

Result<std::unique_ptr<GatewayPlayer>> make_strongswan_gateway(const Stage& stage, const std::string& name) {
    const auto& node = *topologies::find_as<topologies::Gateway>(stage.topology, name);
    auto common = common_of(name, node);
    if (!common) return pass(common);
    common->address = node.public_address;
    common->pre_shared_key = node.pre_shared_key;
    if (!node.certificate.empty()) {
        auto identity = stage.pki.identity(node.certificate);
        if (!identity) return named(name, identity);
        auto roots = stage.pki.trust(node.root_certificates);
        if (!roots) return named(name, roots);
        common->identity = std::move(*identity);
        common->roots = std::move(*roots);
    }
    std::vector<Prefix> networks;
    if (const auto* network = topologies::find_as<topologies::VirtualNetwork>(stage.topology, node.virtual_network))
        networks = network->address_space;
    networks.insert(networks.end(), node.custom_routes.begin(), node.custom_routes.end());
    StrongSwanGatewaySettings settings{std::move(*common), server_name_of(stage.topology, stage.pki, name),
                                       node.client_address_pool, node.dns_servers, std::move(networks)};
    StrongSwanMachine::Options options;
    options.node = name;
    options.port = port_of(name);
    auto granted = settings.networks;
    granted.push_back(settings.pool);
    options.machine = gateway_machine(node, possible_selectors(stage.topology, name, granted));
    options.files = gateway_files(settings);
    auto machine = StrongSwanMachine::start(stage, std::move(options));
    if (!machine) return pass(machine);
    return std::make_unique<StrongSwanGateway>(std::move(*machine));
}

}  // namespace gatelab::sim::peers
