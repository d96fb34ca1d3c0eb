// The options string: what an end of a tunnel tells of its settings so that the other can warn. Nothing is negotiated
// by it; a strict gateway refuses a peer whose string does not fit (P2S-AAD-25).
#include <fmt/format.h>

#include <algorithm>

#include "impl/openvpn/key_method.h"

namespace gatelab::openvpn {
namespace {

// OpenVPN 2.6 counts as if nothing had been negotiated: --data-ciphers-fallback, else --cipher, else BF-CBC.
std::optional<DataCipher> told_cipher(const Options& options) {
    return options.fallback_cipher ? options.fallback_cipher : options.cipher;
}

int key_bits(std::optional<DataCipher> cipher) { return cipher && *cipher != DataCipher::Aes128Gcm ? 256 : 128; }

// Opcode and packet id; then tag, nonce and block of GCM, or HMAC, IV and block of CBC (BF-CBC has blocks of 8).
std::size_t told_overhead(const Options& options) {
    constexpr std::size_t kOpcode = 1, kPacketId = 4, kTag = 16, kNonce = 12, kBlock = 16, kBlowfishBlock = 8;
    const auto cipher = told_cipher(options);
    std::size_t overhead = kOpcode + kPacketId;
    if (cipher && is_aead(*cipher))
        overhead += kTag + kNonce + kBlock;
    else
        overhead += crypto::digest_size(options.auth) + 2 * (cipher ? kBlock : kBlowfishBlock);
    if (options.transport == Transport::Tcp) overhead += 2;
    if (options.fragment) overhead += 4;
    return overhead;
}

std::string_view told_protocol(const Options& options) {
    if (options.transport == Transport::Udp) return "UDPv4";
    return options.role == Role::Client ? "TCPv4_CLIENT" : "TCPv4_SERVER";
}

std::string_view told_auth(const Options& options) {
    const auto cipher = told_cipher(options);
    if (cipher && is_aead(*cipher)) return "[null-digest]";
    return options.auth == crypto::Hash::Sha256 ? "SHA256" : "SHA1";
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const auto comma = std::min(text.find(','), text.size());
        if (comma > 0) parts.push_back(text.substr(0, comma));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return parts;
}

std::string_view name_in(std::string_view option) { return option.substr(0, option.find(' ')); }

// What the peer of an end that says `option` ought to say.
std::string_view mirrored(std::string_view option) {
    constexpr std::pair<std::string_view, std::string_view> kMirrors[] = {
        {"proto TCPv4_CLIENT", "proto TCPv4_SERVER"}, {"keydir 0", "keydir 1"}, {"tls-client", "tls-server"}};
    for (const auto& [one, other] : kMirrors) {
        if (option == one) return other;
        if (option == other) return one;
    }
    return option;
}

}  // namespace

std::string options_string(const Options& options) {
    const auto* auth = std::get_if<TlsAuth>(&options.protection);
    const auto cipher = told_cipher(options);
    auto text = fmt::format("V4,dev-type tun,link-mtu {},tun-mtu {},proto {}", options.tun_mtu + told_overhead(options),
                            options.tun_mtu, told_protocol(options));
    if (options.fragment) text += ",mtu-dynamic";
    if (auth != nullptr && auth->direction != KeyDirection::Bidirectional)
        text += fmt::format(",keydir {}", static_cast<int>(auth->direction));
    if (cipher && std::ranges::find(options.data_ciphers, *cipher) != options.data_ciphers.end())
        text += fmt::format(",cipher {}", name_of(*cipher));
    text += fmt::format(",auth {},keysize {}", told_auth(options), key_bits(cipher));
    if (auth != nullptr) text += ",tls-auth";
    return text + (options.role == Role::Client ? ",key-method 2,tls-client" : ",key-method 2,tls-server");
}

std::vector<std::string> differences(std::string_view ours, std::string_view peers) {
    std::vector<std::string> found;
    const auto own = split(ours), theirs = split(peers);
    std::vector<std::string_view> expected;
    std::ranges::transform(own, std::back_inserter(expected), mirrored);
    const auto named = [](const std::vector<std::string_view>& options, std::string_view name) {
        return std::ranges::find(options, name, name_in);
    };
    for (const auto option : expected) {
        if (name_in(option) == "link-mtu") continue;
        const auto there = named(theirs, name_in(option));
        if (there == theirs.end())
            found.push_back(fmt::format("the peer does not say \"{}\"", option));
        else if (*there != option)
            found.push_back(fmt::format("the peer says \"{}\" where \"{}\" was expected", *there, option));
    }
    for (const auto option : theirs)
        if (name_in(option) != "link-mtu" && named(expected, name_in(option)) == expected.end())
            found.push_back(fmt::format("the peer says \"{}\", which was not expected", option));
    return found;
}

}  // namespace gatelab::openvpn
