#include "tests/support/p2s_lab.h"

#include <stdexcept>

namespace gatelab::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto kFrom = instant_from_unix(1577836800);  // 2020-01-01
constexpr auto kTo = instant_from_unix(2493072000);    // 2049-01-01
constexpr int kCurve = 256;

crypto::CertificateRequest request(const std::string& name) {
    crypto::CertificateRequest made;
    made.common_name = name;
    made.not_before = kFrom;
    made.not_after = kTo;
    return made;
}

const crypto::Identity& root() {
    static const auto made = crypto::make_root(request("Test Root"), crypto::PrivateKey::generate_ecdsa(kCurve));
    return made;
}

}  // namespace

crypto::TrustStore roots() {
    crypto::TrustStore store;
    store.add(root().certificate);
    return store;
}

ikev2::CertificateCredential gateway_certificate() {
    static const auto identity = [] {
        auto wanted = request("gw.example.com");
        wanted.dns_names = {"gw.example.com"};
        wanted.purposes = {crypto::Purpose::ServerAuth};
        return crypto::issue(root(), wanted, crypto::PrivateKey::generate_ecdsa(kCurve));
    }();
    return {identity, {}};
}

ikev2::CertificateCredential user_certificate(const std::string& name) {
    static std::map<std::string, crypto::Identity> made;
    if (const auto at = made.find(name); at != made.end()) return {at->second, {}};
    auto wanted = request(name);
    wanted.email_addresses = {name + "@example.com"};
    wanted.purposes = {crypto::Purpose::ClientAuth};
    wanted.serial = made.size() + 2;
    const auto identity = crypto::issue(root(), wanted, crypto::PrivateKey::generate_ecdsa(kCurve));
    made.emplace(name, identity);
    return {identity, {}};
}

gateway::Config gateway_config() {
    gateway::Config config;
    config.public_address = kGatewayAddress;
    config.ikev2.emplace().identification = ikev2::Identification::fqdn("gw.example.com");
    config.certificate = gateway_certificate();
    config.client_roots = roots();
    config.client_address_pool = Prefix{{10, 60, 0, 0}, 24};
    config.dns_servers = {{10, 1, 0, 53}};
    config.networks = {Prefix{{10, 1, 0, 0}, 16}};
    return config;
}

client::Config user_config(const std::string& name) {
    client::Config config;
    auto& dialled = config.plan.emplace_back().tunnel.emplace<client::Ikev2>();
    dialled.gateway = kGatewayAddress;
    dialled.connection.name = "work";
    dialled.connection.local_identification = ikev2::Identification::email(name + "@example.com");
    dialled.connection.credential = user_certificate(name);
    dialled.connection.peer.roots = roots();
    dialled.connection.peer.identifications = {ikev2::Identification::fqdn("gw.example.com")};
    return config;
}

namespace {

const openvpn::StaticKey& static_key() {
    static const auto made = [] {
        SeededRandom random{1, "tls-auth"};
        return openvpn::StaticKey::generate(random);
    }();
    return made;
}

}  // namespace

gateway::Config openvpn_gateway_config() {
    auto config = gateway_config();
    config.ikev2.reset();
    auto& openvpn = config.openvpn.emplace();
    openvpn.udp_port = 1194;
    openvpn.protection = openvpn::TlsAuth{static_key(), openvpn::KeyDirection::Normal, openvpn.auth};
    openvpn.tls_policy = tls::p2s_policy(tls::Profile::P2s2023, tls::Carrier::OpenVpn);
    return config;
}

