#include "sim/peers/kernel_esp.h"

#include <gmock/gmock.h>

namespace gatelab::sim::peers {
namespace {

// As iproute2 6.1 writes it.
constexpr const char* kStates =
    "src 198.51.100.10 dst 203.0.113.1\n"
    "\tproto esp spi 0xc1a2b3c4(3248665540) reqid 1(0x00000001) mode tunnel\n"
    "\treplay-window 32 seq 0x00000000 flag af-unspec (0x00100000)\n"
    "\taead rfc4106(gcm(aes)) <<Keys hidden>> 128\n"
    "\tanti-replay context: seq 0x5, oseq 0x0, bitmap 0x0000001f\n"
    "\tlifetime current:\n"
    "\t  420(bytes), 5(packets)\n"
    "\tstats:\n"
    "\t  replay-window 1 replay 2 failed 4\n"
    "src 203.0.113.1 dst 198.51.100.10\n"
    "\tproto esp spi 0x00000101(257) reqid 1(0x00000001) mode tunnel\n"
    "\treplay-window 0 seq 0x00000000 flag af-unspec (0x00100000)\n"
    "\tstats:\n"
    "\t  replay-window 0 replay 0 failed 0\n";

TEST(KernelEsp, ReadsDropsByAssociation) {
    const auto drops = drops_in(kStates);
    ASSERT_EQ(drops.size(), 2u);
    EXPECT_EQ(drops.at(0xc1a2b3c4).replayed, 3u) << "too old, or seen before";
    EXPECT_EQ(drops.at(0xc1a2b3c4).unauthentic, 4u);
    EXPECT_EQ(drops.at(0x101).replayed, 0u);
    EXPECT_TRUE(drops_in("").empty());
}

TEST(KernelEsp, AddsUpWhatWasOutsideOfAllSelectors) {
    EXPECT_EQ(outside_selectors_in("XfrmInError             \t7\n"
                                   "XfrmInNoPols            \t2\n"
                                   "XfrmInTmplMismatch      \t1\n"),
              3u);
}

}  // namespace
}  // namespace gatelab::sim::peers
