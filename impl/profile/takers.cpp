#include "impl/profile/takers.h"

#include <fmt/format.h>

#include <algorithm>

namespace gatelab::profile {
namespace {

tl::unexpected<Error> wrong(const std::string& found, std::string_view expected) {
    return fail(Fault::Malformed, fmt::format("\"{}\", expected {}", found, expected));
}

// Puts a value where it belongs, or passes its error on.
template <class Field, class T>
Result<void> put(Field& field, Result<T> value) {
    if (!value) return pass(value);
    field = std::move(*value);
    return {};
}

Result<std::optional<tls::Version>> version_of(const std::string& text) {
    if (text == "1.2") return tls::Version::Tls12;
    if (text == "1.3") return tls::Version::Tls13;
    if (text == "1.0" || text == "1.1") return std::optional<tls::Version>{};
    return wrong(text, "1.2 or 1.3");
}

// A name and a password, one a line.
Result<void> take_pair(std::string& name, std::string& password, std::string_view text) {
    const auto end = text.find('\n');
    const auto rest = end == text.npos ? std::string_view{} : text.substr(end + 1);
    const auto chomped = [](std::string_view line) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        return std::string{line};
    };
    name = chomped(text.substr(0, end));
    password = chomped(rest.substr(0, rest.find('\n')));
    if (name.empty() || password.empty()) return fail(Fault::Malformed, "no name and password, expected one a line");
    return {};
}

Result<void> take_sign_in_file(Reading& reading, std::string_view block, const std::string& file) {
    if (file == "[inline]") return {};  // a block has it
    const auto text = read_beside(reading.file, file);
    if (!text) return pass(text);
    return take_sign_in(reading, block, *text);
}

Result<std::uint16_t> size_of(const std::string& text, std::uint16_t least) {
    const auto number = number_of(text, least, 65535);
    if (!number) return pass(number);
    return static_cast<std::uint16_t>(*number);
}

}  // namespace

Result<void> take_client(Reading& reading, Arguments) {
    reading.is_client = reading.pulls = true;
    return {};
}

Result<void> take_tls_client(Reading& reading, Arguments) {
    reading.is_client = true;
    return {};
}

Result<void> take_pull(Reading& reading, Arguments) {
    reading.pulls = true;
    return {};
}

Result<void> take_remote(Reading& reading, Arguments arguments) {
    if (arguments[0].empty()) return wrong("", "a name or an address");
    Remote remote{arguments[0], 0, {}};
    if (arguments.size() > 1) {
        const auto port = number_of(arguments[1], 1, 65535);
        if (!port) return fail(Fault::Malformed, "port " + port.error().detail);
        remote.port = static_cast<std::uint16_t>(*port);
    }
    if (arguments.size() > 2) {
        const auto transport = transport_of(arguments[2]);
        if (!transport) return pass(transport);
        remote.transport = *transport;
    }
    reading.profile.remotes.push_back(std::move(remote));
    reading.remote_has_port.push_back(arguments.size() > 1);
    return {};
}

Result<void> take_proto(Reading& reading, Arguments arguments) {
    return put(reading.profile.transport, transport_of(arguments[0]));
}

Result<void> take_port(Reading& reading, Arguments arguments) {
    return put(reading.default_port, size_of(arguments[0], 1));
}

Result<void> take_dev(Reading&, Arguments arguments) {
    if (arguments[0].starts_with("tun")) return {};
    return wrong(arguments[0], "tun: packets of layer 3 are all that this client carries");
}

Result<void> take_dev_type(Reading& reading, Arguments arguments) { return take_dev(reading, arguments); }

Result<void> take_topology(Reading&, Arguments arguments) {
    for (const auto* known : {"subnet", "net30", "p2p"})
        if (arguments[0] == known) return {};
    return wrong(arguments[0], "subnet, net30 or p2p");
}

Result<void> take_verify_x509_name(Reading& reading, Arguments arguments) {
    const std::string type = arguments.size() > 1 ? arguments[1] : "subject";
    if (type != "name" && type != "name-prefix" && type != "subject")
        return wrong(type, "name, name-prefix or subject");
    if (arguments[0].empty()) return wrong("", "the name that the server's certificate must bear");
    reading.profile.verify_x509_name = arguments[0];
    reading.profile.verify_x509_type = type;
    return {};
}

Result<void> take_remote_cert_tls(Reading& reading, Arguments arguments) {
    if (arguments[0] != "server") return wrong(arguments[0], "server");
    reading.profile.remote_cert_tls_server = true;
    return {};
}

