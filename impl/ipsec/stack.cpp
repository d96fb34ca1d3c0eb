#include "impl/ipsec/stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "impl/ipsec/transport.h"
#include "impl/ipsec/tunnel_table.h"

namespace gatelab::ipsec {
namespace {

using ikev2::CloseReason;
using Ike = ikev2::Engine;

constexpr std::size_t kLargestPacket = 65535;
constexpr std::size_t kUsualPacket = 2048;
constexpr std::size_t kLargestOverhead = 128;  // of ESP: header, IV, padding, ICV
// The engine wants to know that the peer lives (RFC 7296 section 2.4), not of every packet.
constexpr Duration kNoteInterval = std::chrono::seconds(1);

std::string hex(esp::Spi spi) { return fmt::format("0x{:08x}", spi.value()); }

std::uint64_t count_of(const esp::Counters& counters, esp::Drop why) {
    switch (why) {
        case esp::Drop::Malformed: return counters.malformed;
        case esp::Drop::Replayed: return counters.replayed;
        case esp::Drop::Unauthentic: return counters.unauthentic;
        case esp::Drop::OutsideSelectors: return counters.outside_selectors;
        case esp::Drop::Exhausted: return counters.exhausted;
        case esp::Drop::UnknownSpi: break;  // not an SA's to count
    }
    return 0;
}

void make_room(Bytes& buffer, std::size_t size) {
    if (buffer.size() < size) buffer.resize(size);
}

std::int64_t number(TunnelId tunnel) { return static_cast<std::int64_t>(tunnel.value()); }

}  // namespace

struct Stack::State final : Transport::Receiver {
    State(Host& on, std::vector<ikev2::Connection> responders, TunnelOwner& whom)
        : host(on), owner(whom), engine(std::move(responders), on.random()) {}

    // --- what arrives -----------------------------------------------------------------------------------------------
    void receive_ike(const ikev2::Path& path, ByteView datagram) override;
    void receive_esp(const ikev2::Path& path, bool in_udp, ByteView packet) override;
    void receive_junk(const ikev2::Path& path) override { stray(path, "too short"); }
    void note(Tunnel&, Child&, const ikev2::Path&, bool in_udp);
    void stray(const ikev2::Path&, const char* why);
    void dropped(Tunnel&, const Child&, esp::Drop);

    // --- what the engine says ---------------------------------------------------------------------------------------
    void pump();
    void arm();
    void act(const Ike::Send&);
    void act(const Ike::PeerAuthenticated&);
    void act(const Ike::SaEstablished&);
    void act(const Ike::ChildEstablished&);
    void act(const Ike::ChildClosed&);
    void act(const Ike::PathChanged&);
    void act(const Ike::SaClosed&);
    void act(const Ike::Traced& traced) { host.emit("ikev2", traced.trace); }

    // Runs a request of the owner on a tunnel that is there, then what comes of it.
    template <class Request>
    void request(TunnelId id, Request&& run) {
        if (auto* tunnel = tunnels.find(id)) run(*tunnel);
        pump();
    }

