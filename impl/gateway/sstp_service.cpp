#include "impl/gateway/sstp_service.h"

#include <unordered_map>
#include <utility>

#include "impl/gateway/address_pool.h"
#include "impl/gateway/sstp_sign_in.h"
#include "impl/gateway/tcp_connections.h"
#include "impl/tunnel/byte_stream.h"

namespace gatelab::gateway {
namespace {

using sstp::Session;
using ConnectionId = Strong<struct SstpConnectionIdTag, std::uint64_t>;
using Connections = TcpConnections<tunnel::ByteStream, ConnectionId>;

constexpr const char* kComponent = "sstp";
constexpr const char* kWrong = "wrong user name or password";
// What waits for a stranger who reads nothing: more than all that a sign-in needs.
constexpr std::size_t kMostForStrangers = 32 * 1024;

class SstpService final : public TunnelService, public Connections::Owner {
public:
    SstpService(Host& host, const Config& config, SessionKeeper& keeper)
        : host_(host),
          config_(config),
          options_(sstp_server_options(config)),
          keeper_(keeper),
          sign_in_(config.sstp->users) {}

    Result<void> open();

    TunnelType type() const override { return TunnelType::Sstp; }
    void send(SessionId, ByteView inner) override;
    void close(SessionId id) override { ask(id, &Session::close); }
    void rekey_child(SessionId) override {}  // SSTP's keys are TLS's, and last as long as the connection
    void rekey_ike(SessionId) override {}
    void check_liveness(SessionId id) override { ask(id, &Session::hello); }

    tunnel::Status status(SessionId) const override;
    void on_keys(tunnel::KeyObserver observer) override { keys_ = std::move(observer); }

private:
    struct Admitted {
        SessionId id;
        Ipv4Address address;
        std::string user;
    };
    struct Peer {
        explicit Peer(Session with) : session(std::move(with)) {}
        Session session;
        std::optional<Admitted> admitted;
        std::uint64_t dropped = 0;  // inner packets for which TCP had no room
        Timer timer;
        std::optional<Instant> armed_for;
        bool pumping = false, deaf = false, closed = false;
    };

    void handle_accepted(ConnectionId) override;
    void handle_received(ConnectionId, ByteView) override;
    void handle_disconnect(ConnectionId, const std::string& why) override;

    void pump(ConnectionId);
    void arm(ConnectionId, Peer&);
    void act(ConnectionId, Peer&, const Session::Send&);
    void act(ConnectionId, Peer&, const Session::SignInAsked&);
    void act(ConnectionId, Peer&, const Session::Opened&);
    void act(ConnectionId, Peer&, const Session::Secret& secret) {
        if (keys_.tls) keys_.tls(secret.line);
    }
    void act(ConnectionId, Peer&, const Session::Closed&);
    void act(ConnectionId, Peer&, const Trace& trace) { host_.emit(kComponent, trace); }
    void grant(Peer&, mschap::Success);

    Peer* find(ConnectionId id) {
        const auto at = peers_.find(id.value());
        return at == peers_.end() ? nullptr : &at->second;
    }
    std::optional<ConnectionId> connection_of(SessionId id) const {
        const auto at = connection_of_.find(id.value());
        return at == connection_of_.end() ? std::nullopt : std::optional{at->second};
    }
    void ask(SessionId id, void (Session::*request)(Instant)) {
        const auto connection = connection_of(id);
        if (!connection) return;
        (peers_.at(connection->value()).session.*request)(host_.now());
        pump(*connection);
    }

