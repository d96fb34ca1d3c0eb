#include "conformance/suites/openvpn-deviations/trials.h"

#include <fmt/format.h>

#include "sim/openvpn_profile.h"

namespace gatelab::conformance::deviations {

using namespace std::chrono_literals;
using topologies::Topology;

namespace {

constexpr Ipv4Address kPushedAddress{10, 60, 0, 2}, kRogueInside{10, 60, 0, 1};

Topology rogue_client_world(const Pair& pair, const Tweak& tweak) {
    auto topology = with_rogue_client(openvpn_access(pair));
    if (tweak) tweak(topology);
    return topology;
}

Topology rogue_server_world(const Pair& pair, const Tweak& tweak) {
    auto topology = with_rogue_gateway(openvpn_access(pair));
    if (tweak) tweak(topology);
    return topology;
}

}  // namespace

template <class Kind>
OpenVpnTrial<Kind>::OpenVpnTrial(Context& context, Topology topology)
    : Kind(context, std::move(topology)),
      static_key_(sim::keys_of("gateway", context.seed()).key),
      tcp_(client_of(this->topology_).openvpn.transport == topologies::Transport::Tcp) {}

template <class Kind>
openvpn::Options OpenVpnTrial<Kind>::options_of(openvpn::Role role, const std::string& certificate,
                                                const std::string& root) const {
    const bool is_client = role == openvpn::Role::Client;
    openvpn::Options options;
    options.role = role;
    options.transport = tcp_ ? openvpn::Transport::Tcp : openvpn::Transport::Udp;
    options.tls.policy = tls::any_policy();
    options.tls.identity = this->identity(certificate);
    options.tls.roots = this->trust(root);
    options.protection = openvpn::TlsAuth{
        static_key_, is_client ? openvpn::KeyDirection::Inverse : openvpn::KeyDirection::Normal, crypto::Hash::Sha256};
    options.data_ciphers = {openvpn::DataCipher::Aes256Gcm};
    options.cipher = openvpn::DataCipher::Aes256Gcm;
    options.auth = crypto::Hash::Sha256;
    return options;
}

RogueClient::RogueClient(Context& context, Topology topology) : OpenVpnTrial(context, std::move(topology)) {
    const auto port = tcp() ? kOpenVpnTcpPort : kOpenVpnUdpPort;
    node_ = RogueNode::client(context.scenario().host("alice"), options_of(openvpn::Role::Client, "alice", kServerRoot),
                              {kGatewayAddress, port});
    node_->connect();
    if (tcp()) wait([&] { return node_->is_open() || node_->was_closed(); });
}

RogueServer::RogueServer(Context& context, Topology topology) : OpenVpnTrial(context, std::move(topology)) {
    const auto& gateway = gateway_of(topology_);
    node_ = RogueNode::server(context.scenario().host("gateway"),
                              options_of(openvpn::Role::Server, gateway.certificate, kClientRoot), usual_grant(),
                              tcp() ? kOpenVpnTcpPort : kOpenVpnUdpPort);
}

openvpn::PushReply RogueServer::usual_grant() {
    openvpn::PushReply reply;
    reply.address = kPushedAddress;
    reply.subnet = kPool;
    reply.route_gateway = kRogueInside;
    reply.routes = {{kNetwork, {}}};
    reply.cipher = openvpn::DataCipher::Aes256Gcm;
    reply.peer_id = 0;
    reply.ping = 10s;
    reply.ping_restart = 60s;
    return reply;
}

// --- steps ------------------------------------------------------------------------------------------------------

void expect_replays_dropped(Trial& trial, int times) {
    const auto packet = trial.rogue().seal(trial.next_echo());
    const auto before = trial.replies();
    for (int again = 0; again < 2; ++again) {
        for (int i = 0; i < times; ++i) trial.rogue().send_sealed(packet);
        trial.pass_time(2s);
    }
    trial.context().expect(trial.replies() == before + 1,
                           fmt::format("a packet that comes {} times is delivered once", 2 * times),
                           fmt::format("{} answers", trial.replies() - before));
    trial.expect_alive();
}

void expect_changed_dropped(Trial& trial) {
    for (const std::size_t at : {std::size_t{5}, std::size_t{10}, std::size_t{30}})
        trial.expect_dropped(fmt::format("a packet with a changed bit in octet {}", at), [&](Bytes packet) {
            packet[at] ^= 4;
            trial.rogue().send_sealed(packet);
        });
}

Bytes seal_with(openvpn::DataChannel& channel, ByteView inner) {
    Bytes packet(inner.size() + channel.overhead());
    packet.resize(channel.seal(inner, packet).value());
    return packet;
}

void expect_key_unknown(Trial& trial, RogueOpenVpn& peer, std::uint8_t key_id) {
    auto parameters = peer.data_parameters();
    parameters.key_id = key_id;
    openvpn::DataChannel forged{parameters, peer.random()};
    trial.expect_dropped("a packet of a key that was never negotiated",
                         [&](Bytes) { peer.send_raw(seal_with(forged, trial.next_echo())); });
}

// --- cases ------------------------------------------------------------------------------------------------------

Case against_gateway(std::string id, std::string requirement, std::string sentence, void (*check)(RogueClient&),
                     Tweak tweak, std::vector<Need> needs) {
    needs.push_back({Side::Gateway, Feature::ProtectedControl});
    return trial_of(
        Side::Gateway, std::move(id), std::move(requirement), std::move(sentence), check,
        [tweak](const Pair& pair) { return rogue_client_world(pair, tweak); }, std::move(needs));
}

Case against_client(std::string id, std::string requirement, std::string sentence, void (*check)(RogueServer&),
                    Tweak tweak, std::vector<Need> needs) {
    return trial_of(
        Side::Client, std::move(id), std::move(requirement), std::move(sentence), check,
        [tweak](const Pair& pair) { return rogue_server_world(pair, tweak); }, std::move(needs));
}

void over_tcp(Topology& topology) { use_transport(topology, topologies::Transport::Tcp); }

}  // namespace gatelab::conformance::deviations
