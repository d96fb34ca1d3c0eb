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
enum class Implementation { Gatelab, StrongSwan, Libreswan, OpenVpn, SoftEther, Absent };
bool is_program(Implementation);                                    // a real one
enum class Authentication { Certificate, PreSharedKey, Password };  // Password: OpenVPN's username and password

// What a point-to-site client dials with, and a gateway offers (Azure's vpnClientProtocols).
enum class Tunnel { IkeV2, OpenVpn };
enum class Transport { Udp, Tcp };

// The settings of an OpenVPN end, under the names that OpenVPN has for them. What is not set is what Azure's profile
// says (P2S-PKG-30), else OpenVPN's own default.
struct OpenVpn {
    enum class Protection { TlsAuth, TlsCrypt, TlsCryptV2, None };

    // Of a gateway. TCP 443 is what Azure offers; UDP only where a topology asks for it.
    std::optional<std::uint16_t> tcp_port = 443, udp_port;
    Protection protection = Protection::TlsAuth;
    std::string tls_policy = "p2s-2023";  // or "p2s-2026"; TLS versions and suites
    struct User {
        std::string name, password;
    };
    std::vector<User> users;  // with any, a client must sign in with a name and a password
    bool certificate_required = true;
    bool strict_options_string = false;  // refuse a client whose options string does not match (P2S-AAD-25)
    bool pushes_auth_token = false;
    // Pushed to clients. 0: never.
    Duration ping = std::chrono::seconds(10), ping_restart = std::chrono::seconds(60);

    // Of a client.
    Transport transport = Transport::Tcp;
    enum class Personality { OpenVpnClient, AzureVpnClient } personality = Personality::OpenVpnClient;
    std::string username, password;
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
    Tunnel tunnel = Tunnel::IkeV2;
    OpenVpn openvpn = {};
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
    OpenVpn openvpn = {};
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
    enum class Action { Allow, Drop } action = Action::Drop;
    enum class Direction { Any, Outbound, Inbound } direction = Direction::Any;  // outbound: inside to outside
    std::optional<std::uint8_t> protocol;                                        // IP protocol number; none: any
    std::vector<std::uint16_t> destination_ports;                                // empty: any
    std::optional<Prefix> source, destination;
    Mark mark;
};

// A stateful packet filter between two links. Replies to allowed flows pass.
struct Firewall {
    std::string inside;  // name of the neighbour on the protected side
    std::vector<FilterRule> rules;
    FilterRule::Action otherwise = FilterRule::Action::Allow;
};

// A network address and port translator (RFC 4787): endpoint-independent or endpoint-dependent mapping.
struct Nat {
    std::string outside;  // name of the neighbour on the public side; all others are inside
    Ipv4Address outside_address;
    bool endpoint_dependent = false;
    Duration udp_timeout = std::chrono::seconds(120);
    Duration tcp_timeout = std::chrono::hours(2);
    // Forgets all mappings, and takes other ports from then on, whenever so much time has passed; none: never.
    std::optional<Duration> rebind_every = {};
};

using NodeKind = std::variant<Client, Gateway, VirtualNetwork, VirtualMachine, Router, Firewall, Nat>;

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
    double loss = 0;                                // probability per packet and direction, 0 to 1
    std::uint16_t mtu = 1500;                       // octets of IP packet, 576 to 65535
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

struct Topology {
    std::string name;
    std::string summary;
    Duration duration = std::chrono::seconds(10);   // of a run
    Instant epoch = instant_from_unix(1767225600);  // what the clocks show at the start: 2026-01-01 00:00 UTC
    std::vector<CertificateSpec> certificates;
    Graph graph;
    std::vector<Flow> flows;
    std::vector<Action> actions;
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

std::string_view name_of(const NodeKind&);       // "client", "virtual-network"
std::string_view name_of(Implementation);        // "gatelab", "strongswan"
std::string_view name_of(Authentication);        // "certificate", "psk", "password"
std::string_view name_of(Tunnel);                // "ikev2", "openvpn"
std::string_view name_of(Transport);             // "udp", "tcp"
std::string_view name_of(OpenVpn::Protection);   // "tls-auth", "none"
std::string_view name_of(OpenVpn::Personality);  // "openvpn-client", "azure-vpn-client"
std::string_view name_of(Flow::Kind);            // "ping", "udp", "tcp"
std::string_view name_of(Action::Kind);          // "rekey-child"
std::string to_string(const Mark&);              // "office.yaml:3:9", or "" when it was not said in a file

}  // namespace gatelab::topologies
