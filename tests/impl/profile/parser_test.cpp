#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/impl/profile/azure.h"

namespace gatelab::profile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Ovpn parsed(const std::string& text) {
    const auto result = parse_ovpn("client\n" + text, "vpn.ovpn");
    EXPECT_TRUE(result) << (result ? "" : result.error().detail);
    return result ? result->profile : Ovpn{};
}

// What parse_ovpn says about a file of "client" and then `text`.
std::string complaint(const std::string& text) {
    const auto result = parse_ovpn("client\n" + text, "vpn.ovpn");
    EXPECT_FALSE(result) << text;
    return result ? "" : result.error().detail;
}

std::vector<std::string> warnings(const std::string& text) {
    const auto result = parse_ovpn("client\n" + text, "vpn.ovpn");
    EXPECT_TRUE(result) << (result ? "" : result.error().detail);
    std::vector<std::string> texts;
    for (const auto& warning : result ? result->warnings : std::vector<Warning>{})
        texts.push_back(std::to_string(warning.line) + ": " + warning.text);
    return texts;
}

TEST(OvpnParser, ReadsBackWhatTheWriterWrites) {
    const auto result = parse_ovpn(encode(azure().profile), "vpn.ovpn");
    ASSERT_TRUE(result) << result.error().detail;
    EXPECT_EQ(result->profile, azure().profile);
    EXPECT_THAT(result->warnings, IsEmpty());
}

