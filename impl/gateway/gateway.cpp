#include "impl/gateway/gateway.h"

#include <map>
#include <unordered_map>

#include "impl/gateway/address_pool.h"
#include "impl/gateway/ikev2_service.h"
#include "impl/gateway/openvpn_service.h"
#include "impl/gateway/sstp_service.h"

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

std::string text_of(const std::vector<Prefix>& prefixes) {
    std::string text;
    for (const auto& prefix : prefixes) text += (text.empty() ? "" : ", ") + to_string(prefix);
    return text;
}

// A user from the moment that an address was taken for it.
struct Held {
    TunnelService* service;
    std::string user;
    Ipv4Address inner_address;
    std::optional<Instant> connected_at;  // none while the tunnel is being set up
};

}  // namespace

struct Gateway::State final : SessionKeeper {
    State(Host& on, Config with)
        : host(on),
          config(std::move(with)),
          pool(config.client_address_pool, pool_of(config, TunnelType::IkeV2)),
          sstp_pool(config.client_address_pool, pool_of(config, TunnelType::Sstp)) {}

    Result<Admitted> admit(TunnelService&, const std::string& user) override;
    void note_refusal(const std::string& user, const std::string& why) override;
    void handle_up(SessionId) override;
    void handle_down(SessionId, const std::string& reason, const std::string& detail) override;
    void handle_packet(SessionId, ByteView inner) override {
        if (!leads_to_internet(inner)) tunnel_interface->write(inner);
    }

    Result<void> open_services();
    Result<void> open_interface();
    void forward(ByteView packet);
    bool leads_to_internet(ByteView packet) const;
    Session describe(SessionId, const Held&) const;
    // A pool that is not split is drawn from through `pool` alone.
    bool is_split() const { return pool_of(config, TunnelType::Sstp) != pool_of(config, TunnelType::IkeV2); }
    AddressPool& pool_for(TunnelType type) { return type == TunnelType::Sstp && is_split() ? sstp_pool : pool; }
    void ask(SessionId, void (TunnelService::*request)(SessionId));

    // Where the packets for an address go.
    struct Way {
        TunnelService* service;
        SessionId session;
    };

    Host& host;
    Config config;
    AddressPool pool, sstp_pool;
    std::uint64_t last_session = 0;
    std::map<SessionId, Held> held;                     // ids ascend with time: oldest first
    std::unordered_map<std::uint32_t, Way> by_address;  // never walked: its order shows nowhere
    std::unique_ptr<TunDevice> tunnel_interface;
    std::vector<std::unique_ptr<TunnelService>> services;
};

Result<SessionKeeper::Admitted> Gateway::State::admit(TunnelService& service, const std::string& user) {
    const auto refused = [&](const char* why) {
        note_refusal(user, why);
        return fail(Fault::Refused, why);
    };
    if (config.session_limit && held.size() >= *config.session_limit) return refused("session limit reached");
    const auto address = pool_for(service.type()).take();
    if (!address) return refused("address pool exhausted");
    const SessionId id{++last_session};
    held[id] = {&service, user, *address, {}};
    by_address[address->number()] = {&service, id};
    return Admitted{id, *address};
}

