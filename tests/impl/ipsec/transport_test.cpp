#include "impl/ipsec/transport.h"

#include <gtest/gtest.h>

namespace gatelab::ipsec {
namespace {

Datagram classify_hex(std::string_view hex) { return classify(*from_hex(hex)); }

TEST(NatPort, TellsIkeByItsFourZeroOctets) { EXPECT_EQ(classify_hex("00000000 0102030405060708"), Datagram::Ike); }

TEST(NatPort, TakesAnythingElseForEsp) { EXPECT_EQ(classify_hex("c0ffee01 00000001 aabb"), Datagram::Esp); }

TEST(NatPort, KnowsAKeepaliveByItsOneOctet) { EXPECT_EQ(classify_hex("ff"), Datagram::Keepalive); }

TEST(NatPort, CallsWhatIsTooShortForEitherJunk) {
    for (const auto* hex : {"", "00", "fe", "ffff", "00000000", "c0ffee", "c0ffee01", "c0ffee01000000"}) {
        EXPECT_EQ(classify_hex(hex), Datagram::Junk) << hex;
    }
}

}  // namespace
}  // namespace gatelab::ipsec
