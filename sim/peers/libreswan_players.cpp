#include "sim/peers/libreswan_players.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sim/credentials.h"
#include "sim/peers/ike_end.h"
#include "sim/peers/libreswan_machine.h"

namespace gatelab::sim::peers {
namespace {

class LibreswanClient final : public ClientPlayer {
public:
    explicit LibreswanClient(std::unique_ptr<LibreswanMachine> machine) : machine_(std::move(machine)) {}

    void connect() override {
        wanted_ = true;
        was_up_ = false;
        last_ = {};
        machine_->dial();
    }
    void disconnect() override {
        wanted_ = false;
        machine_->order({"--terminate", "--name", kLibreswanConnection});
    }
    void rekey_child() override { rekey("--rekey-ipsec"); }
    void rekey_ike() override { rekey("--rekey-ike"); }
    void check_liveness() override {}
    Result<bool> ready() const override { return machine_->ready(); }
    Host* stack() override { return &machine_->stack(); }
    std::string program() const override { return machine_->program(); }
    void ask() override { machine_->ask(); }
    bool told() const override { return machine_->told(); }
    void leave() override { machine_->leave(); }
    Result<void> finish() override { return machine_->finish(); }

    std::optional<Ipv4Address> inner_address() const override {
        const auto* tunnel = current();
        return tunnel ? std::optional{tunnel->status.inner_address} : std::nullopt;
    }

    TunnelStatus status() const override {
        if (const auto* tunnel = current()) {
            last_ = machine_->status_of(*tunnel);
            last_.dns = tunnel->granted_dns;
            was_up_ = true;
            return last_;
        }
        auto status = last_;
        status.up = false;
        status.inner_address = {};
        if (was_up_ && !wanted_)
            status.failure = "requested";
        else if (const auto* outcome = machine_->log().outcome(kLibreswanConnection))
            status.failure = outcome->reason;
        return status;
    }

private:
    const LibreswanLog::Tunnel* current() const {
        const auto& tunnels = machine_->log().tunnels();
        const auto found = tunnels.find(kLibreswanConnection);
        return found == tunnels.end() ? nullptr : &found->second;
    }
    void rekey(const char* what) {
        if (current()) machine_->order({what, "--name", kLibreswanConnection, "--asynchronous"});
    }

    std::unique_ptr<LibreswanMachine> machine_;
    bool wanted_ = false;
    mutable bool was_up_ = false;
    mutable TunnelStatus last_;  // what the last tunnel was, once it is gone
};

class LibreswanSession final : public TunnelEnd {
public:
    LibreswanSession(LibreswanMachine& machine, std::string connection)
        : machine_(machine), connection_(std::move(connection)) {}

    TunnelStatus status() const override {
        const auto* tunnel = current();
        return tunnel ? machine_.status_of(*tunnel) : TunnelStatus{};
    }
    void rekey_child() override { rekey("--rekey-ipsec"); }
    void rekey_ike() override { rekey("--rekey-ike"); }
    void check_liveness() override {}
    void disconnect() override {
        if (const auto* tunnel = current()) machine_.order({"--deletestate", std::to_string(tunnel->ike)});
    }

private:
    const LibreswanLog::Tunnel* current() const {
        const auto found = machine_.log().tunnels().find(connection_);
        return found == machine_.log().tunnels().end() ? nullptr : &found->second;
    }
    void rekey(const char* what) {
        if (current()) machine_.order({what, "--name", connection_, "--asynchronous"});
    }
    LibreswanMachine& machine_;
    const std::string connection_;
};

class LibreswanGateway final : public GatewayPlayer {
public:
    LibreswanGateway(std::unique_ptr<LibreswanMachine> machine, std::vector<LibreswanUser> users)
        : machine_(std::move(machine)), users_(std::move(users)) {}

