// What a line is told, and what it tells sstpc.
#include <gmock/gmock.h>

#include <bit>

#include "sim/peers/ppp_line/keys.h"
#include "sim/peers/ppp_line/settings.h"

namespace gatelab::sim::peers::ppp_line {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PppLineSettings, AreReadAsTheyAreWritten) {
    const auto settings = parse_settings(
        "user alice\npassword s3cret with blanks\nseed 7\nmru 1300\nsocket /run/sstpc/sstpc-gatelab\ncard ppp0\n"
        "up /tmp/ip-up\nlog /tmp/sstpc.log\nrun /usr/sbin/sstpc\nrun --nolaunchpppd\nwith LC_ALL=C\n");
    ASSERT_TRUE(settings) << settings.error().detail;
    EXPECT_EQ(settings->user, "alice");
    EXPECT_EQ(settings->password, "s3cret with blanks");
    EXPECT_EQ(settings->seed, 7u);
    EXPECT_EQ(settings->mru, 1300);
    EXPECT_THAT(settings->run, ElementsAre("/usr/sbin/sstpc", "--nolaunchpppd"));
    EXPECT_THAT(settings->with, ElementsAre("LC_ALL=C"));
}

TEST(PppLineSettings, AreRefusedByTheName) {
    EXPECT_THAT(parse_settings("run x\ncolour red\n").error().detail, HasSubstr("colour"));
    EXPECT_THAT(parse_settings("run x\nmru many\n").error().detail, HasSubstr("mru"));
    EXPECT_THAT(parse_settings("user alice\n").error().detail, HasSubstr("nothing to run"));
}

// As libsstp-api-0 builds it: sstp_api_msg_new(), sstp_api_attr_add().
TEST(PppLineKeys, AreToldAsThePluginTellsThem) {
    if constexpr (std::endian::native != std::endian::little) GTEST_SKIP() << "the bytes below are of such a machine";
    mschap::MasterKeys keys;
    keys.send.fill(0xaa);
    keys.receive.fill(0xbb);
    EXPECT_EQ(to_hex(key_message(keys)),
              "707473732800010001001000"
              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
              "02001000bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    EXPECT_EQ(to_hex(key_message({})), "7074737300000100");
}

TEST(PppLineKeys, SayWhoDidNotListen) {
    const auto told = tell_keys("/nowhere/sstpc-gatelab", {});
    ASSERT_FALSE(told);
    EXPECT_THAT(told.error().detail, HasSubstr("/nowhere/sstpc-gatelab"));
}

}  // namespace
}  // namespace gatelab::sim::peers::ppp_line
