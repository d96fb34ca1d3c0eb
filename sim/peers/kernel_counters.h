// What a machine's kernel counts of its ESP, out of `ip -s xfrm state` and /proc/net/xfrm_stat.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "impl/esp/security_association.h"

namespace gatelab::sim::peers {

struct KernelCounters {
    std::uint64_t packets = 0, replayed = 0, unauthentic = 0;
};

struct KernelReport {
    std::map<std::uint32_t, KernelCounters> by_spi;
    std::uint64_t outside_selectors = 0;  // of the whole machine
    std::vector<esp::Parameters> keys;    // of the associations with algorithms that gatelab knows
};

KernelReport kernel_report_in(std::string_view text);

}  // namespace gatelab::sim::peers
