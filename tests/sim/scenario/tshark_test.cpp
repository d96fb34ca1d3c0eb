// Wireshark's tshark, which knows nothing of us, reads a run's captures with the run's keys.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "sim/scenario.h"
#include "tests/sim/scenario/openvpn_sample.h"
#include "tests/sim/scenario/sample.h"
#include "tests/sim/scenario/scratch.h"
#include "tests/sim/scenario/sstp_sample.h"

namespace gatelab::sim {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using topologies::Action;
using topologies::Topology;

std::string output_of(const std::string& command) {
    std::string output;
    std::array<char, 4096> buffer{};
    FILE* pipe = ::popen(command.c_str(), "r");
    while (const auto count = std::fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), count);
    ::pclose(pipe);
    return output;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

class TsharkTest : public testing::Test {
protected:
    void SetUp() override {
        if (output_of("tshark --version 2>/dev/null").empty()) GTEST_SKIP() << "tshark is not installed";
    }

    void run(const Topology& topology, Duration duration) {
        auto scenario = Scenario::create(topology, {.seed = 7, .out = directory()});
        ASSERT_TRUE(scenario) << scenario.error().detail;
        const auto ended = run_to_end(**scenario, duration);
        ASSERT_TRUE(ended) << ended.error().detail;
        ASSERT_TRUE((*scenario)->client("alice").status().up);
    }

    // What tshark prints of one capture's packets that fit a display filter, a line each.
    std::vector<std::string> ask(const std::string& capture, const std::string& filter,
                                 const std::string& fields = "") {
        std::string command = "cd '" + directory().string() + "' && WIRESHARK_CONFIG_DIR=keys tshark -n -r 'pcap/" +
                              capture + "' -Y '" + filter + "'";
        if (fields == "-x")
            command += " -x";  // every octet, decrypted ones too
        else if (!fields.empty())
            command += " -T fields " + fields;
        return lines_of(output_of(command + " 2>&1 | grep -v 'Running as user'"));
    }

    std::vector<std::string> captures() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(directory() / "pcap")) names.push_back(entry.path().filename());
        std::sort(names.begin(), names.end());
        return names;
    }

    void expect_clean() {
        for (const auto& name : captures())
            EXPECT_THAT(ask(name, "_ws.malformed || _ws.expert.severity == error || esp.icv_bad == 1"), IsEmpty())
                << name;
    }

    fs::path directory() const { return scratch_ / "run"; }

private:
    const Scratch scratch_;
};

Topology with_ping() {
    auto topology = office().topology();
    topologies::Flow flow;
    flow.name = "ping";
    flow.from = "alice";
    flow.to = "app1";
    flow.interval = 500ms;
    topology.flows = {flow};
    return topology;
}

TEST_F(TsharkTest, SeesTheIdentityInsideIkeAuth) {
    run(with_ping(), 3s);
    const auto names = ask("alice-alice-isp.pcap", "isakmp.exchangetype == 35", "-e isakmp.id.data.fqdn");
    ASSERT_THAT(names, SizeIs(2)) << "a request and a response";
    EXPECT_THAT(names[0], HasSubstr("alice.example.com"));
    EXPECT_THAT(names[1], HasSubstr("gw.example.com"));
}

TEST_F(TsharkTest, SeesPingsInsideEspWithGoodIcvs) {
    run(with_ping(), 3s);
    EXPECT_THAT(ask("alice-alice-isp.pcap", "esp.icv_good == 1 && icmp.type == 8"), SizeIs(2));
    EXPECT_THAT(ask("alice-alice-isp.pcap", "esp.icv_good == 1 && icmp.type == 0"), SizeIs(2));
    EXPECT_THAT(ask("gw-isp-gw.pcap", "esp.icv_good == 1 && icmp"), SizeIs(4));
    EXPECT_THAT(ask("alice-vpn0.pcap", "icmp"), SizeIs(4)) << "in the clear on the tunnel interface";
    expect_clean();
}