TEST(OvpnParser, ReadsBackEveryFieldThatTheWriterWrites) {
    Ovpn full = azure().profile;
    full.remotes = {{"a.example", 1194, openvpn::Transport::Udp}, {"192.0.2.1", 443, openvpn::Transport::Tcp}};
    full.verify_x509_name = R"(C=DE, O="it's", CN=gw \ #1)";
    full.verify_x509_type = "subject";
    full.tls_version_max = tls::Version::Tls13;
    full.tls_ciphers = {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"};
    full.data_ciphers = {openvpn::DataCipher::Aes128Gcm, openvpn::DataCipher::Aes256Cbc};
    full.fallback_cipher = openvpn::DataCipher::Aes256Cbc;
    full.renegotiate = full.handshake_window = full.transition_window = std::chrono::seconds(20);
    full.renegotiate_bytes = full.renegotiate_packets = 1000;
    full.ping = full.ping_restart = Duration::zero();
    full.tun_mtu = 1400;
    full.mssfix = 1300;
    full.fragment = 1200;
    full.explicit_exit_notify = 2;
    full.auth_user_pass = true;
    full.username = "alice";
    full.password = " secret # word";
    full.extra_certificates = full.ca;
    const auto result = parse_ovpn(encode(full), "vpn.ovpn");
    ASSERT_TRUE(result) << result.error().detail;
    EXPECT_EQ(result->profile, full);
}

TEST(OvpnParser, PassesOverCommentsBlanksAndOtherLineEnds) {
    const auto result = parse_ovpn(
        "\xef\xbb\xbf# comment\r\n; another\r\n\r\n  client  \r\n\tremote gw 443 ; behind\r\n--verb 4 # too\r\n"
        "<ca>\r\nPEM\r\n </ca>\r\nping 10",
        "vpn.ovpn");
    ASSERT_TRUE(result) << result.error().detail;
    EXPECT_EQ(result->profile.remotes, (std::vector<Remote>{{"gw", 443, {}}}));
    EXPECT_EQ(result->profile.verb, 4);
    EXPECT_EQ(result->profile.ca, "PEM\n");
    EXPECT_EQ(result->profile.ping, std::chrono::seconds(10));
}

TEST(OvpnParser, ReadsQuotesAndEscapes) {
    EXPECT_EQ(parsed("verify-x509-name 'a \"b\" \\ #' name").verify_x509_name, R"(a "b" \ #)");
    EXPECT_EQ(parsed("verify-x509-name \"a \\\"b\\\" \\\\ ;\" name").verify_x509_name, R"(a "b" \ ;)");
    EXPECT_EQ(parsed("verify-x509-name a\\ b#c name").verify_x509_name, "a b#c");
    EXPECT_THAT(complaint("log \"open"), HasSubstr("vpn.ovpn:2: a quotation without end; expected \""));
    EXPECT_THAT(complaint("log C:\\log"), HasSubstr("vpn.ovpn:2: backslash before 'l'"));
    EXPECT_THAT(complaint("log a\\"), HasSubstr("a backslash ends the line"));
    EXPECT_THAT(complaint("log " + std::string(300, 'a')), HasSubstr("a line of 304 characters, expected at most 255"));
}

TEST(OvpnParser, NamesThePlaceOfAnUnknownDirectiveAndWhatWasMeant) {
    EXPECT_THAT(complaint("\n\nremot gw 443"),
                HasSubstr("vpn.ovpn:4: unknown directive \"remot\"; did you mean \"remote\"?"));
    EXPECT_THAT(complaint("xyzzyxyzzy"), HasSubstr("expected one of OpenVPN 2.6"));
    EXPECT_THAT(complaint("<cart>\nx\n</cart>"), HasSubstr("vpn.ovpn:2: unknown directive \"cart\"; did you mean"));
}

TEST(OvpnParser, CountsArguments) {
    EXPECT_THAT(complaint("remote"), HasSubstr("vpn.ovpn:2: remote has no argument; expected 1 to 3 arguments"));
    EXPECT_THAT(complaint("nobind 1"), HasSubstr("nobind has 1 argument; expected no argument"));
    EXPECT_THAT(complaint("keepalive 1"), HasSubstr("keepalive has 1 argument; expected 2 arguments"));
    EXPECT_THAT(complaint("<key>\nx\n</key>\n<connection>\nremote a 1 udp 2\n</connection>"),
                HasSubstr("vpn.ovpn:6: remote has 4 arguments"));
}

TEST(OvpnParser, NamesArgumentsOutOfRange) {
    const std::pair<const char*, const char*> wrong[] = {
        {"remote gw 0", "remote: port \"0\", expected a number from 1 to 65535"},
        {"remote gw 65536", "remote: port \"65536\""},
        {"remote gw 443 sctp", "remote: \"sctp\", expected udp or tcp"},
        {"remote \"\" 443", "remote: \"\", expected a name or an address"},
        {"port x", "port: \"x\", expected a number from 1 to 65535"},
        {"proto tcp6", "proto: \"tcp6\", expected udp or tcp, over IPv4"},
        {"proto tcp-server", "as a client"},
        {"dev tap", "dev: \"tap\", expected tun"},
        {"topology ring", "topology: \"ring\""},
        {"auth MD5", "auth: \"MD5\", expected SHA256 or SHA1"},
        {"auth none", "auth: \"none\""},
        {"cipher BF-CBC", "cipher: \"BF-CBC\", expected AES-256-GCM, AES-128-GCM or AES-256-CBC"},
        {"cipher none", "cipher: \"none\""},
        {"data-ciphers BF-CBC:DES-CBC", "expected at least one of"},
        {"data-ciphers-fallback BF-CBC", "data-ciphers-fallback: \"BF-CBC\""},
        {"tls-version-min 1.4", "tls-version-min: \"1.4\", expected 1.2 or 1.3"},
        {"tls-version-min 1.2 maybe", "expected or-highest"},
        {"tls-version-max 1.1", "tls-version-max: \"1.1\", expected 1.2 or 1.3"},
        {"tls-cipher DEFAULT:!EXP", "tls-cipher: \"DEFAULT\", expected a cipher suite of TLS 1.2"},
        {"tls-ciphersuites TLS_NO_SUCH", "tls-ciphersuites: \"TLS_NO_SUCH\""},
        {"key-direction 2", "key-direction: \"2\", expected 0 or 1"},
        {"tls-timeout -1", "tls-timeout: \"-1\", expected a number from 0"},
        {"ping 1s", "ping: \"1s\""},
        {"reneg-sec 99999999999", "reneg-sec: \"99999999999\""},
        {"reneg-bytes 1e9", "reneg-bytes: \"1e9\""},
        {"tun-mtu 99", "tun-mtu: \"99\", expected a number from 100 to 65535"},
        {"mssfix 20", "mssfix: \"20\", expected 0, or a size from 68 to 65000"},
        {"mssfix 1400 fixed", "mssfix: \"fixed\", expected mtu"},
        {"fragment 60", "fragment: \"60\""},
        {"fragment 80 mtu", "fragment: \"80 mtu\", expected at least 96"},
        {"explicit-exit-notify many", "explicit-exit-notify: \"many\""},
        {"verb 16", "verb: \"16\", expected a number from 0 to 15"},
        {"verify-x509-name gw hash", "verify-x509-name: \"hash\", expected name, name-prefix or subject"},
        {"verify-x509-name ''", "verify-x509-name: \"\""},
        {"remote-cert-tls client", "remote-cert-tls: \"client\", expected server"},
        {"ca no-such-file.pem", "ca: file no-such-file.pem cannot be read"},
        {"allow-compression yes", "allow-compression: \"yes\", expected no"},
        {"script-security 2", "script-security: \"2\", expected 0 or 1"},
        {"setenv a b c", "setenv has 3 arguments"},
        {"setenv", "setenv has no argument"},
        {"ignore-unknown-option", "ignore-unknown-option has no argument"},
    };
    for (const auto& [text, expected] : wrong) {
        const auto said = complaint(text);
        EXPECT_THAT(said, HasSubstr(expected));
        EXPECT_THAT(said, HasSubstr("vpn.ovpn:2: "));
    }
}

TEST(OvpnParser, RefusesWhatWouldProtectLessWhenLeftOut) {
    for (const auto* text : {"tls-verify /bin/true",
                             "plugin x.so",
                             "up /bin/up",
                             "down /bin/down",
                             "askpass",
                             "pkcs11-id x",
                             "pkcs12 a.p12",
                             "crl-verify crl.pem",
                             "comp-lzo yes",
                             "comp-lzo no",
                             "compress lz4",
                             "compress",
                             "secret static.key",
                             "peer-fingerprint 00",
                             "verify-hash 00",
                             "tls-groups X25519",
                             "tls-cert-profile suiteb",
                             "management 127.0.0.1 1",
                             "http-proxy-option AGENT x",
                             "socks-proxy 192.0.2.1 1080",
                             "redirect-gateway def1",
                             "route-nopull",
                             "pull-filter ignore route",
                             "server 10.0.0.0 "
                             "255.0.0.0",
                             "tls-server",
                             "config other.ovpn",
                             "cryptoapicert x",
                             "no-replay",
                             "<pkcs12>\nx\n</pkcs12>",
                             "<crl-verify>\nx\n</crl-verify>",
                             "<secret>\nx\n</secret>"})
        EXPECT_THAT(complaint(text), HasSubstr("vpn.ovpn:2: ")) << text;
    EXPECT_THAT(complaint("tls-verify x"), HasSubstr("tls-verify runs a program, which this client never does"));
    EXPECT_THAT(complaint("compress lz4"), HasSubstr("refused"));
}

TEST(OvpnParser, WarnsOfWhatMeansNothingHere) {
    EXPECT_THAT(warnings("user nobody\nblock-outside-dns"),
                ElementsAre("2: user is about the machine that a client runs on; it is left out",
                            "3: block-outside-dns is about Windows; it is left out"));
    EXPECT_THAT(warnings("nobind\nresolv-retry infinite\npersist-tun\nauth-nocache\nscript-security 1"), IsEmpty());
    EXPECT_THAT(warnings("tls-version-min 1.0"), ElementsAre(HasSubstr("no version below 1.2 is spoken")));
    EXPECT_THAT(warnings("verb 3\nverb 4"), ElementsAre("3: verb stands in line 2 too; this one holds"));
    EXPECT_THAT(warnings("allow-compression asym"), SizeIs(1));
}

TEST(OvpnParser, TakesTheCiphersOfAListThatItHas) {
    const auto text = "data-ciphers AES-128-GCM:?CHACHA20-POLY1305:aes-256-gcm";
    EXPECT_THAT(parsed(text).data_ciphers, ElementsAre(openvpn::DataCipher::Aes128Gcm, openvpn::DataCipher::Aes256Gcm));
    EXPECT_THAT(warnings(text), ElementsAre("2: data cipher CHACHA20-POLY1305 is not supported and left out"));
}

TEST(OvpnParser, ReadsSuitesUnderTheirSeveralNames) {
    EXPECT_THAT(parsed("tls-cipher TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384:AES128-SHA256\n"
                       "tls-ciphersuites TLS_AES_128_GCM_SHA256")
                    .tls_ciphers,
                ElementsAre("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_AES_128_CBC_SHA256",
                            "TLS_AES_128_GCM_SHA256"));
}

TEST(OvpnParser, LeavesOutUnknownDirectivesWhereTheProfileAllows) {
    EXPECT_THAT(warnings("ignore-unknown-option new-one newer\nnew-one 1 2\nnewer"), SizeIs(2));
    EXPECT_THAT(warnings("setenv opt new-one 1"), SizeIs(1));
    EXPECT_EQ(parsed("setenv opt ping 7").ping, std::chrono::seconds(7));
    EXPECT_THAT(complaint("setenv opt plugin x.so"), HasSubstr("plugin runs a program"));
    EXPECT_THAT(warnings("setenv FORWARD_COMPATIBLE 1\nnew-one"), SizeIs(1));
    EXPECT_THAT(warnings("setenv CLIENT_CERT 0\nsetenv-safe A b"), IsEmpty());
    // Known ones stay what they are.
    EXPECT_THAT(complaint("ignore-unknown-option plugin\nplugin x.so"), HasSubstr("plugin runs a program"));
}

TEST(OvpnParser, NamesBlocksThatAreNotWhole) {
    EXPECT_THAT(complaint("<ca>\nPEM\n"), HasSubstr("vpn.ovpn:2: <ca> has no end; expected a line </ca>"));
    EXPECT_THAT(complaint("</ca>"), HasSubstr("vpn.ovpn:2: </ca> ends a block that has not begun"));
    EXPECT_THAT(complaint("<ca>\n \n</ca>"), HasSubstr("vpn.ovpn:2: <ca> is empty; expected a PEM text"));
    EXPECT_THAT(complaint("<ca>\nx\n</ca>\n<ca>\nx\n</ca>"),
                HasSubstr("vpn.ovpn:5: <ca> stands here again; line 2 has one"));
    EXPECT_THAT(complaint("<ping>\n10\n</ping>"), HasSubstr("<ping> opens a block, expected \"ping\" with 1 argument"));
    EXPECT_THAT(complaint("<ca> x"), HasSubstr("expected a block's name alone on its line"));
    EXPECT_THAT(complaint("<auth-user-pass>\nalice\n</auth-user-pass>"), HasSubstr("no name and password"));
}

TEST(OvpnParser, ReadsSignInBlocks) {
    const auto profile = parsed("<auth-user-pass>\r\nalice\r\np w\r\n</auth-user-pass>");
    EXPECT_TRUE(profile.auth_user_pass);
    EXPECT_EQ(profile.username, "alice");
    EXPECT_EQ(profile.password, "p w");
    EXPECT_TRUE(parsed("auth-user-pass").auth_user_pass);
}

TEST(OvpnParser, ReadsHttpProxies) {
    const auto proxy = [](const std::string& text) { return parsed("proto tcp\n" + text).http_proxy; };
    EXPECT_EQ(proxy("http-proxy 192.0.2.1 8080"), (HttpProxy{"192.0.2.1", 8080}));
    EXPECT_EQ(proxy("http-proxy squid 3128 auto\n<http-proxy-user-pass>\nbo\nx y\n</http-proxy-user-pass>"),
              (HttpProxy{"squid", 3128, "bo", "x y"}));
    EXPECT_EQ(proxy("<http-proxy-user-pass>\nbo\nx\n</http-proxy-user-pass>\nhttp-proxy squid 3128 [inline] basic"),
              (HttpProxy{"squid", 3128, "bo", "x"}));
    EXPECT_EQ(proxy("remote gw 443"), std::nullopt);
    EXPECT_THAT(complaint("http-proxy squid"), HasSubstr("http-proxy has 1 argument; expected 2 to 4 arguments"));
    EXPECT_THAT(complaint("http-proxy squid 0"), HasSubstr("http-proxy: port \"0\""));
    EXPECT_THAT(complaint("http-proxy squid 3128 auto ntlm2"), HasSubstr("\"ntlm2\", expected basic or none"));
    EXPECT_THAT(complaint("http-proxy squid 3128 auto-nct"), HasSubstr("\"auto-nct\", expected auto"));
    EXPECT_THAT(complaint("http-proxy squid 3128 /no/such/file"), HasSubstr("/no/such/file"));
    EXPECT_THAT(complaint("http-proxy squid 3128\nremote gw 443"),
                HasSubstr("vpn.ovpn:2: http-proxy and a remote over UDP"));
    EXPECT_THAT(complaint("<http-proxy-user-pass>\nbo\n</http-proxy-user-pass>"), HasSubstr("no name and password"));
    EXPECT_THAT(complaint("<http-proxy-user-pass>\nbo\nx\n</http-proxy-user-pass>"), HasSubstr("and no http-proxy"));
}

TEST(OvpnParser, ReadsConnectionBlocks) {
    const auto profile = parsed(
        "proto udp\n<connection>\nremote a.example\nport 443\nproto tcp\nnobind\n</connection>\n"
        "<connection>\nremote b.example 1195\n</connection>");
    EXPECT_EQ(profile.remotes,
              (std::vector<Remote>{{"a.example", 443, openvpn::Transport::Tcp}, {"b.example", 1195, {}}}));
    EXPECT_THAT(complaint("<connection>\nremote a\nping 1\n</connection>"),
                HasSubstr("vpn.ovpn:4: \"ping\" within <connection>"));
    EXPECT_THAT(complaint("<connection>\nport 1\n</connection>"), HasSubstr("vpn.ovpn:2: <connection> with 0 remotes"));
    EXPECT_THAT(complaint("<connection>\nremote a\nremote b\n</connection>"), HasSubstr("2 remotes, expected one"));
    EXPECT_THAT(complaint("<connection>\n<ca>\nx\n</ca>\n</connection>"), HasSubstr("within <connection>"));
    EXPECT_THAT(complaint("<connection>\nremot a\n</connection>"), HasSubstr("vpn.ovpn:3: unknown directive"));
}

TEST(OvpnParser, GivesRemotesThePortOfTheFile) {
    EXPECT_EQ(parsed("remote a\nremote b 1\nport 9").remotes, (std::vector<Remote>{{"a", 9, {}}, {"b", 1, {}}}));
    EXPECT_EQ(parsed("remote a").remotes[0].port, 1194);
}

TEST(OvpnParser, CountsSizesTheWayThatWritersDo) {
    EXPECT_EQ(parsed("mssfix 1400").mssfix, 1428);
    EXPECT_EQ(parsed("proto tcp\nmssfix 1400").mssfix, 1440);
    EXPECT_EQ(parsed("mssfix 1400 mtu").mssfix, 1400);
    EXPECT_EQ(parsed("mssfix 0").mssfix, 0);
    EXPECT_EQ(parsed("mssfix").mssfix, std::nullopt);
    EXPECT_EQ(parsed("fragment 1300").fragment, 1300);
    EXPECT_EQ(parsed("fragment 1300 mtu").fragment, 1272);
}

TEST(OvpnParser, WantsAClient) {
    const auto result = parse_ovpn("remote gw 443\n", "vpn.ovpn");
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().detail, HasSubstr("vpn.ovpn:1: no \"client\""));
    EXPECT_FALSE(parse_ovpn("", "vpn.ovpn"));
    EXPECT_FALSE(parse_ovpn("tls-client\n", "vpn.ovpn"));
    EXPECT_TRUE(parse_ovpn("tls-client\npull\n", "vpn.ovpn"));
}

