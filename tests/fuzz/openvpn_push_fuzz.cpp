// Any bytes as control messages, each ended by a NUL, and as the parts of one PUSH_REPLY.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "impl/openvpn/push.h"

namespace {

using namespace gatelab;
using namespace gatelab::openvpn;

// What was understood says the same when it is written down again.
void repeat(const PushReply& reply) {
    PushReader reader;
    Result<std::optional<PushReply>> back;
    for (const auto& part : encode(reply)) back = reader.add(part);
    if (!back || !*back || (*back)->routes != reply.routes || (*back)->cipher != reply.cipher) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest{reinterpret_cast<const char*>(data), size};
    PushReader reader;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\0'), rest.size());
        const auto message = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        static_cast<void>(parse_control_message(message));
        const auto whole = reader.add(message);
        if (whole && *whole) repeat(**whole);
    }
    return 0;
}