    Host& host_;
    const Config& config_;
    const sstp::Options options_;
    SessionKeeper& keeper_;
    const SstpSignIn sign_in_;
    // By the number of an id. Never walked: their order shows nowhere.
    std::unordered_map<std::uint64_t, Peer> peers_;
    std::unordered_map<std::uint64_t, ConnectionId> connection_of_;
    tunnel::KeyObserver keys_;
    std::unique_ptr<Connections> connections_;
};

Result<void> SstpService::open() {
    if (const auto sound = Session::create(options_, host_.random()); !sound) return pass(sound);
    const auto& sstp = *config_.sstp;
    auto listener = host_.listen_tcp({config_.public_address, sstp.port});
    if (!listener) return pass(listener);
    connections_ = std::make_unique<Connections>(host_, std::move(*listener),
                                                 TcpBounds{.connections = sstp.connections,
                                                           .untrusted = sstp.half_open,
                                                           .patience = sstp.http_within + sstp.negotiation},
                                                 tunnel::ByteStream::Limits{}, *this);
    return {};
}

void SstpService::handle_accepted(ConnectionId id) {
    auto session = Session::create(options_, host_.random());
    if (!session) return connections_->drop(id, session.error().detail);
    auto& peer = peers_.try_emplace(id.value(), std::move(*session)).first->second;
    peer.session.start(host_.now());
    pump(id);
}

void SstpService::handle_received(ConnectionId id, ByteView bytes) {
    auto* peer = find(id);
    if (!peer) return;
    peer->session.handle_bytes(host_.now(), bytes, [this, peer](ByteView inner) {
        if (peer->admitted) keeper_.handle_packet(peer->admitted->id, inner);
    });
    pump(id);
}

void SstpService::handle_disconnect(ConnectionId id, const std::string& why) {
    if (auto* peer = find(id)) {
        peer->session.handle_closed(host_.now(), why);
        pump(id);
    }
}

void SstpService::send(SessionId session, ByteView inner) {
    const auto id = connection_of(session);
    if (!id) return;
    auto& peer = peers_.at(id->value());
    auto* stream = connections_->find(*id);
    if (!stream || !stream->has_room()) {
        ++peer.dropped;
        return;
    }
    peer.session.seal(host_.now(), inner, [stream](ByteView bytes) { stream->send(bytes); });
    pump(*id);
}

// Acts on everything that a session has to say. What we answer it may have more to say to.
void SstpService::pump(ConnectionId id) {
    auto* peer = find(id);
    if (!peer || std::exchange(peer->pumping, true)) return;
    for (auto outputs = peer->session.drain(); !outputs.empty(); outputs = peer->session.drain())
        for (const auto& output : outputs) std::visit([&](const auto& what) { act(id, *peer, what); }, output);
    peer->pumping = false;
    if (peer->closed)
        peers_.erase(id.value());
    else if (peer->deaf)
        connections_->drop(id, "the peer reads nothing");
    else
        arm(id, *peer);
}

// A deadline that moved away leaves the timer as it is: an early handle_timeout() is harmless.
void SstpService::arm(ConnectionId id, Peer& peer) {
    const auto next = peer.session.next_timeout();
    if (!next || (peer.armed_for && *peer.armed_for <= *next)) return;
    peer.armed_for = next;
    peer.timer = host_.call_at(*next, [this, id] {
        auto* due = find(id);
        if (!due) return;
        due->armed_for.reset();
        due->session.handle_timeout(host_.now());
        pump(id);
    });
}

// A stream with a gap is none: a peer that reads so little that nothing can be added is given up.
void SstpService::act(ConnectionId id, Peer& peer, const Session::Send& send) {
    auto* stream = connections_->find(id);
    if (!stream || !stream->is_open()) return;
    if (!stream->send(send.bytes) || (!peer.admitted && stream->waiting() > kMostForStrangers)) peer.deaf = true;
}

void SstpService::act(ConnectionId id, Peer& peer, const Session::SignInAsked& asked) {
    auto judged = sign_in_.judge(asked.sign_in);
    // A client may sign in once more on the same link (RFC 1661 section 3.4), and stays who it is.
    if (!judged || (peer.admitted && peer.admitted->user != judged->user)) {
        keeper_.note_refusal(asked.sign_in.name, kWrong);
        return peer.session.refuse(host_.now(), kWrong);
    }
    if (!peer.admitted) {
        const auto admitted = keeper_.admit(*this, judged->user);
        if (!admitted) return peer.session.refuse(host_.now(), admitted.error().detail);
        peer.admitted = Admitted{admitted->session, admitted->address, judged->user};
        connection_of_.emplace(admitted->session.value(), id);
        connections_->trust(id);
    }
    grant(peer, std::move(judged->success));
}

void SstpService::grant(Peer& peer, mschap::Success success) {
    peer.session.grant(host_.now(), {.success = std::move(success),
                                     .address = peer.admitted->address,
                                     .own = own_address_in(config_.client_address_pool),
                                     .dns = config_.dns_servers});
}

void SstpService::act(ConnectionId id, Peer& peer, const Session::Opened&) {
    connections_->settle(id);
    if (peer.admitted) keeper_.handle_up(peer.admitted->id);
}

void SstpService::act(ConnectionId id, Peer& peer, const Session::Closed& closed) {
    peer.closed = true;
    connections_->close(id);
    if (!peer.admitted) return;
    keeper_.handle_down(peer.admitted->id, std::string(name_of(closed.reason)), closed.detail);
    connection_of_.erase(peer.admitted->id.value());
}

tunnel::Status SstpService::status(SessionId session) const {
    const auto id = connection_of(session);
    if (!id) return {};
    const auto& peer = peers_.at(id->value());
    return tunnel::SstpStatus{
        .session = peer.session.status(), .peer = connections_->endpoint_of(*id), .dropped = peer.dropped};
}

}  // namespace

Result<std::unique_ptr<TunnelService>> open_sstp(Host& host, const Config& config, SessionKeeper& keeper) {
    auto service = std::make_unique<SstpService>(host, config, keeper);
    if (const auto opened = service->open(); !opened) return pass(opened);
    return service;
}

sstp::Options sstp_server_options(const Config& config) {
    const auto& sstp = *config.sstp;
    sstp::Options options;
    options.role = sstp::Role::Server;
    options.tls.role = tls::Role::Server;
    options.tls.policy = sstp.tls_policy;
    options.tls.identity = config.certificate->identity;
    options.tls.intermediates = config.certificate->intermediates;
    options.ppp.role = ppp::Role::Server;
    options.ppp.authentication = sstp.authentication;
    options.ppp.mru = sstp.mru;
    options.ppp.echo_after = Duration::zero();  // SSTP's own hello asks for a silent peer
    options.hashes = sstp.hashes;
    options.http_within = sstp.http_within;
    options.negotiation = sstp.negotiation;
    options.hello = sstp.hello;
    return options;
}

}  // namespace gatelab::gateway
