// Any bytes as a stream of SSTP packets, and as one control packet.
#include <cstddef>
#include <cstdint>

#include "impl/sstp/crypto_binding.h"
#include "impl/sstp/packet.h"

namespace {

using namespace gatelab;
using namespace gatelab::sstp;

void look_at(ByteView packet) {
    const auto parsed = parse_message(packet);
    const auto* message = std::get_if<Message>(&parsed);
    if (!message) {
        if (std::get<Wrong>(parsed).detail.empty()) __builtin_trap();
        return;
    }
    // What was understood says the same when it is written down again.
    const auto again = encode(*message);
    const auto back = parse_message(again);
    if (again.size() != packet.size() || !std::holds_alternative<Message>(back)) __builtin_trap();
    if (encode(std::get<Message>(back)) != again) __builtin_trap();

    const auto wrong = complaints(*message);
    Message nak{MessageType::CallConnectNak, {}};
    for (const auto& one : wrong) {
        if (one.value.size() > kMostQuoted || one.status == StatusCode::NoError) __builtin_trap();
        nak.attributes.emplace_back(one);
    }
    if (!wrong.empty() && !complaints(nak).empty()) __builtin_trap();
    // No binding that was not made holds.
    if (const auto* binding = find<CryptoBinding>(*message))
        if (broken_part(packet, *binding, kSha1 | kSha256, binding->nonce, HigherLayerKey{}, Bytes{1, 2, 3}).empty())
            __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteView stream{data, size};
    look_at(stream);
    while (stream.size() >= kHeaderSize) {
        const auto head = parse_head(stream.first(kHeaderSize));
        if (!head || head->length > stream.size()) break;
        if (head->length < kHeaderSize) __builtin_trap();
        if (head->control) look_at(stream.first(head->length));
        stream = stream.subspan(head->length);
    }
    return 0;
}
