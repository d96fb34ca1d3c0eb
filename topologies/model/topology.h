// A network as data: what a topology file says, as a graph of typed nodes and links.
//
// Two readings share it: the checks of this folder, and the simulation.
//
// Which nodes are neighbours is told by the links alone. A gateway and each virtual machine are linked to their
// virtual network like any other pair; the reader of topology files adds those links where the file has none.
#pragma once

// GCC 12 takes an empty boost::optional in add_vertex() for an uninitialised one, where sanitizers are on.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <boost/graph/adjacency_list.hpp>
#pragma GCC diagnostic pop

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/time.h"

namespace gatelab::topologies {

// Where in a file something was said; line and column count from 1, 0 when it was not said in a file.
struct Mark {
    std::string file;
    int line = 0;
    int column = 0;
    friend bool operator==(const Mark&, const Mark&) = default;
};

// Where each field of a thing was said, by the field's name in the file ("address_pool"); only what was said is there.
using FieldMarks = std::vector<std::pair<std::string, Mark>>;

// --- certificates -----------------------------------------------------------------------------------------------

struct KeySpec {
    enum class Kind { Rsa, Ecdsa } kind = Kind::Rsa;
    int bits = 2048;
};

// A certificate that the run issues, or one that files bring along.
struct CertificateSpec {
    std::string name;    // common name
    std::string issuer;  // name of a root; "" for a root
    KeySpec key;
    Instant not_before = instant_from_unix(1577836800);  // 2020-01-01
    Instant not_after = instant_from_unix(2493072000);   // 2049-01-01
    std::vector<std::string> dns_names;                  // subjectAltName
    std::string certificate_file, key_file;              // PEM, as seen from the working directory; "" when issued
    Mark mark;
    FieldMarks field_marks = {};
};

// --- nodes ------------------------------------------------------------------------------------------------------

// Absent: the machine is there, with its addresses and routes, and nobody plays on it.
enum class Implementation { Gatelab, StrongSwan, Libreswan, OpenVpn, SoftEther, SstpClient, Absent };
bool is_program(Implementation);  // a real one
// Password: a user name and its password, with OpenVPN and SSTP. A client that dials several tunnels shows its
// certificate where the tunnel knows certificates, and its password where it knows passwords.
enum class Authentication { Certificate, PreSharedKey, Password };

// What a point-to-site client dials with, and a gateway offers (Azure's vpnClientProtocols).
enum class Tunnel { IkeV2, OpenVpn, Sstp };
enum class Transport { Udp, Tcp };

// A user whom a gateway, or a proxy, knows by name.
struct User {
    std::string name, password;
    friend bool operator==(const User&, const User&) = default;
};

// Whose habits a client has: which tunnels it knows, in which order it tries them, when it gives one up, whether it
// dials again. Gatelab: those that the topology says, one after another, each as long as its protocol lasts.
enum class Personality { Gatelab, Windows, MacOs, Ios, StrongSwan, OpenVpnClient, AzureVpnClient };

// The settings of an OpenVPN end, under the names that OpenVPN has for them. What is not set is what Azure's profile
// says (P2S-PKG-30), else OpenVPN's own default.
struct OpenVpn {
    enum class Protection { TlsAuth, TlsCrypt, TlsCryptV2, None };

    // Of a gateway. TCP 443 is what Azure offers; UDP only where a topology asks for it.
    std::optional<std::uint16_t> tcp_port = 443, udp_port;
    Protection protection = Protection::TlsAuth;
    std::string tls_policy = "p2s-2023";  // or "p2s-2026"; TLS versions and suites
    // Where the gateway has users, a client must sign in as one, beside its certificate or instead of it.
    bool certificate_required = true;
    bool strict_options_string = false;  // refuse a client whose options string does not match (P2S-AAD-25)
    bool pushes_auth_token = false;
    // Pushed to clients. 0: never.
    Duration ping = std::chrono::seconds(10), ping_restart = std::chrono::seconds(60);

    // Of a client.
    Transport transport = Transport::Tcp;
    std::vector<std::string> tls_suites;  // IANA names; empty: all that the implementation has
    std::string tls_version_max;          // "1.2" or "1.3"; empty: the highest
    int explicit_exit_notify = 0;

