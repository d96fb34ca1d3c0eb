#include "impl/openvpn/push.h"

#include <gmock/gmock.h>

namespace gatelab::openvpn {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

Result<PushReply> parse(const std::string& options) {
    auto message = parse_control_message("PUSH_REPLY," + options);
    if (!message) return pass(message);
    return std::get<PushReply>(*message);
}

PushReply sample() {
    PushReply reply;
    reply.address = Ipv4Address{10, 61, 0, 2};
    reply.subnet = Prefix{{10, 61, 0, 0}, 24};
    reply.route_gateway = Ipv4Address{10, 61, 0, 1};
    reply.routes = {{Prefix{{10, 50, 0, 0}, 16}, {}}, {Prefix{{10, 51, 0, 1}, 32}, Ipv4Address{10, 61, 0, 9}}};
    reply.dns = {{10, 50, 0, 53}, {10, 50, 0, 54}};
    reply.domain = "gatelab.test";
    reply.cipher = DataCipher::Aes256Gcm;
    reply.peer_id = 0xffffff;
    reply.ping = 10s;
    reply.ping_restart = 60s;
    reply.tun_mtu = 1500;
    reply.auth_token = "SESS_ID_AT_abc=";
    reply.auth_token_user = "Ym9i";
    reply.protocol_flags = {"cc-exit", "tls-ekm", "an \"odd\" one", ""};
    reply.key_derivation_ekm = true;
    reply.redirect_gateway = true;
    reply.ignored = {"sndbuf 0", "dhcp-option WINS 10.0.0.1"};
    return reply;
}

// What a server of the real program sent to one of its clients.
TEST(PushReplyText, OfTheRealServerIsUnderstood) {
    const auto reply = parse(
        "route 10.50.0.0 255.255.0.0,route-gateway 10.61.0.1,topology subnet,ping 1,ping-restart 4,"
        "ifconfig 10.61.0.2 255.255.255.0,peer-id 0,cipher AES-256-GCM,protocol-flags cc-exit tls-ekm dyn-tls-crypt,"
        "tun-mtu 1500");
    ASSERT_TRUE(reply) << reply.error().detail;
    PushReply expected;
    expected.routes = {{Prefix{{10, 50, 0, 0}, 16}, {}}};
    expected.route_gateway = Ipv4Address{10, 61, 0, 1};
    expected.ping = 1s;
    expected.ping_restart = 4s;
    expected.address = Ipv4Address{10, 61, 0, 2};
    expected.subnet = Prefix{{10, 61, 0, 0}, 24};
    expected.peer_id = 0;
    expected.cipher = DataCipher::Aes256Gcm;
    expected.protocol_flags = {"cc-exit", "tls-ekm", "dyn-tls-crypt"};
    expected.tun_mtu = 1500;
    EXPECT_EQ(*reply, expected);
}

TEST(PushReplyText, ComesBack) {
    const auto parts = encode(sample());
    ASSERT_EQ(parts.size(), 1u);
    const auto back = PushReader{}.add(parts[0]);
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(**back, sample());
    EXPECT_EQ(encode(PushReply{}), std::vector<std::string>{"PUSH_REPLY,topology subnet"});
    EXPECT_EQ(*parse_control_message("PUSH_REPLY").transform([](auto m) { return std::get<PushReply>(m); }),
              PushReply{});
}

TEST(PushReplyText, ComesBackInPartsOfOneControlMessageEach) {
    auto reply = sample();
    reply.auth_token = std::string(2300, 't');  // no part has room for it: it goes alone
    for (std::uint8_t i = 0; i < 200; ++i) reply.routes.push_back({Prefix{{10, 200, i, 0}, 24}, {}});
    const auto parts = encode(reply);
    ASSERT_GT(parts.size(), 5u);
    PushReader reader;
    for (const auto& part : parts) {
        EXPECT_TRUE(part.starts_with("PUSH_REPLY,"));
        EXPECT_TRUE(part.size() < 1024 || part.find(reply.auth_token) != std::string::npos) << part;
        EXPECT_TRUE(part.ends_with(&part == &parts.back() ? ",push-continuation 1" : ",push-continuation 2"));
        const auto whole = reader.add(part);
        ASSERT_TRUE(whole) << whole.error().detail;
        ASSERT_EQ(whole->has_value(), &part == &parts.back());
        if (*whole) {
            EXPECT_EQ(**whole, reply);
        }
    }
}

TEST(PushReplyText, NeverEndsAPartLaterThanOneMessageHolds) {
    for (std::size_t size = 900; size < 993; ++size) {
        PushReply reply;
        reply.ignored = {std::string(size, 'x'), "second"};
        for (const auto& part : encode(reply)) ASSERT_LT(part.size(), 1024u);
    }
}

TEST(PushReplyText, NeedsNoOrderOfItsOptions) {
    EXPECT_EQ(parse("ifconfig 10.8.0.6 10.8.0.5,topology net30")->peer_address, (Ipv4Address{10, 8, 0, 5}));
    EXPECT_EQ(parse("ifconfig 10.8.0.6 255.255.255.0,topology subnet")->subnet, (Prefix{{10, 8, 0, 0}, 24}));
    EXPECT_FALSE(parse("ifconfig 10.8.0.6 10.8.0.5")->topology_subnet) << "net30 unless told otherwise";
    EXPECT_TRUE(parse("ifconfig 10.8.0.6 255.255.255.0")->topology_subnet) << "no peer has such an address";
}

TEST(PushReplyText, RoutesInEveryForm) {
    const auto reply = parse(
        "route 10.1.0.0 255.255.0.0,route 10.2.0.1,route 10.3.0.0 255.255.0.0 vpn_gateway 5,route 10.4.0.0 255.255.0.0 "
        "10.0.0.1,route 0.0.0.0 0.0.0.0,route remote_host 255.255.255.255 net_gateway");
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_THAT(
        reply->routes,
        ElementsAre(PushedRoute{Prefix{{10, 1, 0, 0}, 16}, {}}, PushedRoute{Prefix{{10, 2, 0, 1}, 32}, {}},
                    PushedRoute{Prefix{{10, 3, 0, 0}, 16}, {}},
                    PushedRoute{Prefix{{10, 4, 0, 0}, 16}, Ipv4Address{10, 0, 0, 1}}, PushedRoute{Prefix{}, {}}));
    EXPECT_THAT(reply->ignored, ElementsAre("route remote_host 255.255.255.255 net_gateway"));
}

TEST(PushReplyText, KeepsWhatItHasNoUseFor) {
    EXPECT_THAT(
        parse("sndbuf 0,route-gateway dhcp,dhcp-option WINS 10.0.0.1,tun-ipv6,,redirect-private")->ignored,
        ElementsAre("sndbuf 0", "route-gateway dhcp", "dhcp-option WINS 10.0.0.1", "tun-ipv6", "redirect-private"));
}

TEST(PushReplyText, UnderstandsQuotes) {
    EXPECT_EQ(parse(R"(dhcp-option DOMAIN "a \"b\" c")")->domain, "a \"b\" c");
    EXPECT_EQ(parse("dhcp-option  DOMAIN 'x y'")->domain, "x y");
    EXPECT_EQ(parse("dhcp-option DOMAIN \"open").error().detail,
              "pushed option \"dhcp-option DOMAIN \"open\": a quote is not closed");
}

TEST(PushReplyText, IsMalformedWithArgumentsThatCannotBe) {
    const std::pair<const char*, const char*> cases[] = {
        {"ifconfig 10.0.0.1", "two IPv4 addresses"},
        {"ifconfig 10.0.0.300 255.0.0.0", "two IPv4 addresses"},
        {"topology ring", "subnet, net30 or p2p"},
        {"route 10.0.0.0 255.0.255.0", "a network and its mask"},
        {"route example.org", "a network and its mask"},
        {"route 10.0.0.0 255.0.0.0 nowhere", "an IPv4 address as its gateway"},
        {"route-gateway", "an IPv4 address"},
        {"dhcp-option DNS ::1", "an IPv4 address"},
        {"dhcp-option DOMAIN", "a domain name"},
        {"cipher BF-CBC", "AES-256-GCM, AES-128-GCM or AES-256-CBC"},
        {"peer-id 16777216", "a number up to 16777215"},
        {"peer-id -1", "a number up to 16777215"},
        {"ping ten", "a number of seconds"},
        {"ping-restart 99999999999", "a number of seconds"},
        {"tun-mtu 67", "a size from 68 to 65535"},
        {"auth-token", "a token"},
        {"key-derivation prf", "tls-ekm"},
    };
    for (const auto& [option, expected] : cases) {
        const auto reply = parse(option);
        ASSERT_FALSE(reply) << option;
        EXPECT_EQ(reply.error().fault, Fault::Malformed);
        EXPECT_EQ(reply.error().detail, std::string{"pushed option \""} + option + "\": expected " + expected);
    }
    EXPECT_EQ(parse("ifconfig 10.0.0.1 255.0.255.0,topology subnet").error().detail,
              "pushed option \"ifconfig\": expected a network mask as its second address");
}

TEST(PushReplyText, IsRefusedWhenItTurnsOnCompressionOrFragments) {
    for (const auto* option : {"comp-lzo no", "comp-lzo", "compress stub-v2", "compress", "fragment 1300"}) {
        const auto reply = parse(std::string{"ping 10,"} + option);
        ASSERT_FALSE(reply) << option;
        EXPECT_EQ(reply.error().fault, Fault::Refused);
        EXPECT_THAT(reply.error().detail, testing::HasSubstr(option));
    }
}

TEST(PushReplyText, HasAtMostAThousandRoutes) {
    std::string options;
    for (int i = 0; i < 1000; ++i) options += "route 10.0.0.1,";
    EXPECT_EQ(parse(options)->routes.size(), 1000u);
    EXPECT_EQ(parse(options + "route 10.0.0.2").error().fault, Fault::Refused);
}

TEST(PushReading, EndsAtSixtyFourKilobytes) {
    PushReader reader;
    const auto part = "PUSH_REPLY," + std::string(1000, 'x') + ",push-continuation 2";
    Result<std::optional<PushReply>> last;
    for (int i = 0; i < 65; ++i) ASSERT_TRUE(reader.add(part));
    EXPECT_EQ(reader.add(part).error().fault, Fault::Refused);
    EXPECT_EQ(PushReader{}.add("AUTH_FAILED").error().fault, Fault::Malformed);
    EXPECT_EQ(PushReader{}.add("PUSH_REPLY,ping\x01").error().fault, Fault::Malformed);
}

template <class Kind>
Kind message(std::string_view text) {
    return std::get<Kind>(parse_control_message(text).value());
}

TEST(ControlMessages, OfEveryKindAreTold) {
    EXPECT_NO_THROW(message<PushRequest>("PUSH_REQUEST"));
    EXPECT_NO_THROW(message<Exit>("EXIT"));
    EXPECT_EQ(message<AuthFailed>("AUTH_FAILED").reason, "");
    EXPECT_EQ(message<AuthFailed>("AUTH_FAILED,SESSION: token expired").reason, "SESSION: token expired");
    EXPECT_EQ(message<AuthFailed>(encode_auth_failed("no, not you")).reason, "no, not you");
    EXPECT_EQ(encode_auth_failed(""), "AUTH_FAILED");
    EXPECT_FALSE(message<Restart>("RESTART").to_next_server);
    EXPECT_TRUE(message<Restart>("RESTART,[N]").to_next_server);
    EXPECT_EQ(message<Restart>("RESTART,[P]:maintenance").parameters, "[P]:maintenance");
    EXPECT_EQ(message<Halt>("HALT,go away").reason, "go away");
    EXPECT_EQ(message<InfoPre>("INFO_PRE,OPEN_URL:https://x").text, "OPEN_URL:https://x");
    EXPECT_EQ(message<UnknownMessage>("INFO,hello").text, "INFO,hello");
    EXPECT_EQ(message<UnknownMessage>("EXITING").text, "EXITING");
    EXPECT_EQ(message<UnknownMessage>("AUTH_FAILEDX").text, "AUTH_FAILEDX");
    EXPECT_EQ(parse_control_message(std::string_view{"EXIT\n"}).error().fault, Fault::Malformed);
}

TEST(ControlMessages, CutShortAnywhereNeverBreakTheReader) {
    const auto text = encode(sample())[0];
    for (std::size_t size = 0; size <= text.size(); ++size) {
        const auto cut = parse_control_message(text.substr(0, size));
        if (cut && size >= 11) {
            EXPECT_TRUE(std::holds_alternative<PushReply>(*cut)) << size;
        }
    }
}

}  // namespace
}  // namespace gatelab::openvpn
