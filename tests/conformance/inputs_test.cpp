#include "conformance/inputs.h"

#include <gmock/gmock.h>

#include "sim/peers/capabilities.h"
#include "sim/peers/libreswan_package.h"
#include "sim/peers/uml/kernel.h"

namespace gatelab::conformance {
namespace {

std::map<std::string, std::string> inputs_with_client(const std::string& client,
                                                      const std::string& suite = "esp-basic") {
    Options options;
    options.suites = {suite};
    options.client = client;
    options.gateway = "gatelab";
    const auto jobs = select(options).value();
    std::vector<const Job*> all;
    for (const auto& job : jobs) all.push_back(&job);
    return inputs_of(all);
}

TEST(Inputs, AreNoneForOurOwnProducts) { EXPECT_THAT(inputs_with_client("gatelab"), testing::IsEmpty()); }

TEST(Inputs, NameTheRealProgramThatTakesPartAndItsKernel) {
    const auto strongswan = inputs_with_client("strongswan"), libreswan = inputs_with_client("libreswan");
    const auto swanctl = sim::peers::capability("swanctl");
    EXPECT_EQ(strongswan.count("strongswan"), swanctl && swanctl->available ? 1u : 0u);
    EXPECT_EQ(strongswan.count("libreswan"), 0u);
    EXPECT_EQ(libreswan.count("libreswan"), sim::peers::find_libreswan() ? 1u : 0u);
    EXPECT_EQ(libreswan.count("strongswan"), 0u);
    const auto openvpn = inputs_with_client("openvpn", "tls-policy");
    EXPECT_EQ(openvpn.count("openvpn"), sim::peers::capability("openvpn")->available ? 1u : 0u);
    EXPECT_EQ(openvpn.count("softether"), 0u);
    EXPECT_EQ(libreswan.count("kernel_hash"), sim::peers::uml::find_kernel() ? 1u : 0u);
}

}  // namespace
}  // namespace gatelab::conformance
