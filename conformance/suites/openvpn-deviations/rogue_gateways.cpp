// A gateway that breaks a rule, towards a client.
#include <fmt/format.h>

#include <algorithm>

#include "conformance/suites/openvpn-deviations/trials.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace deviations;
using namespace openvpn;
using namespace std::chrono_literals;

// --- the handshake ----------------------------------------------------------------------------------------------

void says_nothing(RogueServer& rogue) {
    rogue.peer().hooks.control = [](ControlPacket&) { return false; };
    rogue.expect_refused("a gateway that says nothing");
    rogue.context().expect(rogue.peer().packets() >= 2, "the client asked more than once",
                           fmt::format("{} packets", rogue.peer().packets()));
}

void silent_after_reset(RogueServer& rogue) {
    rogue.peer().hooks.control = [](ControlPacket& packet) {
        return packet.opcode == Opcode::ControlHardResetServerV2 || packet.opcode == Opcode::AckV1;
    };
    rogue.expect_refused("a gateway that falls silent after its reset");
}

void never_acknowledges(RogueServer& rogue) {
    rogue.peer().hooks.acknowledges = false;
    rogue.expect_refused("a gateway that acknowledges nothing");
    rogue.context().expect(rogue.peer().repeated() >= 1, "the client repeats what is not acknowledged",
                           fmt::format("{} packets came again", rogue.peer().repeated()));
}

void wrong_hmac(RogueServer& rogue) {
    rogue.peer().hooks.wire = [](const ControlPacket&, Bytes wire) {
        if (!wire.empty()) wire.back() ^= 1;
        return std::vector<Bytes>{wire};
    };
    rogue.expect_refused("packets whose HMAC does not hold");
}

void no_tls_auth(RogueServer& rogue) {
    rogue.peer().hooks.wire = [](const ControlPacket& packet, Bytes) { return std::vector<Bytes>{encode(packet)}; };
    rogue.expect_refused("packets without tls-auth");
}

void forged_before_every_packet(RogueServer& rogue) {
    rogue.peer().hooks.wire = [&](const ControlPacket& packet, Bytes wire) {
        auto forged = wire;
        if (!forged.empty()) forged.back() ^= 1;
        return std::vector<Bytes>{forged, encode(packet), rogue.peer().random().bytes(80), wire};
    };
    if (rogue.expect_up("forged copies before every control packet")) rogue.expect_alive();
}

// The answer to the client's reset comes with another packet before it.
void with_packet_first(RogueServer& rogue, const std::string& what, const std::function<Bytes()>& make) {
    bool sent = false;
    rogue.peer().hooks.wire = [&](const ControlPacket&, Bytes wire) {
        std::vector<Bytes> all;
        if (!sent) all.push_back(make());
        sent = true;
        all.push_back(wire);
        return all;
    };
    if (rogue.expect_up(what)) rogue.expect_alive();
}

Bytes authentic(RogueServer& rogue, Opcode opcode, std::uint8_t key_id = 0) {
    ControlPacket packet;
    packet.opcode = opcode;
    packet.key_id = key_id;
    packet.session = SessionId{7, 7, 7, 7, 7, 7, 7, 7};
    packet.acks = {0};
    packet.peer_session = rogue.peer().peer_session();
    return rogue.peer().protect(rogue.now(), packet);
}

void reset_of_a_client(RogueServer& rogue) {
    with_packet_first(rogue, "the reset of a client",
                      [&] { return authentic(rogue, Opcode::ControlHardResetClientV2); });
}

void reset_of_version_1(RogueServer& rogue) {
    with_packet_first(rogue, "a reset of key method 1",
                      [&] { return authentic(rogue, Opcode::ControlHardResetServerV1); });
}

void reset_for_another_session(RogueServer& rogue) {
    with_packet_first(rogue, "a reset that acknowledges another session", [&] {
        ControlPacket packet;
        packet.opcode = Opcode::ControlHardResetServerV2;
        packet.session = SessionId{7, 7, 7, 7, 7, 7, 7, 7};
        packet.acks = {0};
        packet.peer_session = SessionId{6, 6, 6, 6, 6, 6, 6, 6};
        return rogue.peer().protect(rogue.now(), packet);
    });
}

void data_before_keys(RogueServer& rogue) {
    with_packet_first(rogue, "data packets before there is a key", [&] {
        auto packet = rogue.peer().random().bytes(120);
        packet[0] = 9 << 3;
        return packet;
    });
}

void garbage_instead_of_tls(RogueServer& rogue) {
    rogue.peer().hooks.tls = [&](Bytes records) { return rogue.peer().random().bytes(records.size()); };
    rogue.expect_refused("random octets in place of TLS");
}

