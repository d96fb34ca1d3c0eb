// The reliability layer and what protects it, broken towards a gateway.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "conformance/suites/openvpn-deviations/trials.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace deviations;
using namespace openvpn;
using namespace std::chrono_literals;

// --- order, acknowledgements, ids -------------------------------------------------------------------------------

void duplicated(RogueClient& rogue) {
    rogue.peer().hooks.wire = [&](const ControlPacket& packet, Bytes wire) {
        // Protected anew, so that only the reliability layer can tell.
        return std::vector<Bytes>{wire, rogue.peer().protect(rogue.now(), packet)};
    };
    rogue.peer().dial(rogue.now());
    rogue.expect_up("every control packet coming twice");
    rogue.peer().hooks.wire = nullptr;
    rogue.expect_alive();
}

void reordered(RogueClient& rogue) {
    // The first two packets of TLS swap places.
    std::vector<ControlPacket> held;
    bool done = false;
    rogue.peer().hooks.control = [&](ControlPacket& packet) {
        if (done || packet.opcode != Opcode::ControlV1) return true;
        held.push_back(packet);
        return false;
    };
    rogue.peer().dial(rogue.now());
    rogue.wait([&] { return !held.empty(); });
    if (!rogue.context().expect(!held.empty(), "the gateway answers the reset", held.empty() ? "no" : "yes")) return;
    done = true;
    // Cut in two, the later half first.
    auto first = held.front(), second = rogue.peer().next_control(Opcode::ControlV1);
    const auto half = first.payload.size() / 2;
    second.payload.assign(first.payload.begin() + static_cast<std::ptrdiff_t>(half), first.payload.end());
    first.payload.resize(half);
    rogue.peer().send_control(rogue.now(), second);
    rogue.pass_time(200ms);
    rogue.peer().send_control(rogue.now(), first);
    rogue.expect_up("control packets in the wrong order");
    rogue.expect_alive();
}

void never_acknowledges(RogueClient& rogue) {
    rogue.peer().hooks.acknowledges = false;
    int acks = 0;
    rogue.peer().hooks.control = [&](ControlPacket& packet) {
        // One, without which there is no session: of the gateway's reset.
        if (packet.opcode != Opcode::ControlV1 || acks++ > 0 || rogue.peer().heard().empty()) return true;
        packet.acks = {0};
        packet.peer_session = rogue.peer().peer_session();
        return true;
    };
    rogue.peer().hooks.asks_for_options = false;
    rogue.peer().dial(rogue.now());
    rogue.pass_time(20s);
    const auto repeated = rogue.peer().repeated();
    rogue.context().expect(repeated >= 2, "the gateway repeats what is not acknowledged",
                           fmt::format("{} packets came again", repeated));
    rogue.expect_gone();
    rogue.pass_time(60s);
    const auto before = rogue.peer().packets();
    rogue.pass_time(10s);
    rogue.context().expect(rogue.peer().packets() == before, "it gives up when the handshake window is over",
                           fmt::format("{} packets in ten seconds", rogue.peer().packets() - before));
    rogue.expect_honest_client();
}

void acknowledges_the_unsent(RogueClient& rogue) {
    // The first belongs to the cookie, and may acknowledge nothing but the gateway's reset.
    rogue.peer().hooks.control = [first = true](ControlPacket& packet) mutable {
        if (!packet.peer_session) return true;
        if (!first && packet.acks.size() < 4) packet.acks.insert(packet.acks.end(), {77, 1000, 0xffffffff});
        first = false;
        return true;
    };
    rogue.peer().dial(rogue.now());
    rogue.expect_up("acknowledgements of packets that were never sent");
    rogue.expect_alive();
}

void acknowledges_another_session(RogueClient& rogue) {
    if (!rogue.connect()) return;
    const auto before = rogue.peer().key_id();
    auto packet = rogue.peer().next_control(Opcode::ControlV1, Bytes(40, 0x17));
    packet.acks = {0};
    packet.peer_session = SessionId{1, 2, 3, 4, 5, 6, 7, 8};
    rogue.expect_no_answer("a control packet that acknowledges another session",
                           [&] { rogue.peer().send_control(rogue.now(), packet); });
    rogue.context().expect_equal("the key id", std::to_string(before), std::to_string(rogue.peer().key_id()));
    rogue.expect_alive();
}

