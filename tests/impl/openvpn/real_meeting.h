// A meeting of our session with the installed openvpn: what both are told, and how to look at it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "tests/impl/openvpn/pair.h"
#include "tests/impl/openvpn/real_openvpn.h"

namespace gatelab::openvpn::test {

inline constexpr Ipv4Address kGatewayInside{10, 61, 0, 1}, kClientInside{10, 61, 0, 2};

// What both ends are told; the real one in its own words.
struct Wanted {
    std::string name;
    Transport transport = Transport::Udp;
    std::function<void(Options& ours)> ours{};  // the role is set
    std::string theirs{};                       // more lines of configuration
    std::string server_only{}, client_only{};
    std::vector<std::pair<std::string, std::string>> files{};
};

inline std::uint16_t next_port() {
    static std::uint16_t port = 11940;
    return ++port;
}

inline Options our_options(const Wanted& wanted, Role role) {
    Options options = role == Role::Client ? client_options(wanted.transport) : server_options(wanted.transport);
    options.tls.roots = real_pki().trust();
    options.tls.identity = role == Role::Client ? real_pki().client : real_pki().server;
    options.ping = seconds(1);
    options.ping_restart = seconds(10);
    if (wanted.ours) wanted.ours(options);
    return options;
}

inline std::vector<std::pair<std::string, std::string>> real_files(const Wanted& wanted, Role role) {
    const auto& identity = role == Role::Client ? real_pki().client : real_pki().server;
    auto files = wanted.files;
    files.insert(files.end(), {{"ca.crt", real_pki().root.certificate.to_pem()},
                               {"own.crt", identity.certificate.to_pem()},
                               {"own.key", identity.key.to_pem()}});
    return files;
}

inline std::string real_configuration(const Wanted& wanted, Role role, std::uint16_t port) {
    const bool tcp = wanted.transport == Transport::Tcp;
    std::string text = "dev-type tun\ndev real\nca ca.crt\ncert own.crt\nkey own.key\ndisable-dco\nverb 4\n";
    if (role == Role::Server) {
        text += "mode server\ntls-server\nlocal 127.0.0.1\ntopology subnet\nserver 10.61.0.0 255.255.255.0\ndh none\n";
        text += "keepalive 1 10\npush \"route 10.50.0.0 255.255.0.0\"\npush \"dhcp-option DNS 10.50.0.53\"\n";
        text += std::string{"proto "} + (tcp ? "tcp4-server" : "udp4") + "\nport " + std::to_string(port) + "\n";
        text += wanted.server_only;
    } else {
        text += "client\nnobind\nping 1\nping-restart 10\nconnect-retry 1 2\n";
        text += std::string{"proto "} + (tcp ? "tcp4-client" : "udp4") + "\nremote 127.0.0.1 " + std::to_string(port) +
                "\n";
        text += wanted.client_only;
    }
    return text + wanted.theirs;
}

class RealOpenVpn : public testing::Test {
protected:
    void SetUp() override {
        if (const auto why = why_no_real_openvpn()) GTEST_SKIP() << *why;
    }

    void meet(const Wanted& wanted, Role ours_is) {
        const auto theirs_is = ours_is == Role::Client ? Role::Server : Role::Client;
        const auto port = next_port();
        ours.reset();
        real.reset();
        const auto start_real = [&] {
            real.emplace(real_configuration(wanted, theirs_is, port), real_files(wanted, theirs_is));
        };
        const auto start_ours = [&] { ours.emplace(our_options(wanted, ours_is), port); };
        // A server first, so that nobody calls in vain.
        if (ours_is == Role::Client) {
            start_real();
            for (int i = 0; i < 200 && !real->logged("Initialization Sequence Completed"); ++i) usleep(10'000);
            start_ours();
        } else {
            start_ours();
            start_real();
        }
    }
    bool open() {
        return ours->run_until([&] { return ours->find<Session::Opened>() || ours->find<Session::Closed>(); }) &&
               ours->session.status().up;
    }
    // The real end's interface comes up a little after the tunnel.
    bool reaches(int count = 20, std::size_t size = 56) {
        const bool client = ours->session.options().role == Role::Client;
        const auto from = client ? kClientInside : kGatewayInside, to = client ? kGatewayInside : kClientInside;
        if (!client) ours->run_until([&] { return real->logged("Initialization Sequence Completed"); }, seconds(5));
        answered = ours->ping(from, to, count, size);
        return answered == count;
    }
    std::string logs() const { return "ours:\n" + ours->story() + "\ntheirs:\n" + real->log(); }

    void expect_both_ways(const Wanted& wanted) {
        for (const auto role : {Role::Client, Role::Server}) {
            SCOPED_TRACE(wanted.name + (role == Role::Client ? ", our client" : ", our server"));
            meet(wanted, role);
            ASSERT_TRUE(open()) << logs();
            EXPECT_TRUE(reaches()) << answered << " of 20 answered\n" << logs();
        }
    }

    std::optional<RealProgram> real;
    std::optional<RealEnd> ours;
    int answered = 0;
};

// Ways to protect the control channel, and the data channel's ciphers.
Wanted with_tls_auth(Transport);
Wanted with_tls_crypt(Transport);
Wanted with_tls_crypt_v2(Transport);
Wanted with_cipher(DataCipher, const std::string& auth);

}  // namespace gatelab::openvpn::test
