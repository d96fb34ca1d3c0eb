// Our session against the installed openvpn, both ways round. Skipped where there is none, or no tunnel interface.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/impl/openvpn/real_meeting.h"

namespace gatelab::openvpn::test {
namespace {

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
