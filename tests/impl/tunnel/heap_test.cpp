// The path of a packet through gateway and client over OpenVPN takes nothing from the heap, and through a gateway to an
// SSTP client only what OpenSSL does.
#include <gtest/gtest.h>

#include "impl/client/openvpn_tunnel.h"
#include "impl/gateway/openvpn_service.h"
#include "impl/gateway/sstp_service.h"
#include "tests/support/counted_heap.h"
#include "tests/support/fake_tcp.h"
#include "tests/support/p2s_lab.h"
#include "tests/support/sstp_dialler.h"

namespace gatelab::tunnel {
namespace {

using namespace std::chrono_literals;
using testing::FakeHost;
using testing::FakeNetwork;

constexpr Ipv4Address kAlice{198, 51, 100, 10}, kInner{10, 60, 0, 2}, kServer{10, 1, 0, 4};

struct Keeper final : gateway::SessionKeeper {
    Result<Admitted> admit(gateway::TunnelService&, const std::string&) override {
        return Admitted{gateway::SessionId{1}, kInner};
    }
    void note_refusal(const std::string&, const std::string&) override {}
    void handle_up(gateway::SessionId) override { up = true; }
    void handle_down(gateway::SessionId, const std::string&, const std::string&) override {}
    void handle_packet(gateway::SessionId, ByteView) override { ++packets; }
    bool up = false;
    int packets = 0;
};

struct User final : client::TunnelUser {
    void handle_up(const client::Assigned&) override { up = true; }
    void handle_down(const std::string&, const std::string&) override {}
    void handle_packet(ByteView) override { ++packets; }
    bool up = false;
    int packets = 0;
};

TEST(OpenVpnPath, TakesNothingFromTheHeapPerPacket) {
    FakeNetwork network;
    FakeHost gateway_host{network, "gw", testing::kGatewayAddress}, alice_host{network, "alice", kAlice};
    const auto config = testing::openvpn_gateway_config();
    Keeper keeper;
    const auto service = *gateway::open_openvpn(gateway_host, config, openvpn::Transport::Udp, keeper);
    User user;
    auto dialled = testing::openvpn_user_config("alice");
    const auto tunnel = client::make_openvpn_tunnel(alice_host, testing::openvpn_of(dialled), user);
    tunnel->dial();
    network.run_for(2s);
    ASSERT_TRUE(keeper.up && user.up);

    const auto up = testing::echo_packet(kInner, kServer, {.size = 1200});
    const auto down = testing::echo_packet(kServer, kInner, {.size = 1200});
    std::vector<Bytes> to_gateway, to_alice;
    network.filter = [&](Bytes& packet) {
        const auto header = testing::ip_header(packet);
        auto& list = header->destination == kAlice ? to_alice : to_gateway;
        list.push_back(copy_of(packet));
        return false;
    };
    for (int i = 0; i < 100; ++i) {
        tunnel->send(up);
        service->send(gateway::SessionId{1}, down);
    }
    ASSERT_EQ(to_gateway.size(), 100u);
    ASSERT_EQ(to_alice.size(), 100u);
    gateway_host.receive(to_gateway[0]);  // buffers grow to what they carry
    alice_host.receive(to_alice[0]);
    gateway_host.mute = alice_host.mute = true;

    const HeapCount heap;
    for (std::size_t i = 1; i < 100; ++i) {
        tunnel->send(up);
        service->send(gateway::SessionId{1}, down);
        gateway_host.feed_udp(to_gateway[i]);
        alice_host.feed_udp(to_alice[i]);
    }
    EXPECT_EQ(heap.allocations(), 0u);
    EXPECT_EQ(keeper.packets, 100);
    EXPECT_EQ(user.packets, 100);
}

TEST(SstpPath, TakesFromTheHeapOnlyWhatOpensslDoes) {
    constexpr std::size_t kPackets = 80;          // fewer than the queue has room for
    constexpr std::size_t kOpensslsPerWrite = 2;  // see tls::Engine::seal()
    FakeNetwork network;
    FakeHost gateway_host{network, "gw", testing::kGatewayAddress};
    auto config = testing::gateway_config();
    config.ikev2.reset();
    auto& sstp = config.sstp.emplace();
    sstp.tls_policy = tls::p2s_policy(tls::Profile::P2s2023, tls::Carrier::Sstp);
    sstp.users = {{"alice", "right"}};
    Keeper keeper;
    const auto service = *gateway::open_sstp(gateway_host, config, keeper);
    testing::SstpDialler alice{
        network, {kAlice, 5000}, {testing::kGatewayAddress, 443}, testing::sstp_client_options("alice", "right")};
    ASSERT_TRUE(alice.connect() && keeper.up);

    const auto down = testing::echo_packet(kServer, kInner, {.size = 1200});
    const auto send = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) service->send(gateway::SessionId{1}, down);
    };
    constexpr std::size_t kFillTcp = 20;
    network.tcp().stalled = true;
    send(kFillTcp + kPackets);  // buffers grow to what they carry
    network.tcp().stalled = false;
    network.run_for(5s);
    ASSERT_EQ(alice.received.size(), kFillTcp + kPackets);

    network.tcp().stalled = true;
    send(kFillTcp);  // from here on TCP takes nothing, and no room of the fake one's
    const HeapCount heap;
    send(kPackets);
    EXPECT_LE(heap.allocations(), kOpensslsPerWrite * kPackets);
    network.tcp().stalled = false;
    network.run_for(5s);
    EXPECT_EQ(alice.received.size(), 2 * (kFillTcp + kPackets));
}

}  // namespace
}  // namespace gatelab::tunnel