Result<void> take_auth(Reading& reading, Arguments arguments) {
    return put(reading.profile.auth, auth_of(arguments[0]));
}

Result<void> take_cipher(Reading& reading, Arguments arguments) {
    return put(reading.profile.cipher, cipher_of(arguments[0]));
}

// A list of the real world names ciphers that we do not have; one that we have is enough.
Result<void> take_data_ciphers(Reading& reading, Arguments arguments) {
    std::vector<openvpn::DataCipher> list;
    for (auto name : split_at_colons(arguments[0])) {
        if (name.starts_with('?')) name.erase(0, 1);  // "if you have it"
        if (const auto cipher = openvpn::data_cipher_of(name))
            list.push_back(*cipher);
        else
            reading.warn(fmt::format("data cipher {} is not supported and left out", name));
    }
    if (list.empty()) return wrong(arguments[0], "at least one of AES-256-GCM, AES-128-GCM and AES-256-CBC");
    reading.profile.data_ciphers = std::move(list);
    return {};
}

Result<void> take_fallback_cipher(Reading& reading, Arguments arguments) {
    return put(reading.profile.fallback_cipher, cipher_of(arguments[0]));
}

Result<void> take_tls_version_min(Reading& reading, Arguments arguments) {
    if (arguments.size() > 1 && arguments[1] != "or-highest") return wrong(arguments[1], "or-highest");
    auto version = version_of(arguments[0]);
    if (!version) return pass(version);
    if (!*version) reading.warn(fmt::format("tls-version-min {}: no version below 1.2 is spoken", arguments[0]));
    reading.profile.tls_version_min = version->value_or(tls::Version::Tls12);
    return {};
}

Result<void> take_tls_version_max(Reading& reading, Arguments arguments) {
    auto version = version_of(arguments[0]);
    if (!version) return pass(version);
    if (!*version) return wrong(arguments[0], "1.2 or 1.3");
    reading.profile.tls_version_max = *version;
    return {};
}

Result<void> take_tls_cipher(Reading& reading, Arguments arguments) {
    auto& suites = reading.profile.tls_ciphers;
    std::erase_if(suites, [](const std::string& suite) { return !tls::is_tls13(suite); });
    for (const auto& name : split_at_colons(arguments[0])) {
        auto suite = tls12_suite_of(name);
        if (!suite) return pass(suite);
        suites.push_back(std::move(*suite));
    }
    return {};
}

Result<void> take_tls_ciphersuites(Reading& reading, Arguments arguments) {
    auto& suites = reading.profile.tls_ciphers;
    std::erase_if(suites, tls::is_tls13);
    for (const auto& name : split_at_colons(arguments[0])) {
        if (!tls::is_tls13(name) || !tls::openssl_name_of(name))
            return wrong(name, "a cipher suite of TLS 1.3 such as TLS_AES_256_GCM_SHA384");
        suites.push_back(name);
    }
    return {};
}

Result<void> take_key_direction(Reading& reading, Arguments arguments) {
    if (arguments[0] != "0" && arguments[0] != "1") return wrong(arguments[0], "0 or 1");
    reading.profile.key_direction =
        arguments[0] == "0" ? openvpn::KeyDirection::Normal : openvpn::KeyDirection::Inverse;
    return {};
}

Result<void> take_tls_auth(Reading& reading, Arguments arguments) {
    if (arguments.size() > 1) {
        if (const auto taken = take_key_direction(reading, arguments.subspan(1)); !taken) return taken;
    }
    return take_file<&Ovpn::tls_auth>(reading, arguments);
}

Result<void> take_tls_crypt(Reading& reading, Arguments arguments) {
    return take_file<&Ovpn::tls_crypt>(reading, arguments);
}

Result<void> take_tls_crypt_v2(Reading& reading, Arguments arguments) {
    if (arguments.size() > 1) return wrong(arguments[1], "the key file alone: its options are a server's");
    return take_file<&Ovpn::tls_crypt_v2>(reading, arguments);
}

Result<void> take_extra_certs(Reading& reading, Arguments arguments) {
    return take_file<&Ovpn::extra_certificates>(reading, arguments);
}

bool is_sign_in(std::string_view block) { return block == "auth-user-pass" || block == "http-proxy-user-pass"; }

