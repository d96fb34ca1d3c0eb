#include "conformance/trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "conformance/wire.h"
#include "conformance/worlds.h"
#include "sim/pki.h"

namespace gatelab::conformance {

using namespace std::chrono_literals;
using topologies::Topology;

namespace {

constexpr Ipv4Address kBobAddress{203, 0, 113, 20};
constexpr Ipv4Address kFirstAddress{10, 60, 0, 2};  // of the pool; the client's, where a rogue hands it out
constexpr Duration kQuiet = 3s;                     // long enough for a first retransmission
constexpr Duration kEcho = 5s;

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

sim::Pki pki_of(const Topology& topology, std::uint64_t seed) {
    // The scenario has had them issued already: they are only looked up, and nothing is drawn beside it.
    auto pki = sim::prepare_pki(topology, seed);
    if (!pki) std::abort();
    return *std::move(pki);
}

}  // namespace

Topology with_rogue_client(Topology topology) {
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
    return topology;
}

Topology with_rogue_gateway(Topology topology) {
    add_certificates_of_rogues(topology);
    gateway_of(topology).implementation = topologies::Implementation::Absent;
    return topology;
}

crypto::Identity Trial::identity(const std::string& certificate) const {
    auto found = pki_of(topology_, context_.seed()).identity(certificate);
    if (!found) std::abort();
    return *std::move(found);
}

crypto::TrustStore Trial::trust(const std::string& root) const {
    return pki_of(topology_, context_.seed()).trust({root}).value();
}

bool Trial::expect_no_answer(const std::string& to_what, const std::function<void()>& deed) {
    const auto before = rogue().heard();
    deed();
    pass_time(kQuiet);
    const auto answers = rogue().heard() - before;
    return context_.expect(answers == 0, fmt::format("nothing answers {}", to_what),
                           fmt::format("{} packet{} came", answers, answers == 1 ? "" : "s"));
}

bool Trial::expect_hung_up(const std::string& because_of, Duration limit) {
    const bool closed = wait([&] { return rogue().was_closed(); }, limit);
    return context_.expect(closed, fmt::format("{} closes the connection because of {}", honest_side(), because_of),
                           closed ? "it does" : "it is open still");
}

Bytes Trial::next_echo() { return echo_request(rogue().address(), other_end(), ++sequence_); }

std::size_t Trial::replies() {
    return static_cast<std::size_t>(std::ranges::count_if(
        rogue().inner(), [&](const Bytes& inner) { return is_echo(inner, 0, other_end(), rogue().address()); }));
}

bool Trial::echo(const std::function<void(Bytes)>& send) {
    const auto before = replies();
    const auto packet = rogue().seal(next_echo());
    if (send)
        send(packet);
    else if (!packet.empty())
        rogue().send_sealed(packet);
    return wait([&] { return replies() > before; }, kEcho);
}

bool Trial::expect_alive() {
    const bool answered = echo() || echo();  // the first may find the path to app1 unknown
    return context_.expect(answered, "the tunnel lives on and carries packets",
                           answered ? "an echo request is answered" : "no answer to echo requests");
}

void Trial::expect_dropped(const std::string& what, const std::function<void(Bytes)>& send) {
    const bool answered = echo(send);
    context_.expect(!answered, fmt::format("{} is dropped", what),
                    answered ? "the echo request in it is answered" : "no answer to what is in it");
    expect_alive();
}

// --- the rogue as client ----------------------------------------------------------------------------------------

Ipv4Address ClientTrial::other_end() { return kAppAddress; }

bool ClientTrial::connect() {
    rogue().dial();
    wait([&] { return rogue().is_up(); });
    return context_.expect(rogue().is_up(), "the rogue has a tunnel before it breaks a rule",
                           rogue().is_up() ? "it has" : "none; " + rogue().ended());
}

bool ClientTrial::expect_up(const std::string& in_spite_of) {
    wait([&] { return rogue().is_up(); });
    return context_.expect(rogue().is_up(), fmt::format("the tunnel comes up in spite of {}", in_spite_of),
                           rogue().is_up() ? "it does" : "it does not; " + rogue().ended());
}

bool ClientTrial::expect_refused(const std::string& because_of, Duration limit) {
    wait([&] { return rogue().is_up() || rogue().was_closed(); }, limit);
    const auto sessions = context_.gateway().sessions().size();
    return context_.expect(!rogue().is_up() && sessions == 0,
                           fmt::format("the rogue gets no tunnel because of {}", because_of),
                           fmt::format("{}, and the gateway has {} session{}", rogue().is_up() ? "it has one" : "none",
                                       sessions, sessions == 1 ? "" : "s"));
}

bool ClientTrial::expect_gone(Duration limit) {
    const auto start = context_.scenario().now();
    const bool gone = wait([&] { return context_.gateway().sessions().empty(); }, limit);
    context_.measure("gone_s", seconds(context_.scenario().now() - start));
    return context_.expect(gone, fmt::format("the gateway ends the rogue's session within {} s", limit / 1s),
                           gone ? "it does" : "it has it still");
}

bool ClientTrial::expect_honest_client() {
    return context_.connect("bob") && context_.expect_traffic("bob", "app1", 1);
}

// --- the rogue as gateway ---------------------------------------------------------------------------------------

Ipv4Address ServerTrial::other_end() { return kFirstAddress; }

bool ServerTrial::connect() { return context_.connect("alice"); }

bool ServerTrial::expect_up(const std::string& in_spite_of) {
    context_.client().connect();
    wait([&] { return context_.client().status().up; }, 20s);
    const auto status = context_.client().status();
    return context_.expect(status.up, fmt::format("the tunnel comes up in spite of {}", in_spite_of), describe(status));
}

bool ServerTrial::expect_refused(const std::string& because_of, Duration limit) {
    context_.client().connect();
    wait([&] { return context_.client().status().up || !context_.client().status().failure.empty(); }, limit);
    const auto status = context_.client().status();
    return context_.expect(!status.up && !status.failure.empty(),
                           fmt::format("the client's attempt fails because of {}", because_of), describe(status));
}

bool ServerTrial::expect_never_up(const std::string& because_of) {
    context_.client().connect();
    wait([&] { return context_.client().status().up; }, 100s);
    const auto status = context_.client().status();
    return context_.expect(!status.up, fmt::format("the client gets no tunnel because of {}", because_of),
                           describe(status));
}

bool ServerTrial::expect_down(const std::string& because_of, Duration limit) {
    wait([&] { return !context_.client().status().up; }, limit);
    const auto status = context_.client().status();
    return context_.expect(!status.up, fmt::format("the client's tunnel ends because of {}", because_of),
                           describe(status));
}

}  // namespace gatelab::conformance
