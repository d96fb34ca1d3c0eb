#include "impl/openvpn/agreement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <charconv>

namespace gatelab::openvpn {
namespace {

// Calls `each` with every part of `text` between `separator`s, until it returns true.
template <class Each>
bool any_part(std::string_view text, char separator, Each each) {
    while (!text.empty()) {
        const auto end = std::min(text.find(separator), text.size());
        if (each(text.substr(0, end))) return true;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return false;
}

std::uint32_t number_of(const PeerInfo& info, std::string_view name) {
    const auto text = text_of(info, name);
    std::uint32_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

bool contains(const std::vector<DataCipher>& ciphers, DataCipher cipher) {
    return std::find(ciphers.begin(), ciphers.end(), cipher) != ciphers.end();
}

// What the client's own list is; a client that only says IV_NCP=2 has the two GCM ciphers.
std::string ciphers_of(const PeerInfo& info) {
    auto list = text_of(info, "IV_CIPHERS");
    if (list.empty() && number_of(info, "IV_NCP") >= 2) list = "AES-256-GCM:AES-128-GCM";
    return list;
}

std::string names_of(const std::vector<DataCipher>& ciphers) {
    std::vector<std::string_view> names;
    for (const auto cipher : ciphers) names.push_back(name_of(cipher));
    return fmt::format("{}", fmt::join(names, ":"));
}

// Of a peer that does not negotiate.
Result<DataCipher> silent_peer_cipher(const Options& ours, std::string_view peer_options) {
    const auto name = item_of(peer_options, "cipher");
    const auto theirs = data_cipher_of(name);
    // --cipher stands in for --data-ciphers-fallback, as it did before OpenVPN 2.6.
    const auto fallback = ours.fallback_cipher ? ours.fallback_cipher : ours.cipher;
    if (theirs && (contains(ours.data_ciphers, *theirs) || fallback == theirs)) return *theirs;
    if (name.empty() && fallback) return *fallback;
    return fail(Fault::Refused, fmt::format("no common cipher: the peer uses {}, we allow {}",
                                            name.empty() ? "an unnamed one" : name, names_of(ours.data_ciphers)));
}

}  // namespace

Abilities abilities_of(const PeerInfo& info) {
    const auto bits = number_of(info, "IV_PROTO");
    return {.negotiates_ciphers = !ciphers_of(info).empty(),
            .data_v2 = (bits & kIvProtoDataV2) != 0,
            .requests_push = (bits & kIvProtoRequestPush) != 0,
            .key_export = (bits & kIvProtoTlsKeyExport) != 0,
            .exit_by_control = (bits & kIvProtoCcExitNotify) != 0};
}

Result<DataCipher> choose_cipher(const Options& ours, const PeerInfo& client, std::string_view client_options) {
    const auto theirs = ciphers_of(client);
    for (const auto cipher : ours.data_ciphers)
        if (any_part(theirs, ':', [&](std::string_view name) { return data_cipher_of(name) == cipher; })) return cipher;
    if (text_of(client, "IV_CIPHERS").empty()) {
        auto chosen = silent_peer_cipher(ours, client_options);
        if (chosen || theirs.empty()) return chosen;
    }
    return fail(Fault::Refused, fmt::format("no common cipher: the client offers {}, we allow {}", theirs,
                                            names_of(ours.data_ciphers)));
}

Result<DataCipher> accept_cipher(const Options& ours, const PushReply& pushed, std::string_view server_options) {
    if (!pushed.cipher) return silent_peer_cipher(ours, server_options);
    if (contains(ours.data_ciphers, *pushed.cipher) || ours.fallback_cipher == pushed.cipher) return *pushed.cipher;
    return fail(Fault::Refused, fmt::format("the server wants the cipher {}, we allow {}", name_of(*pushed.cipher),
                                            names_of(ours.data_ciphers)));
}

std::string_view item_of(std::string_view options, std::string_view name) {
    std::string_view value;
    any_part(options, ',', [&](std::string_view item) {
        if (!item.starts_with(name) || item.size() <= name.size() || item[name.size()] != ' ') return false;
        value = item.substr(name.size() + 1);
        return true;
    });
    return value;
}

bool has_item(std::string_view options, std::string_view name) {
    return any_part(options, ',', [&](std::string_view item) {
        return item.starts_with(name) && (item.size() == name.size() || item[name.size()] == ' ');
    });
}

Result<void> check_framing(const Options& ours, std::string_view peer_options) {
    for (const std::string_view name : {"comp-lzo", "compress"})
        if (has_item(peer_options, name))
            return fail(Fault::Refused, fmt::format("the peer has {} set; compression is refused here", name));
    if (has_item(peer_options, "mtu-dynamic") && !(ours.fragment && ours.transport == Transport::Udp))
        return fail(Fault::Refused, "the peer has fragment set, and we have not");
    return {};
}

bool uses_fragments(const Options& ours, std::string_view peer_options) {
    return ours.transport == Transport::Udp && ours.fragment.value_or(0) > 0 && has_item(peer_options, "mtu-dynamic");
}

void add_agreement(PushReply& push, const Abilities& client, DataCipher cipher) {
    push.cipher = client.negotiates_ciphers ? std::optional{cipher} : std::nullopt;
    if (!client.data_v2) push.peer_id.reset();
    push.protocol_flags.clear();
    push.key_derivation_ekm = false;
    if (client.exit_by_control) {
        push.protocol_flags.emplace_back("cc-exit");
        if (client.key_export) push.protocol_flags.emplace_back("tls-ekm");
    } else {
        push.key_derivation_ekm = client.key_export;
    }
}

bool by_exporter(const PushReply& push) {
    const auto& flags = push.protocol_flags;
    return push.key_derivation_ekm || std::find(flags.begin(), flags.end(), "tls-ekm") != flags.end();
}

bool exits_by_control(const PushReply& push) {
    const auto& flags = push.protocol_flags;
    return std::find(flags.begin(), flags.end(), "cc-exit") != flags.end();
}

std::string common_name(std::string_view subject) {
    const auto at = subject.starts_with("CN=") ? 0 : subject.find(",CN=");
    if (at == std::string_view::npos) return {};
    std::string name;
    for (std::size_t i = at + (at == 0 ? 3 : 4); i < subject.size() && subject[i] != ','; ++i) {
        if (subject[i] == '\\' && i + 1 < subject.size()) ++i;  // RFC 2253 section 2.4
        name += subject[i];
    }
    return name;
}

}  // namespace gatelab::openvpn
