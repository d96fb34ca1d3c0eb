#include "impl/profile/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace gatelab::profile {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;

tl::unexpected<Error> wrong(const std::string& found, std::string_view expected) {
    return fail(Fault::Malformed, fmt::format("\"{}\", expected {}", found, expected));
}

std::string upper(std::string text) {
    for (auto& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

}  // namespace

std::string_view auth_name(crypto::Hash hash) {
    switch (hash) {
        case crypto::Hash::Sha1: return "SHA1";
        case crypto::Hash::Sha256: return "SHA256";
        case crypto::Hash::Sha384: return "SHA384";
        case crypto::Hash::Sha512: return "SHA512";
    }
    return "none";
}

Result<crypto::Hash> auth_of(const std::string& name) {
    const auto wanted = upper(name);
    if (wanted == "SHA1") return crypto::Hash::Sha1;
    if (wanted == "SHA256") return crypto::Hash::Sha256;
    return wrong(name, "SHA256 or SHA1");
}

Result<std::uint64_t> number_of(const std::string& text, std::uint64_t least, std::uint64_t most) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most)
        return wrong(text, fmt::format("a number from {} to {}", least, most));
    return number;
}

Result<Duration> seconds_of(const std::string& text) {
    const auto number = number_of(text, 0, 2'147'483'647);
    if (!number) return fail(Fault::Malformed, number.error().detail + " (seconds)");
    return std::chrono::seconds{*number};
}

Result<openvpn::Transport> transport_of(const std::string& proto) {
    if (proto == "udp" || proto == "udp4") return openvpn::Transport::Udp;
    if (proto == "tcp" || proto == "tcp4" || proto == "tcp-client" || proto == "tcp4-client")
        return openvpn::Transport::Tcp;
    return wrong(proto, "udp or tcp, over IPv4, as a client");
}

Result<openvpn::DataCipher> cipher_of(const std::string& name) {
    if (const auto cipher = openvpn::data_cipher_of(name)) return *cipher;
    return wrong(name, "AES-256-GCM, AES-128-GCM or AES-256-CBC");
}

Result<std::string> tls12_suite_of(const std::string& name) {
    auto iana = name;
    std::replace(iana.begin(), iana.end(), '-', '_');
    if (iana.starts_with("TLS_") && !tls::is_tls13(iana) && tls::openssl_name_of(iana)) return iana;
    if (auto suite = tls::iana_name_of(name)) return suite;
    return wrong(name, "a cipher suite of TLS 1.2 such as TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384");
}

std::vector<std::string> split_at_colons(std::string_view list) {
    std::vector<std::string> parts;
    for (std::size_t end = 0; end != list.npos; list.remove_prefix(end == list.npos ? list.size() : end + 1)) {
        end = list.find(':');
        if (auto part = list.substr(0, end); !part.empty()) parts.emplace_back(part);
    }
    return parts;
}

Result<std::string> read_beside(const std::string& profile, const std::string& name) {
    const auto path = std::filesystem::path{profile}.parent_path() / name;
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error))
        return fail(Fault::Malformed, fmt::format("file {} cannot be read; expected it beside the profile, or its text "
                                                  "in an inline block",
                                                  path.string()));
    if (std::filesystem::file_size(path, error) > kLargestFile)
        return fail(Fault::Malformed, fmt::format("file {} is larger than 1 MiB", path.string()));
    std::ifstream stream{path, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{stream}, {}};
    if (!stream) return fail(Fault::Malformed, fmt::format("file {} cannot be read", path.string()));
    return text;
}

}  // namespace gatelab::profile
