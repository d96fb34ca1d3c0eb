#include "sim/peers/capabilities.h"

#include <gmock/gmock.h>

#include <cstdlib>

namespace gatelab::sim::peers {
namespace {

using ::testing::HasSubstr;

TEST(Capabilities, NameWhatIsMissingAndWhatToDo) {
    const auto all = capabilities();
    EXPECT_GE(all.size(), 15u);
    for (const auto& one : all) {
        EXPECT_EQ(one.available, one.reason.empty()) << one.what;
        EXPECT_EQ(one.available, !one.version.empty()) << one.what;
        EXPECT_FALSE(one.purpose.empty()) << one.what;
        if (!one.available) {
            EXPECT_THAT(one.reason, ::testing::AnyOf(HasSubstr("install"), HasSubstr("; "), HasSubstr("run gatelab")))
                << one.what;
        }
    }
}

TEST(Capabilities, CanBeAskedForOneByOne) {
    const auto one = capability("ip");
    ASSERT_TRUE(one);
    EXPECT_EQ(one->what, "ip");
    EXPECT_FALSE(capability("perpetual motion"));
}

TEST(Capabilities, AgreeWithWhatAStrongSwanPeerNeeds) {
    bool all_there = true;
    for (const auto* needed : {"/dev/net/tun", "charon-systemd", "swanctl", "kernel-libipsec"})
        all_there &= capability(needed)->available;
    EXPECT_EQ(can_run_strongswan().has_value(), all_there);
}

TEST(Capabilities, TellWhichProgramsKeepToOneKindOfTime) {
    using topologies::Implementation;
    EXPECT_THAT(can_run(Implementation::SoftEther, false).error().detail, HasSubstr("real time only"));
    EXPECT_THAT(can_run(Implementation::Libreswan, true).error().detail, HasSubstr("virtual time only"));
    EXPECT_TRUE(can_run(Implementation::Gatelab, true));
    for (const bool real_time : {true, false})
        EXPECT_THAT(needs_of(Implementation::OpenVpn, real_time), ::testing::Contains("openvpn"));
    EXPECT_THAT(needs_of(Implementation::SstpClient, false), ::testing::IsSupersetOf({"sstpc", "pppd", "kernel"}));
    EXPECT_THAT(needs_of(Implementation::SstpClient, true), ::testing::Contains("sstpc"));
    EXPECT_THAT(needs_of(Implementation::SstpClient, true), ::testing::Not(::testing::Contains("pppd")));
}

TEST(Capabilities, NameTheCommandThatBuildsTheKernel) {
    const char* named = std::getenv("GATELAB_KERNEL");
    const std::string before = named ? named : "";
    ::unsetenv("GATELAB_KERNEL");
    ::setenv("XDG_CACHE_HOME", "/nowhere", 1);
    const auto kernel = capability("kernel");
    ::unsetenv("XDG_CACHE_HOME");
    if (named) ::setenv("GATELAB_KERNEL", before.c_str(), 1);
    ASSERT_TRUE(kernel);
    EXPECT_FALSE(kernel->available);
    EXPECT_THAT(kernel->reason, HasSubstr("`gatelab peers kernel`"));
}

}  // namespace
}  // namespace gatelab::sim::peers
