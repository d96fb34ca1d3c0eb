// What a conformance case or a topology's actions can ask of the two ends of a tunnel, whoever plays them: our own
// client and gateway on a simulated host, or a real program.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/result.h"
#include "impl/base/time.h"

namespace gatelab::sim {

// One try of a client to have a tunnel.
struct Attempt {
    std::string protocol;       // "ikev2", "openvpn-tcp", "sstp"
    Duration began{}, ended{};  // since the start; `ended` when it was up, or given up, 0 while it goes on
    std::string failure;        // "" when it came up, or is not over
};

// The state of one tunnel as its owner reports it. Texts use gatelab's names ("AES_GCM_16-256/ECP_384") for all
// players.
struct TunnelStatus {
    bool up = false;
    std::string protocol;       // "ikev2", "openvpn-udp", "openvpn-tcp", "sstp"; "" before the first attempt
    std::string failure;        // why the last attempt or tunnel ended: "peer-silent", "authentication-failed", ...
    std::string peer;           // the other side's identification
    Ipv4Address inner_address;  // assigned to the client
    std::vector<Ipv4Address> dns;
    std::string ike_suite;    // "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384"
    std::string child_suite;  // "AES_GCM_16-256/ECP_384"; the group only after a rekey with PFS
    std::string local_selectors, remote_selectors;
    // Of OpenVPN: "TLSv1.3/TLS_AES_256_GCM_SHA384" and "AES-256-GCM". A renegotiation counts as a rekeying of both.
    std::string tls_suite, data_cipher;
    std::string authentication;     // of SSTP: "mschapv2", "pap"
    std::string crypto_binding;     // of SSTP, that was sent or verified: "SHA256", "SHA1"; "" before
    std::vector<Attempt> attempts;  // client: since connect() was asked for, or the tunnel was lost, oldest first
    std::vector<Prefix> routes;     // that the gateway granted or pushed, as the client sees them
    Endpoint outer_peer;            // where the other side is, as we see it; unspecified where that is not told
    std::uint64_t moved = 0;        // gateway: how often the client's outer address changed (OpenVPN's float)
    bool nat_here = false, nat_there = false, udp_encapsulation = false;
    int ike_rekeys = 0, child_rekeys = 0;
    std::uint32_t inbound_spi = 0, outbound_spi = 0;                     // of the newest child
    std::uint64_t packets_in = 0, packets_out = 0;                       // inner packets over the tunnel so far
    std::uint64_t replayed = 0, unauthentic = 0, outside_selectors = 0;  // dropped inbound
};

// One side's grip on a tunnel. With OpenVPN, rekey_child() and rekey_ike() both ask for a renegotiation. Requests
// return at once; what comes of them shows in status() and the event log.
class TunnelEnd {
public:
    virtual ~TunnelEnd() = default;
    virtual TunnelStatus status() const = 0;
    virtual void rekey_child() = 0;
    virtual void rekey_ike() = 0;
    virtual void check_liveness() = 0;
    virtual void disconnect() = 0;
};

// A VPN client's machine.
class RemoteUser : public TunnelEnd {
public:
    virtual void connect() = 0;
};

// A VPN gateway.
class VpnGateway {
public:
    virtual ~VpnGateway() = default;
    virtual std::vector<std::string> sessions() const = 0;    // the users' identifications, oldest first
    virtual TunnelEnd* session(const std::string& user) = 0;  // nullptr when there is none
    // Ends the gateway's program, tells no client about it, and starts it anew with the same configuration: as after a
    // crash. False when this player cannot.
    virtual bool restart() { return false; }
};

}  // namespace gatelab::sim