void certificate_of_a_stranger(RogueServer& rogue) {
    rogue.peer().options().tls.identity = rogue.identity(kStranger);
    rogue.expect_refused("a certificate of a root that it does not trust");
}

void certificate_of_a_client(RogueServer& rogue) {
    rogue.peer().options().tls.identity = rogue.identity("alice");
    rogue.expect_refused("a client's certificate");
}

void key_method_1(RogueServer& rogue) {
    rogue.peer().hooks.key_method = [](Bytes message) {
        message[4] = 1;
        return message;
    };
    rogue.expect_refused("key method 1");
}

void wrong_options(RogueServer& rogue) {
    rogue.peer().options().options_string =
        "V4,dev-type tap,link-mtu 1400,tun-mtu 9000,proto TCPv6,cipher AES-256-GCM,auth SHA512,keysize 256,"
        "key-method 2,tls-server";
    if (rogue.expect_up("an options string that does not match")) rogue.expect_alive();
}

// --- what is pushed ---------------------------------------------------------------------------------------------

// The one text of a usual reply, with more behind it.
void with_pushed(RogueServer& rogue, const std::string& more) {
    rogue.peer().hooks.push = [more](std::vector<std::string> texts) {
        texts.back() += "," + more;
        return texts;
    };
}

void unknown_options(RogueServer& rogue) {
    with_pushed(rogue, "frobnicate 17,setenv-safe FOO bar,dhcp-option WINS 10.1.0.9,block-outside-dns,x");
    if (rogue.expect_up("pushed options that it does not know")) rogue.expect_alive();
}

void compression(RogueServer& rogue) {
    with_pushed(rogue, "comp-lzo yes");
    rogue.expect_refused("pushed compression");
}

void cipher_not_offered(RogueServer& rogue) {
    rogue.peer().hooks.push = [](std::vector<std::string> texts) {
        for (auto& text : texts)
            if (const auto at = text.find("cipher AES-256-GCM"); at != std::string::npos)
                text.replace(at, 18, "cipher CAMELLIA-128-CBC");
        return texts;
    };
    rogue.expect_refused("a pushed cipher that it did not offer");
}

void bad_address(RogueServer& rogue) {
    rogue.peer().hooks.push = [](std::vector<std::string> texts) {
        for (auto& text : texts)
            if (const auto at = text.find("ifconfig 10.60.0.2"); at != std::string::npos)
                text.replace(at, 18, "ifconfig 10.60.0.999");
        return texts;
    };
    rogue.context().client().connect();
    rogue.pass_time(30s);
    const auto status = rogue.context().client().status();
    rogue.context().expect(status.inner_address != Ipv4Address(10, 60, 0, 2) && !rogue.echo(),
                           "the client takes no address from a text that is none", describe(status));
}

void too_many_routes(RogueServer& rogue) {
    rogue.peer().hooks.push = [](std::vector<std::string> texts) {
        std::vector<std::string> many;
        std::string part;
        for (int i = 0; i < 1100; ++i) {
            if (part.empty()) part = "PUSH_REPLY";
            part += fmt::format(",route 172.{}.{}.0 255.255.255.0", 16 + i / 256, i % 256);
            if (part.size() > 850) many.push_back(std::move(part) + ",push-continuation 2"), part.clear();
        }
        if (!part.empty()) many.push_back(std::move(part) + ",push-continuation 2");
        for (auto& text : texts) many.push_back(text + ",push-continuation 1");
        return many;
    };
    rogue.expect_refused("1,100 pushed routes");
}

void reply_without_end(RogueServer& rogue) {
    rogue.peer().hooks.push = [](std::vector<std::string>) {
        return std::vector<std::string>(
            120, "PUSH_REPLY,dhcp-option DOMAIN " + std::string(800, 'd') + ",push-continuation 2");
    };
    rogue.expect_never_up("a reply that never ends");
}

void second_reply(RogueServer& rogue) {
    if (!rogue.connect()) return;
    const auto before = rogue.context().client().status();
    rogue.peer().say(rogue.now(), "PUSH_REPLY,ifconfig 10.60.0.99 255.255.255.0,route 0.0.0.0 0.0.0.0,peer-id 9");
    rogue.pass_time(5s);
    const auto after = rogue.context().client().status();
    rogue.context().expect_equal("the client's address", to_string(before.inner_address),
                                 to_string(after.inner_address));
    rogue.expect_alive();
}

// --- later ------------------------------------------------------------------------------------------------------

