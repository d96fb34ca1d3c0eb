#include "sim/gatelab_gateway.h"

#include <map>

#include "impl/gateway/gateway.h"
#include "sim/credentials.h"
#include "sim/gatelab_openvpn.h"
#include "sim/gatelab_sstp.h"
#include "sim/tunnel_status.h"

namespace gatelab::sim {
namespace {

using GatewayHolder = std::unique_ptr<gateway::Gateway>;

// The newest tunnel of one user. The gateway may be started anew meanwhile.
class SessionEnd final : public TunnelEnd {
public:
    SessionEnd(const GatewayHolder& gateway, std::string user) : gateway_(gateway), user_(std::move(user)) {}

    TunnelStatus status() const override {
        const auto session = gateway_->session_of(user_);
        return session ? to_status(session->tunnel) : TunnelStatus{};
    }
    void rekey_child() override { ask(&gateway::Gateway::rekey_child); }
    void rekey_ike() override { ask(&gateway::Gateway::rekey_ike); }
    void check_liveness() override { ask(&gateway::Gateway::check_liveness); }
    void disconnect() override { ask(&gateway::Gateway::disconnect); }

private:
    void ask(void (gateway::Gateway::*request)(gateway::SessionId)) {
        if (const auto session = gateway_->session_of(user_)) ((*gateway_).*request)(session->id);
    }

    const GatewayHolder& gateway_;
    const std::string user_;
};

class GatelabGateway final : public GatewayPlayer {
public:
    GatelabGateway(Host& host, GatewayHolder gateway, KeyLog& keys)
        : host_(host), keys_(keys), gateway_(std::move(gateway)) {
        gateway_->on_keys(observer_for(keys_));
    }

    std::vector<std::string> sessions() const override {
        std::vector<std::string> users;
        for (const auto& session : gateway_->sessions()) users.push_back(session.user);
        return users;
    }
    TunnelEnd* session(const std::string& user) override {
        if (!gateway_->session_of(user)) return nullptr;
        return &ends_.try_emplace(user, gateway_, user).first->second;
    }
    bool restart() override {
        const auto config = gateway_->config();
        gateway_.reset();  // its ports first: the new one binds them again
        auto started = gateway::Gateway::start(host_, config);
        if (!started) return false;
        gateway_ = std::move(*started);
        gateway_->on_keys(observer_for(keys_));
        return true;
    }
    Host* stack() override { return &host_; }
    Result<void> finish() override { return {}; }

private:
    Host& host_;
    KeyLog& keys_;
    GatewayHolder gateway_;
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
    return {};
}

Result<gateway::Ikev2> ikev2_of(const Stage& stage, const std::string& name, const topologies::Gateway& node) {
    gateway::Ikev2 config;
    const auto* entry = stage.pki.find(node.certificate);
    config.identification =
        identification_from(server_name_of(stage.topology, stage.pki, name), entry ? &entry->certificate : nullptr);
    if (!node.pre_shared_key.empty())
        config.pre_shared_key = ikev2::PreSharedKey{copy_of(as_bytes(node.pre_shared_key))};
    auto ike = ike_policy_from(node.ike_policy);
    if (!ike) return pass(ike);
    auto ipsec = ipsec_policy_from(node.ipsec_policy);
    if (!ipsec) return pass(ipsec);
    config.ike_policy = std::move(*ike);
    config.ipsec_policy = std::move(*ipsec);
    config.lifetimes.ike = node.ike_lifetime;
    config.lifetimes.child = node.child_lifetime;
    config.lifetimes.liveness = node.liveness;
    return config;
}

Result<void> offer(gateway::Config& config, const Stage& stage, const std::string& name,
                   const topologies::Gateway& node) {
    if (node.offers(topologies::Tunnel::IkeV2)) {
        auto ikev2 = ikev2_of(stage, name, node);
        if (!ikev2) return pass(ikev2);
        config.ikev2 = std::move(*ikev2);
    }
    if (node.offers(topologies::Tunnel::OpenVpn))
        if (const auto done = offer_openvpn(config, stage, name, node); !done) return done;
    if (node.offers(topologies::Tunnel::Sstp)) return offer_sstp(config, node);
    return {};
}

Result<gateway::Config> config_of(const Stage& stage, const std::string& name, const topologies::Gateway& node) {
    gateway::Config config;
    config.public_address = node.public_address;
    if (const auto done = authenticate(config, stage, node); !done) return pass(done);
    if (const auto done = offer(config, stage, name, node); !done) return pass(done);
    config.client_address_pool = node.client_address_pool;
    config.dns_servers = node.dns_servers;
    if (const auto* network = topologies::find_as<topologies::VirtualNetwork>(stage.topology, node.virtual_network))
        config.networks = network->address_space;
    config.custom_routes = node.custom_routes;
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
    return std::make_unique<GatelabGateway>(host, std::move(*gateway), stage.keys);
}

}  // namespace gatelab::sim
