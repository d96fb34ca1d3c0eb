// Any bytes as a message of key method 2, from either end, and the texts in it.
#include <cstddef>
#include <cstdint>

#include "impl/openvpn/agreement.h"
#include "impl/openvpn/key_method.h"

namespace {

using namespace gatelab;
using namespace gatelab::openvpn;

void parse(ByteView bytes, Role sender) {
    const auto parsed = parse_key_method(bytes, sender);
    if (!parsed || !*parsed) return;
    const auto& message = (*parsed)->message;
    const auto again = parse_key_method(encode(message, sender), sender);
    if (!again || !*again || (*again)->message.password != message.password) __builtin_trap();
    if (parse_peer_info(message.peer_info).size() > 64) __builtin_trap();
    static_cast<void>(abilities_of(parse_peer_info(message.peer_info)));
    static_cast<void>(differences(options_string({}), message.options));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes{data, size};
    parse(bytes, Role::Client);
    parse(bytes, Role::Server);
    return 0;
}
