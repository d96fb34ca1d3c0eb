#include "sim/gatelab_gateway.h"

#include <map>

#include "impl/gateway/gateway.h"
#include "sim/credentials.h"
#include "sim/tunnel_status.h"

namespace gatelab::sim {
namespace {

// The newest tunnel of one user.
class SessionEnd final : public TunnelEnd {
public:
    SessionEnd(gateway::Gateway& gateway, std::string user) : gateway_(gateway), user_(std::move(user)) {}

    TunnelStatus status() const override {
        const auto session = gateway_.session_of(user_);
        return session ? to_status(session->tunnel) : TunnelStatus{};
    }
    void rekey_child() override { ask(&gateway::Gateway::rekey_child); }
    void rekey_ike() override { ask(&gateway::Gateway::rekey_ike); }
    void check_liveness() override { ask(&gateway::Gateway::check_liveness); }
    void disconnect() override { ask(&gateway::Gateway::disconnect); }

private:
    void ask(void (gateway::Gateway::*request)(gateway::SessionId)) {
        if (const auto session = gateway_.session_of(user_)) (gateway_.*request)(session->id);
    }

    gateway::Gateway& gateway_;
    const std::string user_;
};

class GatelabGateway final : public GatewayPlayer {
public:
    GatelabGateway(Host& host, std::unique_ptr<gateway::Gateway> gateway) : host_(host), gateway_(std::move(gateway)) {}

    std::vector<std::string> sessions() const override {
        std::vector<std::string> users;
        for (const auto& session : gateway_->sessions()) users.push_back(session.user);
        return users;
    }
    TunnelEnd* session(const std::string& user) override {
        if (!gateway_->session_of(user)) return nullptr;
        return &ends_.try_emplace(user, *gateway_, user).first->second;
    }
    Host* stack() override { return &host_; }
    Result<void> finish() override { return {}; }

private:
    Host& host_;
    std::unique_ptr<gateway::Gateway> gateway_;
    std::map<std::string, SessionEnd> ends_;
};

Result<void> authenticate(gateway::Config& config, const Stage& stage, const topologies::Gateway& node) {
    if (!node.certificate.empty()) {
        auto identity = stage.pki.identity(node.certificate);
        if (!identity) return pass(identity);
        auto roots = stage.pki.trust(node.root_certificates);
        if (!roots) return pass(roots);
        config.certificate = ikev2::CertificateCredential{std::move(*identity), {}};
        if (!roots->roots().empty()) config.client_roots = std::move(*roots);
    }
    if (!node.pre_shared_key.empty())
        config.ikev2->pre_shared_key = ikev2::PreSharedKey{copy_of(as_bytes(node.pre_shared_key))};
    return {};
}

Result<gateway::Config> config_of(const Stage& stage, const std::string& name, const topologies::Gateway& node) {
    gateway::Config config;
    config.public_address = node.public_address;
    auto& ikev2 = config.ikev2.emplace();
    if (const auto done = authenticate(config, stage, node); !done) return pass(done);
    const auto* entry = stage.pki.find(node.certificate);
    ikev2.identification =
        identification_from(server_name_of(stage.topology, stage.pki, name), entry ? &entry->certificate : nullptr);
    config.client_address_pool = node.client_address_pool;
    config.dns_servers = node.dns_servers;
    if (const auto* network = topologies::find_as<topologies::VirtualNetwork>(stage.topology, node.virtual_network))
        config.networks = network->address_space;
    config.custom_routes = node.custom_routes;
    auto ike = ike_policy_from(node.ike_policy);
    if (!ike) return pass(ike);
    auto ipsec = ipsec_policy_from(node.ipsec_policy);
    if (!ipsec) return pass(ipsec);
    ikev2.ike_policy = std::move(*ike);
    ikev2.ipsec_policy = std::move(*ipsec);
    ikev2.lifetimes.ike = node.ike_lifetime;
    ikev2.lifetimes.child = node.child_lifetime;
    ikev2.lifetimes.liveness = node.liveness;
    return config;
}

}  // namespace

Result<std::unique_ptr<GatewayPlayer>> make_gatelab_gateway(const Stage& stage, const std::string& name) {
    const auto named = [&](const Error& error) { return fail(error.fault, name + ": " + error.detail); };
    auto config = config_of(stage, name, *topologies::find_as<topologies::Gateway>(stage.topology, name));
    if (!config) return named(config.error());
    auto& host = stage.network.host(name);
    auto gateway = gateway::Gateway::start(host, std::move(*config));
    if (!gateway) return named(gateway.error());
    (*gateway)->on_keys(observer_for(stage.keys));
    return std::make_unique<GatelabGateway>(host, std::move(*gateway));
}

}  // namespace gatelab::sim
