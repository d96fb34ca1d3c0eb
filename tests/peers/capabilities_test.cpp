#include "sim/peers/capabilities.h"

#include <gmock/gmock.h>

namespace gatelab::sim::peers {
namespace {

TEST(Capabilities, NameWhatIsMissingAndWhatToDo) {
    const auto all = capabilities();
    EXPECT_EQ(all.size(), 7u);
    for (const auto& one : all) {
        EXPECT_EQ(one.available, one.reason.empty()) << one.what;
        if (!one.available) {
            EXPECT_THAT(one.reason, ::testing::AnyOf(::testing::HasSubstr("install"), ::testing::HasSubstr("; ")))
                << one.what;
        }
    }
}

TEST(Capabilities, AgreeWithWhatAStrongSwanPeerNeeds) {
    const auto needed = [](const Capability& one) {
        return one.what == "/dev/net/tun" || one.what == "charon-systemd" || one.what == "swanctl";
    };
    bool all_there = true;
    for (const auto& one : capabilities()) all_there &= !needed(one) || one.available;
    EXPECT_EQ(can_run_strongswan().has_value(), all_there);
}

}  // namespace
}  // namespace gatelab::sim::peers
