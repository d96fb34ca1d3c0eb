// What a machine's own kernel tells of its ESP: security associations, drops, policies. By iproute2, on the machine.
//
// Drops are what charon does not report. They are fetched while somebody looks, less often than charon's reports: each
// time a program runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sim/network/network.h"
#include "sim/peers/machine.h"
#include "sim/roles.h"

namespace gatelab::sim::peers {

// Packets that the kernel dropped after it had found their association.
struct EspDrops {
    std::uint64_t replayed = 0, unauthentic = 0;
};

// By the SPI, out of `ip -s xfrm state`.
std::map<std::uint32_t, EspDrops> drops_in(std::string_view states);
// Out of /proc/net/xfrm_stat: of the whole machine, whatever the association.
std::uint64_t outside_selectors_in(std::string_view statistics);

class KernelEsp {
public:
    // `port` is the machine's in the network.
    KernelEsp(Network& network, Machine& machine, std::string port)
        : network_(network), machine_(machine), port_(std::move(port)) {}

    // Somebody looks: for the next second drops are at most half a second old. Nothing is fetched unless packets came.
    void look();
    // Fetches all there is, for the evidence, too: told() once it is there.
    void ask();
    bool told() const { return fetching_ == nullptr; }
    // What was fetched by ask(): associations (without keys), policies and statistics. "" before.
    const std::string& description() const { return description_; }

    // The association belongs to the tunnel with that peer; and the end of such a tunnel.
    void note_association(const std::string& peer, std::uint32_t inbound_spi) { owners_[inbound_spi] = peer; }
    void forget(const std::string& peer);
    // Of all associations that the tunnel with the status's peer had; what was outside of all selectors is the
    // machine's.
    void add_to(TunnelStatus&) const;

private:
    void refresh();
    void fetch(const std::string& commands, std::function<void(std::string)> done);
    void note(const std::string& text);

    Network& network_;
    Machine& machine_;
    const std::string port_;
    std::map<std::uint32_t, EspDrops> drops_;      // by SPI; those of associations that are no more, too
    std::map<std::uint32_t, std::string> owners_;  // peers by SPI
    std::uint64_t outside_ = 0;
    std::string description_;
    std::optional<Duration> looked_;
    std::uint64_t arrived_ = 0;  // at the port, when it was fetched last
    std::unique_ptr<Program> fetching_;
    std::function<void()> afterwards_;  // asked for while something was fetched
    Timer next_;
};

}  // namespace gatelab::sim::peers
