#include <fmt/format.h>

#include <algorithm>

#include "impl/profile/ovpn.h"
#include "impl/profile/values.h"

namespace gatelab::profile {
namespace {

// A value as one word for OpenVPN's reader. In single quotes nothing is special but their end.
std::string word(std::string_view value) {
    const bool is_plain = !value.empty() && value.find_first_of(" \t\r\v\f\"'\\#;<") == value.npos;
    if (is_plain) return std::string{value};
    if (value.find('\'') == value.npos) return fmt::format("'{}'", value);
    std::string quoted = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

std::int64_t seconds(Duration duration) { return std::chrono::duration_cast<std::chrono::seconds>(duration).count(); }

std::string_view number_of(tls::Version version) { return version == tls::Version::Tls12 ? "1.2" : "1.3"; }

std::string ciphers(const std::vector<openvpn::DataCipher>& list) {
    std::vector<std::string_view> names;
    for (const auto one : list) names.push_back(openvpn::name_of(one));
    return fmt::format("{}", fmt::join(names, ":"));
}

class Writer {
public:
    template <class... Values>
    void line(fmt::format_string<Values...> text, Values&&... values) {
        text_ += fmt::format(text, std::forward<Values>(values)...) + '\n';
    }
    void time(std::string_view directive, const std::optional<Duration>& value) {
        if (value) line("{} {}", directive, seconds(*value));
    }
    template <class Number>
    void number(std::string_view directive, const std::optional<Number>& value) {
        if (value) line("{} {}", directive, *value);
    }
    void inlined(std::string_view name, std::string_view text) {
        if (text.empty()) return;
        line("<{}>\n{}{}</{}>", name, text, text.ends_with('\n') ? "" : "\n", name);
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

void write_suites(Writer& writer, const std::vector<std::string>& suites) {
    std::vector<std::string> tls12, tls13;
    for (const auto& suite : suites) (tls::is_tls13(suite) ? tls13 : tls12).push_back(suite);
    // tls-cipher has IANA's names with dashes, tls-ciphersuites as they are.
    for (auto& suite : tls12) std::replace(suite.begin(), suite.end(), '_', '-');
    if (!tls12.empty()) writer.line("tls-cipher {}", fmt::join(tls12, ":"));
    if (!tls13.empty()) writer.line("tls-ciphersuites {}", fmt::join(tls13, ":"));
}

// What Azure's profile does not have.
void write_further(Writer& writer, const Ovpn& profile) {
    if (profile.tls_version_max) writer.line("tls-version-max {}", number_of(*profile.tls_version_max));
    write_suites(writer, profile.tls_ciphers);
    if (!profile.data_ciphers.empty()) writer.line("data-ciphers {}", ciphers(profile.data_ciphers));
    if (profile.fallback_cipher) writer.line("data-ciphers-fallback {}", openvpn::name_of(*profile.fallback_cipher));
    writer.time("reneg-sec", profile.renegotiate);
    writer.number("reneg-bytes", profile.renegotiate_bytes);
    writer.number("reneg-pkts", profile.renegotiate_packets);
    writer.time("hand-window", profile.handshake_window);
    writer.time("tran-window", profile.transition_window);
    writer.time("ping", profile.ping);
    writer.time("ping-restart", profile.ping_restart);
    writer.number("tun-mtu", profile.tun_mtu);
    if (profile.mssfix) writer.line("mssfix {}{}", *profile.mssfix, *profile.mssfix ? " mtu" : "");
    writer.number("fragment", profile.fragment);
    writer.number("explicit-exit-notify", profile.explicit_exit_notify);
    if (profile.auth_user_pass && profile.username.empty()) writer.line("auth-user-pass");
    // "auto": credentials are sent when the proxy asks for them.
    if (const auto& proxy = profile.http_proxy)
        writer.line("http-proxy {} {}{}", word(proxy->host), proxy->port, proxy->username.empty() ? "" : " auto");
}

}  // namespace

std::string encode(const Ovpn& profile) {
    Writer writer;
    writer.line("client");
    for (const auto& remote : profile.remotes) {
        writer.line("remote {} {}{}", word(remote.host), remote.port,
                    remote.transport ? fmt::format(" {}", openvpn::name_of(*remote.transport)) : "");
    }
    if (profile.verify_x509_name)
        writer.line("verify-x509-name {} {}", word(*profile.verify_x509_name), profile.verify_x509_type);
    if (profile.remote_cert_tls_server) writer.line("remote-cert-tls server");
    writer.line("dev tun");
    if (profile.transport) writer.line("proto {}", openvpn::name_of(*profile.transport));
    writer.line("resolv-retry infinite");
    writer.line("nobind");
    if (profile.auth) writer.line("auth {}", auth_name(*profile.auth));
    if (profile.cipher) writer.line("cipher {}", openvpn::name_of(*profile.cipher));
    writer.line("persist-key");
    writer.line("persist-tun");
    writer.time("tls-timeout", profile.tls_timeout);
    if (profile.tls_version_min) writer.line("tls-version-min {}", number_of(*profile.tls_version_min));
    if (profile.key_direction && *profile.key_direction != openvpn::KeyDirection::Bidirectional)
        writer.line("key-direction {}", static_cast<int>(*profile.key_direction));
    write_further(writer, profile);
    if (!profile.log.empty()) writer.line("log {}", word(profile.log));
    writer.line("verb {}", profile.verb);
    writer.inlined("ca", profile.ca);
    writer.inlined("tls-auth", profile.tls_auth);
    writer.inlined("tls-crypt", profile.tls_crypt);
    writer.inlined("tls-crypt-v2", profile.tls_crypt_v2);
    writer.inlined("cert", profile.certificate);
    writer.inlined("key", profile.key);
    writer.inlined("extra-certs", profile.extra_certificates);
    if (!profile.username.empty())
        writer.inlined("auth-user-pass", fmt::format("{}\n{}\n", profile.username, profile.password));
    if (const auto& proxy = profile.http_proxy; proxy && !proxy->username.empty())
        writer.inlined("http-proxy-user-pass", fmt::format("{}\n{}\n", proxy->username, proxy->password));
    return writer.take();
}

}  // namespace gatelab::profile