void auth_failed_later(RogueServer& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().say(rogue.now(), "AUTH_FAILED,your token has expired");
    rogue.expect_down("AUTH_FAILED");
}

void auth_failed_first(RogueServer& rogue) {
    rogue.peer().hooks.push = [](std::vector<std::string>) {
        return std::vector<std::string>{"AUTH_FAILED,nobody comes in today"};
    };
    rogue.expect_refused("AUTH_FAILED");
}

void halts(RogueServer& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().say(rogue.now(), "HALT,go home");
    rogue.expect_down("HALT");
}

void restarts(RogueServer& rogue) {
    if (!rogue.connect()) return;
    // Nobody answers from here on: a client that obeys is down, and may dial again.
    rogue.peer().say(rogue.now(), "RESTART,[N]");
    rogue.peer().hooks.control = [](ControlPacket&) { return false; };
    rogue.expect_down("RESTART", 30s);
}

void unknown_messages(RogueServer& rogue) {
    if (!rogue.connect()) return;
    for (const auto* text : {"XYZZY", "", "INFO,hello", "PUSH_REQUEST", "CR_RESPONSE,eA==", "ECHO,x"})
        rogue.peer().say(rogue.now(), text);
    rogue.pass_time(3s);
    rogue.expect_alive();
}

void skipped_key_id(RogueServer& rogue) {
    if (!rogue.connect()) return;
    auto packet = rogue.peer().next_control(Opcode::ControlSoftResetV1);
    packet.key_id = 5;
    packet.packet_id = 0;
    const auto before = rogue.peer().heard(Opcode::ControlSoftResetV1);
    rogue.peer().send_control(rogue.now(), packet);
    rogue.pass_time(3s);
    rogue.context().expect(rogue.peer().heard(Opcode::ControlSoftResetV1) == before,
                           "the client does not renegotiate a key id that is not the next",
                           fmt::format("{} soft resets", rogue.peer().heard(Opcode::ControlSoftResetV1) - before));
    rogue.expect_alive();
}

void renegotiates_as_another(RogueServer& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().options().tls.identity = rogue.identity(kStranger);
    rogue.peer().soft_reset(rogue.now());
    rogue.pass_time(10s);
    const bool carried = rogue.peer().data(std::uint8_t{1}) && rogue.echo([&](Bytes) {
        rogue.peer().send_raw(rogue.peer().seal(rogue.next_echo(), std::uint8_t{1}));
    });
    rogue.context().expect(!carried, "no packet passes under a key that a stranger's certificate made",
                           carried ? "an echo request is answered" : "an echo request is not answered");
}

void replayed(RogueServer& rogue) {
    if (rogue.connect() && rogue.expect_alive()) expect_replays_dropped(rogue, 3);
}

void flipped(RogueServer& rogue) {
    if (rogue.connect() && rogue.expect_alive()) expect_changed_dropped(rogue);
}

void never_negotiated_key(RogueServer& rogue) {
    if (rogue.connect() && rogue.expect_alive()) expect_key_unknown(rogue, rogue.peer(), 6);
}

void length_of_zero(RogueServer& rogue) {
    if (!rogue.connect()) return;
    rogue.node().write_stream(Bytes{0, 0});
    rogue.expect_hung_up("a packet of length 0", 75s);
}

void falls_silent(RogueServer& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().hooks.control = [](ControlPacket&) { return false; };
    rogue.expect_down("a minute of silence", 90s);
}

}  // namespace