Result<void> take_sign_in(Reading& reading, std::string_view block, std::string_view text) {
    if (block == "http-proxy-user-pass") return take_pair(reading.proxy_username, reading.proxy_password, text);
    reading.profile.auth_user_pass = true;
    return take_pair(reading.profile.username, reading.profile.password, text);
}

Result<void> take_auth_user_pass(Reading& reading, Arguments arguments) {
    reading.profile.auth_user_pass = true;
    return arguments.empty() ? Result<void>{} : take_sign_in_file(reading, "auth-user-pass", arguments[0]);
}

Result<void> take_http_proxy_user_pass(Reading& reading, Arguments arguments) {
    return take_sign_in_file(reading, "http-proxy-user-pass", arguments[0]);
}

// http-proxy HOST PORT [auto | FILE [METHOD]].
Result<void> take_http_proxy(Reading& reading, Arguments arguments) {
    if (arguments[0].empty()) return wrong("", "a name or an address");
    const auto port = number_of(arguments[1], 1, 65535);
    if (!port) return fail(Fault::Malformed, "port " + port.error().detail);
    reading.profile.http_proxy = HttpProxy{arguments[0], static_cast<std::uint16_t>(*port)};
    if (arguments.size() > 3 && arguments[3] != "basic" && arguments[3] != "none")
        return wrong(arguments[3], "basic or none: no other authentication is spoken");
    if (arguments.size() < 3 || arguments[2] == "auto") return {};
    if (arguments[2] == "auto-nct") return wrong(arguments[2], "auto: no authentication but Basic is spoken");
    return take_sign_in_file(reading, "http-proxy-user-pass", arguments[2]);
}

Result<void> take_keepalive(Reading& reading, Arguments arguments) {
    const auto taken = take_time<&Ovpn::ping>(reading, arguments);
    return taken ? take_time<&Ovpn::ping_restart>(reading, arguments.subspan(1)) : taken;
}

Result<void> take_tun_mtu(Reading& reading, Arguments arguments) {
    return put(reading.profile.tun_mtu, size_of(arguments[0], 100));
}

Result<void> take_mssfix(Reading& reading, Arguments arguments) {
    auto& mssfix = reading.profile.mssfix;
    mssfix.reset();  // alone it asks for the default
    reading.mssfix_counts_payload = false;
    if (arguments.empty()) return {};
    if (arguments.size() > 1 && arguments[1] != "mtu") return wrong(arguments[1], "mtu");
    if (const auto put_it = put(mssfix, size_of(arguments[0], 0)); !put_it) return put_it;
    if (*mssfix != 0 && (*mssfix < 68 || *mssfix > 65000)) return wrong(arguments[0], "0, or a size from 68 to 65000");
    reading.mssfix_counts_payload = arguments.size() == 1;
    return {};
}

Result<void> take_fragment(Reading& reading, Arguments arguments) {
    if (arguments.size() > 1 && arguments[1] != "mtu") return wrong(arguments[1], "mtu");
    reading.fragment_counts_packet = arguments.size() > 1;
    auto& fragment = reading.profile.fragment;
    if (const auto put_it = put(fragment, size_of(arguments[0], 0)); !put_it) return put_it;
    if (*fragment != 0 && *fragment < 68) return wrong(arguments[0], "0, or a size from 68 to 65535");
    return {};
}

Result<void> take_explicit_exit_notify(Reading& reading, Arguments arguments) {
    if (arguments.empty()) {
        reading.profile.explicit_exit_notify = 1;
        return {};
    }
    const auto number = number_of(arguments[0], 0, 1000);
    if (!number) return pass(number);
    reading.profile.explicit_exit_notify = static_cast<int>(*number);
    return {};
}

Result<void> take_log(Reading& reading, Arguments arguments) {
    reading.profile.log = arguments[0];
    return {};
}

Result<void> take_verb(Reading& reading, Arguments arguments) {
    const auto number = number_of(arguments[0], 0, 15);
    if (!number) return pass(number);
    reading.profile.verb = static_cast<int>(*number);
    return {};
}

Result<void> take_allow_compression(Reading& reading, Arguments arguments) {
    if (arguments[0] == "no") return {};
    if (arguments[0] != "asym") return wrong(arguments[0], "no: compression gives away what is encrypted");
    reading.warn("allow-compression asym: no compression is accepted either");
    return {};
}

Result<void> take_script_security(Reading&, Arguments arguments) {
    if (arguments[0] == "0" || arguments[0] == "1") return {};
    return wrong(arguments[0], "0 or 1: this client runs no scripts");
}

}  // namespace gatelab::profile
