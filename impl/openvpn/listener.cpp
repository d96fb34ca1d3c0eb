#include "impl/openvpn/listener.h"

#include "impl/openvpn/listener_state.h"

namespace gatelab::openvpn {

Listener::State::State(ListenerOptions chosen, Random& source)
    : options(std::move(chosen)),
      random(source),
      cookies(source, options.session.handshake_window),
      judge(options.session.protection, Role::Server) {}

Result<Listener> Listener::create(ListenerOptions options, Random& random) {
    if (options.session.role != Role::Server) return fail(Fault::Refused, "an OpenVPN listener is a server");
    if (options.sessions > kMostPeerIds)
        return fail(Fault::Refused, "an OpenVPN listener for more sessions than there are peer ids");
    if (options.half_open == 0 || options.sessions == 0)
        return fail(Fault::Refused, "an OpenVPN listener with no room for any session");
    if (const auto tried = Session::create(options.session, random); !tried) return pass(tried);
    return Listener{std::make_unique<State>(std::move(options), random)};
}

Listener::Listener(std::unique_ptr<State> state) : state_(std::move(state)) {}
Listener::~Listener() = default;
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&&) noexcept = default;

std::optional<Listener::Inner> Listener::handle_packet(Instant now, const Peer& from, ByteView packet) {
    if (const auto* endpoint = std::get_if<Endpoint>(&from)) return state_->handle_datagram(now, *endpoint, packet);
    return state_->handle_connection(now, std::get<ConnectionId>(from), packet);
}

void Listener::handle_connect(Instant now, ConnectionId connection) {
    if (state_->at(connection) != nullptr) return;
    if (auto* client = state_->add(Session::create(state_->options.session, state_->random), connection, {})) {
        client->session.start(now);
        state_->settle(*client);
    } else {
        state_->outputs.emplace_back(CloseConnection{connection});
    }
}

void Listener::handle_disconnect(Instant, ConnectionId connection) {
    const auto* client = state_->at(connection);
    if (client == nullptr) return;
    state_->outputs.emplace_back(
        FromSession{client->id, Session::Closed{CloseReason::PeerSilent, "the connection was closed"}});
    state_->remove(client->id);
}

void Listener::handle_timeout(Instant now) {
    std::vector<ClientId> due;
    for (const auto& [when, id] : state_->timers) {
        if (when > now) break;
        due.push_back(id);
    }
    for (const auto id : due) {
        auto* client = state_->find(id);
        if (client == nullptr) continue;
        state_->timers.erase({*std::exchange(client->due, {}), id});
        client->session.handle_timeout(now);
        state_->settle(*client);
    }
}

std::optional<Instant> Listener::next_timeout() const {
    if (state_->timers.empty()) return {};
    return state_->timers.begin()->first;
}

std::vector<Listener::Output> Listener::drain() { return std::exchange(state_->outputs, {}); }

bool Listener::seal(Instant now, ClientId id, ByteView inner, FunctionRef<void(const Peer&, ByteView)> send) {
    auto* client = state_->find(id);
    if (client == nullptr) return false;
    const bool sent = client->session.seal(now, inner, [&](ByteView packet) { send(client->peer, packet); });
    state_->settle(*client);
    return sent;
}

void Listener::grant(Instant now, ClientId id, PushReply push) {
    auto* client = state_->find(id);
    if (client == nullptr) return;
    push.peer_id = client->peer_id;
    client->session.grant(now, std::move(push));
    state_->settle(*client);
}

void Listener::refuse(Instant now, ClientId id, std::string reason) {
    auto* client = state_->find(id);
    if (client == nullptr) return;
    client->session.refuse(now, std::move(reason));
    state_->settle(*client);
}

void Listener::renegotiate(Instant now, ClientId id) {
    auto* client = state_->find(id);
    if (client == nullptr) return;
    client->session.renegotiate(now);
    state_->settle(*client);
}

void Listener::close(Instant now, ClientId id) {
    auto* client = state_->find(id);
    if (client == nullptr) return;
    client->session.close(now);
    state_->settle(*client);
}

std::optional<SessionStatus> Listener::status(ClientId id) const {
    const auto* client = state_->find(id);
    if (client == nullptr) return {};
    return client->session.status();
}

std::optional<Listener::Peer> Listener::peer(ClientId id) const {
    const auto* client = state_->find(id);
    if (client == nullptr) return {};
    return client->peer;
}

std::size_t Listener::size() const { return state_->clients.size(); }
const ListenerCounters& Listener::counters() const { return state_->counters; }

}  // namespace gatelab::openvpn
