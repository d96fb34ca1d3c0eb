#include "sim/players.h"

#include "sim/credentials.h"
#include "sim/gatelab_client.h"
#include "sim/gatelab_gateway.h"
#include "sim/peers/libreswan_players.h"
#include "sim/peers/openvpn_players.h"
#include "sim/peers/softether_gateway.h"
#include "sim/peers/sstp_client_players.h"
#include "sim/peers/strongswan_players.h"

namespace gatelab::sim {
namespace {

// A machine on which nobody plays.
class AbsentClient final : public ClientPlayer {
public:
    explicit AbsentClient(Host& host) : host_(host) {}
    TunnelStatus status() const override { return {}; }
    void connect() override {}
    void rekey_child() override {}
    void rekey_ike() override {}
    void check_liveness() override {}
    void disconnect() override {}
    std::optional<Ipv4Address> inner_address() const override { return {}; }
    Host* stack() override { return &host_; }
    Result<void> finish() override { return {}; }

private:
    Host& host_;
};

class AbsentGateway final : public GatewayPlayer {
public:
    explicit AbsentGateway(Host& host) : host_(host) {}
    std::vector<std::string> sessions() const override { return {}; }
    TunnelEnd* session(const std::string&) override { return nullptr; }
    Host* stack() override { return &host_; }
    Result<void> finish() override { return {}; }

private:
    Host& host_;
};

}  // namespace

std::string port_of(const std::string& gateway) { return gateway + "-machine"; }

Result<std::unique_ptr<ClientPlayer>> make_client(const Stage& stage, const std::string& name) {
    const auto* node = topologies::find_as<topologies::Client>(stage.topology, name);
    switch (node->implementation) {
        case topologies::Implementation::Gatelab: return make_gatelab_client(stage, name);
        case topologies::Implementation::StrongSwan: return peers::make_strongswan_client(stage, name);
        case topologies::Implementation::Libreswan: return peers::make_libreswan_client(stage, name);
        case topologies::Implementation::Absent: return std::make_unique<AbsentClient>(stage.network.host(name));
        case topologies::Implementation::OpenVpn: return peers::make_openvpn_client(stage, name);
        case topologies::Implementation::SstpClient: return peers::make_sstp_client(stage, name);
        case topologies::Implementation::SoftEther: break;
    }
    return fail(Fault::Unsupported, name + ": SoftEther is a gateway only");
}

Result<std::unique_ptr<GatewayPlayer>> make_gateway(const Stage& stage, const std::string& name) {
    const auto* node = topologies::find_as<topologies::Gateway>(stage.topology, name);
    switch (node->implementation) {
        case topologies::Implementation::Gatelab: return make_gatelab_gateway(stage, name);
        case topologies::Implementation::StrongSwan: return peers::make_strongswan_gateway(stage, name);
        case topologies::Implementation::Libreswan: return peers::make_libreswan_gateway(stage, name);
        case topologies::Implementation::Absent: return std::make_unique<AbsentGateway>(stage.network.host(name));
        case topologies::Implementation::OpenVpn: return peers::make_openvpn_gateway(stage, name);
        case topologies::Implementation::SoftEther: return peers::make_softether_gateway(stage, name);
        case topologies::Implementation::SstpClient: break;
    }
    return fail(Fault::Unsupported, name + ": sstp-client is a client only");
}

}  // namespace gatelab::sim
