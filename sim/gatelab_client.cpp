#include "sim/gatelab_client.h"

#include "impl/client/client.h"
#include "sim/credentials.h"
#include "sim/gatelab_openvpn.h"
#include "sim/gatelab_sstp.h"
#include "sim/tunnel_status.h"

namespace gatelab::sim {
namespace {

class GatelabClient final : public ClientPlayer {
public:
    GatelabClient(Host& host, Instant epoch, client::Config config, KeyLog& keys)
        : host_(host), epoch_(epoch), client_(host, std::move(config)) {
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
        for (const auto& attempt : said.attempts)
            status.attempts.push_back({attempt.protocol, attempt.began - epoch_,
                                       attempt.ended ? *attempt.ended - epoch_ : Duration{}, attempt.failure});
        return status;
    }

private:
    Host& host_;
    const Instant epoch_;
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

Result<client::Ikev2> ikev2_client_of(const Stage& stage, const std::string& name, const topologies::Client& node) {
    auto connection = connection_of(stage, name, node);
    if (!connection) return pass(connection);
    const auto* gateway = topologies::find_as<topologies::Gateway>(stage.topology, node.gateway);
    return client::Ikev2{.gateway = gateway->public_address, .connection = std::move(*connection)};
}

// The proxy of the machine's settings, for SSTP; an OpenVPN profile names it itself.
std::optional<client::HttpProxy> proxy_of(const Stage& stage, const topologies::Client& node) {
    const auto* proxy = topologies::find_as<topologies::HttpProxy>(stage.topology, node.http_proxy);
    if (!proxy) return std::nullopt;
    client::HttpProxy made{.address = {proxy->address, proxy->port}, .credentials = {}};
    if (!node.http_proxy_username.empty())
        made.credentials = http::Credentials{node.http_proxy_username, node.http_proxy_password};
    return made;
}

template <class Tunnel>
Result<void> add(client::Config& config, Result<Tunnel> tunnel) {
    if (!tunnel) return pass(tunnel);
    config.plan.push_back({std::move(*tunnel)});
    return {};
}

Result<void> add_dial(client::Config& config, topologies::Tunnel tunnel, const Stage& stage, const std::string& name,
                      const topologies::Client& node) {
    switch (tunnel) {
        case topologies::Tunnel::IkeV2: return add(config, ikev2_client_of(stage, name, node));
        case topologies::Tunnel::OpenVpn: return add(config, openvpn_client_of(stage, name));
        case topologies::Tunnel::Sstp: break;
    }
    auto sstp = sstp_client_of(stage, node);
    if (sstp) sstp->proxy = proxy_of(stage, node);
    return add(config, std::move(sstp));
}

// What the topology says goes before what the personality does.
void adopt_habits(client::Config& config, const topologies::Client& node) {
    const auto personality = personality_of(node.personality);
    client::adopt(personality, config);
    if (node.reconnects)
        config.redial = *node.reconnects ? std::optional(client::habits_of(personality).redial) : std::nullopt;
    if (!node.give_up_after) return;
    for (auto& dial : config.plan) dial.give_up = *node.give_up_after;
}

// A tunnel that the gateway does not offer is in no profile of it, so a client cannot even try.
Result<client::Config> config_of(const Stage& stage, const std::string& name, const topologies::Client& node) {
    const auto* gateway = topologies::find_as<topologies::Gateway>(stage.topology, node.gateway);
    client::Config config;
    for (const auto tunnel : node.tunnels) {
        if (!gateway->offers(tunnel)) continue;
        if (const auto added = add_dial(config, tunnel, stage, name, node); !added) return pass(added);
    }
    adopt_habits(config, node);
    return config;
}

}  // namespace

client::Personality personality_of(topologies::Personality personality) {
    switch (personality) {
        case topologies::Personality::Gatelab: break;
        case topologies::Personality::Windows: return client::Personality::Windows;
        case topologies::Personality::MacOs: return client::Personality::MacOs;
        case topologies::Personality::Ios: return client::Personality::Ios;
        case topologies::Personality::StrongSwan: return client::Personality::StrongSwan;
        case topologies::Personality::OpenVpnClient: return client::Personality::OpenVpnClient;
        case topologies::Personality::AzureVpnClient: return client::Personality::AzureVpnClient;
    }
    return client::Personality::Gatelab;
}

Result<std::unique_ptr<ClientPlayer>> make_gatelab_client(const Stage& stage, const std::string& name) {
    auto config = config_of(stage, name, *topologies::find_as<topologies::Client>(stage.topology, name));
    if (!config) return fail(config.error().fault, name + ": " + config.error().detail);
    return std::make_unique<GatelabClient>(stage.network.host(name), stage.topology.epoch, std::move(*config),
                                           stage.keys);
}

}  // namespace gatelab::sim