void of_another_session(RogueClient& rogue) {
    if (!rogue.connect()) return;
    auto packet = rogue.peer().next_control(Opcode::ControlV1, Bytes(40, 0x17));
    packet.session = SessionId{8, 7, 6, 5, 4, 3, 2, 1};
    rogue.expect_no_answer("a control packet of a session that does not exist",
                           [&] { rogue.peer().send_control(rogue.now(), packet); });
    rogue.expect_alive();
}

void expect_no_renegotiation(RogueClient& rogue, const std::string& because_of, std::uint8_t key_id) {
    auto packet = rogue.peer().next_control(Opcode::ControlSoftResetV1);
    packet.key_id = key_id;
    packet.packet_id = 0;
    const auto before = rogue.peer().heard(Opcode::ControlSoftResetV1);
    rogue.peer().send_control(rogue.now(), packet);
    rogue.pass_time(3s);
    const auto answers = rogue.peer().heard(Opcode::ControlSoftResetV1) - before;
    rogue.context().expect(answers == 0, "the gateway does not renegotiate because of " + because_of,
                           fmt::format("{} soft resets came", answers));
    rogue.expect_alive();
}

void skipped_key_id(RogueClient& rogue) {
    if (rogue.connect()) expect_no_renegotiation(rogue, "a soft reset that leaves key ids out", 4);
}

void used_key_id(RogueClient& rogue) {
    if (rogue.connect()) expect_no_renegotiation(rogue, "a soft reset with the key id of the first key", 0);
}

void out_of_turn(RogueClient& rogue) {
    if (!rogue.connect()) return;
    for (const std::uint8_t key_id : {4, 0}) {
        auto packet = rogue.peer().next_control(Opcode::ControlSoftResetV1);
        packet.key_id = key_id;
        packet.packet_id = 0;
        rogue.peer().send_control(rogue.now(), packet);
    }
    rogue.pass_time(3s);
    const auto& heard = rogue.peer().heard();
    const auto answers = std::ranges::count_if(heard, [](const auto& one) { return one.key_id == 4; });
    rogue.context().expect(answers == 0, "nothing is said under a key id that is not the next",
                           fmt::format("{} packets", answers));
    rogue.expect_alive();
}

// --- tls-auth ---------------------------------------------------------------------------------------------------

// The reset, protected by someone who does it wrong; then the real one.
void expect_stranger_ignored(RogueClient& rogue, const std::string& what, ControlProtection protection) {
    rogue.expect_no_answer(what, [&] {
        ControlPacket packet;
        packet.opcode = Opcode::ControlHardResetClientV2;
        packet.session = SessionId{9, 9, 9, 9, 9, 9, 9, 9};
        ControlChannel channel{std::move(protection), Role::Client};
        rogue.peer().send_raw(channel.protect(rogue.now(), encode(packet)));
    });
    if (rogue.connect()) rogue.expect_alive();
}

void wrong_hmac(RogueClient& rogue) {
    StaticKey other = rogue.static_key();
    for (auto& octet : other.bytes) octet ^= 0x5a;
    expect_stranger_ignored(rogue, "a reset under another tls-auth key",
                            TlsAuth{other, KeyDirection::Inverse, crypto::Hash::Sha256});
}

void wrong_direction(RogueClient& rogue) {
    expect_stranger_ignored(rogue, "a reset under the gateway's half of the key",
                            TlsAuth{rogue.static_key(), KeyDirection::Normal, crypto::Hash::Sha256});
}

void wrong_hash(RogueClient& rogue) {
    expect_stranger_ignored(rogue, "a reset with an HMAC of SHA-1",
                            TlsAuth{rogue.static_key(), KeyDirection::Inverse, crypto::Hash::Sha1});
}

void no_tls_auth(RogueClient& rogue) { expect_stranger_ignored(rogue, "a reset without tls-auth", Unprotected{}); }

void tls_crypt_instead(RogueClient& rogue) {
    expect_stranger_ignored(rogue, "a reset under tls-crypt", TlsCrypt{rogue.static_key()});
}

void replayed_wire(RogueClient& rogue) {
    // The same octets again: the number of tls-auth tells.
    std::vector<Bytes> said;
    rogue.peer().hooks.wire = [&](const ControlPacket& packet, Bytes wire) {
        if (packet.opcode != Opcode::ControlHardResetClientV2) said.push_back(wire);
        return std::vector<Bytes>{wire};
    };
    if (!rogue.connect()) return;
    rogue.pass_time(2s);
    rogue.expect_no_answer("control packets that are sent again as they were", [&] {
        for (const auto& wire : said) rogue.peer().send_raw(wire);
    });
    rogue.expect_alive();
}

