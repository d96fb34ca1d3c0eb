// A machine of either kind with one neighbour in the network.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tests/peers/way.h"

namespace gatelab::sim::peers {

class MachineStage : public ::testing::TestWithParam<Way> {
protected:
    void SetUp() override {
        NetworkOptions options;
        options.real_time = GetParam() == Way::Namespaces;
        options.lead = kTestLead;
        network = std::make_unique<Network>(options);
        network->add_port("box");
        network->add_host("far", {Ipv4Address{192, 0, 2, 2}});
        topologies::Link link;
        link.name = "wire";
        network->connect("box", "far", link);
        network->add_route("far", Prefix{}, "box");
        auto made = make({{Ipv4Address{192, 0, 2, 1}}});
        if (!made) GTEST_SKIP() << made.error().detail;
        machine = std::move(*made);
    }

    Result<std::unique_ptr<Machine>> make(MachineSpec spec) {
        if (GetParam() == Way::Namespaces)
            return make_namespace_machine(*network, {.node = "box", .port = "box", .machine = std::move(spec)});
        if (const auto kernel = uml::find_kernel(); !kernel) return pass(kernel);
        auto started = guests_for(*network);
        if (!started) return pass(started);
        guests = std::move(*started);
        uml::GuestMachineSpec guest;
        guest.node = guest.port = "box";
        guest.machine = std::move(spec);
        return uml::make_guest_machine(*guests, *network, std::move(guest));
    }

    bool run_until(const std::function<bool()>& condition) {
        return network->run_until(condition, network->now() + std::chrono::seconds(10));
    }

    std::unique_ptr<Program> start(const std::string& script, std::optional<Result<int>>& ended) {
        return machine->run({{"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin"}, "output"},
                            [&](Result<int> how) { ended = std::move(how); });
    }

    std::unique_ptr<Network> network;
    std::unique_ptr<uml::Guests> guests;
    std::unique_ptr<Machine> machine;
};

}  // namespace gatelab::sim::peers
