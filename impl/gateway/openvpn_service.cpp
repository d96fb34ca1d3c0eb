#include "impl/gateway/openvpn_service.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "impl/gateway/packet_port.h"
#include "impl/gateway/sign_in.h"
#include "impl/openvpn/listener.h"

namespace gatelab::gateway {
namespace {

using openvpn::ClientId;
using openvpn::ConnectionId;
using openvpn::Listener;
using openvpn::Session;
using openvpn::Transport;

constexpr const char* kComponent = "openvpn";
constexpr std::size_t kIpv4HeaderSize = 20;
constexpr std::size_t kSourceOffset = 12;

std::optional<Ipv4Address> source_of(ByteView packet) {
    if (packet.size() < kIpv4HeaderSize || packet[0] >> 4 != 4) return {};
    ByteReader reader{packet.subspan(kSourceOffset)};
    return Ipv4Address{reader.u32()};
}

class OpenVpnService final : public TunnelService, private PacketPort::Owner {
public:
    OpenVpnService(Host& host, const Config& config, Transport transport, SessionKeeper& keeper, Listener listener)
        : host_(host),
          config_(config),
          transport_(transport),
          keeper_(keeper),
          listener_(std::move(listener)),
          sign_in_(config.openvpn->users, host.random()) {}

    Result<void> open();

    TunnelType type() const override { return TunnelType::OpenVpn; }
    void send(SessionId id, ByteView inner) override {
        const auto client = client_of(id);
        if (!client || !has_room(*client)) return;
        listener_.seal(host_.now(), *client, inner,
                       [this](const PacketPort::Peer& to, ByteView packet) { port_->send(to, packet); });
        pump();  // the packet may have been the last one of a key
    }
    void close(SessionId id) override { ask(id, &Listener::close); }
    void rekey_child(SessionId id) override { ask(id, &Listener::renegotiate); }
    void rekey_ike(SessionId id) override { ask(id, &Listener::renegotiate); }
    // A ping is an inner packet that OpenVPN keeps to itself; what keeps silent is given up after ping-restart.
    void check_liveness(SessionId id) override { send(id, openvpn::kPingPacket); }

    tunnel::Status status(SessionId) const override;
    void on_keys(tunnel::KeyObserver observer) override { keys_ = std::move(observer); }

private:
    // A client from the moment that it was admitted.
    struct Admitted {
        SessionId session;
        Ipv4Address address;
        std::uint64_t moved = 0, dropped = 0;
    };

    void handle_packet(const PacketPort::Peer& from, ByteView packet) override;
    void handle_disconnect(ConnectionId connection) override {
        listener_.handle_disconnect(host_.now(), connection);
        pump();
    }

    void pump();
    void arm();
    void act(const Listener::Send& send) { port_->send(send.to, send.packet); }
    void act(const Listener::CloseConnection& close) { port_->close(close.connection); }
    void act(const Listener::Floated&);
    void act(const Listener::FromSession& from) {
        std::visit([&](const auto& what) { act(from.client, what); }, from.what);
    }
    void act(ClientId, const Session::PeerAuthenticated&);
    void act(ClientId, const Session::Opened&);
    void act(ClientId, const Session::Renegotiated&);
    void act(ClientId, const Session::Secret& secret) {
        if (keys_.tls) keys_.tls(secret.line);
    }
    void act(ClientId, const Session::Closed&);
    void act(ClientId, const Trace& trace) { host_.emit(kComponent, trace); }
    template <class Other>
    void act(ClientId, const Other&) {}  // what the listener has dealt with

    void admit(ClientId, const Session::PeerAuthenticated&);
    void admit_again(ClientId, const Session::PeerAuthenticated&);
    void refuse(ClientId, const std::string& user, const std::string& why);
    std::string user_of(ClientId) const;

    std::optional<ClientId> client_of(SessionId id) const {
        const auto at = clients_.find(id.value());
        return at == clients_.end() ? std::nullopt : std::optional{at->second};
    }
    Admitted* find(ClientId client) {
        const auto at = admitted_.find(client.value());
        return at == admitted_.end() ? nullptr : &at->second;
    }
    bool has_room(ClientId client) {
        if (transport_ == Transport::Udp) return true;
        const auto peer = listener_.peer(client);
        const bool room = peer && port_->has_room(*peer);
        if (auto* admitted = find(client); admitted && !room) ++admitted->dropped;
        return room;
    }
    void ask(SessionId id, void (Listener::*request)(Instant, ClientId)) {
        const auto client = client_of(id);
        if (!client) return;
        (listener_.*request)(host_.now(), *client);
        pump();
    }

