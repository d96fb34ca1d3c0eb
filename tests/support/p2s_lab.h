// A point-to-site gateway, a server behind it, and users who dial it, on a FakeNetwork.
//
//   user 198.51.100.x ---wire--- 203.0.113.1 gateway ---wire--- 10.1.0.4 server
#pragma once

#include <list>
#include <memory>
#include <string>

#include "impl/client/client.h"
#include "impl/gateway/gateway.h"
#include "tests/support/fake_host.h"

namespace gatelab::testing {

inline constexpr Ipv4Address kGatewayAddress{203, 0, 113, 1};
inline constexpr Ipv4Address kServerAddress{10, 1, 0, 4};

// A root, a gateway certificate and user certificates; made once a process.
crypto::TrustStore roots();
ikev2::CertificateCredential gateway_certificate();                 // gw.example.com
ikev2::CertificateCredential user_certificate(const std::string&);  // alice@example.com

gateway::Config gateway_config();                     // pool 10.60.0.0/24, network 10.1.0.0/16, certificates
client::Config user_config(const std::string& name);  // dials the above

// With OpenVPN alone: UDP 1194, TCP 443, tls-auth.
gateway::Config openvpn_gateway_config();
// Dials it; "password" is added to the profile when it is not empty.
client::Config openvpn_user_config(const std::string& name, openvpn::Transport = openvpn::Transport::Udp,
                                   const std::string& password = "");
client::OpenVpn& openvpn_of(client::Config&);  // of a plan that begins with it
profile::Ovpn& profile_of(client::Config&);
tunnel::OpenVpnStatus openvpn_of(const gateway::Session&);
tunnel::OpenVpnStatus openvpn_of(const client::Client&);

// With SSTP alone, on TCP 443: alice's password is "right".
gateway::Config sstp_gateway_config();
client::Config sstp_user_config(const std::string& name, const std::string& password = "right");  // dials it
client::Sstp& sstp_of(client::Config&);  // of a plan that begins with it
tunnel::SstpStatus sstp_of(const client::Client&);

// Of IKEv2.
ikev2::Connection& connection_of(client::Config&);
ipsec::TunnelStatus tunnel_of(const gateway::Session&);
ipsec::TunnelStatus tunnel_of(const client::Client&);

class P2sLab {
public:
    struct User {
        User(FakeNetwork& network, const std::string& name, Ipv4Address address, Ipv4Address router,
             client::Config config)
            : host(network, name, address, router), client(host, std::move(config)) {}
        FakeHost host;
        client::Client client;
        bool is(client::State state) const { return client.status().state == state; }
    };

    explicit P2sLab(gateway::Config = gateway_config(), std::uint64_t seed = 1);

    User& add_user(const std::string& name, Ipv4Address, Ipv4Address router = {});
    User& add_user(const std::string& name, Ipv4Address, Ipv4Address router, client::Config);
    // Dials and waits until it has come to something; true when connected.
    bool connect(User&);
    // Pings 10 ms apart; how many came back, a second after the last.
    int ping(FakeHost& from, Ipv4Address to, int count);

    FakeNetwork network;
    FakeHost gateway_host{network, "gw", kGatewayAddress};
    FakeHost server{network, "server", kServerAddress, kGatewayAddress};
    std::unique_ptr<gateway::Gateway> gateway;

private:
    std::list<User> users_;
    std::uint16_t next_sequence_ = 0;
};

}  // namespace gatelab::testing