    // Of both.
    std::vector<std::string> data_ciphers;         // "AES-256-GCM", "AES-128-GCM", "AES-256-CBC"; empty: AES-256-GCM
    std::string fallback_cipher;                   // of a peer that does not negotiate; "": none
    std::string auth = "SHA256";                   // or "SHA1": of tls-auth and of CBC
    Duration renegotiate = std::chrono::hours(1);  // --reneg-sec; 0: never
    Duration handshake_window = std::chrono::seconds(60);
    Duration transition_window = std::chrono::hours(1);
    std::uint16_t tun_mtu = 1500;
    std::optional<std::uint16_t> mssfix, fragment;
};

// The settings of an SSTP end, in the words of [MS-SSTP].
struct Sstp {
    // Of a gateway.
    std::uint16_t port = 443;
    std::string tls_policy = "p2s-2023";                  // or "p2s-2026"; TLS 1.2 alone
    std::vector<std::string> authentication{"mschapv2"};  // also "pap"; best first
    std::vector<std::string> hashes{"SHA256", "SHA1"};    // of the crypto binding
    Duration negotiation = std::chrono::seconds(60);      // until the crypto binding must be there

    // Of a client.
    std::vector<std::string> tls_suites;  // IANA names; empty: all that the implementation has

    // Of both.
    Duration hello = std::chrono::seconds(60);  // of silence, until the other side is asked; 0: never
    // Octets of inner packet. A packet's length has 12 bits (section 2.2.1), SSTP's and PPP's headers take four each.
    static constexpr std::uint16_t kLeastMru = 576, kMostMru = 4095 - 4 - 4;
    std::uint16_t mru = 1400;
};

// A remote user's machine with a VPN client (an Azure point-to-site client).
struct Client {
    Ipv4Address address;  // outside the tunnel
    std::string gateway;  // name of the gateway that it dials
    Implementation implementation = Implementation::Gatelab;
    Authentication authentication = Authentication::Certificate;
    std::string certificate;  // name of a CertificateSpec
    std::string pre_shared_key;
    std::string identification;             // "" takes the certificate's first DNS name, or the node's name
    std::optional<Duration> connect_at;     // after the start; none: only when asked
    std::vector<std::string> ike_policy;    // rows "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384"; empty: all P2S defaults
    std::vector<std::string> ipsec_policy;  // rows "AES_GCM_16-256/ECP_384"; empty: all P2S defaults
    std::vector<Prefix> remote_selectors;   // asked for; empty: everything (0.0.0.0/0)
    Duration ike_lifetime = std::chrono::hours(8);
    Duration child_lifetime = std::chrono::hours(1);
    Duration liveness = std::chrono::seconds(30);
    std::vector<Tunnel> tunnels = {Tunnel::IkeV2};  // what it dials with, in this order
    Personality personality = Personality::Gatelab;
    std::optional<bool> reconnects;  // whether it dials again when a tunnel is lost; none: as its personality does
    std::optional<Duration> give_up_after;  // of each tunnel's attempt; none: as its personality does
    std::string username, password;
    std::string http_proxy;  // name of the HttpProxy of the machine's settings; "" for none
    std::string http_proxy_username, http_proxy_password;
    OpenVpn openvpn = {};
    Sstp sstp = {};

    bool dials(Tunnel) const;
};

// An Azure virtual network gateway (type Vpn, RouteBased) with its point-to-site configuration.
struct Gateway {
    Ipv4Address public_address;
    std::string virtual_network;
    Ipv4Address inside_address;  // in the GatewaySubnet
    Implementation implementation = Implementation::Gatelab;
    Prefix client_address_pool;  // vpnClientAddressPool
    std::vector<Ipv4Address> dns_servers;
    std::vector<Prefix> custom_routes;                  // beside the virtual network's address space
    std::string server_name;                            // FQDN in the certificate and the ID payload
    std::string certificate;                            // name of a CertificateSpec
    std::vector<std::string> root_certificates;         // vpnClientRootCertificates: names of CertificateSpecs
    std::string pre_shared_key;                         // "" accepts certificates only
    std::vector<std::string> ike_policy, ipsec_policy;  // as Client's
    Duration ike_lifetime = std::chrono::hours(8);
    Duration child_lifetime = std::chrono::hours(1);
    Duration liveness = std::chrono::seconds(30);
    std::vector<Tunnel> tunnels = {Tunnel::IkeV2};  // vpnClientProtocols
    std::vector<User> users;                        // whom OpenVPN and SSTP know by name and password
    OpenVpn openvpn = {};
    Sstp sstp = {};