void Gateway::State::note_refusal(const std::string& user, const std::string& why) {
    host.emit(kComponent, {"session-refused", {{"user", user}, {"why", why}}});
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

void Gateway::State::handle_down(SessionId id, const std::string& reason, const std::string& detail) {
    const auto at = held.find(id);
    if (at == held.end()) return;
    host.emit(kComponent, {"session-closed",
                           {{"session", static_cast<std::int64_t>(id.value())},
                            {"user", at->second.user},
                            {"address", to_string(at->second.inner_address)},
                            {"reason", reason},
                            {"detail", detail}}});
    pool_for(at->second.service->type()).give_back(at->second.inner_address);
    by_address.erase(at->second.inner_address.number());
    held.erase(at);
}

// What the host routed to the pool: to the session that has the address, or nowhere.
void Gateway::State::forward(ByteView packet) {
    const auto destination = destination_of(packet);
    if (!destination) return;
    const auto at = by_address.find(destination->number());
    if (at != by_address.end()) at->second.service->send(at->second.session, packet);
}

// P2S-CR-06: a gateway is no way to the Internet, whatever its custom routes send to it.
bool Gateway::State::leads_to_internet(ByteView packet) const {
    const auto destination = destination_of(packet);
    if (!destination || config.client_address_pool.contains(*destination)) return false;
    for (const auto& network : config.networks)
        if (network.contains(*destination)) return false;
    const auto leaves_from = host.routes().source_for(*destination);
    return leaves_from && *leaves_from == config.public_address;
}

Session Gateway::State::describe(SessionId id, const Held& of) const {
    return {.id = id,
            .user = of.user,
            .inner_address = of.inner_address,
            .connected_at = of.connected_at.value_or(Instant{}),
            .tunnel = of.service->status(id)};
}

void Gateway::State::ask(SessionId id, void (TunnelService::*request)(SessionId)) {
    if (const auto at = held.find(id); at != held.end()) (at->second.service->*request)(id);
}

Result<void> Gateway::State::open_services() {
    const auto take = [&](Result<std::unique_ptr<TunnelService>> opened) -> Result<void> {
        if (!opened) return pass(opened);
        services.push_back(std::move(*opened));
        return {};
    };
    if (config.ikev2)
        if (const auto done = take(open_ikev2(host, config, *this)); !done) return done;
    using openvpn::Transport;
    if (config.openvpn && config.openvpn->tcp_port)
        if (const auto done = take(open_openvpn(host, config, Transport::Tcp, *this)); !done) return done;
    if (config.openvpn && config.openvpn->udp_port)
        if (const auto done = take(open_openvpn(host, config, Transport::Udp, *this)); !done) return done;
    if (config.sstp)
        if (const auto done = take(open_sstp(host, config, *this)); !done) return done;
    return {};
}

Result<void> Gateway::State::open_interface() {
    auto device =
        host.open_tun({config.tunnel_interface, own_address_in(config.client_address_pool), tunnel_mtu(config)});
    if (!device) return pass(device);
    tunnel_interface = std::move(*device);
    tunnel_interface->on_packet([this](ByteView packet) { forward(packet); });
    return host.routes().add({config.client_address_pool, config.tunnel_interface, {}});
}

Gateway::Gateway(std::unique_ptr<State> state) : state_(std::move(state)) {}
Gateway::~Gateway() = default;

Result<std::unique_ptr<Gateway>> Gateway::start(Host& host, Config config) {
    if (auto sound = check(config); !sound) return pass(sound);
    auto state = std::make_unique<State>(host, std::move(config));
    if (const auto opened = state->open_services(); !opened) return pass(opened);
    if (const auto opened = state->open_interface(); !opened) return pass(opened);
    const auto& settings = state->config;
    host.emit(kComponent, {"started",
                           {{"address", to_string(settings.public_address)},
                            {"pool", to_string(settings.client_address_pool)},
                            {"networks", text_of(granted_prefixes(settings))}}});
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

std::size_t Gateway::free_addresses() const {
    return state_->pool.free() + (state_->is_split() ? state_->sstp_pool.free() : 0);
}

void Gateway::rekey_child(SessionId id) { state_->ask(id, &TunnelService::rekey_child); }
void Gateway::rekey_ike(SessionId id) { state_->ask(id, &TunnelService::rekey_ike); }
void Gateway::check_liveness(SessionId id) { state_->ask(id, &TunnelService::check_liveness); }
void Gateway::disconnect(SessionId id) { state_->ask(id, &TunnelService::close); }

void Gateway::disconnect_all() {
    for (const auto& session : sessions()) disconnect(session.id);
}

void Gateway::on_keys(const tunnel::KeyObserver& observer) {
    for (const auto& service : state_->services) service->on_keys(observer);
}

}  // namespace gatelab::gateway
