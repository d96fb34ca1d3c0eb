// Any bytes at all as an ESP packet, and any text at all inside an authentic one.
#include <cstdlib>

#include "impl/crypto/algorithms.h"
#include "impl/esp/security_association.h"

namespace {

using namespace gatelab;
using namespace gatelab::esp;

Parameters parameters_of(Suite suite) {
    return {Spi{0x1234abcd},
            suite,
            Bytes(encryption_key_size(suite), 0x11),
            Bytes(integrity_key_size(suite), 0x22),
            {TrafficSelector::of(Prefix{Ipv4Address{10, 1, 0, 0}, 16})},
            {TrafficSelector{}}};
}

constexpr Suite kGcm{Cipher::AesGcm16, 256, Integrity::None, false};
constexpr Suite kCbc{Cipher::AesCbc, 256, Integrity::HmacSha256_128, true};

// What comes out lies within the buffer and is what the selectors let in.
void check(const tl::expected<ByteView, Drop>& result, const Bytes& out) {
    if (!result || result->empty()) return;
    const bool inside = result->data() >= out.data() && result->data() + result->size() <= out.data() + out.size();
    const bool permitted =
        permits({TrafficSelector{}}, {TrafficSelector::of(Prefix{Ipv4Address{10, 1, 0, 0}, 16})}, *result);
    if (!inside || !permitted) std::abort();
}

void open_raw(const Suite& suite, ByteView data) {
    InboundSa in{parameters_of(suite)};
    Bytes out(data.size());
    check(in.open(data, out), out);
    Bytes with_spi{0x12, 0x34, 0xab, 0xcd};
    append(with_spi, data);
    out.resize(with_spi.size());
    check(in.open(with_spi, out), out);
}

void open_authentic(ByteView data) {
    const auto parameters = parameters_of(kGcm);
    crypto::AesGcm cipher{crypto::AesGcm::Direction::Seal, ByteView{parameters.encryption_key}.first(32)};
    Bytes text = copy_of(data);
    text.resize((text.size() + 3) / 4 * 4);
    ByteWriter packet;
    packet.u32(parameters.spi.value()).u32(1);
    const Bytes associated = copy_of(packet.view());
    packet.u64(1);
    ByteWriter nonce;
    nonce.bytes(ByteView{parameters.encryption_key}.last(4)).u64(1);
    Bytes tag(16);
    cipher.seal(nonce.view(), associated, text, text, tag);
    const Bytes whole = packet.bytes(text).bytes(tag).take();
    InboundSa in{parameters};
    Bytes out(whole.size());
    check(in.open(whole, out), out);
}

void seal_any(ByteView data) {
    auto parameters = parameters_of(kCbc);
    OutboundSa out{parameters};
    std::swap(parameters.local, parameters.remote);
    InboundSa in{parameters};
    Bytes packet(out.sealed_size(data.size()));
    const auto size = out.seal(data, packet);
    if (!size) return;
    Bytes text(*size);
    const auto back = in.open(ByteView{packet}.first(*size), text);
    if (!back || !std::equal(back->begin(), back->end(), data.begin())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const ByteView data{bytes, size};
    open_raw(kGcm, data);
    open_raw(kCbc, data);
    open_authentic(data);
    seal_any(data);
    return 0;
}