TEST_F(TsharkTest, FollowsRekeying) {
    auto topology = with_ping();
    topology.actions = {{Action::Kind::RekeyIke, 2s + 200ms, "alice", {}, {}},
                        {Action::Kind::RekeyChild, 2s + 700ms, "alice", {}, {}},
                        {Action::Kind::CheckLiveness, 3s + 100ms, "gw", {}, {}}};
    run(topology, 4s);
    EXPECT_THAT(ask("alice-alice-isp.pcap", "isakmp.exchangetype == 36 && isakmp.enc.decrypted"), SizeIs(4));
    EXPECT_THAT(ask("alice-alice-isp.pcap", "isakmp && isakmp.exchangetype != 34 && !isakmp.enc.decrypted"), IsEmpty());
    EXPECT_THAT(ask("alice-alice-isp.pcap", "esp && !icmp"), IsEmpty());
    EXPECT_THAT(ask("alice-alice-isp.pcap", "esp.icv_good == 1 && icmp.type == 0"), SizeIs(4));
    expect_clean();
}

TEST_F(TsharkTest, ReadsEspInUdpOnBothSidesOfANat) {
    auto topology = with_ping();
    topologies::Nat nat;
    nat.outside = "isp";
    nat.outside_address = Ipv4Address{198, 51, 100, 77};
    auto alice = *topologies::find_as<topologies::Client>(topology, "alice");
    alice.address = Ipv4Address{192, 168, 7, 2};
    Sketch natted;
    natted.topology().certificates = topology.certificates;
    natted.node("alice", alice).node("nat", nat).node("isp", topologies::Router{});
    natted.node("gw", *topologies::find_as<topologies::Gateway>(topology, "gw")).node("hub", hub());
    natted.node("app1", machine(4));
    natted.link("alice", "nat").link("nat", "isp").link("isp", "gw").link("gw", "hub").link("hub", "app1");
    natted.topology().flows = topology.flows;
    run(natted.topology(), 3s);
    EXPECT_THAT(ask("alice-alice-nat.pcap", "udp.port == 4500 && esp.icv_good == 1 && icmp"), SizeIs(4));
    EXPECT_THAT(ask("gw-isp-gw.pcap", "udp.port == 4500 && esp.icv_good == 1 && icmp"), SizeIs(4));
    EXPECT_THAT(ask("gw-isp-gw.pcap", "isakmp.exchangetype == 35", "-e isakmp.id.data.fqdn"),
                Contains(HasSubstr("alice.example.com")));
    expect_clean();
}

TEST_F(TsharkTest, ReadsCbcWithHmac) {
    auto topology = with_ping();
    auto* alice = topologies::find_as<topologies::Client>(topology, "alice");
    alice->ike_policy = {"AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048"};
    alice->ipsec_policy = {"AES_CBC-256/HMAC_SHA2_256_128"};
    run(topology, 3s);
    EXPECT_THAT(ask("alice-alice-isp.pcap", "isakmp.exchangetype == 35 && isakmp.enc.decrypted"), SizeIs(2));
    EXPECT_THAT(ask("alice-alice-isp.pcap", "esp.icv_good == 1 && icmp"), SizeIs(4));
    expect_clean();
}

// --- OpenVPN --------------------------------------------------------------------------------------------------------

struct Carried {
    std::string name, client, gateway;
    bool opaque = false;  // the control channel shows its kinds of messages alone
};
class TsharkReadsOpenVpn : public TsharkTest, public testing::WithParamInterface<Carried> {};

