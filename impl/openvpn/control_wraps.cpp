#include "impl/openvpn/control_wraps.h"

#include <array>

namespace gatelab::openvpn {
namespace {

constexpr std::size_t kHalf = 128, kMacKeyAt = 64;  // a static key: two halves of cipher key and HMAC key
constexpr std::size_t kTlsCryptKey = 32;

std::array<std::uint8_t, kNumberSize> encode(PacketNumber number) {
    std::array<std::uint8_t, kNumberSize> bytes;
    const std::uint64_t value = std::uint64_t{number.id} << 32 | number.time;
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
    return bytes;
}

PacketNumber number_from(ByteView bytes) {
    ByteReader reader{bytes};
    PacketNumber number;
    number.id = reader.u32();
    number.time = reader.u32();
    return number;
}

ByteView mac_key(const StaticKey& key, std::size_t half, std::size_t size) {
    return ByteView{key.bytes}.subspan(half * kHalf + kMacKeyAt, size);
}

crypto::Hmac auth_mac(const TlsAuth& settings, bool sending) {
    const bool second =
        settings.direction != KeyDirection::Bidirectional && (settings.direction == KeyDirection::Inverse) == sending;
    return {settings.hash, mac_key(settings.key, second ? 1 : 0, crypto::digest_size(settings.hash))};
}

}  // namespace

AuthWrap::AuthWrap(const TlsAuth& settings) : out_(auth_mac(settings, true)), in_(auth_mac(settings, false)) {}

Bytes AuthWrap::wrap(ByteView plain, PacketNumber number) {
    const auto head = plain.first(kControlHead), rest = plain.subspan(kControlHead);
    const auto numbered = encode(number);
    Bytes tag(out_.size());
    out_.update(numbered).update(head).update(rest).finish(tag);
    ByteWriter wire;
    wire.bytes(head).bytes(tag).bytes(numbered).bytes(rest);
    return wire.take();
}

Result<Unwrapped> AuthWrap::unwrap(ByteView wire) {
    ByteReader reader{wire};
    const auto head = reader.bytes(kControlHead), tag = reader.bytes(in_.size()), numbered = reader.bytes(kNumberSize);
    const auto rest = reader.rest();
    if (!reader.ok()) return fail(Fault::Truncated, "a control packet too short for tls-auth");
    Bytes expected(in_.size());
    in_.update(numbered).update(head).update(rest).finish(expected);
    if (!equal_in_constant_time(expected, tag)) return fail(Fault::Unauthentic, "a tls-auth HMAC that does not hold");
    Unwrapped unwrapped{copy_of(head), number_from(numbered)};
    append(unwrapped.plain, rest);
    return unwrapped;
}

CryptWrap::Way::Way(const StaticKey& key, std::size_t half)
    : cipher(ByteView{key.bytes}.subspan(half * kHalf, kTlsCryptKey)),
      mac(crypto::Hash::Sha256, mac_key(key, half, kTlsCryptKey)) {}

// The server sends with the first half.
CryptWrap::CryptWrap(const StaticKey& key, Role role)
    : out_(key, role == Role::Server ? 0 : 1), in_(key, role == Role::Server ? 1 : 0) {}

Bytes CryptWrap::wrap(ByteView plain, PacketNumber number) {
    const auto head = plain.first(kControlHead), rest = plain.subspan(kControlHead);
    const auto numbered = encode(number);
    Bytes tag(kTlsCryptTag), hidden(rest.size());
    out_.mac.update(head).update(numbered).update(rest).finish(tag);
    out_.cipher.apply(ByteView{tag}.first(crypto::AesCtr::kIvSize), rest, hidden);
    ByteWriter wire;
    wire.bytes(head).bytes(numbered).bytes(tag).bytes(hidden);
    return wire.take();
}

Result<Unwrapped> CryptWrap::unwrap(ByteView wire) {
    ByteReader reader{wire};
    const auto head = reader.bytes(kControlHead), numbered = reader.bytes(kNumberSize);
    const auto tag = reader.bytes(kTlsCryptTag), hidden = reader.rest();
    if (!reader.ok()) return fail(Fault::Truncated, "a control packet too short for tls-crypt");
    Unwrapped unwrapped{Bytes(kControlHead + hidden.size()), number_from(numbered)};
    const auto rest = ByteSpan{unwrapped.plain}.subspan(kControlHead);
    std::copy(head.begin(), head.end(), unwrapped.plain.begin());
    in_.cipher.apply(tag.first(crypto::AesCtr::kIvSize), hidden, rest);
    Bytes expected(kTlsCryptTag);
    in_.mac.update(head).update(numbered).update(rest).finish(expected);
    if (!equal_in_constant_time(expected, tag)) return fail(Fault::Unauthentic, "a tls-crypt tag that does not hold");
    return unwrapped;
}

}  // namespace gatelab::openvpn