client::Config openvpn_user_config(const std::string& name, openvpn::Transport transport, const std::string& password) {
    client::Config config;
    // The handshake window is a minute.
    config.plan.push_back({.tunnel = client::OpenVpn{}, .give_up = 70s});
    auto& profile = profile_of(config);
    const bool udp = transport == openvpn::Transport::Udp;
    profile.remotes = {{to_string(kGatewayAddress), udp ? std::uint16_t{1194} : std::uint16_t{443}, {}}};
    profile.transport = transport;
    profile.verify_x509_name = "gw.example.com";
    profile.remote_cert_tls_server = true;
    profile.auth = crypto::Hash::Sha256;
    profile.cipher = openvpn::DataCipher::Aes256Gcm;
    profile.tls_auth = static_key().to_pem();
    profile.key_direction = openvpn::KeyDirection::Inverse;
    profile.ca = root().certificate.to_pem();
    const auto identity = user_certificate(name).identity;
    profile.certificate = identity.certificate.to_pem();
    profile.key = identity.key.to_pem();
    if (!password.empty()) {
        profile.auth_user_pass = true;
        profile.username = name;
        profile.password = password;
    }
    return config;
}

client::OpenVpn& openvpn_of(client::Config& config) { return std::get<client::OpenVpn>(config.plan.at(0).tunnel); }
profile::Ovpn& profile_of(client::Config& config) { return openvpn_of(config).profile; }

tunnel::OpenVpnStatus openvpn_of(const gateway::Session& session) {
    return std::get<tunnel::OpenVpnStatus>(session.tunnel);
}

tunnel::OpenVpnStatus openvpn_of(const client::Client& client) {
    return std::get<tunnel::OpenVpnStatus>(client.status().tunnel);
}

gateway::Config sstp_gateway_config() {
    auto config = gateway_config();
    config.ikev2.reset();
    auto& sstp = config.sstp.emplace();
    sstp.tls_policy = tls::p2s_policy(tls::Profile::P2s2023, tls::Carrier::Sstp);
    sstp.users = {{"alice", "right"}};
    return config;
}

client::Config sstp_user_config(const std::string& name, const std::string& password) {
    client::Sstp dialled;
    dialled.gateway = {kGatewayAddress, 443};
    dialled.session.tls.policy = tls::any_policy();
    dialled.session.tls.roots = roots();
    dialled.session.tls.server_name = dialled.session.host = "gw.example.com";
    dialled.session.ppp.credentials = {name, password};
    dialled.destinations = {Prefix{{10, 1, 0, 0}, 16}, Prefix{{10, 60, 0, 0}, 24}};
    client::Config config;
    config.plan.push_back({.tunnel = std::move(dialled), .give_up = 90s});
    return config;
}

client::Sstp& sstp_of(client::Config& config) { return std::get<client::Sstp>(config.plan.at(0).tunnel); }

tunnel::SstpStatus sstp_of(const client::Client& client) {
    return std::get<tunnel::SstpStatus>(client.status().tunnel);
}

ikev2::Connection& connection_of(client::Config& config) {
    return std::get<client::Ikev2>(config.plan.at(0).tunnel).connection;
}

ipsec::TunnelStatus tunnel_of(const gateway::Session& session) { return std::get<ipsec::TunnelStatus>(session.tunnel); }

ipsec::TunnelStatus tunnel_of(const client::Client& client) {
    return std::get<ipsec::TunnelStatus>(client.status().tunnel);
}

P2sLab::P2sLab(gateway::Config config, std::uint64_t seed) : network(seed) {
    auto started = gateway::Gateway::start(gateway_host, std::move(config));
    if (!started) throw std::runtime_error(started.error().detail);
    gateway = std::move(*started);
}

P2sLab::User& P2sLab::add_user(const std::string& name, Ipv4Address address, Ipv4Address router) {
    return add_user(name, address, router, user_config(name));
}

P2sLab::User& P2sLab::add_user(const std::string& name, Ipv4Address address, Ipv4Address router,
                               client::Config config) {
    return users_.emplace_back(network, name, address, router, std::move(config));
}

bool P2sLab::connect(User& user) {
    user.client.connect();
    network.run_until([&] { return !user.is(client::State::Connecting); }, 60s);
    return user.is(client::State::Connected);
}

int P2sLab::ping(FakeHost& from, Ipv4Address to, int count) {
    const auto before = from.replies().size();
    for (int i = 0; i < count; ++i) {
        from.ping(to, next_sequence_++);
        network.run_for(10ms);
    }
    network.run_for(1s);
    return static_cast<int>(from.replies().size() - before);
}

}  // namespace gatelab::testing