TEST_P(TsharkReadsOpenVpn, DownToTlsWithNothingMalformed) {
    auto topology = openvpn_office("openvpn: {" + GetParam().client + "}", GetParam().gateway);
    topologies::Flow flow;
    flow.name = "ping";
    flow.from = "alice";
    flow.to = "app1";
    topology.flows = {flow};
    run(topology, 5s);
    const auto* capture = "alice-alice-isp.pcap";
    EXPECT_THAT(ask(capture, "openvpn.opcode == 7 || openvpn.opcode == 8"), SizeIs(2)) << "a hard reset each way";
    EXPECT_THAT(ask(capture, "openvpn.opcode == 9"), SizeIs(testing::Ge(4u))) << "P_DATA_V2";
    if (!GetParam().opaque) {
        EXPECT_THAT(ask(capture, "tls.handshake.type == 1 || tls.handshake.type == 2"), SizeIs(2));
        // Encrypted by TLS, and read with the run's keys: the server's Finished, and the push behind it. What TLS
        // splits over several control packets stays closed to tshark.
        EXPECT_THAT(ask(capture, "tls.handshake.type == 20"), SizeIs(testing::Ge(1u)));
        EXPECT_THAT(ask(capture, "tls", "-x"), Contains(HasSubstr("PUSH_REPLY")));
    }
    expect_clean();
}

const Carried kCarried[] = {
    {"Tcp443TlsAuth", "transport: tcp", ""},
    {"UdpTlsAuth", "transport: udp", "udp_port: 1194"},
    {"UdpTlsAuthSha1OnAnotherPort", "transport: udp, auth: SHA1", "udp_port: 4711, auth: SHA1"},
    {"Tcp443TlsCrypt", "transport: tcp", "protection: tls-crypt", true},
    {"UdpTlsCrypt", "transport: udp", "udp_port: 1194, protection: tls-crypt", true},
};
INSTANTIATE_TEST_SUITE_P(OfEveryKind, TsharkReadsOpenVpn, testing::ValuesIn(kCarried),
                         [](const auto& carried) { return carried.param.name; });

// --- SSTP -----------------------------------------------------------------------------------------------------------

class TsharkReadsSstp : public TsharkTest, public testing::WithParamInterface<std::uint16_t> {};

TEST_P(TsharkReadsSstp, DownToTheInnerPacketsWithNothingMalformed) {
    auto topology = sstp_office();
    topologies::find_as<topologies::Gateway>(topology, "gw")->sstp.port = GetParam();
    topologies::find_as<topologies::Client>(topology, "alice")->sstp.port = GetParam();
    topologies::Flow flow;
    flow.name = "ping";
    flow.from = "alice";
    flow.to = "app1";
    topology.flows = {flow};
    topology.actions = {{Action::Kind::CheckLiveness, 4s, "gw", {}, {}}};
    run(topology, 6s);
    const auto* capture = "alice-alice-isp.pcap";
    EXPECT_THAT(ask(capture, "http.request.method == \"SSTP_DUPLEX_POST\""), SizeIs(1));
    EXPECT_THAT(ask(capture, "http.response.code == 200"), SizeIs(1));
    // Call Connect Request, its Ack and Call Connected; then the echo that the gateway asked for.
    EXPECT_THAT(ask(capture, "sstp.messagetype", "-e sstp.messagetype"),
                testing::ElementsAre("0x0001", "0x0002", "0x0004", "0x0008", "0x0009"));
    EXPECT_THAT(ask(capture, "sstp.attribid == 3", "-e sstp.hash"), testing::ElementsAre("0x02"));
    EXPECT_THAT(ask(capture, "lcp"), SizeIs(testing::Ge(3u)));
    EXPECT_THAT(ask(capture, "chap.code == 1 || chap.code == 2 || chap.code == 3"), SizeIs(3));
    EXPECT_THAT(ask(capture, "ipcp.opt.ip_address == 10.60.0.2"), SizeIs(testing::Ge(1u)));
    EXPECT_THAT(ask(capture, "sstp && icmp.type == 8"), SizeIs(testing::Ge(3u)));
    EXPECT_THAT(ask(capture, "sstp && icmp.type == 0"), SizeIs(testing::Ge(3u)));
    expect_clean();
}
INSTANTIATE_TEST_SUITE_P(OnItsPortAndAnother, TsharkReadsSstp, testing::Values(443, 4443),
                         [](const auto& port) { return "Port" + std::to_string(port.param); });

}  // namespace
}  // namespace gatelab::sim
