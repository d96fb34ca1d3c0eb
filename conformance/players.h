// Who can play a client or a gateway in a case, and what each claims to do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "topologies/model/topology.h"

namespace gatelab::conformance {

// What a case may need of a player.
enum class Feature {
    NativeEsp,       // carries ESP as IP protocol 50 when there is no NAT
    HonestNat,       // claims to be behind a NAT only when it is
    VirtualTime,     // takes part in simulated time, so that hours cost nothing
    StaySilent,      // does not answer an IKE_SA_INIT request that it cannot read
    CountDrops,      // tells how many packets it dropped, and why
    TellNat,         // tells on which side it found a NAT
    FirstGroup,      // takes MODP_2048_256, which a client with Azure's default policy tries first
    ManySelectors,   // has children with more than one traffic selector a side
    AnyCertificate,  // presents a certificate of its own that is not valid, too
    // Of OpenVPN.
    ProtectedControl,  // puts tls-auth, tls-crypt or tls-crypt-v2 around control packets
    Cookies,           // a gateway that keeps no state before a client has answered
    Passwords,         // a gateway that knows users by name and password
    LongPassword,      // passwords of more than two kilobytes, such as the tokens of Entra
    Personalities,     // a client that behaves as Microsoft's does
    TellPeer,          // a gateway that tells what a client said of itself
    StrictOptions,     // a gateway that can insist on the options string
    ThousandRoutes,    // routes as many as Azure allows
    StaysInSession,    // a client that does not begin anew when somebody makes a server answer in its name
    NoInternet,        // a gateway that leads nowhere but into its virtual network
    KeepsOuterRoute,   // a client whose own packets stay out of the tunnel, whatever it carries
    Renegotiate,       // replaces keys by time
    RenegotiateNow,    // replaces keys when it is asked to
    PatientSignIn,     // a gateway that takes a client whose renegotiation had to repeat a packet after 30 s
    TellMoves,         // a gateway that tells where it sees a client, and how often that changed
    Fragments,         // cuts packets (--fragment)
    TellSegmentSize,   // a client whose TCP connections announce the size of their segments
    EndSession,        // a gateway that ends a session when it is asked to
    Restart,           // a gateway that starts anew when it is asked to
    KeyIdsInTurn,      // drops a soft reset whose key id is not the next
    OneReply,          // takes its options once
    RouteLimit,        // refuses more than 1,000 pushed routes
    TlsPolicy,         // takes the TLS versions and cipher suites that it is told, and no others
    // Of SSTP.
    HelloTime,       // asks a silent peer after the time that it is told, or never
    StrictCall,      // a client that aborts at what [MS-SSTP] forbids, and asks again after a Nak
    ServerName,      // a client that holds a certificate to the name that it dialled
    LimitsPatience,  // a client that gives up a gateway that goes on refusing, or says nothing, within two minutes
    WantsToBeAsked,  // a client that leaves a gateway that does not ask who it is
    CallDisconnect,  // a client that hangs up by a Call Disconnect
    LeavesProxy,     // a client that fails when a proxy refuses its credentials
};
std::string_view name_of(Feature);  // "native-esp"

enum class Side { Client, Gateway, Both };

struct Need {
    Side side = Side::Both;
    Feature feature;
};

// A feature that a player does not claim.
struct Lack {
    Feature feature;
    std::string why;
};

// Somebody, and the way in which he takes part: a program that can run in either time is two players, so that a name in
// a report always says the same.
struct Player {
    std::string name;  // "strongswan", "strongswan-realtime"
    topologies::Implementation implementation;
    std::vector<Lack> lacks = {};
    bool real_time = false;     // in a namespace of this machine, and the whole network keeps step with the wall clock
    bool by_name_only = false;  // does not join a run that did not ask for it
    std::vector<topologies::Tunnel> tunnels = {topologies::Tunnel::IkeV2};  // that he has
    Side sides = Side::Both;                                                // that he plays

    bool has(topologies::Tunnel) const;
    bool plays(Side) const;  // Client or Gateway
    bool is_real() const { return implementation != topologies::Implementation::Gatelab; }
    std::string_view family() const { return topologies::name_of(implementation); }
};

// All of them, in the order of reports.
const std::vector<Player>& players();
const Player* find_player(std::string_view name);

struct Pair {
    const Player* client = nullptr;
    const Player* gateway = nullptr;
    bool virtual_time() const { return !client->real_time && !gateway->real_time; }
    bool has_real_program() const { return client->is_real() || gateway->is_real(); }
    // Whether both have such a tunnel, and play the sides that they have here.
    bool can_have(topologies::Tunnel) const;
    // Why the pair does not have all of it, one sentence; "" when it does.
    std::string lack_of(const std::vector<Need>&) const;
};
// "gatelab-strongswan": client, then gateway.
std::string to_string(const Pair&);

}  // namespace gatelab::conformance
