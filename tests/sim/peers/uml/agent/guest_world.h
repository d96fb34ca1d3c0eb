// Two guests and a simulated host around a router, without a scenario.
//
//   alice 10.0.1.1 --- 10 ms ---.
//                                router --- 1 ms --- host 10.0.3.1
//   bob   10.0.2.1 --- 10 ms ---'
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "sim/peers/uml/guest_machine.h"
#include "sim/peers/uml/kernel.h"

namespace gatelab::sim::peers::uml {

using namespace std::chrono_literals;

inline const Ipv4Address kAlice{10, 0, 1, 1}, kBob{10, 0, 2, 1}, kHost{10, 0, 3, 1};

inline std::string contents(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream{file}.rdbuf();
    return text.str();
}

class GuestWorld {
public:
    explicit GuestWorld(std::uint64_t seed = 1, std::filesystem::path evidence = {})
        : network{options(seed)}, seed_(seed) {
        network.add_router("router");
        const std::map<std::string, Ipv4Address> ports{{"alice", kAlice}, {"bob", kBob}};
        for (const auto& [name, address] : ports) {
            network.add_port(name);
            join(name, address, 10ms);
        }
        network.add_host("host", {kHost});
        join("host", kHost, 1ms);
        network.add_route("host", Prefix{}, "router");
        auto made = Guests::create({[this] { return network.now() + kLead; },
                                    [this](Duration when, std::function<void()> call) {
                                        return network.call_at(when - kLead, std::move(call));
                                    }});
        if (!made) throw std::runtime_error{made.error().detail};
        guests = std::move(*made);
        for (const auto& [name, address] : ports) {
            GuestMachineSpec spec;
            spec.node = spec.port = name;
            spec.machine.addresses = {address};
            spec.seed = seed;
            spec.epoch = epoch;
            if (!evidence.empty()) spec.evidence = evidence / name;
            auto machine = make_guest_machine(*guests, network, spec);
            if (!machine) throw std::runtime_error{machine.error().detail};
            machines[name] = std::move(*machine);
        }
    }

    Machine& alice() { return *machines.at("alice"); }
    Machine& bob() { return *machines.at("bob"); }
    bool wait_for(const std::function<bool()>& condition, Duration limit = 60s) {
        return network.run_until(condition, network.now() + limit);
    }
    void wait(Duration time) { network.run_until(network.now() + time); }

    // Runs a program to its end; what it printed, and how it ended.
    std::string run(Machine& machine, std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
        const auto output = "out" + std::to_string(++runs_);
        std::optional<Result<int>> how;
        const auto program = machine.run({std::move(arguments), std::move(environment), output},
                                         [&how](const Result<int>& ended) { how = ended; });
        if (!wait_for([&] { return how.has_value(); })) return "did not end";
        return contents(machine.folder() / output) + (*how ? describe_exit(**how) : how->error().detail);
    }

    static constexpr Duration kLead = 10s;
    const Instant epoch = instant_from_unix(1767225600);
    std::string trace;  // of all packets: time, sender, octets
    Network network;
    std::unique_ptr<Guests> guests;
    std::map<std::string, std::unique_ptr<Machine>> machines;

private:
    NetworkOptions options(std::uint64_t seed) {
        NetworkOptions wanted;
        wanted.seed = seed;
        wanted.lead = kLead;
        return wanted;
    }
    void join(const std::string& name, Ipv4Address address, Duration delay) {
        topologies::Link link;
        link.name = name;
        link.delay = delay;
        link.bits_per_second = 20'000'000;
        network.connect(name, "router", link);
        network.add_route("router", Prefix{address, 32}, name);
        network.intercept(name, [this](const std::string& from, ByteView packet) {
            trace += format_seconds(network.now()) + " " + from + " " + to_hex(packet) + "\n";
            return Verdict{};
        });
    }
    std::uint64_t seed_;
    int runs_ = 0;
};

// Skips the test where there is no kernel for guests.
#define GATELAB_NEEDS_GUESTS() \
    if (const auto kernel = ::gatelab::sim::peers::uml::find_kernel(); !kernel) GTEST_SKIP() << kernel.error().detail

}  // namespace gatelab::sim::peers::uml
