#include "impl/esp/traffic_selector.h"

#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/impl/esp/support.h"

namespace gatelab::esp {
namespace {

constexpr std::uint8_t kAny = 0, kIcmp = 1, kTcp = 6, kUdp = 17, kGre = 47;

TrafficSelector block(std::string_view prefix, std::uint8_t protocol = kAny, std::uint16_t first_port = 0,
                      std::uint16_t last_port = 65535) {
    auto selector = TrafficSelector::of(parse_prefix(prefix).value());
    selector.protocol = protocol;
    selector.first_port = first_port;
    selector.last_port = last_port;
    return selector;
}

TEST(TrafficSelector, ReadsAsAPrefixWhereItIsOne) {
    EXPECT_EQ(to_string(block("10.1.0.0/16")), "10.1.0.0/16");
    EXPECT_EQ(to_string(block("10.1.0.4/32")), "10.1.0.4/32");
    EXPECT_EQ(to_string(TrafficSelector{}), "0.0.0.0/0");
    EXPECT_EQ(to_string(TrafficSelector{Ipv4Address{10, 1, 0, 1}, Ipv4Address{10, 1, 0, 9}}), "10.1.0.1-10.1.0.9");
    EXPECT_EQ(to_string(TrafficSelector{Ipv4Address{10, 1, 0, 1}, Ipv4Address{10, 1, 0, 2}}), "10.1.0.1-10.1.0.2");
    EXPECT_EQ(to_string(block("10.1.0.0/16", kUdp, 53, 53)), "10.1.0.0/16[udp/53]");
    EXPECT_EQ(to_string(block("10.1.0.0/16", kTcp)), "10.1.0.0/16[tcp]");
    EXPECT_EQ(to_string(block("10.1.0.0/16", kAny, 1, 9)), "10.1.0.0/16[any/1-9]");
    EXPECT_EQ(to_string(block("10.1.0.0/16", kGre, 65535, 0)), "10.1.0.0/16[47/opaque]");
    EXPECT_EQ(to_string(TrafficSelectors{block("10.1.0.0/16"), block("10.2.0.0/16")}), "10.1.0.0/16, 10.2.0.0/16");
}

TEST(TrafficSelector, MatchesBothEndsOfItsRanges) {
    const auto selector = block("10.1.0.0/16", kUdp, 100, 200);
    EXPECT_TRUE(selector.matches({10, 1, 0, 0}, kUdp, 100));
    EXPECT_TRUE(selector.matches({10, 1, 255, 255}, kUdp, 200));
    EXPECT_FALSE(selector.matches({10, 0, 255, 255}, kUdp, 100));
    EXPECT_FALSE(selector.matches({10, 2, 0, 0}, kUdp, 100));
    EXPECT_FALSE(selector.matches({10, 1, 0, 0}, kUdp, 99));
    EXPECT_FALSE(selector.matches({10, 1, 0, 0}, kUdp, 201));
    EXPECT_FALSE(selector.matches({10, 1, 0, 0}, kTcp, 100));
    EXPECT_FALSE(selector.matches({10, 1, 0, 0}, kUdp, std::nullopt)) << "a fragment without ports";
}

TEST(TrafficSelector, OpaqueMatchesOnlyWhatHasNoPorts) {
    const auto selector = block("10.1.0.0/16", kAny, 65535, 0);
    EXPECT_TRUE(selector.matches({10, 1, 0, 0}, kUdp, std::nullopt));
    EXPECT_FALSE(selector.matches({10, 1, 0, 0}, kUdp, 53));
}

TEST(Intersection, IsWhatBothSidesWant) {
    EXPECT_EQ(intersection(block("10.0.0.0/8"), block("10.1.0.0/16", kUdp, 53, 53)),
              block("10.1.0.0/16", kUdp, 53, 53));
    EXPECT_EQ(intersection(block("10.1.0.0/16", kUdp), block("10.0.0.0/8", kAny, 1, 9)),
              block("10.1.0.0/16", kUdp, 1, 9));
    EXPECT_EQ(intersection(block("10.1.0.0/16"), block("10.2.0.0/16")), std::nullopt);
    EXPECT_EQ(intersection(block("10.1.0.0/16", kUdp), block("10.1.0.0/16", kTcp)), std::nullopt);
    EXPECT_EQ(intersection(block("10.1.0.0/16", kUdp, 1, 9), block("10.1.0.0/16", kUdp, 10, 20)), std::nullopt);
}

TEST(Intersection, KeepsOpaquePortsApartFromNumbers) {
    const auto opaque = block("10.1.0.0/16", kAny, 65535, 0);
    EXPECT_EQ(intersection(opaque, opaque), opaque);
    EXPECT_EQ(intersection(opaque, block("10.0.0.0/8")), opaque);
    EXPECT_EQ(intersection(block("10.0.0.0/8"), opaque), opaque);
    EXPECT_EQ(intersection(opaque, block("10.0.0.0/8", kAny, 53, 53)), std::nullopt);
}

TEST(Intersection, OfListsKeepsTheOfferedOrderAndNothingTwice) {
    const TrafficSelectors offered{block("10.2.0.0/16"), block("10.1.0.0/16"), block("10.1.2.0/24")};
    EXPECT_EQ(intersection(offered, {block("10.0.0.0/8")}),
              (TrafficSelectors{block("10.2.0.0/16"), block("10.1.0.0/16")}));
    EXPECT_EQ(intersection({block("10.1.2.0/24"), block("10.1.0.0/16")}, {block("10.0.0.0/8")}),
              (TrafficSelectors{block("10.1.0.0/16")}));
    EXPECT_TRUE(intersection(offered, {block("192.0.2.0/24")}).empty());
    EXPECT_TRUE(intersection(offered, {}).empty());
}

RC_GTEST_PROP(Intersection, MatchesAPacketExactlyWhenBothDo, ()) {
    const auto any_selector = [] {
        const auto near = rc::gen::inRange<std::uint32_t>(0, 8);
        const auto port = rc::gen::inRange<std::uint16_t>(0, 4);
        TrafficSelector selector{Ipv4Address{*near}, Ipv4Address{*near}, *rc::gen::element<std::uint8_t>(0, 6, 17),
                                 *port, *rc::gen::element<std::uint16_t>(0, 3, 65535)};
        if (selector.last < selector.first) std::swap(selector.first, selector.last);
        if (selector.last_port < selector.first_port) std::swap(selector.first_port, selector.last_port);
        return selector;
    };
    const auto a = any_selector(), b = any_selector();
    const auto common = intersection(a, b);
    RC_ASSERT(common == intersection(b, a));
    RC_ASSERT(a.contains(b) == (common == b));
    for (std::uint32_t address = 0; address < 8; ++address)
        for (const std::uint8_t protocol : {6, 17, 1})
            for (std::uint16_t port = 0; port < 5; ++port) {
                const auto matches = [&](const TrafficSelector& one) {
                    return one.matches(Ipv4Address{address}, protocol, port);
                };
                RC_ASSERT((common && matches(*common)) == (matches(a) && matches(b)));
            }
}

// permits()

Bytes with_ports(Bytes packet, std::uint16_t source, std::uint16_t destination) {
    ByteWriter ports;
    ports.u16(source).u16(destination);
    std::copy(ports.view().begin(), ports.view().end(), packet.begin() + 20);
    return packet;
}

const TrafficSelectors kFrom{block("10.60.0.0/24", kUdp)}, kTo{block("10.1.0.0/16", kUdp, 53, 53)};

TEST(Permits, ComparesTheSourceWithLocalAndTheDestinationWithRemote) {
    const auto packet = with_ports(ipv4(40), 5000, 53);
    EXPECT_TRUE(permits(kFrom, kTo, packet));
    EXPECT_FALSE(permits(kTo, kFrom, packet));
    EXPECT_FALSE(permits(kFrom, kTo, with_ports(ipv4(40), 53, 5000)));
    EXPECT_FALSE(permits(kFrom, kTo, with_ports(ipv4(40, kAlice, kBob, kTcp), 5000, 53)));
    EXPECT_FALSE(permits({}, kTo, packet));
}

TEST(Permits, LetsALaterFragmentPassOnlyWhereAllPortsMay) {
    auto fragment = with_ports(ipv4(40), 5000, 53);
    fragment[7] = 1;  // offset 8
    EXPECT_FALSE(permits(kFrom, kTo, fragment));
    EXPECT_TRUE(permits(kFrom, {block("10.1.0.0/16", kUdp)}, fragment));
    auto first = with_ports(ipv4(40), 5000, 53);
    first[6] = 0x20;  // more fragments follow
    EXPECT_TRUE(permits(kFrom, kTo, first));
}

TEST(Permits, FindsPortsBehindIpOptions) {
    auto packet = ipv4(44);
    packet[0] = 0x46;
    packet[26] = 0;
    packet[27] = 53;
    EXPECT_TRUE(permits(kFrom, kTo, packet));
}

// RFC 7296 section 3.13.1: type in the upper half of the port, code in the lower.
TEST(Permits, TakesTypeAndCodeOfIcmpForItsPort) {
    auto echo = ipv4(28, kAlice, kBob, kIcmp);
    echo[20] = 8;
    echo[21] = 0;
    const TrafficSelectors from{block("10.60.0.0/24", kIcmp, 0x0800, 0x08ff)},
        to{block("10.1.0.0/16", kIcmp, 0x0800, 0x08ff)};
    EXPECT_TRUE(permits(from, to, echo));
    echo[20] = 0;
    EXPECT_FALSE(permits(from, to, echo));
}

TEST(Permits, RefusesWhatIsNoIpv4Packet) {
    EXPECT_FALSE(permits({TrafficSelector{}}, {TrafficSelector{}}, {}));
    EXPECT_FALSE(permits({TrafficSelector{}}, {TrafficSelector{}}, Bytes(19, 0x45)));
    EXPECT_FALSE(permits({TrafficSelector{}}, {TrafficSelector{}}, Bytes(40, 0x60)));
}

}  // namespace
}  // namespace gatelab::esp
