// What the real program made is what we make and understand.
#include <gtest/gtest.h>

#include "impl/openvpn/data_channel.h"
#include "impl/openvpn/push.h"
#include "tests/impl/openvpn/real_program_vectors.h"

namespace gatelab::openvpn {
namespace {

using namespace std::chrono_literals;

constexpr auto kNow = instant_from_unix(1'700'000'000);

Bytes hex(std::string_view text) { return from_hex(text).value(); }

template <class Array>
void fill(Array& array, std::string_view text) {
    const auto bytes = hex(text);
    ASSERT_EQ(bytes.size(), array.size());
    std::ranges::copy(bytes, array.begin());
}

StaticKey static_key(std::string_view text) {
    StaticKey key;
    fill(key.bytes, text);
    return key;
}

struct Ends {
    ControlProtection client, server;
};

Ends tls_auth(crypto::Hash hash) {
    const auto key = static_key(real::kTlsAuthKey);
    return {TlsAuth{key, KeyDirection::Inverse, hash}, TlsAuth{key, KeyDirection::Normal, hash}};
}

Ends tls_crypt_v2() {
    TlsCryptV2ServerKey server;
    fill(server.bytes, real::kTlsCryptV2ServerKey);
    return {TlsCryptV2{TlsCryptV2ClientKey{static_key(real::kTlsCryptV2ClientKey), hex(real::kTlsCryptV2WrappedKey)}},
            TlsCryptV2{server}};
}

// Where the packet id and time stand on the wire.
std::size_t number_at(const ControlProtection& protection) {
    const auto* auth = std::get_if<TlsAuth>(&protection);
    return 9 + (auth == nullptr ? 0 : crypto::digest_size(auth->hash));
}

// Each packet is understood by the other end, and made again octet by octet from what it held.
void expect_same(const ControlProtection& from, Role role, const ControlProtection& to, ControlChannel& reader,
                 std::string_view vector) {
    const auto wire = hex(vector);
    const auto plain = reader.unprotect(kNow, wire);
    ASSERT_TRUE(plain) << plain.error().detail;
    const auto packet = parse_control(*plain);
    ASSERT_TRUE(packet) << packet.error().detail;
    EXPECT_EQ(encode(*packet), *plain);
    ControlChannel writer{from, role};
    auto time = kNow;
    if (!std::holds_alternative<Unprotected>(to)) {
        ByteReader number{ByteView{wire}.subspan(number_at(from), 8)};
        writer.start_at(number.u32());
        time = instant_from_unix(number.u32());
    }
    EXPECT_EQ(to_hex(writer.protect(time, *plain)), vector);
}

void expect_same(const Ends& ends, const real::ControlVector& vector) {
    ControlChannel client{ends.client, Role::Client}, server{ends.server, Role::Server};
    expect_same(ends.client, Role::Client, ends.server, server, vector.client_reset);
    if (!std::holds_alternative<TlsCryptV2>(ends.server)) {  // whose writer has no client key yet
        expect_same(ends.server, Role::Server, ends.client, client, vector.server_reset);
    } else {
        EXPECT_TRUE(client.unprotect(kNow, hex(vector.server_reset)));
    }
    expect_same(ends.client, Role::Client, ends.server, server, vector.client_next);
    expect_same(ends.client, Role::Client, ends.server, server, vector.client_ack);
}

TEST(RealProgram, LeavesControlPacketsAsWeDo) {
    expect_same({Unprotected{}, Unprotected{}}, real::kNoProtection);
    const auto reset = parse_control(hex(real::kNoProtection.server_reset)).value();
    EXPECT_EQ(reset.opcode, Opcode::ControlHardResetServerV2);
    EXPECT_EQ(reset.acks, std::vector<std::uint32_t>{0});
}

TEST(RealProgram, ProtectsByTlsAuthAsWeDo) {
    expect_same(tls_auth(crypto::Hash::Sha1), real::kTlsAuthSha1);
    expect_same(tls_auth(crypto::Hash::Sha256), real::kTlsAuthSha256);
}

TEST(RealProgram, ProtectsByTlsCryptAsWeDo) {
    const TlsCrypt key{static_key(real::kTlsCryptKey)};
    expect_same({key, key}, real::kTlsCrypt);
}

TEST(RealProgram, ProtectsByTlsCryptV2AsWeDo) {
    const auto ends = tls_crypt_v2();
    expect_same(ends, real::kTlsCryptV2);
    const auto reset = hex(real::kTlsCryptV2.client_reset), answer = hex(real::kTlsCryptV2.server_reset);
    EXPECT_EQ(to_hex(ByteView{reset}.subspan(9, 4)), "0f000001") << "early negotiation";
    ControlChannel client{ends.client, Role::Client};
    const auto plain = parse_control(client.unprotect(kNow, answer).value()).value();
    EXPECT_EQ(to_hex(plain.payload), "000100020001") << "asks for the wrapped key again";
    EXPECT_EQ(head_of(hex(real::kTlsCryptV2.client_next))->opcode, Opcode::ControlWkcV1);
}

KeyMethodMessage key_method(std::string_view text, Role sender) {
    const auto bytes = hex(text);
    auto parsed = parse_key_method(bytes, sender).value();
    EXPECT_EQ(parsed->size, bytes.size());
    EXPECT_EQ(to_hex(encode(parsed->message, sender)), text);
    return parsed->message;
}

TEST(RealProgram, SpeaksKeyMethodTwoAsWeDo) {
    const auto client = key_method(real::kClientKeyMethod, Role::Client);
    const auto server = key_method(real::kServerKeyMethod, Role::Server);
    Options options;
    options.cipher = DataCipher::Aes256Gcm;
    EXPECT_EQ(client.options, options_string(options));
    options.role = Role::Server;
    EXPECT_EQ(server.options, options_string(options));
    EXPECT_EQ(client.username, "");
    EXPECT_EQ(text_of(parse_peer_info(client.peer_info), "IV_PROTO"), "990");
    EXPECT_EQ(server.peer_info, "");
}

TEST(RealProgram, DerivesKeysByThePrfAsWeDo) {
    SessionId client_session, server_session;
    fill(client_session, real::kClientSessionId);
    fill(server_session, real::kServerSessionId);
    const auto keys =
        derive_by_prf(key_method(real::kClientKeyMethod, Role::Client).source,
                      key_method(real::kServerKeyMethod, Role::Server).source, client_session, server_session);
    EXPECT_EQ(to_hex(keys.bytes), real::kData[0].keys);
}

TEST(RealProgram, PushesWhatWeUnderstand) {
    const auto message = parse_control_message(real::kPushReply);
    ASSERT_TRUE(message) << message.error().detail;
    const auto& reply = std::get<PushReply>(*message);
    EXPECT_EQ(reply.address, (Ipv4Address{10, 61, 0, 2}));
    EXPECT_EQ(reply.subnet, (Prefix{{10, 61, 0, 0}, 24}));
    EXPECT_EQ(reply.cipher, DataCipher::Aes256Gcm);
    EXPECT_EQ(reply.ping, 1s);
    EXPECT_EQ(reply.protocol_flags, (std::vector<std::string>{"cc-exit", "tls-ekm", "dyn-tls-crypt"}));
    EXPECT_TRUE(reply.ignored.empty());
}

DataChannel data_channel(const real::DataVector& vector, Role role, Random& random) {
    DataParameters parameters;
    fill(parameters.keys.bytes, vector.keys);
    parameters.role = role;
    parameters.cipher = vector.cipher;
    parameters.auth = vector.auth;
    parameters.peer_id = 0;
    return {parameters, random};
}

void expect_ping(const real::DataVector& vector, Role from, std::string_view sealed) {
    if (sealed.empty()) return;
    SeededRandom random{1};
    auto reader = data_channel(vector, from == Role::Client ? Role::Server : Role::Client, random);
    const auto packet = hex(sealed);
    Bytes room(packet.size());
    const auto inner = reader.open(kNow, packet, room);
    ASSERT_TRUE(inner) << vector.more << ": " << name_of(inner.error());
    EXPECT_EQ(to_hex(*inner), to_hex(kPingPacket)) << vector.more;
    if (!is_aead(vector.cipher)) return;  // CBC has a random IV

    auto writer = data_channel(vector, from, random);
    const auto id = ByteReader{ByteView{packet}.subspan(4, 4)}.u32();
    Bytes ours(kPingPacket.size() + writer.overhead());
    while (writer.last_packet_id() < id) ours.resize(writer.seal(kPingPacket, ours).value());
    EXPECT_EQ(to_hex(ours), sealed) << vector.more;
}

TEST(RealProgram, SealsDataAsWeDo) {
    for (const auto& vector : real::kData) {
        expect_ping(vector, Role::Client, vector.client_ping);
        expect_ping(vector, Role::Server, vector.server_ping);
    }
}

}  // namespace
}  // namespace gatelab::openvpn
