// What each directive of OpenVPN 2.6 is to a reader of client profiles. Internal to this folder.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "impl/profile/lexer.h"
#include "impl/profile/ovpn.h"

namespace gatelab::profile {

// A profile while it is read.
struct Reading {
    std::string file;
    Ovpn profile;
    std::vector<Warning> warnings;
    std::uint16_t default_port = 1194;             // of remotes that say none
    std::vector<bool> remote_has_port;             // beside profile.remotes
    bool pulls = false, is_client = false;         // pull, tls-client; client is both
    bool mssfix_counts_payload = false;            // "mssfix N" without mtu
    bool fragment_counts_packet = false;           // "fragment N mtu"
    std::string proxy_username, proxy_password;    // of http-proxy-user-pass, or http-proxy's own file
    bool tolerant = false;                         // setenv FORWARD_COMPATIBLE 1
    std::set<std::string, std::less<>> ignored;    // ignore-unknown-option
    std::map<std::string, int, std::less<>> seen;  // the line where each directive stood first
    int line = 0;

    void warn(std::string text) { warnings.push_back({line, std::move(text)}); }
};

using Arguments = std::span<const std::string>;

struct Directive {
    enum class Kind {
        Taken,     // by `take`
        Implied,   // what our client does anyway
        Harmless,  // without meaning here: a warning
        Refused,   // changes who is trusted or what is protected, and is not supported: an error
    };
    std::string_view name;
    std::size_t least = 0, most = 0;  // arguments
    Kind kind = Kind::Implied;
    std::string_view why;                                 // of Harmless and Refused: "is ..." or "does ..."
    Result<void> (*take)(Reading&, Arguments) = nullptr;  // errors say what was found and expected, without the place
    std::string Ovpn::*block = nullptr;                   // of those that may stand as <name> ... </name>
};

// nullptr when OpenVPN 2.6 has no such directive. Directives of its Windows version are known too.
const Directive* find_directive(std::string_view name);
std::vector<std::string> directive_names();

}  // namespace gatelab::profile