    Host& host;
    TunnelOwner& owner;
    ikev2::Engine engine;
    std::unique_ptr<Transport> transport;
    TunnelTable tunnels;
    KeyObserver keys;
    Timer timer;
    std::optional<Instant> armed_for;
    bool pumping = false;
    std::uint64_t strays = 0;
    // They grow to the largest packet so far: thousands of stacks may share a simulation.
    Bytes sealed = Bytes(kUsualPacket), opened = Bytes(kUsualPacket);
};

// --- what arrives ---------------------------------------------------------------------------------------------------

void Stack::State::receive_ike(const ikev2::Path& path, ByteView datagram) {
    engine.handle_datagram(host.now(), path, datagram);
    pump();
}

void Stack::State::receive_esp(const ikev2::Path& path, bool in_udp, ByteView packet) {
    const auto spi = esp::spi_of(packet);
    if (!spi || packet.size() > kLargestPacket) return stray(path, "too short");
    const auto [tunnel, child] = tunnels.find(*spi);
    if (!tunnel) return stray(path, "unknown SPI");
    make_room(opened, packet.size());
    const auto inner = child->inbound.open(packet, opened);
    if (!inner) return dropped(*tunnel, *child, inner.error());
    child->may_send = true;
    const auto id = tunnel->id;
    note(*tunnel, *child, path, in_udp);
    if (!inner->empty()) owner.handle_packet(id, *inner);
}

void Stack::State::note(Tunnel& tunnel, Child& child, const ikev2::Path& path, bool in_udp) {
    const auto now = host.now();
    const bool moved = in_udp && path != tunnel.path;
    if (!moved && child.noted && now < *child.noted + kNoteInterval) return;
    child.noted = now;
    // Native ESP has no ports; it proves that the peer lives, not where a NAT has put it.
    engine.note_inbound_esp(now, child.id, in_udp ? path : tunnel.path);
    pump();
}

// A flood must not fill the event log: the 1st, 2nd, 4th, 8th, ... of a kind are told, with the count.
void Stack::State::stray(const ikev2::Path& path, const char* why) {
    if (!std::has_single_bit(++strays)) return;
    host.emit("ipsec", {"packet-ignored",
                        {{"from", to_string(path.remote.address)},
                         {"why", std::string(why)},
                         {"count", static_cast<std::int64_t>(strays)}}});
}

void Stack::State::dropped(Tunnel& tunnel, const Child& child, esp::Drop why) {
    const auto count = count_of(child.inbound.counters(), why);
    if (!std::has_single_bit(count)) return;
    host.emit("ipsec", {"packet-dropped",
                        {{"tunnel", number(tunnel.id)},
                         {"spi", hex(child.inbound.parameters().spi)},
                         {"why", std::string(esp::name_of(why))},
                         {"count", static_cast<std::int64_t>(count)}}});
}

// --- what the engine says -------------------------------------------------------------------------------------------

void Stack::State::pump() {
    if (pumping) return;  // the outer call takes what this one caused
    pumping = true;
    for (auto outputs = engine.drain(); !outputs.empty(); outputs = engine.drain()) {
        for (const auto& output : outputs) std::visit([this](const auto& what) { act(what); }, output);
    }
    pumping = false;
    arm();
}

// A deadline that moved away leaves the timer as it is: an early handle_timeout() is harmless.
void Stack::State::arm() {
    const auto next = engine.next_timeout();
    if (!next) {
        timer.reset();
        armed_for.reset();
        return;
    }
    if (armed_for && *armed_for <= *next) return;
    armed_for = next;
    timer = host.call_at(*next, [this] {
        armed_for.reset();
        engine.handle_timeout(host.now());
        pump();
    });
}

void Stack::State::act(const Ike::Send& send) {
    const auto sent = transport->send_ike(send.path, send.datagram);
    if (!sent) {
        host.emit("ipsec", {"send-failed", {{"to", to_string(send.path.remote)}, {"why", sent.error().detail}}});
    }
}

void Stack::State::act(const Ike::PeerAuthenticated& peer) {
    auto& tunnel = tunnels.adopt(peer.sa, peer.connection, false);
    tunnel.peer = peer.identification;
    owner.handle_peer(tunnel.id, peer);
}

void Stack::State::act(const Ike::SaEstablished& established) {
    if (keys.ike) keys.ike(established.keys);
    auto* tunnel = established.replaces ? tunnels.find(*established.replaces) : nullptr;
    if (tunnel) {
        tunnels.renew(*tunnel, established.sa);
    } else {
        tunnel = &tunnels.adopt(established.sa, established.connection, established.initiator);
        tunnel->peer = established.peer;
        tunnel->nat_here = established.nat_here;
        tunnel->nat_there = established.nat_there;
        tunnel->configuration = established.configuration;
    }
    tunnel->path = established.path;
    tunnel->ike_suite = established.keys.suite;
}

void Stack::State::act(const Ike::ChildEstablished& established) {
    auto* tunnel = tunnels.find(established.sa);
    if (!tunnel) return;
    if (keys.esp) {
        const auto &here = established.path.local.address, &there = established.path.remote.address;
        keys.esp({there, here, established.inbound});
        keys.esp({here, there, established.outbound});
    }
    tunnels.add_child(*tunnel, established);
    host.emit("ipsec", {"child-installed",
                        {{"tunnel", number(tunnel->id)},
                         {"spi_in", hex(established.inbound.spi)},
                         {"spi_out", hex(established.outbound.spi)},
                         {"suite", to_string(established.suite)},
                         {"local", to_string(established.inbound.local)},
                         {"remote", to_string(established.inbound.remote)},
                         {"udp", established.udp_encapsulation},
                         {"rekey", established.replaces.has_value()}}});
    if (!std::exchange(tunnel->announced, true)) owner.handle_up(tunnel->id);
}

void Stack::State::act(const Ike::ChildClosed& closed) {
    auto* tunnel = tunnels.find(closed.sa);
    const auto* child = tunnel ? tunnel->children.find(closed.child) : nullptr;
    if (!child) return;
    host.emit("ipsec", {"child-removed",
                        {{"tunnel", number(tunnel->id)},
                         {"spi_in", hex(child->inbound.parameters().spi)},
                         {"reason", std::string(name_of(closed.reason))}}});
    tunnels.remove_child(*tunnel, closed.child);
}

void Stack::State::act(const Ike::PathChanged& changed) {
    auto* tunnel = tunnels.find(changed.sa);
    if (!tunnel) return;
    host.emit("ipsec", {"path-changed",
                        {{"tunnel", number(tunnel->id)},
                         {"from", to_string(tunnel->path.remote)},
                         {"to", to_string(changed.path.remote)}}});
    tunnel->path = changed.path;
}

void Stack::State::act(const Ike::SaClosed& closed) {
    auto* tunnel = tunnels.find(closed.sa);
    // An SA that never authenticated has no tunnel, and one that a newer SA replaced leaves it standing.
    if (!tunnel || tunnel->sa != closed.sa) return tunnels.forget(closed.sa);
    owner.handle_down(tunnel->id, closed.reason, closed.detail);
    tunnels.erase(*tunnel);
}

// --- the face -------------------------------------------------------------------------------------------------------

Stack::Stack(std::unique_ptr<State> state) : state_(std::move(state)) {}
Stack::~Stack() = default;

Result<std::unique_ptr<Stack>> Stack::open(Host& host, Ipv4Address local, std::vector<ikev2::Connection> responders,
                                           TunnelOwner& owner) {
    auto state = std::make_unique<State>(host, std::move(responders), owner);
    auto transport = Transport::open(host, local, *state);
    if (!transport) return pass(transport);
    state->transport = std::move(*transport);
    return std::unique_ptr<Stack>(new Stack(std::move(state)));
}

TunnelId Stack::initiate(ikev2::Connection connection, Ipv4Address remote) {
    auto name = connection.name;
    const ikev2::Path path{{local(), kIkePort}, {remote, kIkePort}};
    const auto sa = state_->engine.initiate(state_->host.now(), std::move(connection), path);
    auto& tunnel = state_->tunnels.adopt(sa, std::move(name), true);
    tunnel.path = path;
    const auto id = tunnel.id;
    state_->pump();
    return id;
}

void Stack::grant(TunnelId id, ikev2::Configuration configuration, esp::TrafficSelectors local) {
    state_->request(id, [&](Tunnel& tunnel) {
        state_->engine.grant(state_->host.now(), tunnel.sa, std::move(configuration), std::move(local));
    });
}

void Stack::refuse(TunnelId id, CloseReason reason) {
    state_->request(id, [&](Tunnel& tunnel) { state_->engine.refuse(state_->host.now(), tunnel.sa, reason); });
}

void Stack::create_child(TunnelId id, esp::TrafficSelectors local, esp::TrafficSelectors remote) {
    state_->request(id, [&](Tunnel& tunnel) {
        state_->engine.create_child(state_->host.now(), tunnel.sa, std::move(local), std::move(remote));
    });
}

void Stack::rekey_child(TunnelId id) {
    state_->request(id, [&](Tunnel& tunnel) {
        if (const auto* child = tunnel.children.newest()) state_->engine.rekey_child(state_->host.now(), child->id);
    });
}

void Stack::rekey_ike(TunnelId id) {
    state_->request(id, [&](Tunnel& tunnel) { state_->engine.rekey_ike(state_->host.now(), tunnel.sa); });
}

void Stack::delete_child(TunnelId id) {
    state_->request(id, [&](Tunnel& tunnel) {
        if (const auto* child = tunnel.children.newest()) state_->engine.delete_child(state_->host.now(), child->id);
    });
}

void Stack::check_liveness(TunnelId id) {
    state_->request(id, [&](Tunnel& tunnel) { state_->engine.check_liveness(state_->host.now(), tunnel.sa); });
}

void Stack::close(TunnelId id) {
    state_->request(id, [&](Tunnel& tunnel) { state_->engine.close(state_->host.now(), tunnel.sa); });
}

bool Stack::send(TunnelId id, ByteView inner) {
    auto* tunnel = state_->tunnels.find(id);
    if (!tunnel) return false;
    make_room(state_->sealed, std::min(inner.size() + kLargestOverhead, kLargestPacket));
    const auto sealed = tunnel->children.seal(inner, state_->sealed);
    if (!sealed.by) return false;
    const auto packet = ByteView{state_->sealed}.first(sealed.size);
    return state_->transport->send_esp(tunnel->path, sealed.by->udp_encapsulation, packet).has_value();
}

std::optional<TunnelStatus> Stack::status(TunnelId id) const {
    const auto* tunnel = state_->tunnels.find(id);
    return tunnel ? std::optional(status_of(*tunnel)) : std::nullopt;
}

Ipv4Address Stack::local() const { return state_->transport->local(); }
std::uint64_t Stack::strays() const { return state_->strays; }
void Stack::on_keys(KeyObserver observer) { state_->keys = std::move(observer); }

}  // namespace gatelab::ipsec
