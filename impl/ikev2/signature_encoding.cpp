#include "impl/ikev2/signature_encoding.h"

#include <array>

namespace gatelab::ikev2 {
namespace {

using crypto::Hash;
using crypto::Signature;

constexpr std::uint8_t kSequence = 0x30, kInteger = 0x02, kObjectIdentifier = 0x06, kNull = 0x05;
constexpr std::array kHashes = {Hash::Sha256, Hash::Sha384, Hash::Sha512};
constexpr std::array kSchemes = {Signature::RsaPkcs1, Signature::RsaPss, Signature::Ecdsa};

// The last arc of the object identifiers that end in one per hash.
struct Arcs {
    std::uint8_t digest, rsa, ecdsa;
};
Arcs arcs_of(Hash hash) {
    switch (hash) {
        case Hash::Sha1: break;
        case Hash::Sha256: return {1, 11, 2};
        case Hash::Sha384: return {2, 12, 3};
        case Hash::Sha512: return {3, 13, 4};
    }
    return {};
}

// Content of at most 127 bytes, or of at most 255 with the long form.
Bytes element(std::uint8_t tag, ByteView content) {
    ByteWriter writer;
    writer.u8(tag);
    if (content.size() > 127) writer.u8(0x81);
    writer.u8(static_cast<std::uint8_t>(content.size())).bytes(content);
    return writer.take();
}

Bytes object_identifier(std::initializer_list<std::uint8_t> arcs) { return element(kObjectIdentifier, Bytes{arcs}); }

Bytes sequence(std::initializer_list<Bytes> parts) {
    Bytes content;
    for (const auto& part : parts) append(content, part);
    return element(kSequence, content);
}

constexpr std::uint8_t explicit_tag(int number) { return static_cast<std::uint8_t>(0xa0 + number); }

Bytes pss_identifier(Hash hash) {
    const Bytes null = element(kNull, {});
    const Bytes digest =
        sequence({object_identifier({0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, arcs_of(hash).digest}), null});
    const Bytes mgf1 = object_identifier({0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08});
    const Bytes salt = element(kInteger, Bytes{static_cast<std::uint8_t>(crypto::digest_size(hash))});
    const Bytes parameters =
        sequence({element(explicit_tag(0), digest), element(explicit_tag(1), sequence({mgf1, digest})),
                  element(explicit_tag(2), salt)});
    return sequence({object_identifier({0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a}), parameters});
}

// One DER INTEGER as `half` octets, or nothing when it is negative or too long.
bool copy_integer(ByteReader& reader, std::size_t half, Bytes& out) {
    if (reader.u8() != kInteger) return false;
    auto value = reader.bytes(reader.u8());
    if (!reader.ok() || value.empty() || (value[0] & 0x80) != 0) return false;
    while (!value.empty() && value[0] == 0) value = value.subspan(1);
    if (value.size() > half) return false;
    out.insert(out.end(), half - value.size(), 0);
    append(out, value);
    return true;
}

Bytes positive_integer(ByteView value) {
    while (value.size() > 1 && value[0] == 0) value = value.subspan(1);
    Bytes content = copy_of(value);
    if ((content[0] & 0x80) != 0) content.insert(content.begin(), 0);
    return element(kInteger, content);
}

}  // namespace

Bytes algorithm_identifier(Signature scheme, Hash hash) {
    switch (scheme) {
        case Signature::RsaPkcs1:
            return sequence({object_identifier({0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, arcs_of(hash).rsa}),
                             element(kNull, {})});
        case Signature::RsaPss: return pss_identifier(hash);
        case Signature::Ecdsa:
            return sequence({object_identifier({0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, arcs_of(hash).ecdsa})});
    }
    return {};
}

std::optional<SignatureScheme> parse_algorithm_identifier(ByteView der) {
    const Bytes wanted = copy_of(der);
    for (const auto scheme : kSchemes)
        for (const auto hash : kHashes)
            if (algorithm_identifier(scheme, hash) == wanted) return SignatureScheme{scheme, hash};
    return std::nullopt;
}

std::optional<Bytes> concatenated_ecdsa_signature(ByteView der, std::size_t half) {
    ByteReader reader{der};
    if (reader.u8() != kSequence) return std::nullopt;
    std::size_t length = reader.u8();
    if (length == 0x81) length = reader.u8();
    if (length != reader.remaining()) return std::nullopt;
    Bytes concatenated;
    if (!copy_integer(reader, half, concatenated) || !copy_integer(reader, half, concatenated) || !reader.finished())
        return std::nullopt;
    return concatenated;
}

Bytes der_ecdsa_signature(ByteView concatenated) {
    const auto half = concatenated.size() / 2;
    return sequence({positive_integer(concatenated.first(half)), positive_integer(concatenated.last(half))});
}

}  // namespace gatelab::ikev2
