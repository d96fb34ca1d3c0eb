#include "impl/openvpn/data_channel.h"

#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "impl/openvpn/packet.h"
#include "tests/impl/openvpn/data_support.h"
#include "tests/support/counted_heap.h"

namespace gatelab::openvpn {
namespace {

class EveryDataForm : public testing::TestWithParam<DataForm> {
protected:
    SeededRandom random_{7};
    DataChannel client_{data_parameters(GetParam(), Role::Client), random_};
    DataChannel server_{data_parameters(GetParam(), Role::Server), random_};

    std::size_t head() const { return GetParam().with_peer_id ? 4 : 1; }
    bool is_cbc() const { return GetParam().cipher == DataCipher::Aes256Cbc; }
};

TEST_P(EveryDataForm, CarriesPacketsOfAnyLengthBothWays) {
    for (std::size_t size = 1; size < 150; ++size) {
        const auto up = random_.bytes(size), down = random_.bytes(size);
        EXPECT_EQ(opened(server_, sealed(client_, up)), up) << size;
        EXPECT_EQ(opened(client_, sealed(server_, down)), down) << size;
    }
    EXPECT_EQ(client_.last_packet_id(), 149u);
    EXPECT_EQ(client_.counters().packets_out, 149u);
    EXPECT_EQ(client_.counters().bytes_out, 149u * 150 / 2);
    EXPECT_EQ(server_.counters().packets_in, 149u);
    EXPECT_EQ(server_.counters().bytes_in, 149u * 150 / 2);
}

TEST_P(EveryDataForm, CarriesTheLargestIpPacket) {
    const auto inner = random_.bytes(65535);
    EXPECT_EQ(opened(server_, sealed(client_, inner)), inner);
}

TEST_P(EveryDataForm, AddsItsOverheadAtMostAndOnceExactly) {
    std::size_t most = 0;
    for (std::size_t size = 1; size < 40; ++size) {
        const auto added = sealed(client_, Bytes(size)).size() - size;
        EXPECT_LE(added, client_.overhead());
        most = std::max(most, added);
    }
    EXPECT_EQ(most, client_.overhead());
}

TEST_P(EveryDataForm, StartsWithOpcodeKeyIdAndPeerId) {
    const auto packet = sealed(client_, Bytes(10));
    const auto expected = GetParam().with_peer_id ? Bytes{9 << 3 | 5, 0x0a, 0x0b, 0x0c} : Bytes{6 << 3 | 5};
    EXPECT_EQ(Bytes(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(head())), expected);
}

TEST_P(EveryDataForm, ReadsTheOtherFormAndAnyPeerId) {
    auto other = GetParam();
    other.with_peer_id = !other.with_peer_id;
    DataChannel sender{data_parameters(other, Role::Client), random_};
    EXPECT_EQ(opened(server_, sealed(sender, Bytes(30, 1))), Bytes(30, 1));

    auto parameters = data_parameters(GetParam(), Role::Client);
    parameters.peer_id = 0xffffff;
    DataChannel stranger{parameters, random_};
    stranger.advance_to(100);
    EXPECT_EQ(opened(server_, sealed(stranger, Bytes(30, 2))), Bytes(30, 2));
}

TEST_P(EveryDataForm, RefusesEveryTruncation) {
    const auto inner = random_.bytes(61);
    const auto packet = sealed(client_, inner);
    for (std::size_t size = 0; size < packet.size(); ++size) {
        // Its own buffer, so that the sanitizers see a read past the end.
        const Bytes cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
        const auto result = opened(server_, cut);
        ASSERT_FALSE(result) << size;
        EXPECT_TRUE(result.error() == DataDrop::Malformed || result.error() == DataDrop::Unauthentic) << size;
    }
    EXPECT_EQ(server_.counters().malformed + server_.counters().unauthentic, packet.size());
    EXPECT_EQ(opened(server_, packet), inner) << "a truncated copy used up the id of the whole packet";
}

TEST_P(EveryDataForm, RefusesEveryFlippedBit) {
    const auto inner = random_.bytes(45);
    const auto packet = sealed(client_, inner);
    for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
        // Neither the HMAC of CBC nor P_DATA_V1 covers the head, and what changes there is another packet altogether:
        // a peer id is only for finding the session.
        if (is_cbc() && bit >= 8 && bit < head() * 8) continue;
        auto forged = packet;
        forged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        const auto result = opened(server_, forged);
        ASSERT_FALSE(result) << bit;
        const auto expected = bit < 3 ? DataDrop::NoKey : bit < 8 ? DataDrop::Malformed : DataDrop::Unauthentic;
        EXPECT_EQ(result.error(), expected) << bit;
    }
    EXPECT_EQ(server_.counters().packets_in, 0u);
    EXPECT_EQ(opened(server_, packet), inner) << "a forged copy used up the id of the true packet";
}

TEST_P(EveryDataForm, RefusesItsOwnPackets) {
    EXPECT_EQ(opened(client_, sealed(client_, Bytes(40))), tl::unexpected<DataDrop>(DataDrop::Unauthentic));
}

TEST_P(EveryDataForm, RefusesAReplayedPacket) {
    const auto packet = sealed(client_, Bytes(40));
    EXPECT_TRUE(opened(server_, packet));
    EXPECT_EQ(opened(server_, packet), tl::unexpected<DataDrop>(DataDrop::Replayed));
    EXPECT_EQ(server_.counters().replayed, 1u);
}

TEST_P(EveryDataForm, RefusesAnEmptyInnerPacket) {
    Bytes out(100);
    EXPECT_EQ(client_.seal({}, out), tl::unexpected<DataDrop>(DataDrop::Malformed));
    EXPECT_EQ(client_.last_packet_id(), 0u);
}

TEST_P(EveryDataForm, StopsWhenThePacketIdsAreUsedUp) {
    client_.advance_to(0xfffffffe);
    const auto last = sealed(client_, Bytes(40));
    EXPECT_EQ(client_.last_packet_id(), 0xffffffff);
    Bytes out(100);
    EXPECT_EQ(client_.seal(Bytes(40), out), tl::unexpected<DataDrop>(DataDrop::Exhausted));
    EXPECT_EQ(client_.counters().exhausted, 1u);
    EXPECT_EQ(client_.counters().packets_out, 1u);
    EXPECT_TRUE(opened(server_, last));
    client_.advance_to(5);
    EXPECT_EQ(client_.last_packet_id(), 0xffffffff) << "went back, which gives an AES-GCM key away";
}

TEST_P(EveryDataForm, JudgesAPacketWithoutTakingIt) {
    const auto packet = sealed(client_, Bytes(40, 3));
    auto forged = packet;
    forged.back() ^= 1;
    EXPECT_TRUE(server_.is_genuine(packet));
    EXPECT_TRUE(server_.is_genuine(packet));
    EXPECT_FALSE(server_.is_genuine(forged));
    EXPECT_EQ(server_.counters().unauthentic, 0u);
    EXPECT_EQ(opened(server_, packet), Bytes(40, 3));
    EXPECT_FALSE(server_.is_genuine(packet)) << "a replayed packet proves nothing";
}

TEST_P(EveryDataForm, TakesNothingFromTheHeapPerPacket) {
    const auto inner = random_.bytes(1400);
    Bytes packet(inner.size() + client_.overhead()), out(packet.size());
    const auto once = [&] {
        const auto size = client_.seal(inner, packet);
        return size && server_.open(kStart, ByteView{packet}.first(*size), out) &&
               !server_.open(kStart, ByteView{packet}.first(*size), out) &&
               !server_.open(kStart, ByteView{packet}.first(*size - 16), out);
    };
    ASSERT_TRUE(once());
    bool all = true;
    const HeapCount heap;
    for (int i = 0; i < 100; ++i) all &= once();
    EXPECT_EQ(heap.allocations(), 0u);
    EXPECT_TRUE(all);
}

TEST_P(EveryDataForm, TakesAscendingIdsOnlyOverTcp) {
    auto parameters = data_parameters(GetParam(), Role::Server);
    parameters.transport = Transport::Tcp;
    DataChannel server{parameters, random_};
    const auto first = sealed(client_, Bytes(9, 1)), second = sealed(client_, Bytes(9, 2)),
               third = sealed(client_, Bytes(9, 3));
    EXPECT_TRUE(opened(server, first));
    EXPECT_TRUE(opened(server, third)) << "the sender's queue had no room for the second";
    for (const auto& old : {first, second, third})
        EXPECT_EQ(opened(server, old), tl::unexpected<DataDrop>(DataDrop::Replayed));
}

INSTANTIATE_TEST_SUITE_P(OpenVpn, EveryDataForm, testing::ValuesIn(all_data_forms()),
                         [](const auto& test) { return std::string{test.param.name}; });

TEST(DataChannel, NeverRepeatsAnInitializationVectorOfCbc) {
    SeededRandom random{7};
    DataChannel channel{data_parameters(all_data_forms()[2], Role::Client), random};
    std::set<Bytes> seen;
    for (int i = 0; i < 100; ++i) {
        const auto packet = sealed(channel, Bytes(16));
        seen.insert(Bytes(packet.begin() + 24, packet.begin() + 40));
    }
    EXPECT_EQ(seen.size(), 100u);
}

TEST(DataChannel, TellsWhyItDropped) {
    std::set<std::string_view> names;
    for (const auto why :
         {DataDrop::Malformed, DataDrop::Unauthentic, DataDrop::Replayed, DataDrop::Exhausted, DataDrop::NoKey})
        names.insert(name_of(why));
    EXPECT_EQ(names.size(), 5u);
    EXPECT_EQ(name_of(DataDrop::NoKey), "no key");
}

// Whatever a network does to the order, and however often it repeats: each packet comes out once at most, and none that
// lies within the window is lost.
RC_GTEST_PROP(DataChannel, PassesEachPacketOnOnceInAnyOrder, ()) {
    SeededRandom random{7};
    const auto form = *rc::gen::elementOf(all_data_forms());
    DataChannel client{data_parameters(form, Role::Client), random},
        server{data_parameters(form, Role::Server), random};
    std::vector<Bytes> packets;
    for (int i = 0; i < 200; ++i) packets.push_back(sealed(client, Bytes(20, static_cast<std::uint8_t>(i))));
    const auto arrivals = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 200));
    std::set<std::size_t> seen;
    std::size_t newest = 0;
    for (const auto at : arrivals) {
        const bool expected = !seen.contains(at) && (seen.empty() || at + 64 > newest);
        const auto inner = opened(server, packets[at]);
        RC_ASSERT(inner.has_value() == expected);
        if (!inner) continue;
        RC_ASSERT(*inner == Bytes(20, static_cast<std::uint8_t>(at)));
        seen.insert(at);
        newest = std::max(newest, at);
    }
}

}  // namespace
}  // namespace gatelab::openvpn
