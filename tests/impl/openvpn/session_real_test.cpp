// Our session against the installed openvpn, both ways round. Skipped where there is none, or no tunnel interface.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/impl/openvpn/pair.h"
#include "tests/impl/openvpn/real_openvpn.h"

namespace gatelab::openvpn::test {
namespace {

constexpr Ipv4Address kGatewayInside{10, 61, 0, 1}, kClientInside{10, 61, 0, 2};

// What both ends are told; the real one in its own words.
struct Wanted {
    std::string name;
    Transport transport = Transport::Udp;
    std::function<void(Options& ours)> ours{};  // the role is set
    std::string theirs{};                       // more lines of configuration
    std::string server_only{}, client_only{};
    std::vector<std::pair<std::string, std::string>> files{};
};

std::uint16_t next_port() {
    static std::uint16_t port = 11940;
    return ++port;
}

Options our_options(const Wanted& wanted, Role role) {
    Options options = role == Role::Client ? client_options(wanted.transport) : server_options(wanted.transport);
    options.tls.roots = real_pki().trust();
    options.tls.identity = role == Role::Client ? real_pki().client : real_pki().server;
    options.ping = seconds(1);
    options.ping_restart = seconds(10);
    if (wanted.ours) wanted.ours(options);
    return options;
}

std::vector<std::pair<std::string, std::string>> real_files(const Wanted& wanted, Role role) {
    const auto& identity = role == Role::Client ? real_pki().client : real_pki().server;
    auto files = wanted.files;
    files.insert(files.end(), {{"ca.crt", real_pki().root.certificate.to_pem()},
                               {"own.crt", identity.certificate.to_pem()},
                               {"own.key", identity.key.to_pem()}});
    return files;
}

std::string real_configuration(const Wanted& wanted, Role role, std::uint16_t port) {
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

StaticKey some_key() {
    SeededRandom random{3, "static key"};
    return StaticKey::generate(random);
}

Wanted with_tls_auth(Transport transport) {
    Wanted wanted{.name = "tls-auth", .transport = transport};
    wanted.ours = [](Options& options) {
        const auto direction = options.role == Role::Server ? KeyDirection::Normal : KeyDirection::Inverse;
        options.auth = crypto::Hash::Sha256;
        options.protection = TlsAuth{some_key(), direction, crypto::Hash::Sha256};
    };
    wanted.theirs = "auth SHA256\n";
    wanted.server_only = "tls-auth ta.key 0\n";
    wanted.client_only = "tls-auth ta.key 1\n";
    wanted.files = {{"ta.key", some_key().to_pem()}};
    return wanted;
}

Wanted with_tls_crypt(Transport transport) {
    Wanted wanted{.name = "tls-crypt", .transport = transport};
    wanted.ours = [](Options& options) { options.protection = TlsCrypt{some_key()}; };
    wanted.theirs = "tls-crypt ta.key\n";
    wanted.files = {{"ta.key", some_key().to_pem()}};
    return wanted;
}

Wanted with_tls_crypt_v2(Transport transport) {
    SeededRandom random{4, "tls-crypt-v2"};
    const auto server = TlsCryptV2ServerKey::generate(random);
    const auto client = TlsCryptV2ClientKey::make(server, random).value();
    Wanted wanted{.name = "tls-crypt-v2", .transport = transport};
    wanted.ours = [=](Options& options) {
        if (options.role == Role::Client) {
            options.protection = TlsCryptV2{client};
        } else {
            options.protection = TlsCryptV2{server};
        }
    };
    wanted.server_only = "tls-crypt-v2 v2.key\n";
    wanted.client_only = "tls-crypt-v2 v2c.key\n";
    wanted.files = {{"v2.key", server.to_pem()}, {"v2c.key", client.to_pem()}};
    return wanted;
}

Wanted with_cipher(DataCipher cipher, std::string auth) {
    const std::string name{name_of(cipher)};
    Wanted wanted{.name = name + " " + auth};
    wanted.ours = [=](Options& options) {
        options.data_ciphers = {cipher};
        options.auth = auth == "SHA256" ? crypto::Hash::Sha256 : crypto::Hash::Sha1;
    };
    wanted.theirs = "data-ciphers " + name + "\nauth " + auth + "\n";
    return wanted;
}

TEST_F(RealOpenVpn, MeetsOverUdpAndTcp) {
    expect_both_ways({.name = "udp"});
    expect_both_ways({.name = "tcp", .transport = Transport::Tcp});
}

TEST_F(RealOpenVpn, MeetsUnderEveryProtectionOfTheControlChannel) {
    for (const auto transport : {Transport::Udp, Transport::Tcp}) {
        expect_both_ways(with_tls_auth(transport));
        expect_both_ways(with_tls_crypt(transport));
        expect_both_ways(with_tls_crypt_v2(transport));
    }
}

TEST_F(RealOpenVpn, AgreesOnEveryCipher) {
    for (const auto& wanted :
         {with_cipher(DataCipher::Aes256Gcm, "SHA1"), with_cipher(DataCipher::Aes128Gcm, "SHA1"),
          with_cipher(DataCipher::Aes256Cbc, "SHA256"), with_cipher(DataCipher::Aes256Cbc, "SHA1")}) {
        expect_both_ways(wanted);
        EXPECT_TRUE(wanted.name.starts_with(name_of(ours->session.status().cipher.value())));
    }
}

TEST_F(RealOpenVpn, MeetsOverTls12) {
    expect_both_ways({.name = "TLS 1.2", .theirs = "tls-version-max 1.2\n"});
    EXPECT_EQ(ours->session.status().tls_version, "TLSv1.2");
}

TEST_F(RealOpenVpn, ServesAnOldClientByThePrf) {
    Wanted wanted{.name = "PRF"};
    wanted.ours = [](Options& options) {
        options.peer_info = {{"IV_VER", "2.4.0"}, {"IV_PROTO", "2"}, {"IV_NCP", "2"}};
    };
    meet(wanted, Role::Client);
    ASSERT_TRUE(open()) << logs();
    EXPECT_FALSE(ours->session.status().key_derivation_ekm);
    EXPECT_TRUE(reaches()) << logs();
}

TEST_F(RealOpenVpn, ServesAClientThatDoesNotNegotiate) {
    Wanted wanted{.name = "no NCP"};
    wanted.ours = [](Options& options) {
        options.peer_info = {{"IV_VER", "AzMac IV_PLAT=0.1 IV_PROTO=1"}};
        options.cipher = DataCipher::Aes256Gcm;  // for a server that does not say which it uses
    };
    meet(wanted, Role::Client);
    ASSERT_TRUE(open()) << logs();
    EXPECT_FALSE(ours->session.status().peer_id);
    EXPECT_TRUE(reaches()) << logs();
}

TEST_F(RealOpenVpn, TakesAUserNameAndPasswordBothWays) {
    Wanted wanted{.name = "password"};
    wanted.ours = [](Options& options) {
        if (options.role == Role::Client) {
            options.tls.identity.reset();
            options.credentials = Credentials{"alice", "s3cret"};
        } else {
            options.tls.peer_certificate_optional = true;
            options.credentials_required = true;
        }
    };
    wanted.server_only =
        "verify-client-cert none\nusername-as-common-name\nscript-security 3\n"
        "auth-user-pass-verify verify.sh via-file\n";
    wanted.client_only = "auth-user-pass pass.txt\n";
    wanted.files = {{"pass.txt", "alice\ns3cret\n"},
                    {"verify.sh", "#!/bin/sh\n[ \"$(tr '\\n' : < \"$1\")\" = alice:s3cret: ]\n"}};
    expect_both_ways(wanted);
    EXPECT_EQ(ours->find<Session::PeerAuthenticated>()->credentials, (Credentials{"alice", "s3cret"}));

    wanted.ours = [](Options& options) {
        options.tls.identity.reset();
        options.credentials = Credentials{"alice", "wrong"};
    };
    meet(wanted, Role::Client);
    EXPECT_FALSE(open());
    ASSERT_TRUE(ours->find<Session::Closed>()) << logs();
    EXPECT_EQ(ours->find<Session::Closed>()->reason, CloseReason::AuthenticationFailed) << logs();
}

TEST_F(RealOpenVpn, HearsWhyItIsRefused) {
    meet({.name = "refused"}, Role::Server);
    ours->on_peer = [&](const Session::PeerAuthenticated&) { ours->session.refuse(real_now(), "no more room"); };
    EXPECT_TRUE(ours->run_until([&] { return real->logged("AUTH_FAILED,no more room"); }, seconds(3))) << logs();
    EXPECT_FALSE(ours->session.status().up);
}

TEST_F(RealOpenVpn, RenegotiatesUnderLoadWithoutLosingAPacket) {
    for (const auto role : {Role::Client, Role::Server}) {
        for (const bool real_begins : {false, true}) {
            SCOPED_TRACE(std::string{role == Role::Client ? "our client" : "our server"} +
                         (real_begins ? ", the real end begins" : ", we begin"));
            Wanted wanted = with_tls_auth(Transport::Udp);
            wanted.theirs += real_begins ? "reneg-sec 2\n" : "reneg-sec 0\n";
            if (!real_begins)
                wanted.ours = [before = wanted.ours](Options& options) {
                    before(options);
                    options.renegotiate = seconds(2);
                };
            meet(wanted, role);
            ASSERT_TRUE(open()) << logs();
            EXPECT_TRUE(reaches(900)) << answered << " of 900 answered\n" << logs();
            EXPECT_GE(ours->session.status().renegotiations, 1) << logs();
            EXPECT_GE(ours->session.status().key_id, 1) << logs();
        }
    }
}

// A third of all packets is lost, both ways, and small ones make the handshake long.
TEST_F(RealOpenVpn, GetsThroughABadWire) {
    Wanted wanted{.name = "loss"};
    wanted.ours = [](Options& options) {
        options.tls_timeout = milliseconds(300);
        options.control_payload = 300;
    };
    wanted.theirs = "tls-timeout 1\n";
    for (const auto role : {Role::Client, Role::Server}) {
        SeededRandom random{5, "loss"};
        meet(wanted, role);
        ours->loses = [&] { return random.below(3) == 0; };
        EXPECT_TRUE(ours->run_until([&] { return ours->session.status().up; }, seconds(40))) << logs();
        ours->loses = [] { return false; };
        EXPECT_TRUE(reaches()) << logs();
        EXPECT_GT(ours->session.status().control_retransmissions, 0u);
    }
}

TEST_F(RealOpenVpn, CutsLargePacketsBothWays) {
    Wanted wanted{.name = "fragment"};
    wanted.ours = [](Options& options) { options.fragment = 600; };
    wanted.theirs = "fragment 600\nmssfix\n";
    for (const auto role : {Role::Client, Role::Server}) {
        meet(wanted, role);
        ASSERT_TRUE(open()) << logs();
        EXPECT_TRUE(reaches(20, 1400)) << answered << logs();
    }
}

TEST_F(RealOpenVpn, PushesNineHundredRoutes) {
    Wanted wanted{.name = "routes"};
    for (int i = 0; i < 900; ++i)
        wanted.server_only +=
            "push \"route 10." + std::to_string(100 + i / 200) + "." + std::to_string(i % 200) + ".0 255.255.255.0\"\n";
    meet(wanted, Role::Client);
    ASSERT_TRUE(open()) << logs();
    EXPECT_EQ(ours->session.status().pushed->routes.size(), 901u);

    meet({.name = "routes", .client_only = "route-noexec\n"}, Role::Server);
    ours->on_peer = [&](const Session::PeerAuthenticated&) {
        auto push = usual_push();
        push.address = kClientInside;
        push.subnet = Prefix{Ipv4Address{10, 61, 0, 0}, 24};
        push.route_gateway = kGatewayInside;
        for (std::uint32_t i = 0; i < 900; ++i)
            push.routes.push_back({Prefix{Ipv4Address{0x0a640000 + (i << 8)}, 24}, {}});
        ours->session.grant(real_now(), push);
    };
    ASSERT_TRUE(open()) << logs();
    EXPECT_TRUE(reaches()) << logs();
    EXPECT_TRUE(real->logged("PUSH_REPLY,route 10.103.131.0 255.255.255.0") ||
                real->logged("route 10.103.131.0 255.255.255.0"))
        << logs();
}

TEST_F(RealOpenVpn, SaysThatItLeaves) {
    // By EXIT in the control channel, and by exit packets in the data channel for a server that cannot do that.
    for (const bool by_control : {true, false}) {
        Wanted wanted{.name = "exit"};
        wanted.ours = [=](Options& options) {
            options.explicit_exit_notify = 1;
            if (!by_control) options.peer_info = {{"IV_VER", "2.4"}, {"IV_PROTO", "2"}, {"IV_NCP", "2"}};
        };
        meet(wanted, Role::Client);
        ASSERT_TRUE(open()) << logs();
        ASSERT_TRUE(reaches());
        ours->session.close(real_now());
        ours->collect();
        ASSERT_TRUE(ours->run_until([&] { return ours->find<Session::Closed>(); })) << logs();
        const auto* heard = by_control ? "CC-EEN exit message received" : "remote-exit";
        EXPECT_TRUE(ours->run_until([&] { return real->logged(heard); }, seconds(3))) << logs();
    }
}

TEST_F(RealOpenVpn, HearsThatTheOtherLeaves) {
    meet({.name = "client leaves", .client_only = "explicit-exit-notify 1\n"}, Role::Server);
    ASSERT_TRUE(open() && reaches()) << logs();
    real->signal(SIGTERM);
    ASSERT_TRUE(ours->run_until([&] { return ours->find<Session::Closed>(); })) << logs();
    EXPECT_EQ(ours->find<Session::Closed>()->reason, CloseReason::PeerExit) << logs();

    meet({.name = "server leaves", .server_only = "explicit-exit-notify 1\n"}, Role::Client);
    ASSERT_TRUE(open() && reaches()) << logs();
    real->signal(SIGTERM);
    ASSERT_TRUE(ours->run_until([&] { return ours->find<Session::Closed>(); })) << logs();
    EXPECT_EQ(ours->find<Session::Closed>()->reason, CloseReason::PeerExit) << logs();
}

TEST_F(RealOpenVpn, TakesLongSilenceForTheEnd) {
    Wanted wanted{.name = "silence", .server_only = "keepalive 1 2\n"};
    meet(wanted, Role::Client);
    ASSERT_TRUE(open() && reaches()) << logs();
    // The server's own pings, one a second, keep the tunnel up.
    ours->run_for(seconds(4));
    EXPECT_TRUE(ours->session.status().up) << logs();
    real->signal(SIGSTOP);
    ASSERT_TRUE(ours->run_until([&] { return ours->find<Session::Closed>(); })) << logs();
    EXPECT_EQ(ours->find<Session::Closed>()->reason, CloseReason::PeerSilent);
    real->signal(SIGCONT);
}

TEST_F(RealOpenVpn, KeepsItsControlPacketsSmall) {
    Wanted wanted = with_tls_crypt_v2(Transport::Udp);
    wanted.name = "small packets";
    wanted.ours = [before = wanted.ours](Options& options) {
        before(options);
        options.control_payload = 300;
    };
    wanted.theirs = "max-packet-size 400\n";
    expect_both_ways(wanted);
}

}  // namespace
}  // namespace gatelab::openvpn::test
