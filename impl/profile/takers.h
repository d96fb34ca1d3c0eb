// How the directives that we support change a profile. Internal to this folder. Errors say what was found and what was
// expected; the caller knows the place.
#pragma once

#include "impl/profile/directives.h"
#include "impl/profile/values.h"

namespace gatelab::profile {

using Taker = Result<void> (*)(Reading&, Arguments);

Result<void> take_client(Reading&, Arguments);
Result<void> take_tls_client(Reading&, Arguments);
Result<void> take_pull(Reading&, Arguments);
Result<void> take_remote(Reading&, Arguments);
Result<void> take_proto(Reading&, Arguments);
Result<void> take_port(Reading&, Arguments);
Result<void> take_dev(Reading&, Arguments);
Result<void> take_dev_type(Reading&, Arguments);
Result<void> take_topology(Reading&, Arguments);
Result<void> take_verify_x509_name(Reading&, Arguments);
Result<void> take_remote_cert_tls(Reading&, Arguments);
Result<void> take_auth(Reading&, Arguments);
Result<void> take_cipher(Reading&, Arguments);
Result<void> take_data_ciphers(Reading&, Arguments);
Result<void> take_fallback_cipher(Reading&, Arguments);
Result<void> take_tls_version_min(Reading&, Arguments);
Result<void> take_tls_version_max(Reading&, Arguments);
Result<void> take_tls_cipher(Reading&, Arguments);
Result<void> take_tls_ciphersuites(Reading&, Arguments);
Result<void> take_key_direction(Reading&, Arguments);
Result<void> take_tls_auth(Reading&, Arguments);
Result<void> take_tls_crypt(Reading&, Arguments);
Result<void> take_tls_crypt_v2(Reading&, Arguments);
Result<void> take_extra_certs(Reading&, Arguments);
Result<void> take_auth_user_pass(Reading&, Arguments);
Result<void> take_http_proxy(Reading&, Arguments);
Result<void> take_http_proxy_user_pass(Reading&, Arguments);
Result<void> take_keepalive(Reading&, Arguments);
Result<void> take_tun_mtu(Reading&, Arguments);
Result<void> take_mssfix(Reading&, Arguments);
Result<void> take_fragment(Reading&, Arguments);
Result<void> take_explicit_exit_notify(Reading&, Arguments);
Result<void> take_log(Reading&, Arguments);
Result<void> take_verb(Reading&, Arguments);
Result<void> take_allow_compression(Reading&, Arguments);
Result<void> take_script_security(Reading&, Arguments);

// The file of a key or certificate.
template <std::string Ovpn::*kBlock>
Result<void> take_file(Reading& reading, Arguments arguments) {
    if (arguments[0] == "[inline]") return {};  // a block has it
    auto text = read_beside(reading.file, arguments[0]);
    if (!text) return pass(text);
    reading.profile.*kBlock = std::move(*text);
    return {};
}

template <std::optional<Duration> Ovpn::*kTime>
Result<void> take_time(Reading& reading, Arguments arguments) {
    const auto time = seconds_of(arguments[0]);
    if (!time) return pass(time);
    reading.profile.*kTime = *time;
    return {};
}

template <std::optional<std::uint64_t> Ovpn::*kNumber>
Result<void> take_number(Reading& reading, Arguments arguments) {
    const auto number = number_of(arguments[0], 0, UINT64_MAX);
    if (!number) return pass(number);
    reading.profile.*kNumber = *number;
    return {};
}

// The blocks <auth-user-pass> and <http-proxy-user-pass>, or the files of those directives: a name and a password, one
// a line.
bool is_sign_in(std::string_view block);
Result<void> take_sign_in(Reading&, std::string_view block, std::string_view text);

}  // namespace gatelab::profile