TEST(OvpnParser, WantsOneKindOfProtection) {
    EXPECT_THAT(complaint("<tls-auth>\nx\n</tls-auth>\n<tls-crypt>\nx\n</tls-crypt>"),
                HasSubstr("expected at most one"));
}

struct OvpnFiles : testing::Test {
    std::filesystem::path folder;
    void SetUp() override {
        std::string name = testing::TempDir() + "gatelab-ovpn-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    void write(const std::string& name, const std::string& text) const { std::ofstream{folder / name} << text; }
};

TEST_F(OvpnFiles, AreReadFromTheFolderOfTheProfile) {
    write("ca.pem", "the roots\n");
    write("ta.key", "the key\n");
    write("who.txt", "alice\nsecret\n");
    const auto result =
        parse_ovpn("client\nca ca.pem\ntls-auth ta.key 1\nauth-user-pass who.txt\n", (folder / "vpn.ovpn").string());
    ASSERT_TRUE(result) << result.error().detail;
    EXPECT_EQ(result->profile.ca, "the roots\n");
    EXPECT_EQ(result->profile.tls_auth, "the key\n");
    EXPECT_EQ(result->profile.key_direction, openvpn::KeyDirection::Inverse);
    EXPECT_EQ(result->profile.password, "secret");
}

TEST_F(OvpnFiles, ThatAreNoFilesAreRefused) {
    for (const auto* name : {"/dev/zero", ".", "missing"}) {
        const auto result = parse_ovpn(std::string{"client\nca "} + name, (folder / "vpn.ovpn").string());
        ASSERT_FALSE(result);
        EXPECT_THAT(result.error().detail, HasSubstr("cannot be read"));
    }
    write("large", std::string((1 << 20) + 1, 'a'));
    EXPECT_FALSE(parse_ovpn("client\nca large", (folder / "vpn.ovpn").string()));
}

}  // namespace
}  // namespace gatelab::profile
