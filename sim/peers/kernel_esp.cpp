#include "sim/peers/kernel_esp.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "sim/peers/files.h"

namespace gatelab::sim::peers {
namespace {

constexpr Duration kRefresh = std::chrono::milliseconds(500);
constexpr Duration kAttention = std::chrono::seconds(1);  // of somebody who looked
constexpr const char* kFetched = "esp.txt";

constexpr const char* kDrops = "ip -s xfrm state list nokeys; cat /proc/net/xfrm_stat";
constexpr const char* kEverything =
    "for what in 'ip -s xfrm state list nokeys' 'ip xfrm policy' 'cat /proc/net/xfrm_stat'; do "
    "echo \"\\$ $what\"; $what; done";

// The number after `label`, 0 when it is not there.
template <class Number>
Number number_after(std::string_view text, std::string_view label, int base = 10) {
    Number number = 0;
    auto at = text.find(label);
    if (at == std::string_view::npos) return number;
    at = std::min(text.find_first_not_of(" \t", at + label.size()), text.size());
    std::from_chars(text.data() + at, text.data() + text.size(), number, base);
    return number;
}

template <class Visitor>
void for_each_line(std::string_view text, Visitor visit) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        visit(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

}  // namespace

std::map<std::uint32_t, EspDrops> drops_in(std::string_view states) {
    std::map<std::uint32_t, EspDrops> drops;
    std::uint32_t spi = 0;
    for_each_line(states, [&](std::string_view line) {
        if (const auto named = number_after<std::uint32_t>(line, " spi 0x", 16)) spi = named;
        // "  replay-window 0 replay 0 failed 0": too old, seen before, with a wrong check value. The window's size
        // stands in a line of its own, which has no "failed".
        if (spi == 0 || line.find(" failed ") == std::string_view::npos) return;
        drops[spi] = {
            number_after<std::uint64_t>(line, "replay-window ") + number_after<std::uint64_t>(line, " replay "),
            number_after<std::uint64_t>(line, " failed ")};
    });
    return drops;
}

std::uint64_t outside_selectors_in(std::string_view statistics) {
    constexpr std::array<std::string_view, 4> kNames = {"XfrmInNoPols", "XfrmInTmplMismatch", "XfrmInPolBlock",
                                                        "XfrmInStateMismatch"};
    std::uint64_t sum = 0;
    for_each_line(statistics, [&](std::string_view line) {
        for (const auto name : kNames)
            if (line.starts_with(name)) sum += number_after<std::uint64_t>(line, name);
    });
    return sum;
}

void KernelEsp::look() {
    looked_ = network_.now();
    if (!next_ && told()) refresh();
}

void KernelEsp::refresh() {
    next_.reset();
    if (!looked_ || network_.now() - *looked_ > kAttention) return;
    if (network_.arrived(port_) != arrived_)
        return fetch(kDrops, [this](const std::string& text) {
            note(text);
            next_ = network_.call_at(network_.now() + kRefresh, [this] { refresh(); });
        });
    next_ = network_.call_at(network_.now() + kRefresh, [this] { refresh(); });
}

void KernelEsp::ask() {
    next_.reset();
    fetch(kEverything, [this](std::string text) {
        note(text);
        description_ = std::move(text);
    });
}

void KernelEsp::note(const std::string& text) {
    for (const auto& [spi, drops] : drops_in(text)) drops_[spi] = drops;
    outside_ = outside_selectors_in(text);
}

void KernelEsp::fetch(const std::string& commands, std::function<void(std::string)> done) {
    if (fetching_) {
        afterwards_ = [this, commands, done = std::move(done)] { fetch(commands, done); };
        return;
    }
    arrived_ = network_.arrived(port_);
    fetching_ = machine_.run({{"/bin/sh", "-c", "{ " + commands + "; } > \"$0\"", machine_.inside(kFetched)},
                              {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"},
                              {}},
                             [this, done = std::move(done)](const Result<int>&) {
                                 fetching_.reset();
                                 done(read_file(machine_.folder() / kFetched));
                                 if (const auto next = std::exchange(afterwards_, {})) next();
                             });
}

void KernelEsp::forget(const std::string& peer) {
    for (auto one = owners_.begin(); one != owners_.end();) {
        if (one->second == peer) {
            drops_.erase(one->first);
            one = owners_.erase(one);
        } else {
            ++one;
        }
    }
}

void KernelEsp::add_to(TunnelStatus& status) const {
    for (const auto& [spi, peer] : owners_) {
        const auto found = drops_.find(spi);
        if (peer != status.peer || found == drops_.end()) continue;
        status.replayed += found->second.replayed;
        status.unauthentic += found->second.unauthentic;
    }
    status.outside_selectors += outside_;
}

}  // namespace gatelab::sim::peers
