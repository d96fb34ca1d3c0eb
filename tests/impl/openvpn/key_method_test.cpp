#include "impl/openvpn/key_method.h"

#include <gtest/gtest.h>

namespace gatelab::openvpn {
namespace {

KeyMethodMessage sample(Role sender) {
    SeededRandom random{4};
    KeyMethodMessage message{KeySource::generate(random, sender), "V4,dev-type tun", "", "", ""};
    if (sender == Role::Client) {
        message.username = "AzureAD";
        message.password = std::string(2300, 't');
        message.peer_info = "IV_VER=2.6.14\nIV_PROTO=990\n";
    }
    return message;
}

void expect_equal(const KeyMethodMessage& a, const KeyMethodMessage& b) {
    EXPECT_EQ(a.source.pre_master, b.source.pre_master);
    EXPECT_EQ(a.source.random1, b.source.random1);
    EXPECT_EQ(a.source.random2, b.source.random2);
    EXPECT_EQ(a.options, b.options);
    EXPECT_EQ(a.username, b.username);
    EXPECT_EQ(a.password, b.password);
    EXPECT_EQ(a.peer_info, b.peer_info);
}

TEST(KeyMethod, ComesBackWithATokenFarBeyondTheStockLimit) {
    for (const auto sender : {Role::Client, Role::Server}) {
        const auto message = sample(sender);
        auto bytes = encode(message, sender);
        const auto size = bytes.size();
        append(bytes, as_bytes("PUSH_REQUEST"));
        const auto parsed = parse_key_method(bytes, sender);
        ASSERT_TRUE(parsed) << parsed.error().detail;
        ASSERT_TRUE(*parsed);
        EXPECT_EQ((*parsed)->size, size) << "and not what comes behind it";
        expect_equal((*parsed)->message, message);
    }
}

TEST(KeyMethod, TakesTextsUpToTheirLengthField) {
    auto message = sample(Role::Client);
    message.password = std::string(65534, 'p');
    const auto parsed = parse_key_method(encode(message, Role::Client), Role::Client).value();
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->message.password, message.password);
}

TEST(KeyMethod, WaitsForTheRestAfterEveryCut) {
    for (const auto sender : {Role::Client, Role::Server}) {
        const auto bytes = encode(sample(sender), sender);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const auto parsed = parse_key_method(ByteView{bytes}.first(size), sender);
            ASSERT_TRUE(parsed) << size;
            ASSERT_FALSE(*parsed) << size;
        }
    }
}

TEST(KeyMethod, RefusesWhatCannotBecomeOne) {
    auto other_method = encode(sample(Role::Server), Role::Server);
    other_method[4] = 1;
    EXPECT_EQ(parse_key_method(other_method, Role::Server).error().detail, "key method 1; only 2 is spoken");

    auto no_nul = encode(sample(Role::Server), Role::Server);
    no_nul[5 + 64 + 2 + 15] = 'x';  // behind the options string
    EXPECT_EQ(parse_key_method(no_nul, Role::Server).error().fault, Fault::Malformed);
    auto nul_inside = encode(sample(Role::Server), Role::Server);
    nul_inside[5 + 64 + 2] = 0;
    EXPECT_EQ(parse_key_method(nul_inside, Role::Server).error().fault, Fault::Malformed);
}

TEST(KeyMethod, EndsAtItsLimit) {
    const auto bytes = encode(sample(Role::Client), Role::Client);
    ASSERT_TRUE(parse_key_method(bytes, Role::Client, bytes.size()));
    EXPECT_EQ(parse_key_method(bytes, Role::Client, bytes.size() - 1).error().fault, Fault::Malformed);
}

TEST(PeerInfoText, ComesBackWithoutWhatIsNoVariable) {
    const PeerInfo info{{"IV_VER", "2.6.14"}, {"IV_PROTO", "990"}, {"UV_EMPTY", ""}};
    EXPECT_EQ(encode(info), "IV_VER=2.6.14\nIV_PROTO=990\nUV_EMPTY=\n");
    EXPECT_EQ(parse_peer_info(encode(info)), info);
    EXPECT_EQ(parse_peer_info("no equals\n=no name\nIV_VER=2.6.14\n\nIV_BAD=\x01\nIV_PROTO=990\nUV_EMPTY="), info);
    EXPECT_EQ(parse_peer_info("IV_VER=AzMac IV_PLAT=0.1 IV_PROTO=1"),  // P2S-AAD-24: blanks, no line ends
              (PeerInfo{{"IV_VER", "AzMac IV_PLAT=0.1 IV_PROTO=1"}}));
}

TEST(PeerInfoText, HasAtMostSixtyFourVariables) {
    std::string text;
    for (int i = 0; i < 100; ++i) text.append("A").append(std::to_string(i)).append("=1\n");
    EXPECT_EQ(parse_peer_info(text).size(), 64u);
}

TEST(PeerInfoText, OfOursNamesTheCiphersThatWeTake) {
    Options options;
    options.data_ciphers = {DataCipher::Aes256Gcm, DataCipher::Aes128Gcm, DataCipher::Aes256Cbc};
    const auto info = own_peer_info(options);
    EXPECT_EQ(text_of(info, "IV_CIPHERS"), "AES-256-GCM:AES-128-GCM:AES-256-CBC");
    EXPECT_EQ(text_of(info, "IV_NCP"), "2");
    EXPECT_EQ(text_of(info, "IV_PROTO"), "398");
    EXPECT_EQ(text_of(info, "IV_NONE"), "");
    options.data_ciphers = {DataCipher::Aes256Cbc};
    EXPECT_EQ(text_of(own_peer_info(options), "IV_NCP"), "");
}

TEST(KeySource, OfAServerHasNoPreMasterSecret) {
    SeededRandom random{1};
    const decltype(KeySource::pre_master) none{};
    EXPECT_EQ(KeySource::generate(random, Role::Server).pre_master, none);
    EXPECT_NE(KeySource::generate(random, Role::Client).pre_master, none);
}

}  // namespace
}  // namespace gatelab::openvpn
