// Security associations and packets for the tests of this room.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "impl/base/random.h"
#include "impl/esp/security_association.h"

namespace gatelab::esp {

inline void PrintTo(const Suite& suite, std::ostream* out) { *out << to_string(suite); }
inline void PrintTo(Drop drop, std::ostream* out) { *out << name_of(drop); }

inline const Prefix kAliceNet{Ipv4Address{10, 60, 0, 0}, 24};
inline const Prefix kBobNet{Ipv4Address{10, 1, 0, 0}, 16};

inline Suite gcm(int key_bits) { return {Cipher::AesGcm16, key_bits, Integrity::None, false}; }
inline Suite cbc(int key_bits, Integrity integrity) { return {Cipher::AesCbc, key_bits, integrity, false}; }
inline Suite with_esn(Suite suite) {
    suite.extended_sequence_numbers = true;
    return suite;
}

inline std::vector<Suite> all_suites() {
    std::vector<Suite> suites;
    for (const int bits : {128, 192, 256}) {
        suites.push_back(gcm(bits));
        for (const auto integrity : {Integrity::HmacSha1_96, Integrity::HmacSha256_128, Integrity::HmacSha384_192})
            suites.push_back(cbc(bits, integrity));
    }
    for (std::size_t i = suites.size(); i > 0; --i) suites.push_back(with_esn(suites[i - 1]));
    return suites;
}

// Alice's side of a security association towards Bob.
inline Parameters alice(const Suite& suite) {
    SeededRandom random{1, "esp-test-keys"};
    return {Spi{0x1234abcd},
            suite,
            random.bytes(encryption_key_size(suite)),
            random.bytes(integrity_key_size(suite)),
            {TrafficSelector::of(kAliceNet)},
            {TrafficSelector::of(kBobNet)}};
}

inline Parameters bob(const Suite& suite) {
    auto parameters = alice(suite);
    std::swap(parameters.local, parameters.remote);
    return parameters;
}

inline const Ipv4Address kAlice{10, 60, 0, 7}, kBob{10, 1, 2, 3};

// An IPv4 packet of `size` octets in all, without a checksum, which ESP never looks at.
inline Bytes ipv4(std::size_t size, Ipv4Address source = kAlice, Ipv4Address destination = kBob,
                  std::uint8_t protocol = 17) {
    ByteWriter writer;
    writer.u8(0x45).u8(0).u16(static_cast<std::uint16_t>(size)).u32(0).u8(64).u8(protocol).u16(0);
    writer.u32(source.number()).u32(destination.number());
    for (std::size_t i = 20; i < size; ++i) writer.u8(static_cast<std::uint8_t>(i));
    return writer.take();
}

inline Bytes sealed(OutboundSa& sa, ByteView inner) {
    Bytes out(sa.sealed_size(inner.size()));
    const auto size = sa.seal(inner, out);
    out.resize(size.value());
    return out;
}

// The inner packet, or why it was dropped.
inline tl::expected<Bytes, Drop> opened(InboundSa& sa, ByteView packet) {
    Bytes out(packet.size());
    const auto inner = sa.open(packet, out);
    if (!inner) return tl::unexpected<Drop>(inner.error());
    return copy_of(*inner);
}

}  // namespace gatelab::esp
