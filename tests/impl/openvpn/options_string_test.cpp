#include <gmock/gmock.h>

#include "impl/openvpn/key_method.h"

namespace gatelab::openvpn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Case {
    const char* command_line;  // behind "openvpn --client --dev tun --proto"
    Options options;
    const char* said;
};

Options of(std::optional<DataCipher> cipher, Transport transport = Transport::Udp,
           crypto::Hash auth = crypto::Hash::Sha1) {
    Options options;
    options.cipher = cipher;
    options.transport = transport;
    options.auth = auth;
    return options;
}

Options with(Options options, const std::function<void(Options&)>& change) {
    change(options);
    return options;
}

constexpr auto kGcm = DataCipher::Aes256Gcm, kCbc = DataCipher::Aes256Cbc;

// What OpenVPN 2.6.14 prints at --verb 7 as "Local Options String".
const Case kCases[] = {
    {"udp", of({}),
     "V4,dev-type tun,link-mtu 1541,tun-mtu 1500,proto UDPv4,auth SHA1,keysize 128,key-method 2,tls-client"},
    {"tcp-client", of({}, Transport::Tcp),
     "V4,dev-type tun,link-mtu 1543,tun-mtu 1500,proto TCPv4_CLIENT,auth SHA1,keysize 128,key-method 2,tls-client"},
    {"udp --cipher AES-256-GCM", of(kGcm),
     "V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto UDPv4,cipher AES-256-GCM,auth [null-digest],keysize "
     "256,key-method 2,tls-client"},
    {"tcp-client --cipher AES-256-GCM", of(kGcm, Transport::Tcp),
     "V4,dev-type tun,link-mtu 1551,tun-mtu 1500,proto TCPv4_CLIENT,cipher AES-256-GCM,auth [null-digest],keysize "
     "256,key-method 2,tls-client"},
    {"udp --cipher AES-128-GCM", of(DataCipher::Aes128Gcm),
     "V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto UDPv4,cipher AES-128-GCM,auth [null-digest],keysize "
     "128,key-method 2,tls-client"},
    {"udp --cipher AES-256-CBC --data-ciphers AES-256-CBC --auth SHA256",
     with(of(kCbc, Transport::Udp, crypto::Hash::Sha256), [](auto& o) { o.data_ciphers = {kCbc}; }),
     "V4,dev-type tun,link-mtu 1569,tun-mtu 1500,proto UDPv4,cipher AES-256-CBC,auth SHA256,keysize 256,key-method "
     "2,tls-client"},
    {"tcp-client --cipher AES-256-CBC --data-ciphers AES-256-CBC",
     with(of(kCbc, Transport::Tcp), [](auto& o) { o.data_ciphers = {kCbc}; }),
     "V4,dev-type tun,link-mtu 1559,tun-mtu 1500,proto TCPv4_CLIENT,cipher AES-256-CBC,auth SHA1,keysize "
     "256,key-method 2,tls-client"},
    {"udp --auth SHA256", of({}, Transport::Udp, crypto::Hash::Sha256),
     "V4,dev-type tun,link-mtu 1553,tun-mtu 1500,proto UDPv4,auth SHA256,keysize 128,key-method 2,tls-client"},
    {"udp --cipher AES-256-CBC", of(kCbc),  // not among the ciphers that it would take
     "V4,dev-type tun,link-mtu 1557,tun-mtu 1500,proto UDPv4,auth SHA1,keysize 256,key-method 2,tls-client"},
    {"udp --cipher AES-256-CBC --data-ciphers-fallback AES-128-GCM",
     with(of(kCbc), [](auto& o) { o.fallback_cipher = DataCipher::Aes128Gcm; }),
     "V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto UDPv4,cipher AES-128-GCM,auth [null-digest],keysize "
     "128,key-method 2,tls-client"},
    {"udp --cipher AES-256-GCM --tls-auth ta.key 1",
     with(of(kGcm),
          [](auto& o) {
              o.protection = TlsAuth{{}, KeyDirection::Inverse};
          }),
     "V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto UDPv4,keydir 1,cipher AES-256-GCM,auth [null-digest],keysize "
     "256,tls-auth,key-method 2,tls-client"},
    {"udp --cipher AES-256-GCM --tls-auth ta.key", with(of(kGcm), [](auto& o) { o.protection = TlsAuth{}; }),
     "V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto UDPv4,cipher AES-256-GCM,auth [null-digest],keysize "
     "256,tls-auth,key-method 2,tls-client"},
    {"udp --cipher AES-256-GCM --tls-crypt ta.key", with(of(kGcm), [](auto& o) { o.protection = TlsCrypt{}; }),
     "V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto UDPv4,cipher AES-256-GCM,auth [null-digest],keysize "
     "256,key-method 2,tls-client"},
    {"udp --fragment 1200", with(of({}), [](auto& o) { o.fragment = 1200; }),
     "V4,dev-type tun,link-mtu 1545,tun-mtu 1500,proto UDPv4,mtu-dynamic,auth SHA1,keysize 128,key-method "
     "2,tls-client"},
    {"udp --cipher AES-256-GCM --tun-mtu 1400", with(of(kGcm), [](auto& o) { o.tun_mtu = 1400; }),
     "V4,dev-type tun,link-mtu 1449,tun-mtu 1400,proto UDPv4,cipher AES-256-GCM,auth [null-digest],keysize "
     "256,key-method 2,tls-client"},
};