    std::vector<std::string> sessions() const override {
        std::vector<const LibreswanLog::Tunnel*> tunnels;
        for (const auto& [connection, tunnel] : machine_->log().tunnels()) tunnels.push_back(&tunnel);
        std::sort(tunnels.begin(), tunnels.end(), [](auto* a, auto* b) { return a->ike < b->ike; });
        std::vector<std::string> names;
        for (const auto* tunnel : tunnels)
            if (const auto user = libreswan_user_of(tunnel->connection); user && *user < users_.size())
                names.push_back(users_[*user].identification);
        return names;
    }
    TunnelEnd* session(const std::string& user) override {
        const auto known =
            std::find_if(users_.begin(), users_.end(), [&](const auto& one) { return one.identification == user; });
        if (known == users_.end()) return nullptr;
        const auto connection = libreswan_connection_of(static_cast<std::size_t>(known - users_.begin()));
        if (!machine_->log().tunnels().contains(connection)) return nullptr;
        return &ends_.try_emplace(user, *machine_, connection).first->second;
    }
    Result<bool> ready() const override { return machine_->ready(); }
    Host* stack() override { return &machine_->stack(); }
    std::string program() const override { return machine_->program(); }
    void ask() override { machine_->ask(); }
    bool told() const override { return machine_->told(); }
    void leave() override { machine_->leave(); }
    Result<void> finish() override { return machine_->finish(); }

private:
    std::unique_ptr<LibreswanMachine> machine_;
    const std::vector<LibreswanUser> users_;
    std::map<std::string, LibreswanSession> ends_;
};

// Everybody who dials this gateway, in the topology's order.
std::vector<LibreswanUser> users_of(const Stage& stage, const std::string& gateway) {
    std::vector<LibreswanUser> users;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(stage.topology.graph))) {
        const auto& node = stage.topology.graph[vertex];
        const auto* client = std::get_if<topologies::Client>(&node.kind);
        if (!client || client->gateway != gateway) continue;
        users.push_back({identification_of(stage.topology, stage.pki, node.name),
                         client->authentication == topologies::Authentication::Certificate});
    }
    return users;
}

// What a gateway grants, as far as one selector can say it.
Result<Prefix> first_network(const topologies::Topology& topology, const topologies::Gateway& gateway) {
    const auto* network = topologies::find_as<topologies::VirtualNetwork>(topology, gateway.virtual_network);
    if (!network || network->address_space.empty())
        return fail(Fault::Unsupported, "libreswan needs a virtual network to speak of");
    return network->address_space.front();
}

}  // namespace

Result<std::unique_ptr<ClientPlayer>> make_libreswan_client(const Stage& stage, const std::string& name) {
    const auto& node = *topologies::find_as<topologies::Client>(stage.topology, name);
    const auto& gateway = *topologies::find_as<topologies::Gateway>(stage.topology, node.gateway);
    auto common = client_end(stage, name);
    if (!common) return pass(common);
    if (node.remote_selectors.size() > 1)
        return fail(Fault::Unsupported, name + ": libreswan 4.10 asks for one selector, the topology for several");
    const auto network = first_network(stage.topology, gateway);
    if (!network) return named(name, network);
    LibreswanClientSettings settings{std::move(*common), gateway.public_address,
                                     identification_of(stage.topology, stage.pki, name),
                                     server_name_of(stage.topology, stage.pki, node.gateway),
                                     node.remote_selectors.empty() ? *network : node.remote_selectors.front()};
    LibreswanMachine::Options options;
    options.node = options.port = name;
    options.machine.addresses = {node.address};
    options.peer_of = [server = settings.server](const std::string&) { return server; };
    options.files = [settings](const LibreswanPlaces& places) { return libreswan_files(settings, places); };
    auto machine = LibreswanMachine::start(stage, std::move(options));
    if (!machine) return pass(machine);
    return std::make_unique<LibreswanClient>(std::move(*machine));
}

Result<std::unique_ptr<GatewayPlayer>> make_libreswan_gateway(const Stage& stage, const std::string& name) {
    const auto& node = *topologies::find_as<topologies::Gateway>(stage.topology, name);
    auto common = gateway_end(stage, name);
    if (!common) return pass(common);
    auto users = users_of(stage, name);
    std::erase_if(users, [&](const auto& user) {
        return user.by_certificate ? !common->identity.has_value() : common->pre_shared_key.empty();
    });
    const auto network = first_network(stage.topology, node);
    if (!network) return named(name, network);
    LibreswanGatewaySettings settings{std::move(*common),
                                      server_name_of(stage.topology, stage.pki, name),
                                      users,
                                      node.client_address_pool,
                                      node.dns_servers,
                                      *network};
    LibreswanMachine::Options options;
    options.node = name;
    options.port = port_of(name);
    options.machine.forwards = true;
    options.machine.addresses = {node.public_address, node.inside_address,
                                 Ipv4Address{node.client_address_pool.first().number() + 1}};
    options.peer_of = [users](const std::string& connection) {
        const auto user = libreswan_user_of(connection);
        return user && *user < users.size() ? users[*user].identification : std::string{};
    };
    options.files = [settings](const LibreswanPlaces& places) { return libreswan_files(settings, places); };
    auto machine = LibreswanMachine::start(stage, std::move(options));
    if (!machine) return pass(machine);
    return std::make_unique<LibreswanGateway>(std::move(*machine), std::move(users));
}

}  // namespace gatelab::sim::peers
