// Whose habits a client has: which failures it takes as final, how long it waits for what, whether it dials again.
//
// The habits are one table (personality.cpp), with the source of every number, or a word that it is ours. What a
// client dials, and in which order, is its owner's plan (config.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "impl/base/time.h"
#include "impl/ikev2/options.h"
#include "impl/openvpn/options.h"

namespace gatelab::client {

enum class Personality {
    Gatelab,         // our own: nothing is shortened or repeated
    Windows,         // the native client of Windows 10 and 11 (P2S-OS-01)
    MacOs,           // the native client (P2S-OS-04)
    Ios,             // the native client (P2S-OS-10)
    StrongSwan,      // charon on Linux (P2S-OS-07)
    OpenVpnClient,   // the openvpn program, 2.6 (P2S-OS-08)
    AzureVpnClient,  // Microsoft's, as others have observed it (P2S-AAD-20 to P2S-AAD-28)
};
std::string_view name_of(Personality);  // "azure-vpn-client"

// The pauses before dialling again: after a tunnel was lost, and after each round in which no tunnel came up.
struct Redial {
    Duration pause = std::chrono::seconds(5);
    int alike = 1;  // so many pauses are of that length; each further one is twice the one before
    Duration longest = std::chrono::minutes(1);
    friend bool operator==(const Redial&, const Redial&) = default;
};
// The pause before the n-th round after a tunnel was lost or the first round failed, n from 0.
Duration pause_before(const Redial&, int round);

// How long a TCP connection to a gateway may take; both since dialling began. 0: no limit of its own.
struct ConnectLimits {
    Duration tcp{};    // until the gateway, or the proxy, has answered our SYN
    Duration proxy{};  // until the proxy has opened the way
    friend bool operator==(const ConnectLimits&, const ConnectLimits&) = default;
};

struct Habits {
    // IKEv2.
    ikev2::Retransmission retransmission;
    Duration ikev2_within{};  // a whole attempt

    // OpenVPN. A whole attempt may take what the connection may, the handshake window, and a moment more, so that it
    // ends with OpenVPN's own reason.
    ConnectLimits openvpn_connection;
    bool openvpn_over_proxy = false;  // the machine's HTTP proxy, with TCP

    // SSTP.
    ConnectLimits sstp_connection;
    Duration sstp_http_within{};  // for the 200
    Duration sstp_within{};       // a whole attempt
    bool sstp_over_proxy = false;
    bool sstp_address_control = false;  // frames of PPP begin with FF 03

    bool signs_in_at_proxy = false;  // Basic, when the proxy asks for it

    bool reconnects = false;  // dials again by itself, unless its owner says otherwise
    Redial redial;            // when it does
    // Failures after which no further tunnel of the plan is tried, and those after which it is not dialled again.
    std::vector<std::string_view> ends_round, ends_redial;
};
const Habits& habits_of(Personality);

// Changes the options of a profile to what such a client does; `host` is the gateway's name as the user dials it.
openvpn::Options as(Personality, openvpn::Options, const std::string& host);

}  // namespace gatelab::client
