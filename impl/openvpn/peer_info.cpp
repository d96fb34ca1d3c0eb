#include <algorithm>

#include "impl/openvpn/key_method.h"

namespace gatelab::openvpn {
namespace {

constexpr std::size_t kMostVariables = 64;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string joined(const std::vector<DataCipher>& ciphers) {
    std::string text;
    for (const auto cipher : ciphers) {
        if (!text.empty()) text += ':';
        text += name_of(cipher);
    }
    return text;
}

}  // namespace

std::string encode(const PeerInfo& info) {
    std::string text;
    for (const auto& [name, value] : info) text += name + "=" + value + "\n";
    return text;
}

PeerInfo parse_peer_info(std::string_view text) {
    PeerInfo info;
    while (!text.empty() && info.size() < kMostVariables) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto equals = line.find('=');
        if (equals == std::string_view::npos || equals == 0 || std::ranges::any_of(line, is_control)) continue;
        info.emplace_back(line.substr(0, equals), line.substr(equals + 1));
    }
    return info;
}

// IV_VER is the release whose protocol this is: servers look at it, and at IV_PROTO, to know what a client can do.
PeerInfo own_peer_info(const Options& options) {
    constexpr auto kProto =
        kIvProtoDataV2 | kIvProtoRequestPush | kIvProtoTlsKeyExport | kIvProtoCcExitNotify | kIvProtoAuthFailTemp;
    const auto offers = [&](DataCipher one) {
        return std::ranges::find(options.data_ciphers, one) != options.data_ciphers.end();
    };
    PeerInfo info;
    info.emplace_back("IV_VER", "2.6.14");
    info.emplace_back("IV_PLAT", "linux");
    info.emplace_back("IV_TCPNL", "1");
    info.emplace_back("IV_MTU", "1600");
    // Release 2.4 asks for both AES-GCM ciphers before it believes that a client negotiates.
    if (offers(DataCipher::Aes256Gcm) && offers(DataCipher::Aes128Gcm)) info.emplace_back("IV_NCP", "2");
    info.emplace_back("IV_CIPHERS", joined(options.data_ciphers));
    info.emplace_back("IV_PROTO", std::to_string(kProto));
    info.emplace_back("IV_GUI_VER", "gatelab");
    return info;
}

}  // namespace gatelab::openvpn
