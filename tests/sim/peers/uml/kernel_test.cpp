// With the real kernel.
#include <gmock/gmock.h>

#include "tests/sim/peers/uml/kernel_stage.h"

namespace gatelab::sim::peers::uml {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

using RealGuest = KernelStage;

TEST_F(RealGuest, BootsAndWritesToItsShare) {
    create();
    auto* guest = add(spec("alice", "ip link > /run/share/links; date -u +%F > /run/share/date"));
    events.run_until(10s);
    EXPECT_TRUE(guest->health()) << guest->health().error().detail << text_of(folder / "alice.console");
    EXPECT_THAT(text_of(folder / "alice/links"), HasSubstr("02:00:00:00:65:00"));
    EXPECT_EQ(text_of(folder / "alice/date"), "2026-01-01\n");
}

}  // namespace
}  // namespace gatelab::sim::peers::uml
