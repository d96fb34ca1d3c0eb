// A gateway that breaks a rule, towards a client.
#include <fmt/format.h>

#include <algorithm>

#include "conformance/suites/sstp-deviations/trials.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace sstp_deviations;
using namespace ppp_number;
using namespace sstp;
using namespace std::chrono_literals;

// --- HTTPS ------------------------------------------------------------------------------------------------------

void answers(RogueServer& rogue, std::string answer, const std::string& what) {
    rogue.peer().hooks.http = [answer = std::move(answer)](const Bytes&) { return copy_of(as_bytes(answer)); };
    rogue.expect_refused(what);
    rogue.context().expect(rogue.peer().packets() == 0, "the client says nothing in SSTP",
                           fmt::format("{} packets", rogue.peer().packets()));
}

void not_found(RogueServer& rogue) {
    answers(rogue, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "an answer of 404");
}
void unavailable(RogueServer& rogue) {
    answers(rogue, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "an answer of 503");
}
void garbage_for_http(RogueServer& rogue) {
    answers(rogue, "SSH-2.0-OpenSSH_9.2\r\n\r\n", "an answer that is no HTTP");
}
void endless_head(RogueServer& rogue) {
    answers(rogue, "HTTP/1.1 200 OK\r\n" + std::string(100'000, 'x'), "a head that never ends");
}
void no_answer(RogueServer& rogue) { answers(rogue, "", "a gateway that gives no answer"); }

void certificate_of_a_stranger(RogueServer& rogue) {
    rogue.peer().options().tls.identity = rogue.identity(kStranger);
    rogue.expect_refused("a certificate of a root that it does not trust");
}
void certificate_of_another(RogueServer& rogue) {
    rogue.peer().options().tls.identity = rogue.identity(kOtherServer);
    rogue.expect_refused("a certificate of another server");
}
void no_tls(RogueServer& rogue) {
    rogue.peer().hooks.tls = [](const Bytes& records) { return Bytes(records.size(), 0x80); };
    rogue.expect_refused("octets that are no TLS");
}

// --- the call ---------------------------------------------------------------------------------------------------

void ack(RogueServer& rogue, std::function<Bytes(Bytes)> change) {
    rogue.replace(MessageType::CallConnectAck,
                  [change = std::move(change)](Bytes packet) { return std::vector<Bytes>{change(std::move(packet))}; });
    rogue.dial();
}

void expect_ack_refused(RogueServer& rogue, const std::string& what, std::function<Bytes(Bytes)> change) {
    ack(rogue, std::move(change));
    rogue.expect_aborted(what);
    rogue.expect_down(what, 5s);
    rogue.context().expect(rogue.peer().heard(MessageType::CallConnected) == 0, "the client does not bind the call",
                           times(rogue.peer().heard(MessageType::CallConnected)));
}

void naks_for_ever(RogueServer& rogue) {
    const Message nak{MessageType::CallConnectNak, {StatusInfo{1, StatusCode::ValueNotSupported, {}}}};
    rogue.peer().hooks.take = [&, nak](const Message& message) {
        if (message.type != MessageType::CallConnectRequest) return true;
        rogue.peer().send_raw(nak);
        return false;
    };
    rogue.expect_refused("a Nak to every request");
    const auto asked = rogue.peer().heard(MessageType::CallConnectRequest);
    rogue.context().expect(asked >= 1 && asked <= 10, "the client asks a few times", times(asked));
}

void nak_once(RogueServer& rogue) {
    rogue.peer().hooks.take = [&, done = false](const Message& message) mutable {
        if (done || message.type != MessageType::CallConnectRequest) return true;
        done = true;
        rogue.peer().send_raw({MessageType::CallConnectNak, {StatusInfo{1, StatusCode::ValueNotSupported, {}}}});
        return false;
    };
    if (rogue.expect_up("one Nak")) rogue.expect_alive();
}

void no_nonce(RogueServer& rogue) {
    expect_ack_refused(rogue, "an Ack without a nonce", [](const Bytes&) { return control_packet(2, 0, {}); });
}
void short_nonce(RogueServer& rogue) {
    expect_ack_refused(rogue, "an Ack with a short nonce", [](const Bytes& packet) {
        return control_packet(2, 1, attribute(4, ByteView{packet}.subspan(12, 32)));
    });
}
void no_hash(RogueServer& rogue) {
    expect_ack_refused(rogue, "an Ack that offers no hash", [](Bytes packet) {
        packet[15] = 0;
        return packet;
    });
}
void unknown_hash(RogueServer& rogue) {
    expect_ack_refused(rogue, "an Ack that offers an unknown hash alone", [](Bytes packet) {
        packet[15] = 0xf0;
        return packet;
    });
}
void ack_twice(RogueServer& rogue) {
    rogue.replace(MessageType::CallConnectAck, [](const Bytes& packet) { return std::vector<Bytes>{packet, packet}; });
    rogue.dial();
    rogue.expect_aborted("a second Ack");
    rogue.expect_down("a second Ack", 5s);
}
void reserved_bits(RogueServer& rogue) {
    ack(rogue, [](Bytes packet) {
        packet[1] |= 0xfe;
        packet[2] |= 0xf0;
        packet[8] = 0xff;
        packet[10] |= 0xf0;
        packet[12] = packet[13] = packet[14] = 0xff;
        packet[15] |= 0xfc;  // hashes that do not exist yet
        return packet;
    });
    rogue.wait([&] { return rogue.context().client().status().up; });
    rogue.context().expect_up();
    rogue.expect_alive();
}
void wrong_version(RogueServer& rogue) {
    ack(rogue, [](Bytes packet) {
        packet[0] = 0x20;
        return packet;
    });
    rogue.expect_cut("a packet of version 2.0");
    rogue.expect_down("a packet of version 2.0", 5s);
}
void length_of_zero(RogueServer& rogue) {
    ack(rogue, [](Bytes packet) {
        packet[2] = packet[3] = 0;
        return packet;
    });
    rogue.expect_cut("a packet of length 0");
    rogue.expect_down("a packet of length 0", 5s);
}
void unknown_message(RogueServer& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().write(control_packet(0x0123, 0, {}));
    rogue.expect_aborted("a message that does not exist");
    rogue.expect_down("a message that does not exist", 5s);
}
void connected_to_a_client(RogueServer& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().write(sstp::call_connected(kSha256, Nonce{}, HigherLayerKey{}, Bytes(8, 1)));
    rogue.expect_aborted("a Call Connected");
    rogue.expect_down("a Call Connected", 5s);
}
void echo_too_early(RogueServer& rogue) {
    rogue.peer().hooks.starts_ppp = false;
    rogue.dial();
    if (!rogue.awaits("the client asks for a call",
                      [&] { return rogue.peer().heard(MessageType::CallConnectRequest) > 0; }))
        return;
    rogue.peer().send_raw({MessageType::EchoRequest, {}});
    rogue.expect_aborted("an Echo Request before the call is up");
}
void no_ack(RogueServer& rogue) {
    rogue.replace(MessageType::CallConnectAck, [](const Bytes&) { return std::vector<Bytes>{}; });
    rogue.peer().hooks.starts_ppp = false;
    rogue.expect_refused("a gateway that does not answer the request");
}
void no_ppp(RogueServer& rogue) {
    rogue.ppp().hooks.send = [](const PppPacket&) { return std::vector<PppPacket>{}; };
    rogue.expect_refused("a gateway that says nothing in PPP");
}
void falls_silent(RogueServer& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    rogue.peer().hooks.take = [](const Message&) { return false; };
    rogue.ppp().hooks.take = [](const PppPacket&) { return false; };
    const auto start = rogue.context().scenario().now();
    rogue.expect_down("a gateway that fell silent", 200s);
    const auto took = rogue.context().scenario().now() - start;
    rogue.context().measure("noticed_s", seconds(took));
    rogue.context().expect(took <= 125s, "it is noticed within two hello intervals",
                           fmt::format("{:.1f} s", seconds(took)));
    rogue.context().expect(rogue.peer().heard(MessageType::CallAbort) == 0, "and no Call Abort is said",
                           times(rogue.peer().heard(MessageType::CallAbort)));
}
void aborts(RogueServer& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().send_raw({MessageType::CallAbort, {StatusInfo{0, StatusCode::InvalidFrameReceived, {}}}});
    rogue.awaits("the client answers with Call Abort", [&] { return rogue.peer().heard(MessageType::CallAbort) > 0; });
    rogue.expect_down("Call Abort", 10s);
}
void disconnects(RogueServer& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().send_raw({MessageType::CallDisconnect, {StatusInfo{}}});
    rogue.awaits("the client acknowledges", [&] { return rogue.peer().heard(MessageType::CallDisconnectAck) > 0; });
    rogue.expect_down("Call Disconnect", 10s);
}
void hangs_up(RogueServer& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().close_tls(rogue.now());
    rogue.expect_down("the end of TLS", 10s);
}

// --- PPP --------------------------------------------------------------------------------------------------------

void at_chap(RogueServer& rogue, std::uint8_t code, std::function<Bytes(Bytes)> change) {
    rogue.ppp().hooks.send = [code, change = std::move(change)](PppPacket packet) {
        if (packet.protocol == kChap && packet.code == code) packet.data = change(std::move(packet.data));
        return std::vector<PppPacket>{packet};
    };
}

void expect_not_bound(RogueServer& rogue, const std::string& what) {
    rogue.expect_refused(what);
    rogue.context().expect(rogue.peer().heard(MessageType::CallConnected) == 0, "the client does not bind the call",
                           times(rogue.peer().heard(MessageType::CallConnected)));
}

void wrong_proof(RogueServer& rogue) {
    at_chap(rogue, kSuccess, [](Bytes data) {
        data[10] = data[10] == '0' ? '1' : '0';
        return data;
    });
    expect_not_bound(rogue, "a gateway that does not know the password");
}
void no_proof(RogueServer& rogue) {
    at_chap(rogue, kSuccess, [](const Bytes&) { return copy_of(as_bytes("M=welcome")); });
    expect_not_bound(rogue, "a Success without a proof");
}
void failure(RogueServer& rogue) {
    rogue.ppp().options().password = "another";
    expect_not_bound(rogue, "a Failure");
    rogue.context().expect_equal("the reason", "authentication-failed", rogue.context().client().status().failure);
}
void short_challenge(RogueServer& rogue) {
    at_chap(rogue, kChallenge, [](Bytes data) {
        data[0] = 8;
        data.erase(data.begin() + 1, data.begin() + 9);
        return data;
    });
    expect_not_bound(rogue, "a challenge of eight octets");
}
void asks_nobody(RogueServer& rogue) {
    rogue.ppp().options().asks_who = false;
    expect_not_bound(rogue, "a gateway that does not ask who it is");
}
void asks_for_chap_md5(RogueServer& rogue) {
    rogue.ppp().hooks.send = [](PppPacket packet) {
        if (packet.protocol == kLcp && packet.code == kRequest)
            packet.data = encode(std::vector<PppOption>{{kAuthentication, {0xc2, 0x23, 0x05}}});
        return std::vector<PppPacket>{packet};
    };
    expect_not_bound(rogue, "a gateway that insists on CHAP with MD5");
    rogue.context().expect(rogue.ppp().heard(kLcp, kNak) > 0, "the client proposes another method",
                           times(rogue.ppp().heard(kLcp, kNak)));
}
void ccp_and_ipv6cp(RogueServer& rogue) {
    if (!rogue.connect()) return;
    for (const auto protocol : {kCcp, kIpv6cp}) rogue.ppp().send_raw({protocol, kRequest, 90, {}});
    rogue.awaits("the client rejects CCP and IPV6CP", [&] {
        return rogue.ppp().heard(kLcp, kProtocolReject) + rogue.ppp().heard(kCcp, kReject) +
                   rogue.ppp().heard(kIpv6cp, kReject) >=
               2;
    });
    rogue.expect_alive();
}
void loops(RogueServer& rogue) {
    rogue.ppp().hooks.take = [&](const PppPacket& packet) {
        if (packet.protocol == kLcp) rogue.ppp().send_raw(packet);
        return false;
    };
    rogue.expect_refused("a link that leads back to the client");
    rogue.context().expect(rogue.ppp().heard().size() <= 200, "the client says little on it",
                           fmt::format("{} packets", rogue.ppp().heard().size()));
}
void nak_storm(RogueServer& rogue) {
    rogue.ppp().hooks.take = [&rogue, mru = std::uint16_t{600}](const PppPacket& packet) mutable {
        if (packet.protocol != kLcp || packet.code != kRequest) return true;
        rogue.ppp().send_raw(
            {kLcp, kNak, packet.identifier, encode(std::vector<PppOption>{{kMru, ByteWriter{}.u16(mru++).take()}})});
        return false;
    };
    rogue.expect_refused("a storm of Naks");
    rogue.context().expect(rogue.ppp().heard(kLcp, kRequest) <= 100, "the client does not ask for ever",
                           fmt::format("{} requests", rogue.ppp().heard(kLcp, kRequest)));
}
void gives(RogueServer& rogue, Ipv4Address address, const std::string& what) {
    rogue.ppp().options().peers = address;
    rogue.expect_refused(what);
}
void address_of_zero(RogueServer& rogue) { gives(rogue, {}, "the address 0.0.0.0"); }
void rejects_the_address(RogueServer& rogue) {
    rogue.ppp().hooks.take = [&](const PppPacket& packet) {
        if (packet.protocol != kIpcp || packet.code != kRequest) return true;
        rogue.ppp().send_raw({kIpcp, kReject, packet.identifier, packet.data});
        return false;
    };
    rogue.expect_refused("a gateway that gives no address");
}
void changes_the_address_for_ever(RogueServer& rogue) {
    rogue.ppp().hooks.take = [&rogue, last = std::uint8_t{2}](const PppPacket& packet) mutable {
        if (packet.protocol != kIpcp || packet.code != kRequest) return true;
        last = static_cast<std::uint8_t>(last + 1);
        rogue.ppp().send_raw({kIpcp, kNak, packet.identifier,
                              encode(std::vector<PppOption>{address_option(kAddress, {10, 60, 0, last})})});
        return false;
    };
    rogue.expect_refused("another address at every request");
}
void broken_options(RogueServer& rogue) {
    rogue.ppp().hooks.send = [&rogue, sent = false](PppPacket packet) mutable {
        if (!std::exchange(sent, true))
            for (const auto* octets : {"ff03c0210163000801000000", "ff03c021016300080120dc05",
                                       "ff03c021016300ff010405dc", "ff03c02101630003", "ff", "ff03", "c021"})
                rogue.peer().write(RogueSstp::data_packet(from_hex(octets).value()));
        return std::vector<PppPacket>{packet};
    };
    if (rogue.expect_up("packets of LCP that cannot be read")) rogue.expect_alive();
}
void terminates(RogueServer& rogue) {
    if (!rogue.connect()) return;
    rogue.ppp().send_raw({kLcp, kTerminate, 200, {}});
    rogue.awaits("the client acknowledges", [&] { return rogue.ppp().heard(kLcp, kTerminateAck) > 0; });
    rogue.expect_down("a Terminate-Request", 15s);
}
void unknown_code(RogueServer& rogue) {
    if (!rogue.connect()) return;
    rogue.ppp().send_raw({kLcp, 0x4d, 99, Bytes(6, 1)});
    rogue.awaits("an unknown code is answered by a Code-Reject",
                 [&] { return rogue.ppp().heard(kLcp, kCodeReject) > 0; });
    rogue.expect_alive();
}
void garbage_inside(RogueServer& rogue) {
    if (!rogue.connect()) return;
    for (const auto& inner : {Bytes(1, 0x45), Bytes(40, 0xff), Bytes(1000, 0x60), Bytes(19, 0x45)})
        rogue.peer().write(RogueSstp::data_packet(RoguePpp::frame_of(inner)));
    rogue.peer().write(RogueSstp::data_packet({}));
    rogue.pass_time(1s);
    rogue.expect_alive();
}

}  // namespace

std::vector<Case> playing_an_sstp_gateway() {
    const std::vector<Need> hours = {{Side::Client, Feature::VirtualTime}};
    const std::vector<Need> strict = {{Side::Client, Feature::StrictCall}};
    const std::vector<Need> name = {{Side::Client, Feature::ServerName}, hours[0]};
    const std::vector<Need> limits = {{Side::Client, Feature::LimitsPatience}, hours[0]};
    const std::vector<Need> asked = {{Side::Client, Feature::WantsToBeAsked}, hours[0]};
    return {
        against_client("http-404", "SSTP-DEV-HTTP", "A client gives up at an answer of 404", not_found, hours),
        against_client("http-503", "SSTP-DEV-HTTP", "A client gives up at an answer of 503", unavailable, hours),
        against_client("http-garbage", "SSTP-DEV-HTTP", "A client gives up at an answer that is no HTTP",
                       garbage_for_http, hours),
        against_client("http-endless-head", "SSTP-DEV-BOUNDS", "A client gives up a head that never ends", endless_head,
                       hours),
        against_client("http-silence", "SSTP-DEV-HTTP", "A client waits for the answer in bounds", no_answer, hours),
        against_client("certificate-of-stranger", "SSTP-03", "A client refuses a certificate of an untrusted root",
                       certificate_of_a_stranger, hours),
        against_client("certificate-of-another", "SSTP-03", "A client refuses a certificate of another server",
                       certificate_of_another, name),
        against_client("no-tls", "SSTP-03", "A client gives up a gateway whose TLS is none", no_tls, hours),
        against_client("nak-for-ever", "SSTP-24", "A client asks a few times, and then gives up", naks_for_ever, hours),
        against_client("nak-once", "SSTP-24", "A client asks again after a Nak", nak_once, strict),
        against_client("ack-no-nonce", "SSTP-DEV-ATTRIBUTES", "A client aborts at an Ack without a nonce", no_nonce,
                       strict),
        against_client("ack-short-nonce", "SSTP-DEV-ATTRIBUTES", "A client aborts at an Ack with a short nonce",
                       short_nonce, strict),
        against_client("ack-no-hash", "SSTP-DEV-HASH", "A client aborts at an Ack without a hash", no_hash, strict),
        against_client("ack-unknown-hash", "SSTP-DEV-HASH", "A client aborts at an Ack with unknown hashes",
                       unknown_hash, strict),
        against_client("ack-twice", "SSTP-DEV-STATE", "A client aborts at a second Ack", ack_twice, strict),
        against_client("reserved-bits", "SSTP-13", "A client ignores reserved bits", reserved_bits, strict),
        against_client("version", "SSTP-29", "A client hangs up at a packet of another version", wrong_version, strict),
        against_client("length-zero", "SSTP-29", "A client hangs up at a packet of length 0", length_of_zero, strict),
        against_client("unknown-message", "SSTP-29", "A client aborts at a message of an unknown type", unknown_message,
                       strict),
        against_client("connected-to-client", "SSTP-DEV-STATE", "A client aborts at a Call Connected",
                       connected_to_a_client, strict),
        against_client("echo-too-early", "SSTP-DEV-ECHO", "A client aborts at an Echo Request before its time",
                       echo_too_early, strict),
        against_client("no-ack", "SSTP-25", "A client gives up a gateway that does not answer its request", no_ack,
                       limits),
        against_client("no-ppp", "SSTP-25", "A client gives up a gateway that says nothing in PPP", no_ppp, hours),
        against_client("silence-when-up", "SSTP-26", "A client notices that the gateway fell silent", falls_silent,
                       limits),
        against_client("abort", "SSTP-27", "A client answers a Call Abort and ends", aborts, strict),
        against_client("disconnect", "SSTP-28", "A client acknowledges a Call Disconnect and ends", disconnects),
        against_client("close-without-disconnect", "SSTP-28", "A client ends with the connection", hangs_up),
        against_client("wrong-proof", "PPP-DEV-MUTUAL", "A client leaves a gateway that does not know its password",
                       wrong_proof, hours),
        against_client("no-proof", "PPP-DEV-MUTUAL", "A client leaves a gateway that proves nothing", no_proof, hours),
        against_client("failure", "PPP-DEV-RESPONSE", "A client that is told Failure says so", failure, hours),
        against_client("short-challenge", "PPP-DEV-RESPONSE", "A client does not answer a challenge of eight octets",
                       short_challenge, hours),
        against_client("no-authentication", "PPP-DEV-METHOD", "A client leaves a gateway that does not ask who it is",
                       asks_nobody, asked),
        against_client("chap-md5", "PPP-DEV-METHOD", "A client does not sign in by a method that it does not do",
                       asks_for_chap_md5, limits),
        against_client("ccp-and-ipv6cp", "PPP-DEV-PROTOCOL", "A client rejects CCP and IPV6CP", ccp_and_ipv6cp),
        against_client("lcp-loop", "PPP-DEV-LOOP", "A client gives up a link that leads back to it", loops, hours),
        against_client("lcp-nak-storm", "PPP-DEV-STORM", "A client gives up at a storm of Naks", nak_storm, limits),
        against_client("address-zero", "PPP-DEV-ADDRESS", "A client does not take the address 0.0.0.0", address_of_zero,
                       hours),
        against_client("address-rejected", "PPP-DEV-ADDRESS", "A client without an address has no tunnel",
                       rejects_the_address, limits),
        against_client("address-changes", "PPP-DEV-ADDRESS", "A client does not follow changing addresses for ever",
                       changes_the_address_for_ever, limits),
        against_client("lcp-broken", "PPP-DEV-LENGTH", "A client discards packets of LCP that cannot be read",
                       broken_options),
        against_client("terminate", "PPP-DEV-TERMINATE", "A client acknowledges a Terminate-Request and ends",
                       terminates),
        against_client("lcp-unknown-code", "PPP-DEV-CODE", "A client rejects an unknown code", unknown_code),
        against_client("garbage-inside", "PPP-DEV-LENGTH", "A client drops inner packets that are none",
                       garbage_inside),
    };
}

}  // namespace gatelab::conformance::families
