#include "tests/impl/ikev2/pair.h"

namespace gatelab::ikev2::test {
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

crypto::CertificateRequest gateway_request(std::uint64_t serial) {
    auto wanted = request("gw.gatelab.test", {crypto::Purpose::ServerAuth}, serial);
    wanted.dns_names = {"gw.gatelab.test"};
    wanted.ip_addresses = {kGateway.address};
    return wanted;
}

crypto::CertificateRequest client_request(std::uint64_t serial) {
    auto wanted = request("alice", {crypto::Purpose::ClientAuth}, serial);
    wanted.email_addresses = {"alice@gatelab.test"};
    return wanted;
}

Pki make_pki() {
    const auto rsa = [] { return crypto::PrivateKey::generate_rsa(2048); };
    const auto ecdsa = [](int bits) { return crypto::PrivateKey::generate_ecdsa(bits); };
    const auto root = crypto::make_root(request("root", {}, 1), ecdsa(256));
    const auto other = crypto::make_root(request("other root", {}, 2), ecdsa(256));
    auto expired = client_request(7);
    expired.not_after = kStart - std::chrono::hours(1);
    auto misplaced_client = client_request(9);
    misplaced_client.purposes = {crypto::Purpose::ServerAuth};
    auto misplaced_gateway = gateway_request(10);
    misplaced_gateway.purposes = {crypto::Purpose::ClientAuth};
    return Pki{root,
               other,
               crypto::issue(root, gateway_request(3), rsa()),
               crypto::issue(root, gateway_request(4), ecdsa(256)),
               crypto::issue(root, client_request(5), rsa()),
               crypto::issue(root, client_request(6), ecdsa(256)),
               crypto::issue(root, expired, ecdsa(256)),
               crypto::issue(other, client_request(8), ecdsa(256)),
               crypto::issue(root, misplaced_client, ecdsa(256)),
               crypto::issue(root, misplaced_gateway, ecdsa(256)),
               crypto::issue(root, gateway_request(11), ecdsa(384))};
}

esp::TrafficSelectors selectors(std::string_view prefix) {
    return {esp::TrafficSelector::of(parse_prefix(prefix).value())};
}

crypto::TrustStore roots() {
    crypto::TrustStore store;
    store.add(pki().root.certificate);
    return store;
}

}  // namespace

const Pki& pki() {
    static const Pki kPki = make_pki();
    return kPki;
}

Connection client_connection(const crypto::Identity& identity) {
    Connection connection;
    connection.name = "home";
    connection.local_identification = Identification::email("alice@gatelab.test");
    connection.credential = CertificateCredential{identity, {}};
    connection.peer.roots = roots();
    connection.peer.identifications = {Identification::fqdn("gw.gatelab.test")};
    connection.remote = selectors("10.50.0.0/16");
    connection.request_address = true;
    connection.lifetimes = {Duration::zero(), Duration::zero(), Duration::zero(), Duration::zero()};
    return connection;
}

Connection gateway_connection(const crypto::Identity& identity) {
    Connection connection;
    connection.name = "p2s";
    connection.local_identification = Identification::fqdn("gw.gatelab.test");
    connection.credential = CertificateCredential{identity, {}};
    connection.peer.roots = roots();
    connection.local = selectors("10.50.0.0/16");
    connection.lifetimes = {Duration::zero(), Duration::zero(), Duration::zero(), Duration::zero()};
    return connection;
}

void use_pre_shared_key(Connection& connection, std::string_view secret) {
    const PreSharedKey key{copy_of(as_bytes(secret))};
    connection.credential = key;
    connection.peer.roots.reset();
    connection.peer.pre_shared_key = key;
}

End::End(std::vector<Connection> responders, std::uint64_t seed, std::string_view label, Limits limits)
    : random(seed, label), engine(std::move(responders), random, limits) {}

int End::traced(std::string_view event, std::string_view payloads) const {
    int count = 0;
    for (const auto& traced : all<Engine::Traced>()) {
        if (traced.trace.event != event) continue;
        if (payloads.empty() || text_of(traced.trace.attributes, "payloads").find(payloads) != std::string::npos)
            ++count;
    }
    return count;
}

std::vector<std::string> End::ladder() const {
    std::vector<std::string> lines;
    for (const auto& traced : all<Engine::Traced>()) {
        if (traced.trace.event != "message-sent") continue;
        const auto& attributes = traced.trace.attributes;
        const bool response = std::get<bool>(*find(attributes, "response"));
        lines.push_back(text_of(attributes, "exchange") + (response ? " response " : " request ") +
                        text_of(attributes, "payloads"));
    }
    return lines;
}

std::vector<Engine::ChildEstablished> End::open_children() const {
    auto open = all<Engine::ChildEstablished>();
    for (const auto& closed : all<Engine::ChildClosed>())
        std::erase_if(open, [&](const Engine::ChildEstablished& child) { return child.child == closed.child; });
    return open;
}

bool End::closed_with(CloseReason reason) const {
    const auto closed = all<Engine::SaClosed>();
    return std::any_of(closed.begin(), closed.end(), [&](const auto& event) { return event.reason == reason; });
}

Pair::Pair(Connection dialling, std::vector<Connection> responders, std::uint64_t seed, WireQuality quality,
           Limits limits)
    : wire(seed, quality),
      client_connection(std::move(dialling)),
      client({}, seed, "client"),
      gateway(std::move(responders), seed, "gateway", limits),
      openssl_random_(seed, "openssl"),
      openssl_(openssl_random_) {
    on_peer = [this](const Engine::PeerAuthenticated& peer) {
        Configuration configuration;
        if (peer.wants_address) {
            configuration.address = Ipv4Address{10, 60, 0, 1};
            configuration.dns = {Ipv4Address{10, 50, 0, 53}};
            configuration.subnets = {Prefix{Ipv4Address{10, 50, 0, 0}, 16}};
        }
        gateway.engine.grant(now, peer.sa, configuration, {});
    };
}

SaId Pair::dial() {
    SaId id;
    call([&] { id = client.engine.initiate(now, client_connection, Path{kClient, kGateway}); });
    return id;
}

void Pair::call(const std::function<void()>& command) {
    command();
    collect(client);
    collect(gateway);
}

void Pair::collect(End& end) {
    for (auto outputs = end.engine.drain(); !outputs.empty(); outputs = end.engine.drain()) {
        for (auto& output : outputs) {
            end.said.push_back(output);
            if (const auto* send = std::get_if<Engine::Send>(&output)) {
                Parcel parcel{now, 0, send->path.local, send->path.remote, send->datagram};
                sent.push_back(parcel);
                wire.send(now, std::move(parcel));
            }
            if (const auto* peer = std::get_if<Engine::PeerAuthenticated>(&output)) on_peer(*peer);
        }
    }
}

void Pair::deliver(const Parcel& parcel) {
    End& end = parcel.to.address == kGateway.address ? gateway : client;
    end.engine.handle_datagram(now, Path{parcel.to, parcel.from}, parcel.bytes);
    collect(end);
}

void Pair::run_for(Duration span) {
    const Instant end = now + span;
    for (;;) {
        const auto arrival = wire.next_arrival();
        const auto next = earlier(arrival, earlier(client.engine.next_timeout(), gateway.engine.next_timeout()));
        if (!next || *next > end) break;
        now = std::max(now, *next);
        if (arrival && *arrival <= now) {
            deliver(wire.take());
            continue;
        }
        client.engine.handle_timeout(now);
        gateway.engine.handle_timeout(now);
        collect(client);
        collect(gateway);
    }
    now = end;
}

}  // namespace gatelab::ikev2::test