std::vector<Case> playing_a_gateway() {
    const std::vector<Need> patience = {{Side::Client, Feature::VirtualTime}};
    return {
        against_client("silent-gateway", "OVPN-DEV-HANDSHAKE-LIMIT", "A client gives a silent gateway up", says_nothing,
                       {}, patience),
        against_client("silence-after-reset", "OVPN-DEV-HANDSHAKE-LIMIT",
                       "A client gives up a gateway that falls silent in the handshake", silent_after_reset, {},
                       patience),
        against_client("no-acks", "OVPN-DEV-ACK",
                       "A client repeats what is not acknowledged, and gives up at the end of the window",
                       never_acknowledges, {}, patience),
        against_client("wrong-hmac", "OVPN-DEV-TLS-AUTH", "A client drops packets whose HMAC does not hold", wrong_hmac,
                       {}, patience),
        against_client("no-tls-auth", "OVPN-DEV-TLS-AUTH", "A client drops packets without tls-auth", no_tls_auth, {},
                       patience),
        against_client("forged-control", "OVPN-DEV-TLS-AUTH",
                       "A client drops forged control packets, and the handshake goes on", forged_before_every_packet),
        against_client("reset-of-client", "OVPN-DEV-OPCODE", "A client drops the reset of a client", reset_of_a_client),
        against_client("reset-v1", "OVPN-DEV-OPCODE", "A client drops the reset of key method 1", reset_of_version_1),
        against_client("reset-of-another-session", "OVPN-DEV-SESSION-ID",
                       "A client drops a reset that acknowledges another session", reset_for_another_session),
        against_client("data-before-keys", "OVPN-DEV-DATA-EARLY", "A client drops data packets before it has a key",
                       data_before_keys),
        against_client("tls-garbage", "OVPN-DEV-TLS-BROKEN", "A client gives up a gateway whose TLS is none",
                       garbage_instead_of_tls, {}, patience),
        against_client("certificate-of-stranger", "OVPN-DEV-TLS-BROKEN",
                       "A client refuses a certificate of a root that it does not trust", certificate_of_a_stranger, {},
                       patience),
        against_client("certificate-of-client", "OVPN-DEV-TLS-BROKEN", "A client refuses a client's certificate",
                       certificate_of_a_client, {}, patience),
        against_client("key-method-1", "OVPN-DEV-KEY-METHOD", "A client refuses key method 1", key_method_1, {},
                       patience),
        against_client("wrong-options", "OVPN-DEV-OPTIONS-STRING",
                       "A client takes a gateway whose options string does not match", wrong_options),
        against_client("push-unknown", "OVPN-DEV-PUSH-UNKNOWN",
                       "A client leaves pushed options alone that it does not "
                       "know",
                       unknown_options),
        against_client("push-compression", "OVPN-DEV-COMPRESSION", "A client refuses pushed compression", compression,
                       {}, patience),
        against_client("push-cipher", "OVPN-DEV-CIPHER", "A client refuses a pushed cipher that it did not offer",
                       cipher_not_offered, {}, patience),
        against_client("push-bad-address", "OVPN-DEV-PUSH-ADDRESS",
                       "A client takes no address from a text that is none", bad_address),
        against_client("push-many-routes", "OVPN-DEV-PUSH-ROUTES", "A client refuses more than 1,000 routes",
                       too_many_routes, {},
                       {{Side::Client, Feature::VirtualTime}, {Side::Client, Feature::RouteLimit}}),
        against_client("push-endless", "OVPN-DEV-PUSH-LIMIT", "A client has no tunnel of a reply that never ends",
                       reply_without_end, {}, patience),
        against_client("push-unsolicited", "OVPN-DEV-UNSOLICITED", "A client with options leaves a second reply alone",
                       second_reply, {}, {{Side::Client, Feature::OneReply}}),
        against_client("auth-failed", "OVPN-DEV-AUTH-FAILED", "A client that is told AUTH_FAILED has no tunnel",
                       auth_failed_first, {}, patience),
        against_client("auth-failed-later", "OVPN-DEV-AUTH-FAILED",
                       "A client that is told AUTH_FAILED in the middle ends its tunnel", auth_failed_later),
        against_client("halt", "OVPN-DEV-RESTART", "A client that is told HALT ends its tunnel", halts),
        against_client("restart", "OVPN-DEV-RESTART", "A client that is told RESTART ends its tunnel", restarts),
        against_client("unknown-messages", "OVPN-DEV-UNSOLICITED",
                       "A client leaves control messages alone that it does not know", unknown_messages),
        against_client("skipped-key-id", "OVPN-DEV-KEY-ID", "A client drops a soft reset that leaves key ids out",
                       skipped_key_id, {}, {{Side::Client, Feature::KeyIdsInTurn}}),
        against_client("renegotiated-certificate", "OVPN-DEV-SAME-PEER",
                       "A client takes no key from a renegotiation under a stranger's certificate",
                       renegotiates_as_another),
        against_client("replayed-data", "OVPN-DEV-DATA-REPLAY", "A client drops a data packet that comes again",
                       replayed),
        against_client("flipped-data", "OVPN-DEV-DATA-AUTH", "A client drops a data packet with a changed bit",
                       flipped),
        against_client("data-of-unknown-key", "OVPN-DEV-DATA-KEY",
                       "A client drops a data packet under a key id that was never negotiated", never_negotiated_key),
        against_client("tcp-length-zero", "OVPN-DEV-TCP-LENGTH",
                       "A client closes a connection with a packet of length "
                       "0",
                       length_of_zero, over_tcp),
        against_client("silence-after-up", "OVPN-DEV-SILENCE", "A client notices that the gateway fell silent",
                       falls_silent, {}, patience),
    };
}

}  // namespace gatelab::conformance::families
