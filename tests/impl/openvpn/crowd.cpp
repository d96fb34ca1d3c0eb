#include "tests/impl/openvpn/crowd.h"

#include <algorithm>

namespace gatelab::openvpn::test {
namespace {

// TCP connections travel on the wire as addresses that no datagram has; nothing loses or reorders them there.
constexpr Ipv4Address kConnections{0, 0, 0, 0};

Endpoint place_of_connection(ConnectionId id) { return {kConnections, static_cast<std::uint16_t>(id.value())}; }

}  // namespace

Endpoint address_of(std::uint32_t n) {
    return {Ipv4Address{kClient.address.number() + n / 1000}, static_cast<std::uint16_t>(40000 + n % 1000)};
}

bool Member::opened() const {
    return std::ranges::any_of(said, [](const auto& one) { return std::holds_alternative<Session::Opened>(one); });
}

std::optional<CloseReason> Member::closed() const {
    for (const auto& one : said)
        if (const auto* closed = std::get_if<Session::Closed>(&one)) return closed->reason;
    return {};
}

Crowd::Crowd(ListenerOptions options, std::uint64_t seed, WireQuality quality)
    : listener_random_(seed, "listener"),
      client_random_(seed, "clients"),
      openssl_random_((static_cast<void>(pki()), seed), "openssl"),
      openssl_(openssl_random_),
      transport_(options.session.transport),
      wire(seed, quality),
      listener(Listener::create(std::move(options), listener_random_).value()) {
    on_peer = [this](ClientId id, const Session::PeerAuthenticated&) { listener.grant(now, id, usual_push()); };
}

Member& Crowd::join(Options client, Endpoint from) {
    members.push_back(std::make_unique<Member>(Session::create(std::move(client), client_random_).value(), from,
                                               ConnectionId{next_connection_++}));
    auto& member = *members.back();
    member.session.start(now);
    collect(member);
    return member;
}

void Crowd::leave(const Member& member) {
    std::erase_if(members, [&](const auto& one) { return one.get() == &member; });
}

bool Crowd::send(Member& from, ByteView inner) {
    const bool sent = from.session.seal(now, inner, [&](ByteView packet) {
        seen.push_back(copy_of(packet));
        wire.send(now, Parcel{now, 0, place_of(from), kServer, copy_of(packet)});
    });
    collect(from);
    return sent;
}

bool Crowd::send(ClientId to, ByteView inner) {
    const bool sent = listener.seal(now, to, inner, [&](const Listener::Peer& peer, ByteView packet) {
        carry({peer, copy_of(packet)});
    });
    collect();
    return sent;
}

void Crowd::inject(Endpoint from, ByteView packet) { give(Listener::Peer{from}, packet); }

void Crowd::call(const std::function<void()>& command) {
    command();
    for (auto& member : members) collect(*member);
    collect();
}

std::vector<std::string> Crowd::closings() const {
    std::vector<std::string> found;
    for (const auto& [id, closed] : all<Session::Closed>())
        found.push_back(std::to_string(id.value()) + " " + std::string{name_of(closed.reason)});
    return found;
}

Endpoint Crowd::place_of(const Member& member) const {
    return transport_ == Transport::Udp ? member.address : place_of_connection(member.connection);
}

void Crowd::carry(const Listener::Send& send) {
    const auto* endpoint = std::get_if<Endpoint>(&send.to);
    const auto to = endpoint != nullptr ? *endpoint : place_of_connection(std::get<ConnectionId>(send.to));
    wire.send(now, Parcel{now, 0, kServer, to, send.packet});
}

void Crowd::collect() {
    for (auto outputs = listener.drain(); !outputs.empty(); outputs = listener.drain()) {
        for (auto& output : outputs) {
            if (const auto* send = std::get_if<Listener::Send>(&output)) carry(*send);
            said.push_back(output);
            if (const auto* from = std::get_if<Listener::FromSession>(&output))
                if (const auto* peer = std::get_if<Session::PeerAuthenticated>(&from->what))
                    on_peer(from->client, *peer);
        }
    }
}

void Crowd::collect(Member& member) {
    for (auto& output : member.session.drain()) {
        if (const auto* send = std::get_if<Session::Send>(&output))
            wire.send(now, Parcel{now, 0, place_of(member), kServer, send->packet});
        member.said.push_back(std::move(output));
    }
}

void Crowd::give(const Listener::Peer& from, ByteView packet) {
    if (const auto inner = listener.handle_packet(now, from, packet))
        received.emplace_back(inner->client, copy_of(inner->packet));
    collect();
}

void Crowd::give(Member& member, ByteView packet) {
    const auto head = head_of(packet);
    if (head && is_data(head->opcode)) {
        const auto inner = member.session.open(now, packet);
        if (!inner.empty()) member.received.push_back(copy_of(inner));
    } else {
        member.session.handle_packet(now, packet);
    }
    collect(member);
}

bool Crowd::step(Instant end) {
    const auto arrival = wire.next_arrival();
    auto next = earlier(arrival, listener.next_timeout());
    for (const auto& member : members) next = earlier(next, member->session.next_timeout());
    if (!next || *next > end) return false;
    now = std::max(now, *next);
    if (arrival && *arrival <= now) {
        const auto parcel = wire.take();
        if (parcel.to == kServer && parcel.from.address == kConnections)
            give(ConnectionId{parcel.from.port}, parcel.bytes);
        else if (parcel.to == kServer)
            give(parcel.from, parcel.bytes);
        else
            for (std::size_t i = 0; i < members.size(); ++i)
                if (place_of(*members[i]) == parcel.to) give(*members[i], parcel.bytes);
        return true;
    }
    listener.handle_timeout(now);
    collect();
    for (auto& member : members) {
        member->session.handle_timeout(now);
        collect(*member);
    }
    return true;
}

void Crowd::run_for(Duration span) {
    const Instant end = now + span;
    while (step(end)) {
    }
    now = end;
}

bool Crowd::run_until(const std::function<bool()>& holds, Duration at_most) {
    const Instant end = now + at_most;
    while (!holds())
        if (!step(end)) return false;
    return true;
}

}  // namespace gatelab::openvpn::test