    Host& host_;
    const Config& config_;
    const Transport transport_;
    SessionKeeper& keeper_;
    Listener listener_;
    SignIn sign_in_;
    // By the number of the other's id. Never walked: their order shows nowhere.
    std::unordered_map<std::uint64_t, ClientId> clients_;
    std::unordered_map<std::uint64_t, Admitted> admitted_;
    tunnel::KeyObserver keys_;
    Timer timer_;
    std::optional<Instant> armed_for_;
    bool pumping_ = false;
    std::unique_ptr<PacketPort> port_;
};

Result<void> OpenVpnService::open() {
    const auto& openvpn = *config_.openvpn;
    constexpr std::size_t kAroundInner = 1024;  // headers, and a wrapped key of tls-crypt-v2 behind a hard reset
    auto port = transport_ == Transport::Udp
                    ? open_udp_port(host_, {config_.public_address, *openvpn.udp_port}, *this)
                    : open_tcp_port(host_, {config_.public_address, *openvpn.tcp_port},
                                    {.bounds = {.connections = openvpn.connections,
                                                .untrusted = openvpn.half_open,
                                                .patience = openvpn.handshake_window},
                                     .largest_packet =
                                         std::size_t{std::max<std::uint16_t>(openvpn.tun_mtu, 1500)} + kAroundInner},
                                    *this);
    if (!port) return pass(port);
    port_ = std::move(*port);
    return {};
}

void OpenVpnService::handle_packet(const PacketPort::Peer& from, ByteView packet) {
    if (const auto inner = listener_.handle_packet(host_.now(), from, packet)) {
        const auto* client = find(inner->client);
        // A client has one address; what claims to come from elsewhere would answer for somebody else.
        if (client && source_of(inner->packet) == client->address)
            keeper_.handle_packet(client->session, inner->packet);
    }
    pump();
}

// Acts on everything that the listener has to say. What we answer it may have more to say to.
void OpenVpnService::pump() {
    if (std::exchange(pumping_, true)) return;
    for (auto outputs = listener_.drain(); !outputs.empty(); outputs = listener_.drain())
        for (const auto& output : outputs) std::visit([this](const auto& what) { act(what); }, output);
    pumping_ = false;
    arm();
}

// A deadline that moved away leaves the timer as it is: an early handle_timeout() is harmless.
void OpenVpnService::arm() {
    const auto next = listener_.next_timeout();
    if (!next || (armed_for_ && *armed_for_ <= *next)) return;
    armed_for_ = next;
    timer_ = host_.call_at(*next, [this] {
        armed_for_.reset();
        listener_.handle_timeout(host_.now());
        pump();
    });
}

std::string OpenVpnService::user_of(ClientId client) const {
    const auto status = listener_.status(client);
    return status ? status->peer_name : "";
}

void OpenVpnService::act(ClientId client, const Session::PeerAuthenticated& peer) {
    peer.renegotiation ? admit_again(client, peer) : admit(client, peer);
}

void OpenVpnService::admit(ClientId client, const Session::PeerAuthenticated& peer) {
    const auto user = user_of(client);
    if (!config_.openvpn->users.empty() && !(peer.credentials && sign_in_.accepts(*peer.credentials)))
        return refuse(client, user, "wrong user name or password");
    const auto admitted = keeper_.admit(*this, user);
    if (!admitted) return listener_.refuse(host_.now(), client, admitted.error().detail);
    clients_.emplace(admitted->session.value(), client);
    admitted_.emplace(client.value(), Admitted{admitted->session, admitted->address});
    if (const auto peer_at = listener_.peer(client))
        if (const auto* connection = std::get_if<ConnectionId>(&*peer_at)) port_->trust(*connection);
    auto push = push_for(config_, admitted->address);
    if (config_.openvpn->pushes_auth_token && peer.credentials) push.auth_token = sign_in_.issue_token(client);
    listener_.grant(host_.now(), client, std::move(push));
}

void OpenVpnService::admit_again(ClientId client, const Session::PeerAuthenticated& peer) {
    const bool known = config_.openvpn->users.empty() || !peer.credentials ||
                       sign_in_.accepts_token(client, peer.credentials->password) ||
                       sign_in_.accepts(*peer.credentials);
    if (!known) return refuse(client, user_of(client), "wrong user name or password");
    listener_.grant(host_.now(), client, {});
}

void OpenVpnService::refuse(ClientId client, const std::string& user, const std::string& why) {
    keeper_.note_refusal(user, why);
    listener_.refuse(host_.now(), client, why);
}

void OpenVpnService::act(ClientId client, const Session::Opened&) {
    if (const auto* admitted = find(client)) keeper_.handle_up(admitted->session);
}

void OpenVpnService::act(ClientId client, const Session::Renegotiated& renegotiated) {
    if (const auto* admitted = find(client))
        host_.emit(kComponent, {"renegotiated",
                                {{"session", static_cast<std::int64_t>(admitted->session.value())},
                                 {"key_id", std::int64_t{renegotiated.key_id}}}});
}

void OpenVpnService::act(ClientId client, const Session::Closed& closed) {
    sign_in_.forget(client);
    const auto* admitted = find(client);
    if (!admitted) return;
    const auto session = admitted->session;
    keeper_.handle_down(session, std::string(name_of(closed.reason)), closed.detail);
    clients_.erase(session.value());
    admitted_.erase(client.value());
}

void OpenVpnService::act(const Listener::Floated& floated) {
    auto* admitted = find(floated.client);
    if (!admitted) return;
    ++admitted->moved;
    host_.emit(kComponent, {"floated",
                            {{"session", static_cast<std::int64_t>(admitted->session.value())},
                             {"from", to_string(floated.from)},
                             {"to", to_string(floated.to)}}});
}

tunnel::Status OpenVpnService::status(SessionId id) const {
    const auto client = client_of(id);
    auto session = client ? listener_.status(*client) : std::nullopt;
    if (!session) return {};
    const auto peer = listener_.peer(*client);
    return tunnel::OpenVpnStatus{.session = std::move(*session),
                                 .transport = transport_,
                                 .peer = peer ? port_->endpoint_of(*peer) : Endpoint{},
                                 .moved = admitted_.at(client->value()).moved,
                                 .dropped = admitted_.at(client->value()).dropped};
}

}  // namespace

Result<std::unique_ptr<TunnelService>> open_openvpn(Host& host, const Config& config, Transport transport,
                                                    SessionKeeper& keeper) {
    auto listener = Listener::create({.session = server_options(config, transport),
                                      .half_open = config.openvpn->half_open,
                                      .sessions = config.openvpn->connections},
                                     host.random());
    if (!listener) return pass(listener);
    auto service = std::make_unique<OpenVpnService>(host, config, transport, keeper, std::move(*listener));
    if (const auto opened = service->open(); !opened) return pass(opened);
    return service;
}

}  // namespace gatelab::gateway
