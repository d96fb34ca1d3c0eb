#include "impl/client/personality.h"

#include <algorithm>
#include <array>
#include <utility>

#include "impl/base/address.h"

namespace gatelab::client {
namespace {

using namespace std::chrono_literals;

// --- the table ------------------------------------------------------------------------------------------------------
//
// "Documented" stands for what the maker's documents say; "observed" for what a public report of others shows;
// everything else is ours.

constexpr std::string_view kRefused = "authentication-failed";

// Our own client: the limits of its engines, and nothing again.
Habits gatelab() {
    Habits habits;
    habits.retransmission = {.first = 500ms, .base = 1.8, .attempts = 5};  // ours: 21 s an exchange
    habits.ikev2_within = 30s;                                             // ours
    habits.openvpn_over_proxy = habits.sstp_over_proxy = habits.signs_in_at_proxy = true;
    habits.sstp_http_within = 60s;  // documented: [MS-SSTP] section 4.1 (SSTP-02)
    habits.sstp_within = 90s;       // ours
    return habits;
}

// IKEv2, then SSTP (P2S-PROTO-04). The documents name no failure that keeps it from the next tunnel: each is attempted
// "until the connection succeeds" ([MS-RRASM] section 2.2.2.2.11, VpnStrategy; Routing and Remote Access Blog,
// 2009-02-11). That a user who was refused is not dialled for again is ours.
Habits windows() {
    Habits habits;
    // Observed: three messages (trailofbits/algo issue 305) and error 809 some 5 s after the first that nobody answers
    // (issue 760). Ours: one second, doubled, so 7 s an exchange. [MS-IKEE] names no number; [MS-RRASM] section
    // 2.2.3.4.2.2 (at least 120 s) is of tunnels that stand.
    habits.retransmission = {.first = 1s, .base = 2, .attempts = 2};
    habits.ikev2_within = 30s;  // ours
    // Ours: three SYNs, 3 s after the first and doubled, as Windows' TCP had them for long; then as long as for the
    // 200.
    habits.sstp_connection = {.tcp = 21s, .proxy = 60s};
    habits.sstp_http_within = 60s;       // documented: [MS-SSTP] section 4.1 (SSTP-02)
    habits.sstp_within = 150s;           // ours
    habits.sstp_over_proxy = true;       // documented: [MS-SSTP] section 4.5
    habits.sstp_address_control = true;  // observed by others, whose servers take both
    // Documented: no proxy that wants authentication (Routing and Remote Access Blog, SSTP FAQ part 2, 2007-01-17).
    habits.signs_in_at_proxy = false;
    habits.reconnects = false;  // observed: RedialOnLinkFailure=0 in the phone book; Always On does (P2S-FAQ-15)
    // Ours; the longest is RedialSeconds=60 of phone books.
    habits.redial = {.pause = 5s, .alike = 1, .longest = 60s};
    habits.ends_redial = {kRefused};
    return habits;
}

// IKEv2 only (P2S-PROTO-04). iOS has the same engine.
Habits apple() {
    Habits habits;
    // Observed: NEIKEv2Provider leaves a silent address after 31.2 s, and has sent again 7 s after the first message
    // (hwdsl2/docker-ipsec-vpn-server issue 295): 1, 2, 4, 8, 16 s.
    habits.retransmission = {.first = 1s, .base = 2, .attempts = 4};
    habits.ikev2_within = 60s;  // observed: the session manager's state timer (Apple developer forums, thread 731820)
    habits.reconnects = false;  // on demand only, which the gateway's profiles do not ask for
    habits.redial = {.pause = 5s, .alike = 1, .longest = 60s};  // ours
    habits.ends_redial = {kRefused};                            // ours
    return habits;
}

Habits strongswan() {
    Habits habits;
    // Documented: docs.strongswan.org, Retransmission: 4, 7, 13, 23, 42 and 76 s, 165 s in all.
    habits.retransmission = {.first = 4s, .base = 1.8, .attempts = 5};
    habits.ikev2_within = 6min;  // ours; charon has none beside its retransmissions, of two exchanges
    habits.reconnects = false;   // documented: auto=add in the instructions (P2S-PKG-50), and no dpdaction
    habits.redial = {.pause = 5s, .alike = 1, .longest = 60s};  // ours
    habits.ends_redial = {kRefused};                            // ours
    return habits;
}

// All from openvpn(8) of version 2.6.
Habits openvpn_client() {
    Habits habits;
    habits.openvpn_connection = {.tcp = 120s, .proxy = 120s};  // --server-poll-timeout: TCP and proxy together
    habits.openvpn_over_proxy = true;                          // --http-proxy, which the profile must name
    habits.signs_in_at_proxy = true;                           // --http-proxy with an authfile
    habits.reconnects = true;
    habits.redial = {.pause = 1s, .alike = 5, .longest = 300s};  // --connect-retry 1 300, without end
    // --auth-retry none: fatal, as a profile that cannot be used is.
    habits.ends_round = habits.ends_redial = {kRefused, "bad-profile"};
    return habits;
}

// OpenVPN over TCP 443. Microsoft documents none of this; all ours, what the openvpn program does where nothing speaks
// against it.
Habits azure_vpn_client() {
    Habits habits;
    habits.openvpn_connection = {.tcp = 60s, .proxy = 60s};
    habits.openvpn_over_proxy = false;  // its profile has no place for a proxy (P2S-PKG-40)
    habits.reconnects = false;          // its user is told, and may have to sign in anew (P2S-AAD-14)
    habits.redial = {.pause = 5s, .alike = 1, .longest = 60s};
    habits.ends_round = habits.ends_redial = {kRefused, "bad-profile"};
    return habits;
}

struct Row {
    Personality personality;
    std::string_view name;
    Habits habits;
};

const Row& row_of(Personality personality) {
    static const std::array<Row, 7> kTable{{
        {Personality::Gatelab, "gatelab", gatelab()},
        {Personality::Windows, "windows", windows()},
        {Personality::MacOs, "macos", apple()},
        {Personality::Ios, "ios", apple()},
        {Personality::StrongSwan, "strongswan", strongswan()},
        {Personality::OpenVpnClient, "openvpn-client", openvpn_client()},
        {Personality::AzureVpnClient, "azure-vpn-client", azure_vpn_client()},
    }};
    return *std::find_if(kTable.begin(), kTable.end(), [&](const Row& row) { return row.personality == personality; });
}

// P2S-AAD-23, which is of a client with AES-256-GCM and tls-auth. The two sizes are as they were seen, the wrong way
// round.
constexpr std::string_view kAzureOptions =
    "V4,dev-type tun,link-mtu 1500,tun-mtu 1551,proto TCPv4_CLIENT,keydir 1,cipher AES-256-GCM,auth [null-digest],"
    "keysize 256,tls-auth,key-method 2,tls-client";

// P2S-AAD-24, P2S-AAD-26, P2S-AAD-28.
openvpn::Options as_azure_vpn_client(openvpn::Options options, const std::string& host) {
    options.options_string = kAzureOptions;
    // One line of what others send as five: it says nothing to a server.
    options.peer_info = {{"IV_VER", "AzMac IV_PLAT=0.1 IV_PROTO=1 IV_PLAT_VER= IV_PLAT_DEVICE_ID=x64"}};
    if (!parse_address(host)) options.tls.server_name = host;  // RFC 6066 section 3: no addresses
    options.tls.alpn = {"h2", "http/1.1"};
    options.renegotiate = Duration::zero();  // a token that lives for an hour cannot be shown again
    return options;
}

}  // namespace

std::string_view name_of(Personality personality) { return row_of(personality).name; }

const Habits& habits_of(Personality personality) { return row_of(personality).habits; }

Duration pause_before(const Redial& redial, int round) {
    auto pause = redial.pause;
    for (int n = redial.alike; n <= round && pause < redial.longest; ++n) pause *= 2;
    return std::min(pause, std::max(redial.longest, redial.pause));
}

openvpn::Options as(Personality personality, openvpn::Options options, const std::string& host) {
    return personality == Personality::AzureVpnClient ? as_azure_vpn_client(std::move(options), host) : options;
}

}  // namespace gatelab::client
