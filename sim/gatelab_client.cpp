#include "sim/gatelab_client.h"

#include "impl/client/client.h"
#include "sim/credentials.h"
#include "sim/gatelab_openvpn.h"
#include "sim/tunnel_status.h"

namespace gatelab::sim {
namespace {

class GatelabClient final : public ClientPlayer {
public:
    GatelabClient(Host& host, client::Config config, KeyLog& keys) : host_(host), client_(host, std::move(config)) {
        client_.on_keys(observer_for(keys));
        client_.on_change([this](client::State state) {
            inner_address_ = state == client::State::Connected ? client_.status().inner_address : std::nullopt;
        });
    }

    void connect() override { client_.connect(); }
    void rekey_child() override { client_.rekey_child(); }
    void rekey_ike() override { client_.rekey_ike(); }
    void check_liveness() override { client_.check_liveness(); }
    void disconnect() override { client_.disconnect(); }
    std::optional<Ipv4Address> inner_address() const override { return inner_address_; }
    Host* stack() override { return &host_; }
    Result<void> finish() override { return {}; }

    TunnelStatus status() const override {
        const auto said = client_.status();
        auto status = to_status(said.tunnel);
        status.up = said.state == client::State::Connected;
        status.failure = said.failure;
        status.inner_address = said.inner_address.value_or(Ipv4Address{});
        status.dns = said.dns;
        return status;
    }

private:
    Host& host_;
    client::Client client_;
    std::optional<Ipv4Address> inner_address_;
};

Result<void> authenticate(ikev2::Connection& connection, const Stage& stage, const topologies::Client& node,
                          const topologies::Gateway& gateway) {
    if (node.authentication == topologies::Authentication::PreSharedKey) {
        const ikev2::PreSharedKey key{copy_of(as_bytes(node.pre_shared_key))};
        connection.credential = key;
        connection.peer.pre_shared_key = key;
        return {};
    }
    auto identity = stage.pki.identity(node.certificate);
    if (!identity) return pass(identity);
    auto roots = roots_of_gateway(stage.pki, gateway);
    if (!roots) return pass(roots);
    connection.credential = ikev2::CertificateCredential{std::move(*identity), {}};
    connection.peer.roots = std::move(*roots);
    return {};
}

Result<ikev2::Connection> connection_of(const Stage& stage, const std::string& name, const topologies::Client& node) {
    const auto* gateway = topologies::find_as<topologies::Gateway>(stage.topology, node.gateway);
    ikev2::Connection connection;
    connection.name = name;
    if (const auto done = authenticate(connection, stage, node, *gateway); !done) return pass(done);
    const auto* entry = stage.pki.find(node.certificate);
    connection.local_identification =
        identification_from(identification_of(stage.topology, stage.pki, name), entry ? &entry->certificate : nullptr);
    const auto* server = stage.pki.find(gateway->certificate);
    connection.peer.identifications = {identification_from(server_name_of(stage.topology, stage.pki, node.gateway),
                                                           server ? &server->certificate : nullptr)};
    auto ike = ike_policy_from(node.ike_policy);
    if (!ike) return pass(ike);
    auto ipsec = ipsec_policy_from(node.ipsec_policy);
    if (!ipsec) return pass(ipsec);
    connection.ike_policy = std::move(*ike);
    connection.child_policy = std::move(*ipsec);
    for (const auto& prefix : node.remote_selectors) connection.remote.push_back(esp::TrafficSelector::of(prefix));
    connection.request_address = true;
    connection.lifetimes.ike = node.ike_lifetime;
    connection.lifetimes.child = node.child_lifetime;
    connection.lifetimes.liveness = node.liveness;
    return connection;
}

// A handshake that takes longer than OpenVPN allows shall end with OpenVPN's reason.
constexpr Duration kBeyondHandshake = std::chrono::seconds(10);

Result<client::Config> config_of(const Stage& stage, const std::string& name, const topologies::Client& node) {
    client::Config config;
    if (node.dials(topologies::Tunnel::OpenVpn)) {
        auto openvpn = openvpn_client_of(stage, name, node);
        if (!openvpn) return pass(openvpn);
        config.dials = std::move(*openvpn);
        config.connect_timeout = node.openvpn.handshake_window + kBeyondHandshake;
        return config;
    }
    auto connection = connection_of(stage, name, node);
    if (!connection) return pass(connection);
    const auto* gateway = topologies::find_as<topologies::Gateway>(stage.topology, node.gateway);
    config.dials = client::Ikev2{.gateway = gateway->public_address, .connection = std::move(*connection)};
    return config;
}

}  // namespace

Result<std::unique_ptr<ClientPlayer>> make_gatelab_client(const Stage& stage, const std::string& name) {
    auto config = config_of(stage, name, *topologies::find_as<topologies::Client>(stage.topology, name));
    if (!config) return fail(config.error().fault, name + ": " + config.error().detail);
    return std::make_unique<GatelabClient>(stage.network.host(name), std::move(*config), stage.keys);
}

}  // namespace gatelab::sim
