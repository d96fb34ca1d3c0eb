#include "impl/ikev2/options.h"

#include <array>

namespace gatelab::ikev2 {
namespace {

// One DER element's content, or nothing when the reader does not stand at such a tag. Lengths up to 64 KiB, which no
// Name in an ID payload exceeds.
std::optional<ByteView> read_element(ByteReader& reader, std::uint8_t tag) {
    if (reader.u8() != tag) return std::nullopt;
    std::size_t length = reader.u8();
    if (length == 0x81)
        length = reader.u8();
    else if (length == 0x82)
        length = reader.u16();
    else if (length >= 0x80)
        return std::nullopt;
    const auto content = reader.bytes(length);
    return reader.ok() ? std::optional{content} : std::nullopt;
}

std::string attribute_name(ByteView oid) {
    struct Known {
        std::string_view oid, name;
    };
    // RFC 4514 section 3.
    constexpr std::array kKnown = {Known{"550403", "CN"},
                                   Known{"550406", "C"},
                                   Known{"550407", "L"},
                                   Known{"550408", "ST"},
                                   Known{"55040a", "O"},
                                   Known{"55040b", "OU"},
                                   Known{"0992268993f22c640119", "DC"},
                                   Known{"2a864886f70d010901", "emailAddress"}};
    const auto hex = to_hex(oid);
    for (const auto& known : kKnown)
        if (known.oid == hex) return std::string{known.name};
    return hex;
}

constexpr std::uint8_t kSequence = 0x30, kSet = 0x31, kObjectIdentifier = 0x06;

// "CN=alice,O=example", most specific first (RFC 4514 section 2.1); nothing when the bytes are no Name.
std::optional<std::string> text_of_name(ByteView der) {
    ByteReader outer{der};
    const auto name = read_element(outer, kSequence);
    if (!name || !outer.finished()) return std::nullopt;
    std::string text;
    for (ByteReader sets{*name}; sets.remaining() > 0;) {
        const auto set = read_element(sets, kSet);
        if (!set) return std::nullopt;
        ByteReader inner{*set};
        const auto pair = read_element(inner, kSequence);
        if (!pair) return std::nullopt;
        ByteReader fields{*pair};
        const auto oid = read_element(fields, kObjectIdentifier);
        if (!oid || fields.remaining() < 2) return std::nullopt;
        ByteReader peek = fields;
        const auto value = read_element(fields, peek.u8());
        if (!value) return std::nullopt;
        text = attribute_name(*oid) + "=" + as_text(*value) + (text.empty() ? "" : "," + text);
    }
    return text;
}

}  // namespace

Identification Identification::fqdn(std::string_view name) { return {Type::Fqdn, copy_of(as_bytes(name))}; }

Identification Identification::email(std::string_view address) {
    return {Type::Rfc822Address, copy_of(as_bytes(address))};
}

Identification Identification::address(Ipv4Address address) {
    return {Type::Ipv4Address, ByteWriter{}.u32(address.number()).take()};
}

Identification Identification::distinguished_name(ByteView encoded_name) {
    return {Type::DerAsn1Dn, copy_of(encoded_name)};
}

std::string to_string(const Identification& identification) {
    switch (identification.type) {
        case Identification::Type::Fqdn:
        case Identification::Type::Rfc822Address: return as_text(identification.data);
        case Identification::Type::Ipv4Address:
            if (identification.data.size() == 4) return to_string(Ipv4Address{ByteReader{identification.data}.u32()});
            break;
        case Identification::Type::DerAsn1Dn:
            if (const auto text = text_of_name(identification.data)) return *text;
            break;
        case Identification::Type::KeyId: break;
    }
    return to_hex(identification.data);
}

}  // namespace gatelab::ikev2