    bool offers(Tunnel) const;
};

struct Subnet {
    std::string name;
    Prefix prefix;
};

struct VirtualNetwork {
    std::vector<Prefix> address_space;
    std::optional<Prefix> gateway_subnet;  // the subnet named GatewaySubnet
    std::vector<Subnet> subnets = {};      // the others
};

struct VirtualMachine {
    Ipv4Address address;
    std::string virtual_network;
};

struct Router {};  // forwards; has no addresses of its own

// One rule of a packet filter; the first that matches decides.
struct FilterRule {
    // Reject: a TCP segment is answered by a RST, anything else by an ICMP error "administratively prohibited" (RFC
    // 1812 section 5.2.7.1), in the name of the packet's destination.
    enum class Action { Allow, Drop, Reject } action = Action::Drop;
    // New: the first packet of a flow. Established: what belongs to a flow that was let through, either way; it passes
    // unless such a rule says otherwise. A rule always looks at the flow's first packet: its direction, addresses and
    // ports are the flow's.
    enum class State { New, Established, Any } state = State::New;
    enum class Direction { Any, Outbound, Inbound } direction = Direction::Any;  // outbound: inside to outside
    std::optional<std::uint8_t> protocol;                                        // IP protocol number; none: any
    std::vector<std::uint16_t> source_ports, destination_ports;                  // of TCP and UDP; empty: any
    std::optional<Prefix> source, destination;
    // Of a rule that allows new TCP flows: such a flow passes as long as it is TLS; it is cut, with a RST to both ends,
    // when its first octets from the side that opened it are no ClientHello, or those from the other side no
    // ServerHello or alert, in records (RFC 8446 section 5.1).
    bool tls_only = false;
    Duration from{};                // when the rule comes into force, since the start
    std::optional<Duration> until;  // and when it ends; none: never
    Mark mark;
    FieldMarks field_marks = {};
};

// A stateful packet filter between two links. Replies to allowed flows pass.
struct Firewall {
    std::string inside;  // name of the neighbour on the protected side
    std::vector<FilterRule> rules;
    FilterRule::Action otherwise = FilterRule::Action::Allow;  // for new flows that no rule matches
};

// A network address and port translator (RFC 4787): endpoint-independent or endpoint-dependent mapping.
struct Nat {
    std::string outside;  // name of the neighbour on the public side; all others are inside
    Ipv4Address outside_address;
    bool endpoint_dependent = false;
    Duration udp_timeout = std::chrono::seconds(120);
    Duration tcp_timeout = std::chrono::hours(2);
    bool hairpin = false;  // two machines inside may meet at the outside address (RFC 4787 section 6)
    // Forgets all mappings, and takes other ports from then on, whenever so much time has passed; none: never.
    std::optional<Duration> rebind_every = {};
};

// A proxy that opens TCP connections for others by HTTP CONNECT, and nothing else.
struct HttpProxy {
    Ipv4Address address;
    std::uint16_t port = 3128;
    std::vector<User> users;                        // with any, Basic authentication is asked for (RFC 7617)
    std::vector<std::uint16_t> allowed_ports{443};  // that it connects to
};

using NodeKind = std::variant<Client, Gateway, VirtualNetwork, VirtualMachine, Router, Firewall, Nat, HttpProxy>;

struct Node {
    std::string name;
    NodeKind kind;
    Mark mark;
    FieldMarks field_marks = {};
    // How long each packet stays at the node between its arrival at a network card and being seen: work of a processor
    // takes no simulated time by itself.
    Duration processing_delay{};
};

// --- links ------------------------------------------------------------------------------------------------------

// A full-duplex point-to-point link.
struct Link {
    std::string name;  // "alice-isp"
    std::uint64_t bits_per_second = 1'000'000'000;
    Duration delay = std::chrono::milliseconds(1);  // one way
    // Probabilities per packet and direction, 0 to 1.
    double loss = 0;
    double duplicate = 0;  // arrives twice
    double corrupt = 0;    // arrives with one bit of it changed
    double reorder = 0;    // arrives later than what was sent after it, by up to `reorder_by`
    Duration reorder_by = std::chrono::milliseconds(10);
    std::uint16_t mtu = 1500;  // octets of IP packet, 576 to 65535
    // A path MTU black hole: larger packets vanish, and nobody is told (RFC 2923 section 2.1).
    std::optional<std::uint16_t> black_hole_above;
    Mark mark;
    FieldMarks field_marks = {};
};

using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, Node, Link>;
using Vertex = boost::graph_traits<Graph>::vertex_descriptor;

// --- what happens -----------------------------------------------------------------------------------------------

struct Flow {
    enum class Kind { Ping, Udp, Tcp } kind = Kind::Ping;
    std::string name;
    std::string from, to;  // clients (by their tunnel address) and virtual machines
    Duration start = std::chrono::seconds(2);
    std::optional<Duration> stop;                 // none: the end of the run
    std::uint64_t bits_per_second = 1'000'000;    // Udp: of payload
    std::uint16_t packet_size = 1200;             // Udp: payload octets. Ping: ICMP data octets
    Duration interval = std::chrono::seconds(1);  // Ping
    Mark mark;
    FieldMarks field_marks = {};
};

struct Action {
    enum class Kind { Connect, Disconnect, RekeyChild, RekeyIke, CheckLiveness } kind = Kind::Connect;
    Duration at{};
    std::string node;  // a client, or a gateway: then for all its sessions
    Mark mark;
    FieldMarks field_marks = {};
};

// What a link does to some packets during some time.
struct LinkFault {
    enum class Kind { Drop, Duplicate, Corrupt, Delay } kind = Kind::Drop;
    std::string link;
    std::string from;               // only what this end of the link sends; "" for both directions
    Duration at{};                  // since the start
    std::optional<Duration> until;  // none: to the end of the run
    // Which packets; what is not said matches all.
    std::optional<std::uint8_t> protocol;             // IP protocol number
    std::vector<std::uint16_t> ports;                 // UDP or TCP, source or destination
    std::string packet;                               // a name of packet_kinds.h, such as "ike-auth"; "": any
    std::vector<std::uint32_t> numbers;               // only the n-th that match, counted from 1 since `at`
    double share = 1;                                 // of those, each with this probability
    Duration delay = std::chrono::milliseconds(100);  // of Delay
    Mark mark;
    FieldMarks field_marks = {};
};

struct Topology {
    std::string name;
    std::string summary;
    Duration duration = std::chrono::seconds(10);   // of a run
    Instant epoch = instant_from_unix(1767225600);  // what the clocks show at the start: 2026-01-01 00:00 UTC
    std::vector<CertificateSpec> certificates;
    Graph graph;
    std::vector<Flow> flows;
    std::vector<Action> actions;
    std::vector<LinkFault> faults = {};
};

// Adds a node, or a link between two.
Vertex add_node(Topology&, Node);
void add_link(Topology&, Vertex, Vertex, Link);

// The vertex of that name, or nothing.
std::optional<Vertex> find(const Topology&, std::string_view node);

// The node of that name and kind, or nullptr.
template <class Kind>
const Kind* find_as(const Topology& topology, std::string_view node) {
    const auto vertex = find(topology, node);
    return vertex ? std::get_if<Kind>(&topology.graph[*vertex].kind) : nullptr;
}
template <class Kind>
Kind* find_as(Topology& topology, std::string_view node) {
    return const_cast<Kind*>(find_as<Kind>(static_cast<const Topology&>(topology), node));
}

// The certificate of that name, or nullptr.
const CertificateSpec* find_certificate(const Topology&, std::string_view name);

// The nodes at the other ends of a node's links, in the order of the links.
std::vector<Vertex> neighbours(const Topology&, Vertex);

// Where a thing's field was said, or where the thing was when the field was not.
template <class Thing>
const Mark& mark_of(const Thing& thing, std::string_view field) {
    for (const auto& [name, mark] : thing.field_marks)
        if (name == field) return mark;
    return thing.mark;
}

std::string_view name_of(const NodeKind&);      // "client", "virtual-network"
std::string_view name_of(Implementation);       // "gatelab", "strongswan"
std::string_view name_of(Authentication);       // "certificate", "psk", "password"
std::string_view name_of(Tunnel);               // "ikev2", "openvpn", "sstp"
std::string_view name_of(Transport);            // "udp", "tcp"
std::string_view name_of(OpenVpn::Protection);  // "tls-auth", "none"
// The tunnels that such a client knows, in the order in which it tries them (P2S-OS-01 to P2S-OS-11, P2S-PROTO-04);
// Gatelab: all.
std::vector<Tunnel> tunnels_of(Personality);
std::string_view name_of(Personality);         // "windows", "azure-vpn-client"
std::string_view name_of(FilterRule::Action);  // "reject"
std::string_view name_of(LinkFault::Kind);     // "drop"
std::string_view name_of(Flow::Kind);          // "ping", "udp", "tcp"
std::string_view name_of(Action::Kind);        // "rekey-child"
std::string to_string(const Mark&);            // "office.yaml:3:9", or "" when it was not said in a file

}  // namespace gatelab::topologies
