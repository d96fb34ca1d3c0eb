#include "conformance/players.h"

#include <fmt/format.h>

#include <algorithm>

namespace gatelab::conformance {

std::string_view name_of(Feature feature) {
    switch (feature) {
        case Feature::NativeEsp: return "native-esp";
        case Feature::HonestNat: return "honest-nat";
        case Feature::VirtualTime: return "virtual-time";
        case Feature::StaySilent: return "stay-silent";
        case Feature::CountDrops: return "count-drops";
        case Feature::TellNat: return "tell-nat";
        case Feature::FirstGroup: return "first-group";
        case Feature::ManySelectors: return "many-selectors";
        case Feature::AnyCertificate: return "any-certificate";
        case Feature::ProtectedControl: return "protected-control";
        case Feature::Cookies: return "cookies";
        case Feature::Passwords: return "passwords";
        case Feature::LongPassword: return "long-password";
        case Feature::Personalities: return "personalities";
        case Feature::TellPeer: return "tell-peer";
        case Feature::StrictOptions: return "strict-options";
        case Feature::ThousandRoutes: return "thousand-routes";
        case Feature::StaysInSession: return "stays-in-session";
        case Feature::NoInternet: return "no-internet";
        case Feature::KeepsOuterRoute: return "keeps-outer-route";
        case Feature::Renegotiate: return "renegotiate";
        case Feature::RenegotiateNow: return "renegotiate-now";
        case Feature::PatientSignIn: return "patient-sign-in";
        case Feature::TellMoves: return "tell-moves";
        case Feature::Fragments: return "fragments";
        case Feature::TellSegmentSize: return "tell-segment-size";
        case Feature::EndSession: return "end-session";
        case Feature::Restart: return "restart";
        case Feature::KeyIdsInTurn: return "key-ids-in-turn";
        case Feature::OneReply: return "one-reply";
        case Feature::RouteLimit: return "route-limit";
        case Feature::StrictCall: return "strict-call";
        case Feature::ServerName: return "server-name";
        case Feature::LimitsPatience: return "limits-patience";
        case Feature::WantsToBeAsked: return "wants-to-be-asked";
        case Feature::TlsPolicy: return "tls-policy";
        case Feature::HelloTime: return "hello-time";
        case Feature::CallDisconnect: return "call-disconnect";
        case Feature::LeavesProxy: return "leaves-proxy";
    }
    return "?";
}

namespace {

std::vector<Lack> lacks_of_sstp_client(std::vector<Lack> more = {}) {
    std::vector<Lack> lacks = {
        {Feature::CountDrops, "neither sstpc nor pppd tells what it dropped"},
        {Feature::Personalities, "it is nobody but itself"},
        {Feature::TellPeer, "it does not say what the gateway calls itself"},
        {Feature::AnyCertificate, "it shows no certificate"},
        {Feature::StrictCall, "sstpc passes over messages that do not belong, or hangs up without a Call Abort"},
        {Feature::ServerName, "sstpc looked at who issued a certificate, and not at the name in it"},
        {Feature::LimitsPatience, "pppd and sstpc wait longer for a gateway than two minutes"},
        {Feature::WantsToBeAsked, "pppd takes a link on which nobody asks who it is"},
        {Feature::LongPassword, "a word of pppd's files has 1,023 octets at most"},
        {Feature::Renegotiate, "it has nothing to renew but TLS, and does not"},
        {Feature::RenegotiateNow, "it has nothing to renew but TLS, and does not"},
        {Feature::TlsPolicy, "sstpc offers the suites that OpenSSL does"},
        {Feature::CallDisconnect, "pppd ends the link, and sstpc closes TLS without a Call Disconnect"},
        {Feature::LeavesProxy, "sstpc shows a proxy the same credentials again and again"},
        {Feature::HelloTime, "sstpc asks after a minute of silence, whatever it is told"},
    };
    lacks.insert(lacks.end(), more.begin(), more.end());
    return lacks;
}

std::vector<Lack> lacks_of_openvpn(std::vector<Lack> more = {}) {
    std::vector<Lack> lacks = {
        {Feature::LongPassword, "the buffer for what the ends tell each other inside TLS has 2,048 octets"},
        {Feature::CountDrops, "the log tells of drops, and repeats itself only now and then"},
        {Feature::Personalities, "it is nobody but itself"},
        {Feature::TellPeer, "the log does not have a client's options string"},
        {Feature::StrictOptions, "it warns of another options string, and goes on"},
        {Feature::RouteLimit, "it takes any number of routes"},
        {Feature::KeyIdsInTurn, "it answers any soft reset by one of its own, under the next key id"},
        {Feature::OneReply, "it takes the address of a second reply, too"},
        {Feature::KeepsOuterRoute, "it keeps its own packets out of the tunnel with redirect-gateway only"},
        {Feature::StaysInSession, "a client takes a server's hard reset for the beginning of a new session"},
        {Feature::NoInternet, "the kernel behind it forwards what it has a route for"},
        {Feature::RenegotiateNow, "nothing makes it renegotiate but time and traffic"},
        {Feature::PatientSignIn, "a sign-in that the management decides must end within half of --reneg-sec"},
    };
    lacks.insert(lacks.end(), more.begin(), more.end());
    return lacks;
}

}  // namespace

const std::vector<Player>& players() {
    using topologies::Implementation;
    using topologies::Tunnel;
    static const std::vector<Player> kPlayers = {
        {.name = "gatelab",
         .implementation = Implementation::Gatelab,
         .lacks = {{Feature::TellSegmentSize, "TCP of simulated hosts announces no segment size"}},
         .tunnels = {Tunnel::IkeV2, Tunnel::OpenVpn, Tunnel::Sstp}},
        {.name = "strongswan",
         .implementation = Implementation::StrongSwan,
         .lacks = {{Feature::StaySilent, "charon answers INVALID_SYNTAX in clear"}}},
        {.name = "strongswan-realtime",
         .implementation = Implementation::StrongSwan,
         .lacks = {{Feature::NativeEsp, "kernel-libipsec always puts ESP into UDP"},
                   {Feature::HonestNat, "kernel-libipsec feigns a NAT to have ESP put into UDP"},
                   {Feature::VirtualTime, "charon lives by the machine's clock"},
                   {Feature::StaySilent, "charon answers INVALID_SYNTAX in clear"},
                   {Feature::CountDrops, "kernel-libipsec does not tell what it dropped"}},
         .real_time = true},
        {.name = "libreswan",
         .implementation = Implementation::Libreswan,
         .lacks = {{Feature::StaySilent, "pluto answers in clear what it cannot read"},
                   {Feature::CountDrops, "the kernel's counters are read twice a second, not at every packet"},
                   {Feature::FirstGroup, "libreswan 4.10 is built without group 24"},
                   {Feature::TellNat, "pluto logs that there is a NAT, not where"},
                   {Feature::ManySelectors, "libreswan 4.10 has one traffic selector a side"},
                   {Feature::AnyCertificate, "pluto does not load a certificate of its own that is not valid"}},
         .by_name_only = true},
        {.name = "openvpn",
         .implementation = Implementation::OpenVpn,
         .lacks = lacks_of_openvpn(),
         .tunnels = {Tunnel::OpenVpn}},
        {.name = "openvpn-realtime",
         .implementation = Implementation::OpenVpn,
         .lacks = lacks_of_openvpn({{Feature::VirtualTime, "openvpn lives by the machine's clock"}}),
         .real_time = true,
         .tunnels = {Tunnel::OpenVpn}},
        {.name = "softether",
         .implementation = Implementation::SoftEther,
         .lacks = {{Feature::VirtualTime, "SoftEther lives by the machine's clock"},
                   {Feature::ProtectedControl, "SoftEther leaves the control channel as it is"},
                   {Feature::LongPassword, "nobody says how long SoftEther's passwords may be"},
                   {Feature::CountDrops, "SoftEther does not tell what it dropped"},
                   {Feature::TellPeer, "SoftEther does not log what a client says of itself"},
                   {Feature::StrictOptions, "SoftEther takes any options string"},
                   {Feature::TellMoves, "SoftEther does not tell where a client moved"},
                   {Feature::Cookies, "SoftEther keeps a session for every hard reset"},
                   {Feature::Fragments, "SoftEther has no --fragment"},
                   {Feature::RenegotiateNow, "SoftEther cannot be asked to renegotiate"},
                   {Feature::Renegotiate, "SoftEther has times of its own"},
                   {Feature::TlsPolicy, "SoftEther has a list of suites of its own, whatever it is told"}},
         .real_time = true,
         .tunnels = {Tunnel::OpenVpn},
         .sides = Side::Gateway},
        {.name = "sstp-client",
         .implementation = Implementation::SstpClient,
         .lacks = lacks_of_sstp_client(),
         .tunnels = {Tunnel::Sstp},
         .sides = Side::Client},
        {.name = "sstp-client-realtime",
         .implementation = Implementation::SstpClient,
         .lacks = lacks_of_sstp_client({{Feature::VirtualTime, "sstpc lives by the machine's clock"}}),
         .real_time = true,
         .tunnels = {Tunnel::Sstp},
         .sides = Side::Client},
    };
    return kPlayers;
}

bool Player::has(topologies::Tunnel tunnel) const {
    return std::find(tunnels.begin(), tunnels.end(), tunnel) != tunnels.end();
}

bool Player::plays(Side side) const { return sides == Side::Both || sides == side; }

bool Pair::can_have(topologies::Tunnel tunnel) const {
    return client->has(tunnel) && client->plays(Side::Client) && gateway->has(tunnel) && gateway->plays(Side::Gateway);
}

const Player* find_player(std::string_view name) {
    const auto at =
        std::find_if(players().begin(), players().end(), [&](const auto& player) { return player.name == name; });
    return at == players().end() ? nullptr : &*at;
}

std::string Pair::lack_of(const std::vector<Need>& needs) const {
    for (const auto& need : needs) {
        for (const auto side : {Side::Client, Side::Gateway}) {
            if (need.side != Side::Both && need.side != side) continue;
            const auto& player = side == Side::Client ? *client : *gateway;
            for (const auto& lack : player.lacks)
                if (lack.feature == need.feature)
                    return fmt::format("{} as {} does not claim {}: {}", player.name,
                                       side == Side::Client ? "client" : "gateway", name_of(lack.feature), lack.why);
        }
    }
    return {};
}

std::string to_string(const Pair& pair) { return pair.client->name + "-" + pair.gateway->name; }

}  // namespace gatelab::conformance
