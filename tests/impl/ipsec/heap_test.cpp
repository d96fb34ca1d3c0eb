// The path of a packet through a Stack, in both directions, takes nothing from the heap.
#include <gtest/gtest.h>

#include "impl/gateway/ikev2_service.h"
#include "impl/ipsec/stack.h"
#include "tests/support/counted_heap.h"
#include "tests/support/p2s_lab.h"

namespace gatelab::ipsec {
namespace {

using namespace std::chrono_literals;
using testing::FakeHost;
using testing::FakeNetwork;

constexpr Ipv4Address kDialler{198, 51, 100, 10}, kInner{10, 60, 0, 2}, kServer{10, 1, 0, 4};

struct End final : TunnelOwner {
    std::unique_ptr<Stack> stack;
    std::optional<TunnelId> tunnel;
    int packets = 0;
    void handle_peer(TunnelId id, const ikev2::Engine::PeerAuthenticated&) override {
        stack->grant(id, {.address = kInner, .dns = {}, .subnets = {}},
                     {esp::TrafficSelector::of(Prefix{{10, 1, 0, 0}, 16})});
    }
    void handle_up(TunnelId id) override { tunnel = id; }
    void handle_down(TunnelId, ikev2::CloseReason, const std::string&) override { tunnel.reset(); }
    void handle_packet(TunnelId, ByteView) override { ++packets; }
};

TEST(Stack, TakesNothingFromTheHeapPerPacket) {
    FakeNetwork network;
    FakeHost gateway_host{network, "gw", testing::kGatewayAddress}, dialler_host{network, "alice", kDialler};
    End gateway, dialler;
    gateway.stack = *Stack::open(gateway_host, testing::kGatewayAddress,
                                 gateway::connections_of(testing::gateway_config()), gateway);
    dialler.stack = *Stack::open(dialler_host, kDialler, {}, dialler);
    auto dialled = testing::user_config("alice");
    auto connection = testing::connection_of(dialled);
    connection.request_address = true;
    connection.remote = {esp::TrafficSelector{}};
    dialler.stack->initiate(connection, testing::kGatewayAddress);
    network.run_for(1s);
    ASSERT_TRUE(gateway.tunnel && dialler.tunnel);

    const auto inner = testing::echo_packet(kInner, kServer, {.size = 1200});
    std::vector<Bytes> sealed;
    network.filter = [&](Bytes& packet) {
        sealed.push_back(copy_of(testing::ip_payload(packet)));
        return false;
    };
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(dialler.stack->send(*dialler.tunnel, inner));
    ASSERT_EQ(sealed.size(), 100u);
    gateway_host.feed_esp(kDialler,
                          sealed[0]);  // the engine is told that the peer lives: once a second, not per packet
    dialler_host.mute = true;

    const HeapCount heap;
    for (int i = 1; i < 100; ++i) {
        dialler.stack->send(*dialler.tunnel, inner);
        gateway_host.feed_esp(kDialler, sealed[static_cast<std::size_t>(i)]);
    }
    EXPECT_EQ(heap.allocations(), 0u);
    EXPECT_EQ(gateway.packets, 100);
}

}  // namespace
}  // namespace gatelab::ipsec