// Authentic, and from before: a soft reset that would be obeyed, were it not for its time.
void old_timestamp(RogueClient& rogue) {
    if (!rogue.connect()) return;
    ControlPacket packet;
    packet.opcode = Opcode::ControlSoftResetV1;
    packet.key_id = 1;
    packet.session = rogue.peer().session();
    ControlChannel channel{rogue.peer().options().protection, Role::Client};
    rogue.expect_no_answer("a soft reset with a time of an hour ago",
                           [&] { rogue.peer().send_raw(channel.protect(rogue.now() - 1h, encode(packet))); });
    rogue.expect_alive();
}

void flipped_control_bit(RogueClient& rogue) {
    rogue.peer().hooks.wire = [](const ControlPacket&, Bytes wire) {
        auto forged = wire;
        forged[forged.size() - 1] ^= 1;
        auto head = wire;
        head[3] ^= 1;
        return std::vector<Bytes>{forged, head, wire};
    };
    rogue.peer().dial(rogue.now());
    rogue.expect_up("forged copies before every control packet");
    rogue.peer().hooks.wire = nullptr;
    rogue.expect_alive();
}

}  // namespace

std::vector<Case> breaking_the_control_channel() {
    return {
        against_gateway("duplicated-control", "OVPN-DEV-ORDER", "Control packets that come twice are acted upon once",
                        duplicated),
        against_gateway("reordered-control", "OVPN-DEV-ORDER",
                        "Control packets in the wrong order are put in order again", reordered),
        against_gateway("no-acks", "OVPN-DEV-ACK",
                        "A client that acknowledges nothing is sent it again, and given up at the end of the window",
                        never_acknowledges, {}, {{Side::Gateway, Feature::VirtualTime}}),
        against_gateway("acks-of-unsent", "OVPN-DEV-ACK", "Acknowledgements of packets never sent are left alone",
                        acknowledges_the_unsent),
        against_gateway("acks-of-another-session", "OVPN-DEV-SESSION-ID",
                        "A control packet that acknowledges another session is dropped", acknowledges_another_session),
        against_gateway("another-session", "OVPN-DEV-SESSION-ID",
                        "A control packet of a session that does not exist is dropped", of_another_session),
        against_gateway("skipped-key-id", "OVPN-DEV-KEY-ID", "A soft reset that leaves key ids out is dropped",
                        skipped_key_id, {}, {{Side::Gateway, Feature::KeyIdsInTurn}}),
        against_gateway("key-id-out-of-turn", "OVPN-DEV-KEY-ID",
                        "No key comes of a soft reset that is out of turn, and the tunnel lives on", out_of_turn),
        against_gateway("used-key-id", "OVPN-DEV-KEY-ID", "A soft reset with the first key's id is dropped",
                        used_key_id, {}, {{Side::Gateway, Feature::KeyIdsInTurn}}),
        against_gateway("wrong-hmac", "OVPN-DEV-TLS-AUTH", "A reset under another key is dropped without an answer",
                        wrong_hmac),
        against_gateway("wrong-key-direction", "OVPN-DEV-TLS-AUTH",
                        "A reset under the other direction's key is dropped without an answer", wrong_direction),
        against_gateway("wrong-hash", "OVPN-DEV-TLS-AUTH", "A reset under another hash is dropped without an answer",
                        wrong_hash),
        against_gateway("no-tls-auth", "OVPN-DEV-TLS-AUTH", "A reset without tls-auth is dropped without an answer",
                        no_tls_auth),
        against_gateway("tls-crypt-instead", "OVPN-DEV-TLS-AUTH",
                        "A reset under tls-crypt, where tls-auth is wanted, is dropped without an answer",
                        tls_crypt_instead),
        against_gateway("replayed-control", "OVPN-DEV-TLS-AUTH-REPLAY",
                        "Control packets that are sent again as they were are dropped", replayed_wire),
        against_gateway("old-timestamp", "OVPN-DEV-TLS-AUTH-REPLAY", "A control packet whose time goes back is dropped",
                        old_timestamp),
        against_gateway("flipped-control", "OVPN-DEV-TLS-AUTH",
                        "Control packets with a changed bit are dropped, and the handshake goes on",
                        flipped_control_bit),
    };
}

}  // namespace gatelab::conformance::families
