// The two ways to run a real program, for tests that hold for both.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "sim/network/network.h"
#include "sim/peers/capabilities.h"
#include "sim/peers/charon.h"
#include "sim/peers/namespace_machine.h"
#include "sim/peers/uml/guest_machine.h"
#include "sim/peers/uml/kernel.h"

namespace gatelab::sim::peers {

enum class Way { Namespaces, Guests };

inline const auto kWays = ::testing::Values(Way::Namespaces, Way::Guests);
inline std::string name_of(Way way) { return way == Way::Namespaces ? "InNamespaces" : "InGuests"; }
inline std::string name_of_parameter(const ::testing::TestParamInfo<Way>& info) { return name_of(info.param); }

// Why strongSwan cannot run in this way here.
inline Result<void> can_run_strongswan(Way way) {
    if (way == Way::Namespaces) return can_run_strongswan();
    if (const auto kernel = uml::find_kernel(); !kernel) return pass(kernel);
    if (::access(kCharonProgram, X_OK) != 0) return fail(Fault::Unavailable, "there is no charon-systemd");
    return {};
}

inline constexpr Duration kTestLead = std::chrono::seconds(10);

// For a network with kTestLead, whose guests it runs.
inline Result<std::unique_ptr<uml::Guests>> guests_for(Network& network) {
    return uml::Guests::create({[&network] { return network.now() + kTestLead; },
                                [&network](Duration when, std::function<void()> call) {
                                    return network.call_at(when - kTestLead, std::move(call));
                                }});
}

}  // namespace gatelab::sim::peers
