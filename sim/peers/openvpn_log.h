// What the lines of OpenVPN's log mean, at verb 4, in gatelab's words.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "impl/base/address.h"

namespace gatelab::sim::peers {

// TLS is through, for a new tunnel or for a renegotiation: "TLSv1.3/TLS_AES_256_GCM_SHA384".
struct LoggedTls {
    std::string suite;
};
// The data channel has its cipher: "AES-256-GCM".
struct LoggedCipher {
    std::string name;
};
// What a server has pushed to its client.
struct LoggedPush {
    Ipv4Address address;
    std::vector<Prefix> routes;
    std::vector<Ipv4Address> dns;
    bool more_follows = false;  // in another message
};
// A server has seen its client at another address.
struct LoggedFloat {
    Endpoint from, to;
};
// Why something did not work, under the names of openvpn::CloseReason.
struct LoggedFailure {
    std::string reason;
};
// A data packet was dropped.
struct LoggedDrop {
    bool replayed = false;  // else it was not authentic
};
using LogFact = std::variant<LoggedTls, LoggedCipher, LoggedPush, LoggedFloat, LoggedFailure, LoggedDrop>;

// A server's lines about a client begin with who it is: "alice/198.51.100.10:1194 ", or without the name before it has
// proved one.
struct LogLine {
    std::optional<Endpoint> client;
    std::string_view text;
};
LogLine split_log_line(std::string_view line);

// Nothing for a line without a meaning for us.
std::optional<LogFact> fact_in(std::string_view text);

// What the program says when it ends or restarts a connection ("ping-restart"), under the names of
// openvpn::CloseReason; `before` is the newest failure that was logged for it, or "".
std::string failure_of(std::string_view ending, const std::string& before);

// "ECDHE-RSA-AES128-SHA256" is "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"; names of TLS 1.3 stay.
std::string iana_name_of(std::string_view openssl);

}  // namespace gatelab::sim::peers
