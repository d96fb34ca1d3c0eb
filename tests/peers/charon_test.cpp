#include "sim/peers/charon.h"

#include <gmock/gmock.h>

#include "tests/peers/machine_stage.h"

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class CharonOf : public MachineStage {
protected:
    void SetUp() override {
        if (const auto able = can_run_strongswan(GetParam()); !able) GTEST_SKIP() << able.error().detail;
        MachineStage::SetUp();
    }
    std::unique_ptr<Charon> start(const std::string& configuration) {
        Charon::Options options;
        options.name = "box";
        options.files = {{"swanctl.conf", configuration}};
        options.esp = GetParam() == Way::Guests ? EspBy::Kernel : EspBy::Libipsec;
        return std::make_unique<Charon>(*network, *machine, std::move(options));
    }
    bool settled(const Charon& charon) {
        return run_until([&] { return charon.state() == Charon::State::Ready || charon.stopped(); });
    }
};
INSTANTIATE_TEST_SUITE_P(BothWays, CharonOf, kWays, name_of_parameter);

TEST_P(CharonOf, GetsReadyAndEndsWhenItIsTold) {
    const auto charon = start("connections {\n}\n");
    EXPECT_EQ(charon->state(), Charon::State::Starting) << "nothing waits";
    ASSERT_TRUE(settled(*charon));
    ASSERT_EQ(charon->state(), Charon::State::Ready) << charon->error().detail;
    EXPECT_THAT(charon->version(), HasSubstr("charon-systemd 5."));
    charon->stop();
    ASSERT_TRUE(run_until([&] { return charon->stopped(); }));
    EXPECT_EQ(charon->state(), Charon::State::Ended);
}

TEST_P(CharonOf, QuotesWhatStrongSwanSaysOfABadConfiguration) {
    const auto charon = start("connections {\n odd {\n version = seven\n }\n}\n");
    ASSERT_TRUE(settled(*charon));
    ASSERT_EQ(charon->state(), Charon::State::Failed);
    EXPECT_EQ(charon->error().fault, Fault::Refused);
    EXPECT_THAT(charon->error().detail, HasSubstr("box: strongSwan does not take the configuration"));
    EXPECT_THAT(charon->error().detail, HasSubstr("loading connection 'odd' failed"));
}

}  // namespace
}  // namespace gatelab::sim::peers
