// Lengths, opcodes and headers that cannot be, sent to a gateway.
#include "conformance/suites/openvpn-deviations/trials.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace deviations;
using namespace openvpn;
using namespace std::chrono_literals;

constexpr Duration kHandshake = 75s;  // the handshake window, and a moment

// The gateway ends a connection, and an honest client gets one.
void ends_the_stream(RogueClient& rogue, const std::string& because_of, const std::function<void()>& deed) {
    deed();
    rogue.expect_hung_up(because_of, kHandshake);
    rogue.expect_honest_client();
}

void length_of_zero(RogueClient& rogue) {
    ends_the_stream(rogue, "a packet of length 0", [&] { rogue.node().write_stream(Bytes{0, 0}); });
}

void length_beyond_all(RogueClient& rogue) {
    ends_the_stream(rogue, "a packet of 65535 octets", [&] {
        rogue.node().write_stream(Bytes{0xff, 0xff});
        rogue.node().write_stream(Bytes(3000, 0x38));
    });
}

void one_octet_a_second(RogueClient& rogue) {
    const Bytes trickle = ByteWriter{}.u16(1200).bytes(Bytes(200, 0x38)).take();
    std::size_t sent = 0;
    while (sent < trickle.size() && !rogue.node().was_closed()) {
        rogue.node().write_stream(ByteView{trickle}.subspan(sent++, 1));
        rogue.pass_time(1s);
    }
    rogue.context().expect(rogue.node().was_closed() && sent <= static_cast<std::size_t>(kHandshake / 1s) + 15,
                           "the gateway closes the connection when the handshake window is over",
                           (rogue.node().was_closed() ? "closed after " : "open after ") + std::to_string(sent) + " s");
    rogue.expect_honest_client();
}

void giant_stream(RogueClient& rogue) {
    ends_the_stream(rogue, "a megabyte of anything", [&] {
        for (int i = 0; i < 64 && !rogue.node().was_closed(); ++i) {
            rogue.node().write_stream(rogue.peer().random().bytes(16384));
            rogue.pass_time(50ms);
        }
    });
}

// Between reset and TLS: a packet that proves authentic, and whose content is cut short.
void with_extra_packet(RogueClient& rogue, const std::function<Bytes(const ControlPacket&)>& plain) {
    rogue.peer().hooks.wire = [&rogue, plain, sent = false](const ControlPacket& packet, Bytes wire) mutable {
        std::vector<Bytes> all{wire};
        if (!sent && packet.opcode == Opcode::ControlV1)
            all.push_back(rogue.peer().protect_plain(rogue.now(), plain(packet)));
        sent |= packet.opcode == Opcode::ControlV1;
        return all;
    };
    rogue.peer().dial(rogue.now());
}

void truncated_control_packet(RogueClient& rogue) {
    with_extra_packet(rogue, [](const ControlPacket& packet) {
        auto cut = encode(packet);
        cut.resize(11);
        return cut;
    });
    rogue.expect_up("a control packet that ends within its header");
    rogue.expect_alive();
}

void acks_beyond_the_packet(RogueClient& rogue) {
    with_extra_packet(rogue, [](const ControlPacket& packet) {
        auto wrong = encode(packet);
        wrong[9] = 200;
        wrong.resize(60);
        return wrong;
    });
    rogue.expect_up("a count of acknowledgements beyond the packet");
    rogue.expect_alive();
}

// Authentic, but of an opcode that fits nothing.
void expect_ignored_opcode(RogueClient& rogue, Opcode opcode, const std::string& what) {
    rogue.expect_no_answer(what, [&] {
        ControlPacket packet;
        packet.opcode = opcode;
        packet.session = rogue.peer().session();
        rogue.peer().send_raw(rogue.peer().protect(rogue.now(), packet));
    });
    if (rogue.connect()) rogue.expect_alive();
}

void unknown_opcode(RogueClient& rogue) {
    rogue.expect_no_answer("packets of opcodes that do not exist", [&] {
        for (const int opcode : {0, 12, 31}) {
            Bytes packet = rogue.peer().random().bytes(60);
            packet[0] = static_cast<std::uint8_t>(opcode << 3);
            rogue.peer().send_raw(packet);
        }
    });
    if (rogue.connect()) rogue.expect_alive();
}

void reset_of_version_1(RogueClient& rogue) {
    expect_ignored_opcode(rogue, Opcode::ControlHardResetClientV1, "a reset of key method 1");
}

