#include "sim/keys.h"

#include <fmt/format.h>

namespace gatelab::sim {
namespace {

// Wireshark's names for the algorithms (its files epan/dissectors/packet-isakmp.c and packet-ipsec.c).

std::string encryption_of(const ikev2::IkeSuite& suite) {
    switch (suite.encryption) {
        case ikev2::Encryption::TripleDes: return "3DES [RFC2451]";
        case ikev2::Encryption::AesCbc: return fmt::format("AES-CBC-{} [RFC3602]", suite.key_bits);
        case ikev2::Encryption::AesGcm16: return fmt::format("AES-GCM-{} with 16 octet ICV [RFC5282]", suite.key_bits);
    }
    return {};
}

std::string integrity_of(const ikev2::IkeSuite& suite) {
    switch (suite.integrity) {
        case ikev2::Integrity::None: return "NONE [RFC4306]";
        case ikev2::Integrity::HmacSha1_96: return "HMAC_SHA1_96 [RFC2404]";
        case ikev2::Integrity::HmacSha256_128: return "HMAC_SHA2_256_128 [RFC4868]";
        case ikev2::Integrity::HmacSha384_192: return "HMAC_SHA2_384_192 [RFC4868]";
        case ikev2::Integrity::HmacSha512_256: return "HMAC_SHA2_512_256 [RFC4868]";
    }
    return {};
}

std::string cipher_of(const esp::Suite& suite) {
    return suite.cipher == esp::Cipher::AesGcm16 ? "AES-GCM with 16 octet ICV [RFC4106]" : "AES-CBC [RFC3602]";
}

std::string integrity_of(const esp::Suite& suite) {
    switch (suite.integrity) {
        case esp::Integrity::None: return "NULL";
        case esp::Integrity::HmacSha1_96: return "HMAC-SHA-1-96 [RFC2404]";
        case esp::Integrity::HmacSha256_128: return "HMAC-SHA-256-128 [RFC4868]";
        case esp::Integrity::HmacSha384_192: return "HMAC-SHA-384-192 [RFC4868]";
    }
    return {};
}

}  // namespace

std::string to_ikev2_line(const ikev2::SaKeys& keys) {
    return fmt::format(R"({:016x},{:016x},{},{},"{}",{},{},"{}")", keys.spi_i, keys.spi_r, to_hex(keys.sk_ei),
                       to_hex(keys.sk_er), encryption_of(keys.suite), to_hex(keys.sk_ai), to_hex(keys.sk_ar),
                       integrity_of(keys.suite));
}

std::string to_esp_line(const esp::Parameters& parameters) {
    const auto integrity_key = parameters.integrity_key.empty() ? "" : "0x" + to_hex(parameters.integrity_key);
    return fmt::format(R"("IPv4","*","*","0x{:08x}","{}","0x{}","{}","{}")", parameters.spi.value(),
                       cipher_of(parameters.suite), to_hex(parameters.encryption_key), integrity_of(parameters.suite),
                       integrity_key);
}

void KeyLog::add(std::string& table, std::string line) {
    if (!known_.insert(line).second) return;
    table += line + '\n';
}

}  // namespace gatelab::sim
