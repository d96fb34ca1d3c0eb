// Who is not let in, and who does not go in.
#include <fmt/format.h>

#include "conformance/suites/sstp/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace sstp_steps;
using namespace topologies;
using namespace std::chrono_literals;

// --- passwords ---

Topology with_wrong_password(const Pair& pair, const std::string& method) {
    auto topology = sstp_access(pair);
    gateway_of(topology).sstp.authentication = {method};
    client_of(topology).password = "guess";
    return topology;
}

Topology with_unknown_user(const Pair& pair) {
    auto topology = sstp_access(pair);
    client_of(topology).username = "mallory";
    return topology;
}

void is_told_so(Context& context, const std::string& protocol, const std::string& message) {
    expect_nobody_in(context, {"authentication-failed"});
    const auto told = ppp_messages(context, kSent, protocol, message);
    context.expect(told >= 1, fmt::format("the client is told {}", message), times(told));
    const auto bound = events_of_gateway(context, "sstp", "crypto-binding-verified").size();
    context.expect(bound == 0, "there is no crypto binding", times(bound));
}

Topology one_with_wrong_password(const Pair& pair) {
    auto topology = sstp_access_behind_nat(pair);
    client_of(topology, "bob").password = "guess";
    return topology;
}

void lets_the_other_in(Context& context) {
    if (!connects(context)) return;
    context.expect_refusal({"authentication-failed"}, 90s, "bob");
    context.expect_sessions(1, 15s);
    context.expect_up();
    carries_both_ways(context);
}

// --- certificates ---

Topology with_another_server(const Pair& pair) {
    auto topology = sstp_access(pair);
    auto other = certificate_of(topology, kServerName);
    other.name = "mail.gatelab.example";
    other.dns_names = {other.name};
    topology.certificates.push_back(other);
    gateway_of(topology).certificate = other.name;
    return topology;
}

Topology with_expired(const Pair& pair) {
    auto topology = sstp_access(pair);
    certificate_of(topology, kServerName).not_after = topology.epoch - 24h;
    return topology;
}

Topology with_premature(const Pair& pair) {
    auto topology = sstp_access(pair);
    certificate_of(topology, kServerName).not_before = topology.epoch + 24h;
    return topology;
}

void keeps_its_password(Context& context) {
    expect_nobody_in(context, {"tls-failed"});
    const auto called = events_of_gateway(context, "sstp", "message-received").size();
    context.expect(called == 0, "the client does not ask for a call on that connection", times(called));
}

}  // namespace

std::vector<Case> sstp_refusing() {
    std::vector<Case> all;
    const auto add = [&](std::string id, std::vector<std::string> requirements, std::string sentence,
                         std::function<Topology(const Pair&)> topology, std::function<void(Context&)> check) {
        all.push_back({.id = std::move(id),
                       .requirements = std::move(requirements),
                       .sentence = std::move(sentence),
                       .topology = std::move(topology),
                       .check = std::move(check)});
    };
    add(
        "refuses-wrong-password", {"PPP-MSCHAPV2", "PPP-AUTH-FAILURE"},
        "A user with a wrong password is told so by a Failure of MS-CHAPv2, and nothing is bound.",
        [](const Pair& pair) { return with_wrong_password(pair, "mschapv2"); },
        [](Context& context) { is_told_so(context, "chap", "failure"); });
    add(
        "refuses-wrong-password-with-pap", {"PPP-PAP", "PPP-AUTH-FAILURE"},
        "A user with a wrong password is told so by an Authenticate-Nak of PAP, and nothing is bound.",
        [](const Pair& pair) { return with_wrong_password(pair, "pap"); },
        [](Context& context) { is_told_so(context, "pap", "authenticate-nak"); });
    add("refuses-unknown-user", {"PPP-MSCHAPV2", "PPP-AUTH-FAILURE"},
        "A user whom the gateway does not know hears what one with a wrong password hears.", with_unknown_user,
        [](Context& context) { is_told_so(context, "chap", "failure"); });
    add("keeps-a-user-while-it-refuses-another", {"PPP-AUTH-FAILURE"},
        "Somebody's wrong password does not disturb another user's tunnel.", one_with_wrong_password,
        lets_the_other_in);
    add("refuses-server-of-another-name", {"SSTP-03"},
        "A client does not sign in at a server whose certificate is for another host.", with_another_server,
        keeps_its_password);
    all.back().needs.push_back({Side::Client, Feature::ServerName});
    add("refuses-expired-server-certificate", {"SSTP-03"},
        "A client does not sign in at a server whose certificate has expired.", with_expired, keeps_its_password);
    add("refuses-server-certificate-of-the-future", {"SSTP-03"},
        "A client does not sign in at a server whose certificate is not valid yet.", with_premature,
        keeps_its_password);
    return all;
}

}  // namespace gatelab::conformance::families