TEST(OptionsString, IsTheOneThatTheRealProgramWrites) {
    for (const auto& one : kCases) EXPECT_EQ(options_string(one.options), one.said) << one.command_line;
}

TEST(OptionsString, OfAServerMirrorsItsClients) {
    auto client = with(of(kGcm, Transport::Tcp), [](auto& o) { o.protection = TlsAuth{{}, KeyDirection::Inverse}; });
    auto server = with(client, [](auto& o) {
        o.role = Role::Server;
        o.protection = TlsAuth{{}, KeyDirection::Normal};
    });
    EXPECT_EQ(options_string(server),
              "V4,dev-type tun,link-mtu 1551,tun-mtu 1500,proto TCPv4_SERVER,keydir 0,cipher AES-256-GCM,auth "
              "[null-digest],keysize 256,tls-auth,key-method 2,tls-server");
    EXPECT_THAT(differences(options_string(server), options_string(client)), IsEmpty());
    EXPECT_THAT(differences(options_string(client), options_string(server)), IsEmpty());
}

TEST(OptionsString, DiffersInWhatIsMissingOtherOrTooMuch) {
    const std::string ours = "V4,dev-type tun,link-mtu 1551,tun-mtu 1500,proto TCPv4_SERVER,keysize 256,tls-server";
    EXPECT_THAT(
        differences(ours, "V4,dev-type tap,link-mtu 9,tun-mtu 1400,proto TCPv4_CLIENT,comp-lzo,tls-client"),
        ElementsAre("the peer says \"dev-type tap\" where \"dev-type tun\" was expected",
                    "the peer says \"tun-mtu 1400\" where \"tun-mtu 1500\" was expected",
                    "the peer does not say \"keysize 256\"", "the peer says \"comp-lzo\", which was not expected"));
    EXPECT_THAT(differences(ours, ""), testing::SizeIs(6));
    EXPECT_THAT(differences("", ",,,"), IsEmpty());
}

// P2S-AAD-23: what Microsoft's own client says has link-mtu and tun-mtu the wrong way round.
TEST(OptionsString, OfTheAzureVpnClientDiffersInItsTunMtuAlone) {
    const auto server = with(of(kGcm, Transport::Tcp), [](auto& o) {
        o.role = Role::Server;
        o.protection = TlsAuth{{}, KeyDirection::Normal};
    });
    EXPECT_THAT(differences(options_string(server),
                            "V4,dev-type tun,link-mtu 1500,tun-mtu 1551,proto TCPv4_CLIENT,keydir 1,cipher "
                            "AES-256-GCM,auth [null-digest],keysize 256,tls-auth,key-method 2,tls-client"),
                ElementsAre("the peer says \"tun-mtu 1551\" where \"tun-mtu 1500\" was expected"));
}

}  // namespace
}  // namespace gatelab::openvpn
