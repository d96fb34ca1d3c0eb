#include "impl/gateway/gateway.h"

#include <map>
#include <unordered_map>

#include "impl/gateway/address_pool.h"
#include "impl/ipsec/stack.h"

namespace gatelab::gateway {
namespace {

constexpr const char* kComponent = "gateway";
constexpr std::size_t kIpv4HeaderSize = 20;
constexpr std::size_t kDestinationOffset = 16;

std::optional<Ipv4Address> destination_of(ByteView packet) {
    if (packet.size() < kIpv4HeaderSize || packet[0] >> 4 != 4) return {};
    ByteReader reader{packet.subspan(kDestinationOffset)};
    return Ipv4Address{reader.u32()};
}

// A user from the moment that an address was taken for it.
struct Held {
    std::string user;
    Ipv4Address inner_address;
    std::optional<Instant> connected_at;  // none while the tunnel is being set up
};

}  // namespace

struct Gateway::State final : ipsec::TunnelOwner {
    State(Host& on, Config with) : host(on), config(std::move(with)), pool(config.client_address_pool) {}

    void handle_peer(SessionId, const ikev2::Engine::PeerAuthenticated&) override;
    void handle_up(SessionId) override;
    void handle_down(SessionId, ikev2::CloseReason, const std::string& detail) override;
    void handle_packet(SessionId, ByteView inner) override { tunnel_interface->write(inner); }
    void forward(ByteView packet);
    void refuse(SessionId, const std::string& user, const char* why);
    Session describe(SessionId, const Held&) const;

    Host& host;
    Config config;
    AddressPool pool;
    std::map<SessionId, Held> held;                           // ids ascend with time: oldest first
    std::unordered_map<std::uint32_t, SessionId> by_address;  // never walked: its order shows nowhere
    std::unique_ptr<TunDevice> tunnel_interface;
    std::unique_ptr<ipsec::Stack> stack;
};

void Gateway::State::handle_peer(SessionId id, const ikev2::Engine::PeerAuthenticated& peer) {
    const auto user = to_string(peer.identification);
    // Without an inner address of ours nothing would find the way back, so who asks for none is refused like one for
    // whom none is left.
    if (!peer.wants_address) return refuse(id, user, "asked for no address");
    if (config.session_limit && held.size() >= *config.session_limit) return refuse(id, user, "session limit reached");
    const auto address = pool.take();
    if (!address) return refuse(id, user, "address pool exhausted");

    held[id] = {user, *address, {}};
    by_address[address->number()] = id;
    ikev2::Configuration granted{.address = *address, .dns = config.dns_servers, .subnets = granted_prefixes(config)};
    stack->grant(id, std::move(granted), granted_selectors(config));
}

void Gateway::State::refuse(SessionId id, const std::string& user, const char* why) {
    host.emit(kComponent, {"session-refused", {{"user", user}, {"why", std::string(why)}}});
    stack->refuse(id, ikev2::CloseReason::AddressUnavailable);
}

void Gateway::State::handle_up(SessionId id) {
    const auto at = held.find(id);
    if (at == held.end()) return;
    at->second.connected_at = host.now();
    host.emit(kComponent, {"session-opened",
                           {{"session", static_cast<std::int64_t>(id.value())},
                            {"user", at->second.user},
                            {"address", to_string(at->second.inner_address)}}});
}

void Gateway::State::handle_down(SessionId id, ikev2::CloseReason reason, const std::string& detail) {
    const auto at = held.find(id);
    if (at == held.end()) return;
    host.emit(kComponent, {"session-closed",
                           {{"session", static_cast<std::int64_t>(id.value())},
                            {"user", at->second.user},
                            {"address", to_string(at->second.inner_address)},
                            {"reason", std::string(name_of(reason))},
                            {"detail", detail}}});
    pool.give_back(at->second.inner_address);
    by_address.erase(at->second.inner_address.number());
    held.erase(at);
}

// What the host routed to the pool: to the session that has the address, or nowhere.
void Gateway::State::forward(ByteView packet) {
    const auto destination = destination_of(packet);
    if (!destination) return;
    const auto at = by_address.find(destination->number());
    if (at != by_address.end()) stack->send(at->second, packet);
}

Session Gateway::State::describe(SessionId id, const Held& of) const {
    return {.id = id,
            .user = of.user,
            .inner_address = of.inner_address,
            .connected_at = of.connected_at.value_or(Instant{}),
            .tunnel = stack->status(id).value_or(ipsec::TunnelStatus{})};
}

Gateway::Gateway(std::unique_ptr<State> state) : state_(std::move(state)) {}
Gateway::~Gateway() = default;

Result<std::unique_ptr<Gateway>> Gateway::start(Host& host, Config config) {
    if (auto sound = check(config); !sound) return pass(sound);
    auto state = std::make_unique<State>(host, std::move(config));
    const auto& settings = state->config;

    auto stack = ipsec::Stack::open(host, settings.public_address, connections_of(settings), *state);
    if (!stack) return pass(stack);
    state->stack = std::move(*stack);

    auto device = host.open_tun({settings.tunnel_interface, state->pool.own_address(), settings.tunnel_mtu});
    if (!device) return pass(device);
    state->tunnel_interface = std::move(*device);
    state->tunnel_interface->on_packet([raw = state.get()](ByteView packet) { raw->forward(packet); });
    const auto routed = host.routes().add({settings.client_address_pool, settings.tunnel_interface, {}});
    if (!routed) return pass(routed);

    host.emit(kComponent, {"started",
                           {{"address", to_string(settings.public_address)},
                            {"pool", to_string(settings.client_address_pool)},
                            {"networks", to_string(granted_selectors(settings))}}});
    return std::unique_ptr<Gateway>(new Gateway(std::move(state)));
}

const Config& Gateway::config() const { return state_->config; }

std::vector<Session> Gateway::sessions() const {
    std::vector<Session> all;
    for (const auto& [id, held] : state_->held) {
        if (held.connected_at) all.push_back(state_->describe(id, held));
    }
    return all;
}

std::optional<Session> Gateway::session(SessionId id) const {
    const auto at = state_->held.find(id);
    if (at == state_->held.end() || !at->second.connected_at) return {};
    return state_->describe(id, at->second);
}

std::optional<Session> Gateway::session_of(std::string_view user) const {
    std::optional<SessionId> newest;
    for (const auto& [id, held] : state_->held) {
        if (held.connected_at && held.user == user) newest = id;
    }
    return newest ? session(*newest) : std::nullopt;
}

std::size_t Gateway::free_addresses() const { return state_->pool.free(); }

void Gateway::rekey_child(SessionId id) { state_->stack->rekey_child(id); }
void Gateway::rekey_ike(SessionId id) { state_->stack->rekey_ike(id); }
void Gateway::check_liveness(SessionId id) { state_->stack->check_liveness(id); }
void Gateway::disconnect(SessionId id) { state_->stack->close(id); }

void Gateway::disconnect_all() {
    for (const auto& session : sessions()) disconnect(session.id);
}

void Gateway::on_keys(ipsec::KeyObserver observer) { state_->stack->on_keys(std::move(observer)); }

}  // namespace gatelab::gateway
