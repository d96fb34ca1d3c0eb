#include "conformance/suites/openvpn-deviations/trials.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "conformance/wire.h"
#include "sim/openvpn_profile.h"
#include "sim/pki.h"

namespace gatelab::conformance::deviations {

using namespace std::chrono_literals;
using topologies::Topology;

namespace {

constexpr Ipv4Address kBobAddress{203, 0, 113, 20};
constexpr Ipv4Address kPushedAddress{10, 60, 0, 2}, kRogueInside{10, 60, 0, 1};
constexpr Duration kQuiet = 3s;  // long enough for a first retransmission
constexpr Duration kEcho = 5s;
const std::string kServerRoot = "ServerRootCert", kClientRoot = "P2SRootCert";

void add_certificate(Topology& topology, const std::string& name, const std::string& issuer) {
    topologies::CertificateSpec spec;
    spec.name = name;
    spec.issuer = issuer;
    if (!issuer.empty()) spec.dns_names = {name};
    topology.certificates.push_back(std::move(spec));
}

void add_certificates_of_rogues(Topology& topology) {
    add_certificate(topology, "StrangerRoot", "");
    add_certificate(topology, kMallory, kClientRoot);
    add_certificate(topology, kOtherServer, kServerRoot);
    add_certificate(topology, kStranger, "StrangerRoot");
}

Topology rogue_client_world(const Pair& pair, const Tweak& tweak) {
    auto topology = openvpn_access(pair);
    add_certificates_of_rogues(topology);
    add_certificate(topology, "bob", kClientRoot);
    auto bob = client_of(topology);
    bob.address = kBobAddress;
    bob.certificate = "bob";
    client_of(topology).implementation = topologies::Implementation::Absent;
    const auto isp = topologies::find(topology, "isp").value();
    const auto vertex = topologies::add_node(topology, topologies::Node{"bob", std::move(bob), {}, {}});
    topologies::Link link;
    link.name = "bob-isp";
    topologies::add_link(topology, vertex, isp, std::move(link));
    if (tweak) tweak(topology);
    return topology;
}

Topology rogue_server_world(const Pair& pair, const Tweak& tweak) {
    auto topology = openvpn_access(pair);
    add_certificates_of_rogues(topology);
    gateway_of(topology).implementation = topologies::Implementation::Absent;
    if (tweak) tweak(topology);
    return topology;
}

sim::Pki pki_of(const Topology& topology, std::uint64_t seed) {
    // The scenario has had them issued already: they are only looked up, and nothing is drawn beside it.
    auto pki = sim::prepare_pki(topology, seed);
    if (!pki) std::abort();
    return *std::move(pki);
}

}  // namespace

Trial::Trial(Context& context, Topology topology)
    : context_(context),
      topology_(std::move(topology)),
      static_key_(sim::keys_of("gateway", context.seed()).key),
      tcp_(client_of(topology_).openvpn.transport == topologies::Transport::Tcp) {}

crypto::Identity Trial::identity(const std::string& certificate) const {
    auto found = pki_of(topology_, context_.seed()).identity(certificate);
    if (!found) std::abort();
    return *std::move(found);
}

openvpn::Options Trial::options_of(openvpn::Role role, const std::string& certificate, const std::string& root) const {
    const bool is_client = role == openvpn::Role::Client;
    openvpn::Options options;
    options.role = role;
    options.transport = tcp_ ? openvpn::Transport::Tcp : openvpn::Transport::Udp;
    options.tls.policy = tls::any_policy();
    options.tls.identity = identity(certificate);
    options.tls.roots = pki_of(topology_, context_.seed()).trust({root}).value();
    options.protection = openvpn::TlsAuth{
        static_key_, is_client ? openvpn::KeyDirection::Inverse : openvpn::KeyDirection::Normal, crypto::Hash::Sha256};
    options.data_ciphers = {openvpn::DataCipher::Aes256Gcm};
    options.cipher = openvpn::DataCipher::Aes256Gcm;
    options.auth = crypto::Hash::Sha256;
    return options;
}

bool Trial::expect_no_answer(const std::string& to_what, const std::function<void()>& deed) {
    const auto before = peer().packets() + node_->heard_elsewhere();
    deed();
    pass_time(kQuiet);
    const auto answers = peer().packets() + node_->heard_elsewhere() - before;
    return context_.expect(answers == 0, fmt::format("nothing answers {}", to_what),
                           fmt::format("{} packet{} came", answers, answers == 1 ? "" : "s"));
}

// --- the rogue as client ----------------------------------------------------------------------------------------

RogueClient::RogueClient(Context& context, Topology topology) : Trial(context, std::move(topology)) {
    const auto port = tcp_ ? kOpenVpnTcpPort : kOpenVpnUdpPort;
    node_ = RogueNode::client(context.scenario().host("alice"), options_of(openvpn::Role::Client, "alice", kServerRoot),
                              {kGatewayAddress, port});
    node_->connect();
    if (tcp_) wait([&] { return node_->is_open() || node_->was_closed(); });
}

bool RogueClient::connect() {
    peer().dial(now());
    wait([&] { return peer().up(); });
    return context_.expect(
        peer().up(), "the rogue has a tunnel before it breaks a rule",
        peer().up() ? "it has" : fmt::format("none; TLS: {}", peer().tls_end().value_or("not ended")));
}

Bytes RogueClient::next_echo() {
    const auto& pushed = peer().pushed();
    return echo_request(pushed && pushed->address ? *pushed->address : kPushedAddress, kAppAddress, ++sequence_);
}

std::size_t RogueClient::replies() {
    const auto& pushed = peer().pushed();
    const auto mine = pushed && pushed->address ? *pushed->address : kPushedAddress;
    return static_cast<std::size_t>(std::ranges::count_if(
        peer().inner(), [&](const Bytes& inner) { return is_echo(inner, 0, kAppAddress, mine); }));
}

bool RogueClient::echo(const std::function<void(Bytes)>& send) {
    const auto before = replies();
    const auto inner = next_echo();
    if (send)
        send(peer().seal(inner));
    else
        peer().send_inner(now(), inner);
    return wait([&] { return replies() > before; }, kEcho);
}

bool RogueClient::expect_alive() {
    const bool answered = echo() || echo();  // the first may find the path to app1 unknown
    return context_.expect(answered, "the rogue's tunnel lives on and carries packets",
                           answered ? "an echo request is answered" : "no answer to echo requests");
}

bool RogueClient::expect_up(const std::string& in_spite_of) {
    wait([&] { return peer().up(); });
    return context_.expect(
        peer().up(), fmt::format("the tunnel comes up in spite of {}", in_spite_of),
        peer().up() ? "it does" : fmt::format("it does not; TLS: {}", peer().tls_end().value_or("not ended")));
}

bool RogueClient::expect_refused(const std::string& because_of, Duration limit) {
    wait([&] { return peer().up() || node_->was_closed(); }, limit);
    const auto sessions = context_.gateway().sessions().size();
    return context_.expect(!peer().up() && sessions == 0,
                           fmt::format("the rogue gets no tunnel because of {}", because_of),
                           fmt::format("{}, and the gateway has {} session{}", peer().up() ? "it has one" : "none",
                                       sessions, sessions == 1 ? "" : "s"));
}

bool RogueClient::expect_gone(Duration limit) {
    const auto start = context_.scenario().now();
    const bool gone = wait([&] { return context_.gateway().sessions().empty(); }, limit);
    context_.measure("gone_s", seconds(context_.scenario().now() - start));
    return context_.expect(gone, fmt::format("the gateway ends the rogue's session within {} s", limit / 1s),
                           gone ? "it does" : "it has it still");
}

bool RogueClient::expect_honest_client() {
    return context_.connect("bob") && context_.expect_traffic("bob", "app1", 1);
}

// --- the rogue as server ----------------------------------------------------------------------------------------

RogueServer::RogueServer(Context& context, Topology topology) : Trial(context, std::move(topology)) {
    const auto& gateway = gateway_of(topology_);
    node_ = RogueNode::server(context.scenario().host("gateway"),
                              options_of(openvpn::Role::Server, gateway.certificate, kClientRoot), usual_grant(),
                              tcp_ ? kOpenVpnTcpPort : kOpenVpnUdpPort);
}

openvpn::PushReply RogueServer::usual_grant() {
    openvpn::PushReply reply;
    reply.address = kPushedAddress;
    reply.subnet = kPool;
    reply.route_gateway = kRogueInside;
    reply.routes = {{kNetwork, {}}};
    reply.cipher = openvpn::DataCipher::Aes256Gcm;
    reply.peer_id = 0;
    reply.ping = 10s;
    reply.ping_restart = 60s;
    return reply;
}

bool RogueServer::connect() { return context_.connect("alice"); }

Bytes RogueServer::next_echo() { return echo_request(kRogueInside, kPushedAddress, ++sequence_); }

std::size_t RogueServer::replies() {
    return static_cast<std::size_t>(std::ranges::count_if(
        peer().inner(), [&](const Bytes& inner) { return is_echo(inner, 0, kPushedAddress, kRogueInside); }));
}

bool RogueServer::echo(const std::function<void(Bytes)>& send) {
    const auto before = replies();
    const auto inner = next_echo();
    if (send)
        send(peer().seal(inner));
    else
        peer().send_inner(now(), inner);
    return wait([&] { return replies() > before; }, kEcho);
}

bool RogueServer::expect_alive() {
    const bool answered = echo() || echo();
    return context_.expect(answered, "the client's tunnel lives on and carries packets",
                           answered ? "an echo request is answered" : "no answer to echo requests");
}

bool RogueServer::expect_up(const std::string& in_spite_of) {
    context_.client().connect();
    wait([&] { return context_.client().status().up; }, 20s);
    const auto status = context_.client().status();
    return context_.expect(status.up, fmt::format("the tunnel comes up in spite of {}", in_spite_of), describe(status));
}

bool RogueServer::expect_refused(const std::string& because_of, Duration limit) {
    context_.client().connect();
    wait([&] { return context_.client().status().up || !context_.client().status().failure.empty(); }, limit);
    const auto status = context_.client().status();
    return context_.expect(!status.up && !status.failure.empty(),
                           fmt::format("the client's attempt fails because of {}", because_of), describe(status));
}

bool RogueServer::expect_never_up(const std::string& because_of) {
    context_.client().connect();
    wait([&] { return context_.client().status().up; }, 100s);
    const auto status = context_.client().status();
    return context_.expect(!status.up, fmt::format("the client gets no tunnel because of {}", because_of),
                           describe(status));
}

bool RogueServer::expect_down(const std::string& because_of, Duration limit) {
    wait([&] { return !context_.client().status().up; }, limit);
    const auto status = context_.client().status();
    return context_.expect(!status.up, fmt::format("the client's tunnel ends because of {}", because_of),
                           describe(status));
}

// --- cases ------------------------------------------------------------------------------------------------------

Case against_gateway(std::string id, std::string requirement, std::string sentence, void (*check)(RogueClient&),
                     Tweak tweak, std::vector<Need> needs) {
    Case made;
    made.id = "gateway-" + std::move(id);
    made.requirements = {std::move(requirement)};
    made.sentence = std::move(sentence) + ".";
    made.needs = std::move(needs);
    made.needs.push_back({Side::Gateway, Feature::ProtectedControl});
    made.looks_at = Side::Gateway;
    made.topology = [tweak](const Pair& pair) { return rogue_client_world(pair, tweak); };
    made.check = [check, tweak](Context& context) {
        RogueClient trial{context, rogue_client_world(context.pair(), tweak)};
        check(trial);
    };
    return made;
}

Case against_client(std::string id, std::string requirement, std::string sentence, void (*check)(RogueServer&),
                    Tweak tweak, std::vector<Need> needs) {
    Case made;
    made.id = "client-" + std::move(id);
    made.requirements = {std::move(requirement)};
    made.sentence = std::move(sentence) + ".";
    made.needs = std::move(needs);
    made.looks_at = Side::Client;
    made.topology = [tweak](const Pair& pair) { return rogue_server_world(pair, tweak); };
    made.check = [check, tweak](Context& context) {
        RogueServer trial{context, rogue_server_world(context.pair(), tweak)};
        check(trial);
    };
    return made;
}

void over_tcp(Topology& topology) { use_transport(topology, topologies::Transport::Tcp); }

}  // namespace gatelab::conformance::deviations
