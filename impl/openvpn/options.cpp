#include "impl/openvpn/options.h"

#include <algorithm>
#include <array>

namespace gatelab::openvpn {
namespace {

constexpr std::array kCiphers{DataCipher::Aes256Gcm, DataCipher::Aes128Gcm, DataCipher::Aes256Cbc};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

std::string_view name_of(Transport transport) { return transport == Transport::Udp ? "udp" : "tcp"; }

std::string_view name_of(DataCipher cipher) {
    switch (cipher) {
        case DataCipher::Aes256Gcm: return "AES-256-GCM";
        case DataCipher::Aes128Gcm: return "AES-128-GCM";
        case DataCipher::Aes256Cbc: return "AES-256-CBC";
    }
    return "unknown cipher";
}

std::optional<DataCipher> data_cipher_of(std::string_view name) {
    const auto found = std::ranges::find_if(
        kCiphers, [&](DataCipher cipher) { return std::ranges::equal(name_of(cipher), name, {}, {}, upper); });
    if (found == kCiphers.end()) return {};
    return *found;
}

bool is_aead(DataCipher cipher) { return cipher != DataCipher::Aes256Cbc; }

std::string text_of(const PeerInfo& info, std::string_view name) {
    const auto found = std::ranges::find(info, name, &PeerInfo::value_type::first);
    return found == info.end() ? std::string{} : found->second;
}

}  // namespace gatelab::openvpn