void reset_of_a_server(RogueClient& rogue) {
    expect_ignored_opcode(rogue, Opcode::ControlHardResetServerV2, "the reset of a server");
}

void soft_reset_first(RogueClient& rogue) {
    expect_ignored_opcode(rogue, Opcode::ControlSoftResetV1, "a soft reset of no session");
}

void control_first(RogueClient& rogue) {
    expect_ignored_opcode(rogue, Opcode::ControlV1, "a control packet of no session");
}

void reset_with_another_key_id(RogueClient& rogue) {
    rogue.expect_no_answer("a hard reset with a key id that is not 0", [&] {
        ControlPacket packet;
        packet.opcode = Opcode::ControlHardResetClientV2;
        packet.key_id = 3;
        packet.session = rogue.peer().session();
        rogue.peer().send_raw(rogue.peer().protect(rogue.now(), packet));
    });
    if (rogue.connect()) rogue.expect_alive();
}

void data_before_anything(RogueClient& rogue) {
    rogue.expect_no_answer("data packets of no session", [&] {
        for (const int opcode : {6, 9}) {
            Bytes packet = rogue.peer().random().bytes(100);
            packet[0] = static_cast<std::uint8_t>(opcode << 3);
            rogue.peer().send_raw(packet);
        }
    });
    if (rogue.connect()) rogue.expect_alive();
}

void data_before_keys(RogueClient& rogue) {
    int sent = 0;
    rogue.peer().hooks.wire = [&](const ControlPacket&, Bytes wire) {
        Bytes data = rogue.peer().random().bytes(100);
        data[0] = ++sent % 2 == 0 ? 6 << 3 : 9 << 3;
        data[1] = data[2] = data[3] = 0;
        return std::vector<Bytes>{wire, data};
    };
    rogue.peer().dial(rogue.now());
    rogue.expect_up("data packets between all packets of the handshake");
    rogue.expect_alive();
}

}  // namespace

std::vector<Case> breaking_headers() {
    return {
        against_gateway("tcp-length-zero", "OVPN-DEV-TCP-LENGTH", "A TCP packet of length 0 ends the connection",
                        length_of_zero, over_tcp),
        against_gateway("tcp-length-too-long", "OVPN-DEV-TCP-LENGTH",
                        "A TCP packet longer than any there is ends the connection", length_beyond_all, over_tcp),
        against_gateway("tcp-one-octet-a-second", "OVPN-DEV-HANDSHAKE-LIMIT",
                        "A connection that trickles is closed when the handshake window is over", one_octet_a_second,
                        over_tcp, {{Side::Gateway, Feature::VirtualTime}}),
        against_gateway("tcp-giant-stream", "OVPN-DEV-TCP-LENGTH", "A megabyte of random octets ends the connection",
                        giant_stream, over_tcp),
        against_gateway("truncated-control", "OVPN-DEV-HEADER",
                        "An authentic control packet that ends within its header is dropped", truncated_control_packet),
        against_gateway("acks-beyond-packet", "OVPN-DEV-HEADER",
                        "A control packet with more acknowledgements than it has room for is dropped",
                        acks_beyond_the_packet),
        against_gateway("unknown-opcode", "OVPN-DEV-OPCODE", "Opcodes that do not exist are dropped without an answer",
                        unknown_opcode),
        against_gateway("reset-v1", "OVPN-DEV-OPCODE", "The reset of key method 1 is dropped without an answer",
                        reset_of_version_1),
        against_gateway("reset-of-server", "OVPN-DEV-OPCODE", "A server drops the reset of a server",
                        reset_of_a_server),
        against_gateway("soft-reset-first", "OVPN-DEV-STATE", "A soft reset without a session is dropped",
                        soft_reset_first),
        against_gateway("control-first", "OVPN-DEV-STATE", "A control packet without a session is dropped",
                        control_first),
        against_gateway("reset-key-id", "OVPN-DEV-KEY-ID", "A hard reset with a key id other than 0 is dropped",
                        reset_with_another_key_id),
        against_gateway("data-before-session", "OVPN-DEV-DATA-EARLY", "Data packets without a session are dropped",
                        data_before_anything),
        against_gateway("data-before-keys", "OVPN-DEV-DATA-EARLY",
                        "Data packets during the handshake are dropped, and it goes on", data_before_keys),
    };
}

}  // namespace gatelab::conformance::families
