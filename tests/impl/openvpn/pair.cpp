#include "tests/impl/openvpn/pair.h"

#include <algorithm>

namespace gatelab::openvpn::test {
namespace {

crypto::CertificateRequest request(std::string name, std::vector<crypto::Purpose> purposes, std::uint64_t serial) {
    crypto::CertificateRequest wanted;
    wanted.common_name = std::move(name);
    wanted.purposes = std::move(purposes);
    wanted.not_before = kStart - std::chrono::hours(24);
    wanted.not_after = kStart + std::chrono::hours(24 * 365);
    wanted.serial = serial;
    return wanted;
}

Pki make_pki() {
    using crypto::Purpose;
    const auto key = [] { return crypto::PrivateKey::generate_ecdsa(256); };
    const auto root = crypto::make_root(request("root", {}, 1), key());
    const auto other = crypto::make_root(request("other root", {}, 2), key());
    return Pki{root,
               other,
               crypto::issue(root, request("gw.gatelab.test", {Purpose::ServerAuth}, 3), key()),
               crypto::issue(root, request("alice", {Purpose::ClientAuth}, 4), key()),
               crypto::issue(other, request("alice", {Purpose::ClientAuth}, 5), key()),
               crypto::issue(root, request("bob", {Purpose::ClientAuth}, 6), key())};
}

crypto::TrustStore roots() {
    crypto::TrustStore store;
    store.add(pki().root.certificate);
    return store;
}

Session make(Options options, Random& random) { return Session::create(std::move(options), random).value(); }

Options usual_options(Role role, Transport transport) {
    Options options;
    options.role = role;
    options.transport = transport;
    options.tls.policy = tls::any_policy();
    options.tls.roots = roots();
    options.renegotiate = Duration::zero();
    return options;
}

std::uint16_t checksum_of(ByteView bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

Bytes ipv4(std::uint8_t protocol, ByteView payload) {
    ByteWriter writer;
    writer.u8(0x45).u8(0).u16(static_cast<std::uint16_t>(20 + payload.size())).u32(0).u8(64).u8(protocol).u16(0);
    writer.u32(0x0a3c0001).u32(0x0a320001);
    writer.patch_u16(10, checksum_of(writer.view()));
    writer.bytes(payload);
    return writer.take();
}

}  // namespace

const Pki& pki() {
    static const Pki kPki = make_pki();
    return kPki;
}

Options client_options(Transport transport) {
    auto options = usual_options(Role::Client, transport);
    options.tls.identity = pki().client;
    return options;
}

Options server_options(Transport transport) {
    auto options = usual_options(Role::Server, transport);
    options.tls.identity = pki().server;
    return options;
}

void use_password(Options& client, Options& server) {
    client.tls.identity.reset();
    client.credentials = Credentials{"alice", "s3cret"};
    server.tls.roots.reset();
    server.credentials_required = true;
}

PushReply usual_push() {
    PushReply push;
    push.address = Ipv4Address{10, 60, 0, 2};
    push.subnet = Prefix{Ipv4Address{10, 60, 0, 0}, 24};
    push.routes = {{Prefix{Ipv4Address{10, 50, 0, 0}, 16}, {}}};
    push.dns = {Ipv4Address{10, 50, 0, 53}};
    push.peer_id = 7;
    return push;
}

Bytes inner_packet(std::string_view text, std::size_t size) {
    ByteWriter udp;
    const auto length = std::max(text.size(), size);
    udp.u16(5000).u16(7).u16(static_cast<std::uint16_t>(8 + length)).u16(0).bytes(as_bytes(text));
    udp.zeros(length - text.size());
    return ipv4(17, udp.view());
}

Bytes inner_syn(std::uint16_t mss) {
    ByteWriter tcp;
    tcp.u16(5000).u16(80).u32(1).u32(0).u8(0x60).u8(0x02).u16(65535).u16(0).u16(0).u8(2).u8(4).u16(mss);
    return ipv4(6, tcp.view());
}

End::End(Session made, Endpoint here, Endpoint there) : session(std::move(made)), own(here), peer(there) {}

std::optional<CloseReason> End::closed() const {
    const auto found = all<Session::Closed>();
    return found.empty() ? std::nullopt : std::optional{found.back().reason};
}

std::string End::why_closed() const {
    const auto found = all<Session::Closed>();
    return found.empty() ? "" : std::string{name_of(found.back().reason)} + ": " + found.back().detail;
}

int End::traced(std::string_view event, std::string_view attribute, std::string_view value) const {
    int count = 0;
    for (const auto& trace : all<Trace>()) {
        if (trace.event != event) continue;
        if (attribute.empty() || gatelab::text_of(trace.attributes, attribute).find(value) != std::string::npos)
            ++count;
    }
    return count;
}

Pair::Pair(Options client_side, Options server_side, std::uint64_t seed, WireQuality quality)
    : client_random_(seed, "client"),
      server_random_(seed, "server"),
      openssl_random_((static_cast<void>(pki()), seed), "openssl"),
      openssl_(openssl_random_),
      wire(seed, quality),
      client(make(std::move(client_side), client_random_), kClient, kServer),
      server(make(std::move(server_side), server_random_), kServer, kClient) {
    on_peer = [this](const Session::PeerAuthenticated&) { server.session.grant(now, usual_push()); };
}

void Pair::dial() {
    call([&] {
        server.session.start(now);
        client.session.start(now);
    });
}

void Pair::call(const std::function<void()>& command) {
    command();
    collect(client);
    collect(server);
}

bool Pair::send(End& from, ByteView inner) {
    const bool sent_it = from.session.seal(now, inner, [&](ByteView packet) { leave(from, packet); });
    collect(from);
    return sent_it;
}

void Pair::leave(const End& from, ByteView packet) {
    Parcel parcel{now, 0, from.own, from.peer, copy_of(packet)};
    sent.push_back(parcel);
    wire.send(now, std::move(parcel));
}

void Pair::collect(End& end) {
    for (auto outputs = end.session.drain(); !outputs.empty(); outputs = end.session.drain()) {
        for (auto& output : outputs) {
            if (end.closed()) throw std::runtime_error("a session spoke after it had closed");
            end.said.push_back(output);
            if (const auto* send = std::get_if<Session::Send>(&output)) leave(end, send->packet);
            if (const auto* found = std::get_if<Session::PeerAuthenticated>(&output)) on_peer(*found);
        }
    }
}

void Pair::inject(const End& to, Bytes packet) { deliver(Parcel{now, 0, to.peer, to.own, std::move(packet)}); }

void Pair::deliver(const Parcel& parcel) {
    End& end = parcel.to == client.own ? client : server;
    const auto head = head_of(parcel.bytes);
    if (head && is_data(head->opcode)) {
        const auto inner = end.session.open(now, parcel.bytes);
        if (!inner.empty()) end.received.push_back(copy_of(inner));
    } else {
        end.session.handle_packet(now, parcel.bytes);
    }
    collect(end);
}

bool Pair::step(Instant end) {
    const auto arrival = wire.next_arrival();
    const auto next = earlier(arrival, earlier(client.session.next_timeout(), server.session.next_timeout()));
    if (!next || *next > end) return false;
    // An engine whose deadline does not move would keep us here for ever.
    turns_ = *next <= now ? turns_ + 1 : 0;
    if (turns_ > 100'000) throw std::runtime_error("time stands still");
    now = std::max(now, *next);
    if (arrival && *arrival <= now) {
        deliver(wire.take());
        return true;
    }
    client.session.handle_timeout(now);
    server.session.handle_timeout(now);
    collect(client);
    collect(server);
    return true;
}

void Pair::run_for(Duration span) {
    const Instant end = now + span;
    while (step(end)) {
    }
    now = end;
}

bool Pair::run_until(const std::function<bool()>& holds, Duration at_most) {
    const Instant end = now + at_most;
    while (!holds())
        if (!step(end)) return false;
    return true;
}

}  // namespace gatelab::openvpn::test
