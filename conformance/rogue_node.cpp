#include "conformance/rogue_node.h"

#include <algorithm>

namespace gatelab::conformance {

using namespace openvpn;

namespace {

constexpr Duration kNudge = std::chrono::seconds(1);

}  // namespace

struct RogueNode::State {
    State(Host& on, Options options, PushReply grant, Endpoint there)
        : host(on),
          other(there),
          tcp(options.transport == Transport::Tcp),
          inside(grant.route_gateway),
          peer(std::move(options), std::move(grant), on.random(), [this](ByteView packet) { send(packet); }) {}

    void send(ByteView packet);
    void flush();
    void use(std::unique_ptr<TcpStream>);
    void keep_nudging();

    Host& host;
    Endpoint other;  // client: the gateway. Server: its port, then the first peer that came
    bool tcp;
    std::optional<Ipv4Address> inside;  // server: its own address in the tunnel
    RogueOpenVpn peer;
    std::unique_ptr<UdpSocket> udp, elsewhere;
    std::unique_ptr<TcpListener> listener;
    std::unique_ptr<TcpStream> stream;
    Deframer deframer;
    Bytes unsent;
    bool open = false, closed = false;
    std::size_t heard_elsewhere = 0;
    Timer timer;
};

void RogueNode::State::send(ByteView packet) {
    if (!tcp) {
        if (udp && !other.address.is_unspecified()) (void)udp->send(other, packet);
        return;
    }
    append(unsent, ByteWriter{}.u16(static_cast<std::uint16_t>(packet.size())).bytes(packet).view());
    flush();
}

void RogueNode::State::flush() {
    if (!stream || !open) return;
    const auto taken = stream->write(unsent);
    unsent.erase(unsent.begin(), unsent.begin() + static_cast<std::ptrdiff_t>(taken));
}

void RogueNode::State::use(std::unique_ptr<TcpStream> made) {
    stream = std::move(made);
    stream->set_callbacks({.connected =
                               [this] {
                                   open = true;
                                   flush();
                               },
                           .received =
                               [this](ByteView bytes) {
                                   (void)deframer.feed(
                                       bytes, [this](ByteSpan packet) { peer.handle_packet(host.now(), packet); });
                               },
                           .writable = [this] { flush(); },
                           .closed =
                               [this](std::string) {
                                   open = false;
                                   closed = true;
                               }});
}

void RogueNode::State::keep_nudging() {
    timer = host.call_at(host.now() + kNudge, [this] {
        peer.nudge(host.now());
        keep_nudging();
    });
}

RogueNode::RogueNode(std::unique_ptr<State> state) : state_(std::move(state)) {}
RogueNode::~RogueNode() = default;

std::unique_ptr<RogueNode> RogueNode::client(Host& host, Options options, Endpoint gateway) {
    options.role = openvpn::Role::Client;
    return std::unique_ptr<RogueNode>{
        new RogueNode{std::make_unique<State>(host, std::move(options), PushReply{}, gateway)}};
}

std::unique_ptr<RogueNode> RogueNode::server(Host& host, Options options, PushReply grant, std::uint16_t port) {
    options.role = openvpn::Role::Server;
    auto made = std::make_unique<State>(host, std::move(options), std::move(grant), Endpoint{});
    auto* state = made.get();
    const Endpoint local{Ipv4Address{}, port};
    if (state->tcp) {
        if (auto listener = host.listen_tcp(local)) state->listener = std::move(*listener);
        if (state->listener)
            state->listener->on_accept([state](std::unique_ptr<TcpStream> stream) {
                if (state->stream) return;
                state->open = true;
                state->use(std::move(stream));
            });
    } else {
        if (auto socket = host.open_udp(local)) state->udp = std::move(*socket);
        if (state->udp)
            state->udp->on_datagram([state](Endpoint remote, ByteView packet) {
                if (state->other.address.is_unspecified()) state->other = remote;
                if (remote == state->other) state->peer.handle_packet(state->host.now(), packet);
            });
    }
    return std::unique_ptr<RogueNode>{new RogueNode{std::move(made)}};
}

RogueOpenVpn& RogueNode::peer() { return state_->peer; }
Instant RogueNode::now() const { return state_->host.now(); }

void RogueNode::connect() {
    auto& state = *state_;
    state.keep_nudging();
    if (state.tcp) {
        if (auto stream = state.host.connect_tcp(state.other)) state.use(std::move(*stream));
        return;
    }
    if (auto socket = state.host.open_udp({})) state.udp = std::move(*socket);
    if (!state.udp) return;
    state.open = true;
    state.udp->on_datagram(
        [this](Endpoint, ByteView packet) { state_->peer.handle_packet(state_->host.now(), packet); });
}

void RogueNode::dial() { peer().dial(now()); }
bool RogueNode::is_up() const { return state_->peer.up(); }
std::string RogueNode::ended() const { return "TLS: " + state_->peer.tls_end().value_or("not ended"); }

Ipv4Address RogueNode::address() const {
    if (state_->inside) return *state_->inside;
    const auto& pushed = state_->peer.pushed();
    return pushed && pushed->address ? *pushed->address : Ipv4Address{};
}

Bytes RogueNode::seal(ByteView inner) { return peer().seal(inner); }
void RogueNode::send_sealed(ByteView packet) { peer().send_raw(packet); }
const std::deque<Bytes>& RogueNode::inner() const { return state_->peer.inner(); }
std::size_t RogueNode::heard() const { return state_->peer.packets() + state_->heard_elsewhere; }

bool RogueNode::is_open() const { return state_->open; }
bool RogueNode::was_closed() const { return state_->closed; }

void RogueNode::write_stream(ByteView bytes) {
    append(state_->unsent, bytes);
    state_->flush();
}

void RogueNode::send_from_elsewhere(ByteView packet) {
    auto& state = *state_;
    if (!state.elsewhere) {
        if (auto socket = state.host.open_udp({})) state.elsewhere = std::move(*socket);
        if (!state.elsewhere) return;
        state.elsewhere->on_datagram([this](Endpoint, ByteView) { ++state_->heard_elsewhere; });
    }
    (void)state.elsewhere->send(state.other, packet);
}

std::size_t RogueNode::heard_elsewhere() const { return state_->heard_elsewhere; }

}  // namespace gatelab::conformance
