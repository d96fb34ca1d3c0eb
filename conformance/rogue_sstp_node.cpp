#include "conformance/rogue_sstp_node.h"

#include <utility>
#include <vector>

namespace gatelab::conformance {

struct RogueSstpNode::State {
    // One TCP connection, and who is at its end.
    struct Connection {
        std::unique_ptr<RogueSstp> peer;
        std::unique_ptr<TcpStream> stream;
        Bytes unsent, received;
        bool open = false, closed = false, speaks = false;
        Instant closed_at{};
    };

    Host& host;
    SstpRogueOptions options;
    Endpoint gateway;  // of a client
    std::unique_ptr<TcpListener> listener;
    std::vector<std::unique_ptr<Connection>> connections;  // the newest last; there is always one
    std::size_t accepted = 0;
    std::function<void(RogueSstp&)> on_connection;

    Connection& newest() { return *connections.back(); }
    void add();
    void use(std::unique_ptr<TcpStream>);
    void flush(Connection&);
};

void RogueSstpNode::State::add() {
    connections.push_back(std::make_unique<Connection>());
    auto* made = connections.back().get();
    made->peer = std::make_unique<RogueSstp>(options, host.random(), [this, made](ByteView bytes) {
        append(made->unsent, bytes);
        flush(*made);
    });
}

void RogueSstpNode::State::flush(Connection& of) {
    if (!of.stream || !of.open) return;
    const auto taken = of.stream->write(of.unsent);
    of.unsent.erase(of.unsent.begin(), of.unsent.begin() + static_cast<std::ptrdiff_t>(taken));
}

void RogueSstpNode::State::use(std::unique_ptr<TcpStream> stream) {
    auto* it = &newest();
    it->stream = std::move(stream);
    it->stream->set_callbacks({.connected =
                                   [this, it] {
                                       it->open = true;
                                       if (it->speaks) it->peer->start(host.now());
                                       flush(*it);
                                   },
                               .received =
                                   [this, it](ByteView bytes) {
                                       append(it->received, bytes);
                                       if (it->speaks) it->peer->handle_bytes(host.now(), bytes);
                                   },
                               .writable = [this, it] { flush(*it); },
                               .closed =
                                   [this, it](std::string) {
                                       it->open = false;
                                       it->closed = true;
                                       it->closed_at = host.now();
                                   }});
}

RogueSstpNode::RogueSstpNode(std::unique_ptr<State> state) : state_(std::move(state)) {}
RogueSstpNode::~RogueSstpNode() = default;

std::unique_ptr<RogueSstpNode> RogueSstpNode::client(Host& host, SstpRogueOptions options, Endpoint gateway) {
    options.client = options.ppp.client = true;
    auto state = std::unique_ptr<State>{new State{host, std::move(options), gateway, {}, {}, 0, {}}};
    state->add();
    return std::unique_ptr<RogueSstpNode>{new RogueSstpNode{std::move(state)}};
}

std::unique_ptr<RogueSstpNode> RogueSstpNode::server(Host& host, SstpRogueOptions options, std::uint16_t port) {
    options.client = options.ppp.client = false;
    auto made = std::unique_ptr<State>{new State{host, std::move(options), {}, {}, {}, 0, {}}};
    made->add();
    auto* state = made.get();
    if (auto listener = host.listen_tcp({Ipv4Address{}, port})) state->listener = std::move(*listener);
    if (state->listener)
        state->listener->on_accept([state](std::unique_ptr<TcpStream> stream) {
            auto hooks = state->newest().peer->hooks;
            auto of_ppp = state->newest().peer->ppp().hooks;
            // The first connection finds the peer that the case has prepared.
            if (state->accepted++ > 0) {
                state->options = state->newest().peer->options();
                state->options.ppp = state->newest().peer->ppp().options();
                state->add();
                state->newest().peer->hooks = std::move(hooks);
                state->newest().peer->ppp().hooks = std::move(of_ppp);
            }
            if (state->on_connection) state->on_connection(*state->newest().peer);
            auto& it = state->newest();
            it.open = it.speaks = true;
            state->use(std::move(stream));
            it.peer->start(state->host.now());
        });
    return std::unique_ptr<RogueSstpNode>{new RogueSstpNode{std::move(made)}};
}

RogueSstp& RogueSstpNode::peer() { return *state_->newest().peer; }
void RogueSstpNode::on_connection(std::function<void(RogueSstp&)> told) { state_->on_connection = std::move(told); }
std::size_t RogueSstpNode::connections() const { return state_->accepted; }
Instant RogueSstpNode::now() const { return state_->host.now(); }

void RogueSstpNode::connect() {
    auto& state = *state_;
    if (auto stream = state.host.connect_tcp(state.gateway)) state.use(std::move(*stream));
}

void RogueSstpNode::dial() {
    auto& it = state_->newest();
    it.speaks = true;
    if (it.open) return it.peer->start(now());
    if (!it.stream) connect();
}

void RogueSstpNode::renew() { state_->add(); }

bool RogueSstpNode::is_up() const { return state_->newest().open && state_->newest().peer->up(); }
bool RogueSstpNode::is_open() const { return state_->newest().open; }
bool RogueSstpNode::was_closed() const { return state_->newest().closed; }
Instant RogueSstpNode::closed_at() const { return state_->newest().closed_at; }

std::string RogueSstpNode::ended() const {
    const auto& it = state_->newest();
    std::string text = it.closed ? "the connection was closed" : it.open ? "the connection is open" : "not connected";
    if (!it.peer->ended().empty()) text += "; TLS: " + it.peer->ended();
    if (!it.peer->heard().empty())
        text += "; the last message was " + std::string{sstp::name_of(it.peer->heard().back().message.type)};
    if (!it.peer->ppp().heard().empty()) text += "; the last of PPP was " + describe(it.peer->ppp().heard().back());
    return text;
}

Ipv4Address RogueSstpNode::address() const { return state_->newest().peer->ppp().address(); }
Bytes RogueSstpNode::seal(ByteView inner) { return RogueSstp::data_packet(RoguePpp::frame_of(inner)); }
void RogueSstpNode::send_sealed(ByteView packet) { peer().write(now(), packet); }
const std::deque<Bytes>& RogueSstpNode::inner() const { return state_->newest().peer->ppp().inner(); }
std::size_t RogueSstpNode::heard() const { return state_->newest().peer->packets(); }
const Bytes& RogueSstpNode::stream() const { return state_->newest().received; }

void RogueSstpNode::write_stream(ByteView bytes) {
    append(state_->newest().unsent, bytes);
    state_->flush(state_->newest());
}

}  // namespace gatelab::conformance
