#include "sim/peers/strongswan_status.h"

#include <gmock/gmock.h>

#include "sim/peers/vici_message.h"

namespace gatelab::sim::peers {
namespace {

TEST(ViciMessage, ComesBackAsItWasWritten) {
    ViciSection inner, outer;
    inner.set("state", "ESTABLISHED");
    inner.entries.push_back({"local-vips", std::vector<std::string>{"10.0.0.1", "10.0.0.2"}});
    outer.entries.push_back({"home", inner});
    const auto bytes = encode_vici({ViciPacket::Type::Event, "list-sa", outer});
    const auto packet = parse_vici(ByteView{bytes}.subspan(4));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->name, "list-sa");
    ASSERT_TRUE(packet->message.section("home"));
    EXPECT_EQ(packet->message.section("home")->text("state"), "ESTABLISHED");
    EXPECT_EQ(packet->message.section("home")->list("local-vips")->size(), 2u);
    // No shorter prefix is a whole message, except where a top-level element ends.
    for (std::size_t size = 0; size < bytes.size() - 4; ++size)
        if (const auto cut = parse_vici(ByteView{bytes}.subspan(4, size))) {
            EXPECT_TRUE(cut->message.entries.empty());
        }
}

TEST(StrongSwanStatus, SpeaksGatelabsNames) {
    ViciSection child, children, sa, message;
    child.set("uniqueid", "3").set("state", "INSTALLED").set("encap", "yes").set("spi-in", "c0ffee01");
    child.set("encr-alg", "AES_CBC").set("encr-keysize", "256").set("integ-alg", "HMAC_SHA1_96");
    children.entries.push_back({"net-3", child});
    sa.set("uniqueid", "2").set("state", "ESTABLISHED").set("remote-id", "gw").set("encr-alg", "AES_GCM_16");
    sa.set("encr-keysize", "256").set("prf-alg", "PRF_HMAC_SHA2_384").set("dh-group", "ECP_384");
    sa.entries.push_back({"child-sas", children});
    message.entries.push_back({"home", sa});
    const auto sas = reported_sas(message);
    ASSERT_EQ(sas.size(), 1u);
    EXPECT_TRUE(sas[0].tunnel.up);
    EXPECT_EQ(sas[0].tunnel.ike_suite, "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384");
    EXPECT_EQ(sas[0].tunnel.child_suite, "AES_CBC-256/HMAC_SHA1_96");
    EXPECT_EQ(sas[0].tunnel.inbound_spi, 0xc0ffee01u);
}

TEST(StrongSwanStatus, TakesTheLastReasonOfTheRightSa) {
    const std::string log =
        "00:00:01.000 02[IKE] <home|1> giving up after 3 retransmits\n"
        "00:00:02.000 02[IKE] <home|2> received AUTHENTICATION_FAILED notify error\n";
    EXPECT_EQ(reason_in(log)->name, "authentication-failed");
    EXPECT_EQ(reason_in(log, 1)->name, "peer-silent");
    EXPECT_FALSE(reason_in(log, 3));
}

}  // namespace
}  // namespace gatelab::sim::peers
