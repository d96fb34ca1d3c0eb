#include "tests/reports/sample.h"

#include <fmt/format.h>

#include <fstream>

#include "conformance/catalogue/catalogue.h"

namespace gatelab::reports {
namespace {

using namespace std::chrono_literals;
using conformance::CaseResult;
using conformance::Report;
using conformance::Verdict;

constexpr auto kDirectory = "cases/ikev2-basic.recovers-from-lost-ike-auth-request/gatelab-gatelab";

CaseResult result(std::string suite, std::string name, std::string client, std::string gateway, Verdict verdict) {
    CaseResult one;
    one.id = suite + "." + name;
    one.suite = std::move(suite);
    one.sentence = "A request that is lost on the way is repeated, bit for bit, and the tunnel comes up.";
    one.requirements = {"RFC7296-2.1-RETRANSMIT"};
    one.client = std::move(client);
    one.gateway = std::move(gateway);
    one.verdict = verdict;
    one.expected = "alice's tunnel is up";
    one.observed = "up as 10.60.0.2 with AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384 and AES_GCM_16-256";
    one.real_time = one.client != "gatelab" || one.gateway != "gatelab";
    one.wall = 41ms;
    return one;
}

CaseResult with_evidence() {
    auto one = result("ikev2-basic", "recovers-from-lost-ike-auth-request", "gatelab", "gatelab", Verdict::Passed);
    one.steps = {{512ms, "alice's tunnel is up", one.observed, true},
                 {900ms, "2 echo requests from alice to app1 are all answered", "2 of 2 answered", true}};
    one.metrics = {{"connect_s", 0.512}};
    one.simulated = 912ms;
    one.artifacts = {kDirectory,
                     {fmt::format("{}/pcap/gateway-isp-gateway.pcap", kDirectory)},
                     fmt::format("{}/events.ndjson", kDirectory),
                     {fmt::format("{}/keys/esp_sa", kDirectory)}};
    return one;
}

CaseResult failed() {
    auto one = result("esp-basic", "drops-replayed", "gatelab", "gatelab", Verdict::Failed);
    one.requirements = {"RFC4303-3.4.3-REPLAY"};
    one.sentence = "A packet that was received before is dropped.";
    one.expected = "the echo request is delivered once";
    one.observed = "delivered 2 times: <script>alert(1)</script> & \"quotes\"";
    one.steps = {{1200ms, "alice's tunnel is up", "up", true}, {1500ms, one.expected, one.observed, false}};
    one.reason = "at 1.500000000 s: expected that " + one.expected + "; observed: " + one.observed;
    return one;
}

void add_policy_cells(Report& report) {
    for (int ike = 1; ike <= 17; ++ike) {
        for (int ipsec = 1; ipsec <= 11; ++ipsec) {
            for (const auto* gateway : {"gatelab", "strongswan"}) {
                auto one = result("p2s-ike-policy", fmt::format("ike-{:02}-ipsec-{:02}", ike, ipsec), "gatelab",
                                  gateway, Verdict::Passed);
                one.requirements = {"P2S-IKE-01", "P2S-IKE-02"};
                if (gateway == std::string{"strongswan"} && ipsec == 11 && ike % 5 == 0) {
                    one.verdict = Verdict::Error;
                    one.reason = "the case crashed (SIGSEGV)";
                }
                report.cases.push_back(std::move(one));
            }
        }
    }
}

}  // namespace

Report sample_report() {
    Report report;
    report.version = "0.1.0";
    report.seed = 7;
    report.inputs = {{"kernel", "6.1.192-2"}, {"kernel_hash", "0f1e2d3c4b5a"}, {"strongswan", "5.9.8"}};
    report.started = "2026-01-01T12:00:00Z";
    report.wall = 73'500ms;
    report.cases.push_back(with_evidence());
    auto skipped =
        result("ikev2-basic", "recovers-from-lost-ike-auth-request", "strongswan", "gatelab", Verdict::Skipped);
    skipped.reason = "this machine allows no user namespaces";
    report.cases.push_back(skipped);
    auto invalid =
        result("ikev2-basic", "recovers-from-lost-ike-auth-request", "gatelab", "strongswan", Verdict::Invalid);
    invalid.reason = "the simulator ran up to 180.0 ms late, beyond its budget of 100 ms";
    invalid.attempts = 3;
    invalid.simulated = 2s;
    invalid.metrics = {{"connect_s", 0.31}};
    invalid.lateness = {100ms, 1ms, 40ms, 180ms};
    report.cases.push_back(invalid);
    report.cases.push_back(failed());
    auto unsupported = result("esp-basic", "carries-native-esp", "gatelab", "strongswan", Verdict::Unsupported);
    unsupported.requirements = {"RFC4303-3.1.2-TUNNEL"};
    unsupported.reason = "strongswan as gateway does not claim native-esp: kernel-libipsec always puts ESP into UDP";
    report.cases.push_back(unsupported);
    add_policy_cells(report);
    return report;
}

conformance::Report goodput_report() {
    Report report;
    report.version = "0.1.0";
    const auto add = [&](const std::string& tunnel, const std::string& player, double loss, double goodput) {
        auto one =
            result("goodput", fmt::format("{}-rtt-10ms-loss-{:g}", tunnel, loss), player, player, Verdict::Passed);
        one.metrics = {{"goodput_mbps", goodput}, {"plain_mbps", 2 * goodput}, {"rtt_ms", 10}, {"loss_percent", loss}};
        report.cases.push_back(std::move(one));
    };
    for (const auto& [loss, goodput] : {std::pair{0.0, 91.25}, std::pair{0.1, 44.5}}) {
        add("ikev2", "gatelab", loss, goodput);
        add("openvpn-udp", "gatelab", loss, goodput);
        add("openvpn-udp", "openvpn-realtime", loss, goodput / 2);
    }
    return report;
}

conformance::Report fallback_report() {
    Report report;
    report.version = "0.1.0";
    const auto add = [&](std::map<std::string, std::string> facts, double settled, const char* player = "gatelab",
                         Verdict verdict = Verdict::Passed) {
        auto one = result("fallback", fmt::format("case-{}", report.cases.size()), player, "gatelab", verdict);
        one.facts = std::move(facts);
        one.metrics = {{"settled_s", settled}};
        report.cases.push_back(std::move(one));
    };
    const std::string both = "IKEv2 and SSTP", open = "Nothing in the way", dropped = "UDP 500 and 4500 dropped";
    add({{"offer", both}, {"network", open}, {"client", "Windows"}, {"tunnel", "IKEv2"}}, 0.125);
    add({{"offer", both}, {"network", open}, {"client", "strongSwan"}, {"tunnel", "IKEv2"}, {"then", "nothing passes"}},
        0.25, "strongswan");
    add({{"offer", both}, {"network", dropped}, {"client", "Windows"}, {"tunnel", "SSTP"}}, 31.25);
    add({{"offer", both},
         {"network", dropped},
         {"client", "strongSwan"},
         {"tunnel", "none"},
         {"reason", "peer-silent"}},
        165.5, "strongswan", Verdict::Failed);
    for (const auto& network : {open, dropped})
        add({{"offer", both},
             {"network", network},
             {"client", "OpenVPN"},
             {"tunnel", "none"},
             {"reason", "no-common-tunnel"}},
            0);
    return report;
}

void write_sample_evidence(const std::filesystem::path& directory) {
    std::filesystem::create_directories(directory / kDirectory);
    std::ofstream out(directory / kDirectory / "events.ndjson");
    const auto message = [&](double t, const char* node, const char* event, const char* exchange, int id, bool response,
                             const char* payloads, const char* remote, bool again = false) {
        out << fmt::format(
            R"({{"t":{:.9f},"node":"{}","component":"ikev2","event":"{}","attributes":{{"exchange":"{}","message_id":{},)"
            R"("initiator":{},"response":{},"payloads":"{}","remote":"{}","size":{},"retransmission":{},"sa":1}}}})"
            "\n",
            t, node, event, exchange, id, !response, response, payloads, remote, 400 + id, again);
    };
    const auto* const gateway = "198.51.100.10:500";
    const auto* const alice = "203.0.113.10:500";
    const auto* const init = "SA, KE, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP)";
    message(0.001, "alice", "message-sent", "IKE_SA_INIT", 0, false, init, gateway);
    message(0.003, "gateway", "message-received", "IKE_SA_INIT", 0, false, init, alice);
    message(0.003, "gateway", "message-sent", "IKE_SA_INIT", 0, true, init, alice);
    message(0.005, "alice", "message-received", "IKE_SA_INIT", 0, true, init, gateway);
    message(0.006, "alice", "message-sent", "IKE_AUTH", 1, false, "IDi, CERT, AUTH, CP, SA, TSi, TSr", gateway);
    message(0.506, "alice", "message-sent", "IKE_AUTH", 1, false, "IDi, CERT, AUTH, CP, SA, TSi, TSr", gateway, true);
    message(0.508, "gateway", "message-received", "IKE_AUTH", 1, false, "IDi, CERT, AUTH, CP, SA, TSi, TSr", alice);
    out << R"({"t":0.508000000,"node":"gateway","component":"ikev2","event":"state-changed","attributes":{"state":"established"}})"
        << "\nnot json\n";
    message(0.509, "gateway", "message-sent", "IKE_AUTH", 1, true, "IDr, CERT, AUTH, CP, SA, TSi, TSr", alice);
    message(0.511, "alice", "message-received", "IKE_AUTH", 1, true, "IDr, CERT, AUTH, CP, SA, TSi, TSr", gateway);
}

}  // namespace gatelab::reports
