// PPP that breaks a rule, towards a gateway: options, codes and protocols, sign-ins, addresses, and inner packets.
#include <fmt/format.h>

#include <algorithm>

#include "conformance/suites/sstp-deviations/trials.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"

namespace gatelab::conformance::families {
namespace {

using namespace sstp_deviations;
using namespace ppp_number;
using namespace std::chrono_literals;

constexpr Duration kSignIn = 45s;  // the gateway's patience of 30 s, and a moment

void frame(RogueClient& rogue, ByteView octets) { rogue.peer().write(RogueSstp::data_packet(octets)); }

void at_each_request(RogueClient& rogue, std::function<std::vector<PppPacket>(PppPacket)> change) {
    rogue.ppp().hooks.send = [change = std::move(change)](PppPacket packet) -> std::vector<PppPacket> {
        if (packet.protocol == kLcp && packet.code == kRequest) return change(std::move(packet));
        return {std::move(packet)};
    };
    rogue.node().dial();
}

// --- LCP --------------------------------------------------------------------------------------------------------

void unknown_option(RogueClient& rogue) {
    at_each_request(rogue, [first = true](PppPacket packet) mutable {
        if (std::exchange(first, false)) append(packet.data, encode(std::vector<PppOption>{{0x55, {1, 2}}}));
        return std::vector<PppPacket>{packet};
    });
    if (!rogue.expect_up("an option that does not exist")) return;
    const auto* reject = rogue.ppp().last(kLcp, kReject);
    rogue.context().expect(reject && option(*reject, 0x55).has_value(), "it is rejected by a Configure-Reject",
                           reject ? to_hex(reject->data) : "none came");
    rogue.expect_alive();
}

// A packet that cannot be read, before the request that can.
void before_request(RogueClient& rogue, const std::string& what, const Bytes& octets) {
    rogue.ppp().hooks.send = [&rogue, octets, sent = false](PppPacket packet) mutable {
        if (!std::exchange(sent, true)) frame(rogue, octets);
        return std::vector<PppPacket>{packet};
    };
    rogue.node().dial();
    rogue.expect_up(what);
    rogue.expect_alive();
}

void option_of_length_zero(RogueClient& rogue) {
    before_request(rogue, "an option of length 0", from_hex("ff03c0210163000801000000").value());
}
void option_beyond_packet(RogueClient& rogue) {
    before_request(rogue, "an option that ends beyond its packet", from_hex("ff03c021016300080120dc05").value());
}
void length_beyond_frame(RogueClient& rogue) {
    before_request(rogue, "a length beyond its frame", from_hex("ff03c021016300ff010405dc").value());
}
void length_of_three(RogueClient& rogue) {
    before_request(rogue, "a length of three", from_hex("ff03c02101630003").value());
}
void empty_frame(RogueClient& rogue) { before_request(rogue, "a frame without anything", {}); }
void frame_of_one_octet(RogueClient& rogue) { before_request(rogue, "a frame of one octet", Bytes{0xff}); }

void unknown_code(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.ppp().send_raw({kLcp, 0x4d, 99, Bytes(6, 1)});
    rogue.awaits("an unknown code is answered by a Code-Reject",
                 [&] { return rogue.ppp().heard(kLcp, kCodeReject) > 0; });
    rogue.expect_alive();
}

void unknown_protocol(RogueClient& rogue) {
    if (!rogue.connect()) return;
    for (const std::uint16_t protocol : {std::uint16_t{0x4321}, kCcp, kIpv6cp}) {
        const auto before = rogue.ppp().heard(kLcp, kProtocolReject);
        rogue.ppp().send_raw({protocol, kRequest, 98, {}});
        rogue.awaits(fmt::format("protocol {:#06x} is answered by a Protocol-Reject", protocol),
                     [&] { return rogue.ppp().heard(kLcp, kProtocolReject) > before; });
    }
    rogue.expect_alive();
}

void loops(RogueClient& rogue) {
    // Whatever the gateway asks for comes back to it, as on a looped line (RFC 1661 section 6.4).
    rogue.ppp().hooks.take = [&](const PppPacket& packet) {
        if (packet.protocol == kLcp) rogue.ppp().send_raw(packet);
        return false;
    };
    rogue.node().dial();
    rogue.expect_refused_and_bob_served("a link that leads back to the gateway");
    rogue.context().expect(rogue.ppp().heard().size() <= 200, "the gateway says little on it",
                           fmt::format("{} packets", rogue.ppp().heard().size()));
}

void same_magic_once(RogueClient& rogue) {
    rogue.ppp().hooks.take = [&, done = false](const PppPacket& packet) mutable {
        if (done || packet.protocol != kLcp || packet.code != kRequest) return true;
        done = true;
        const auto magic = option(packet, kMagic);
        if (magic) rogue.ppp().send_raw({kLcp, kRequest, 77, encode(std::vector<PppOption>{{kMagic, *magic}})});
        return true;
    };
    rogue.node().dial();
    const auto naked = [&] {
        const auto* nak = rogue.ppp().last(kLcp, kNak);
        return nak && option(*nak, kMagic).has_value();
    };
    if (!rogue.awaits("the gateway's own magic number in a request gets a Nak with another", naked)) return;
    rogue.ppp().start();
    rogue.expect_up("the gateway's own magic number in a request");
    rogue.expect_alive();
}

// Refuses all that the gateway asks for, by that code, for ever.
void storm(RogueClient& rogue, std::uint8_t code) {
    rogue.ppp().hooks.take = [&rogue, code, mru = std::uint16_t{600}](const PppPacket& packet) mutable {
        if (packet.protocol != kLcp || packet.code != kRequest) return true;
        const auto data =
            code == kNak ? encode(std::vector<PppOption>{{kMru, ByteWriter{}.u16(mru++).take()}}) : packet.data;
        rogue.ppp().send_raw({kLcp, code, packet.identifier, data});
        return false;
    };
    rogue.node().dial();
    rogue.expect_refused_and_bob_served(code == kNak ? "a storm of Naks" : "a storm of Rejects");
    const auto asked = rogue.ppp().heard(kLcp, kRequest);
    rogue.context().expect(asked <= 100, "the gateway does not ask for ever", fmt::format("{} requests", asked));
}

void nak_storm(RogueClient& rogue) { storm(rogue, kNak); }
void reject_storm(RogueClient& rogue) { storm(rogue, kReject); }

void never_configures(RogueClient& rogue) {
    rogue.ppp().hooks.send = [](const PppPacket&) { return std::vector<PppPacket>{}; };
    rogue.node().dial();
    rogue.expect_refused_and_bob_served("a client that says nothing in PPP");
    rogue.context().expect(rogue.ppp().heard(kLcp, kRequest) >= 2, "the gateway asked more than once",
                           times(rogue.ppp().heard(kLcp, kRequest)));
}

void rejects_authentication(RogueClient& rogue) {
    rogue.ppp().hooks.take = [&](const PppPacket& packet) {
        const auto how = option(packet, kAuthentication);
        if (packet.protocol != kLcp || packet.code != kRequest || !how) return true;
        rogue.ppp().send_raw(
            {kLcp, kReject, packet.identifier, encode(std::vector<PppOption>{{kAuthentication, *how}})});
        return false;
    };
    rogue.node().dial();
    rogue.expect_refused_and_bob_served("a client that will not say who it is");
}

void wants_pap(RogueClient& rogue) {
    rogue.ppp().hooks.take = [&](const PppPacket& packet) {
        if (packet.protocol != kLcp || packet.code != kRequest) return true;
        rogue.ppp().send_raw(
            {kLcp, kNak, packet.identifier, encode(std::vector<PppOption>{{kAuthentication, {0xc0, 0x23}}})});
        return false;
    };
    rogue.node().dial();
    rogue.expect_refused_and_bob_served("a client that insists on PAP where MS-CHAPv2 is asked for");
}

void asks_gateway_to_sign_in(RogueClient& rogue) {
    at_each_request(rogue, [first = true](PppPacket packet) mutable {
        if (std::exchange(first, false))
            append(packet.data, encode(std::vector<PppOption>{{kAuthentication, {0xc2, 0x23, 0x81}}}));
        return std::vector<PppPacket>{packet};
    });
    if (!rogue.expect_up("a request that the gateway say who it is")) return;
    const auto* reject = rogue.ppp().last(kLcp, kReject);
    rogue.context().expect(reject && option(*reject, kAuthentication).has_value(), "it is rejected",
                           reject ? to_hex(reject->data) : "no Configure-Reject came");
    rogue.expect_alive();
}

void terminates(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.ppp().send_raw({kLcp, kTerminate, 200, {}});
    rogue.awaits("the gateway acknowledges", [&] { return rogue.ppp().heard(kLcp, kTerminateAck) > 0; });
    rogue.expect_gone(15s);
    rogue.expect_honest_client();
}

void negotiates_anew(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.ppp().start();
    rogue.expect_gone(30s);
    rogue.expect_honest_client();
}

void rejects_ip(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.ppp().send_raw({kLcp, kProtocolReject, 201, ByteWriter{}.u16(kIpcp).bytes(Bytes(8, 0)).take()});
    rogue.expect_gone(30s);
    rogue.expect_honest_client();
}

void flood_of_lcp_echoes(RogueClient& rogue) {
    if (!rogue.connect()) return;
    for (int i = 0; i < 2000; ++i) {
        rogue.ppp().send_raw({kLcp, kEcho, static_cast<std::uint8_t>(i), Bytes(4, 0)});
        if (i % 50 == 49) rogue.pass_time(20ms);
    }
    rogue.pass_time(5s);
    rogue.context().expect(rogue.ppp().heard(kLcp, kEchoReply) <= 2000, "no more answers come than were asked for",
                           times(rogue.ppp().heard(kLcp, kEchoReply)));
    rogue.expect_alive();
}

// --- signing in -------------------------------------------------------------------------------------------------

// Answers the challenge with what `make` makes of the right response.
void respond(RogueClient& rogue, const std::function<PppPacket(PppPacket)>& make) {
    if (!rogue.dial_to_lcp()) return;
    rogue.ppp().send_raw(make(rogue.ppp().response_to(*rogue.ppp().last(kChap, kChallenge))));
}

void wrong_response(RogueClient& rogue) {
    respond(rogue, [](PppPacket packet) {
        packet.data[30] ^= 1;  // of the NT-Response
        return packet;
    });
    rogue.awaits("the gateway says Failure", [&] { return rogue.ppp().heard(kChap, kFailure) > 0; });
    rogue.expect_refused_and_bob_served("a response that does not hold");
}

void response_of_another_user(RogueClient& rogue) {
    respond(rogue, [](PppPacket packet) {
        packet.data.resize(50);
        append(packet.data, as_bytes("bob"));
        return packet;
    });
    rogue.awaits("the gateway says Failure", [&] { return rogue.ppp().heard(kChap, kFailure) > 0; });
    rogue.expect_refused_and_bob_served("a response under another user's name");
}

void wrong_identifier(RogueClient& rogue) {
    respond(rogue, [](PppPacket packet) {
        packet.identifier ^= 0x40;
        return packet;
    });
    rogue.pass_time(2s);
    rogue.context().expect(rogue.ppp().heard(kChap, kSuccess) == 0, "a response to another challenge is not accepted",
                           times(rogue.ppp().heard(kChap, kSuccess)));
    rogue.ppp().send_raw(rogue.ppp().response_to(*rogue.ppp().last(kChap, kChallenge)));
    rogue.expect_up("a response with another identifier before the right one");
    rogue.expect_alive();
}

void short_response(RogueClient& rogue) {
    respond(rogue, [](PppPacket packet) {
        packet.data[0] = 48;
        packet.data.erase(packet.data.begin() + 1);
        return packet;
    });
    rogue.expect_refused_and_bob_served("a response of 48 octets");
}

void response_replayed(RogueClient& rogue) {
    PppPacket first;
    rogue.ppp().hooks.send = [&](PppPacket packet) {
        if (packet.protocol == kChap) first = packet;
        return std::vector<PppPacket>{packet};
    };
    if (!rogue.connect()) return;
    rogue.peer().send_raw({sstp::MessageType::CallDisconnect, {}});
    if (!rogue.expect_hung_up("Call Disconnect", 5s) || !rogue.expect_gone(5s)) return;
    rogue.node().renew();
    respond(rogue, [&](PppPacket packet) {
        packet.data = first.data;
        return packet;
    });
    rogue.expect_refused_and_bob_served("the response to an earlier challenge");
}

void no_response(RogueClient& rogue) {
    if (!rogue.dial_to_lcp()) return;
    rogue.expect_refused_and_bob_served("a challenge without a response", kSignIn);
}

void pap_instead(RogueClient& rogue) {
    if (!rogue.dial_to_lcp()) return;
    ByteWriter data;
    data.u8(5).bytes(as_bytes("alice")).u8(static_cast<std::uint8_t>(kSstpPassword.size()));
    rogue.ppp().send_raw({kPap, kRequest, 9, data.bytes(as_bytes(kSstpPassword)).take()});
    rogue.pass_time(3s);
    rogue.context().expect(rogue.ppp().heard(kPap, kAck) == 0, "a right password in PAP is not taken",
                           times(rogue.ppp().heard(kPap, kAck)));
    rogue.expect_refused_and_bob_served("PAP in place of a response", kSignIn);
}

void success_from_the_client(RogueClient& rogue) {
    if (!rogue.dial_to_lcp()) return;
    rogue.ppp().send_raw({kChap, kSuccess, rogue.ppp().last(kChap, kChallenge)->identifier, Bytes(42, 'S')});
    rogue.ppp().start_ipcp();
    rogue.expect_refused_and_bob_served("a client that says Success to itself", kSignIn);
}

// --- addresses and packets --------------------------------------------------------------------------------------

void ipcp_before_sign_in(RogueClient& rogue) {
    if (!rogue.dial_to_lcp()) return;
    rogue.ppp().start_ipcp();
    rogue.pass_time(3s);
    rogue.context().expect(rogue.ppp().heard(kIpcp, kAck) + rogue.ppp().heard(kIpcp, kNak) == 0,
                           "IPCP is not answered before the sign-in",
                           times(rogue.ppp().heard(kIpcp, kAck) + rogue.ppp().heard(kIpcp, kNak)));
    rogue.expect_refused_and_bob_served("addresses asked for before the sign-in", kSignIn);
}

void expect_not_delivered(RogueClient& rogue, const std::string& what, const Wire& inside) {
    rogue.pass_time(3s);
    rogue.context().expect(delivered(inside) == 0, what + " does not get into the virtual network",
                           times(delivered(inside)));
}

void packets_before_sign_in(RogueClient& rogue) {
    const Wire inside{rogue.context().scenario(), kInsideLink};
    if (!rogue.dial_to_lcp()) return;
    frame(rogue, RoguePpp::frame_of(echo_request({10, 60, 0, 2}, kAppAddress, 1)));
    expect_not_delivered(rogue, "a packet before the sign-in", inside);
    rogue.expect_refused_and_bob_served("packets before the sign-in", kSignIn);
}

void anothers_address(RogueClient& rogue) {
    rogue.ppp().hooks.send = [first = true](PppPacket packet) mutable {
        if (packet.protocol == kIpcp && packet.code == kRequest && std::exchange(first, false))
            packet.data = encode(std::vector<PppOption>{address_option(kAddress, {10, 60, 0, 200})});
        return std::vector<PppPacket>{packet};
    };
    rogue.node().dial();
    if (!rogue.expect_up("a request for another address")) return;
    rogue.context().expect(rogue.ppp().heard(kIpcp, kNak) > 0 && rogue.ppp().address() != Ipv4Address(10, 60, 0, 200),
                           "the gateway gives it the address of its own choice", to_string(rogue.ppp().address()));
    rogue.expect_alive();
}

void insists_on_address(RogueClient& rogue) {
    rogue.ppp().hooks.send = [](PppPacket packet) {
        if (packet.protocol == kIpcp && packet.code == kRequest)
            packet.data = encode(std::vector<PppOption>{address_option(kAddress, {10, 1, 0, 4})});
        return std::vector<PppPacket>{packet};
    };
    rogue.node().dial();
    rogue.expect_refused("a client that insists on an address of the virtual network");
    const auto refusals = rogue.ppp().heard(kIpcp, kNak) + rogue.ppp().heard(kIpcp, kReject);
    rogue.context().expect(refusals <= 50, "the gateway does not refuse it for ever", fmt::format("{}", refusals));
    rogue.expect_honest_client();
}

void foreign_source(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    constexpr Ipv4Address kForeign{10, 60, 0, 77};
    const Wire inside{rogue.context().scenario(), kInsideLink};
    frame(rogue, RoguePpp::frame_of(echo_request(kForeign, kAppAddress, 999)));
    frame(rogue, RoguePpp::frame_of(Bytes(1, 0x45)));
    frame(rogue, RoguePpp::frame_of(Bytes(40, 0xff)));
    frame(rogue, RoguePpp::frame_of(Bytes(1000, 0x60)));
    expect_not_delivered(rogue, "an inner packet that is not the client's own", inside);
    rogue.expect_alive();
}

void larger_than_the_mru(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    const auto address = rogue.ppp().address();
    for (const std::size_t data : {1400, 2000, 4000})
        frame(rogue, RoguePpp::frame_of(echo_request(address, kAppAddress, 500, data)));
    rogue.pass_time(3s);
    rogue.expect_alive();
    rogue.expect_honest_client();
}

void empty_data_packets(RogueClient& rogue) {
    if (!rogue.connect()) return;
    for (int i = 0; i < 100; ++i) {
        frame(rogue, {});
        frame(rogue, Bytes{0xff, 0x03});
        frame(rogue, Bytes{0xff, 0x03, 0x00});
        frame(rogue, Bytes{0xff, 0x03, 0x00, 0x21});
    }
    rogue.pass_time(1s);
    rogue.expect_alive();
}

}  // namespace

std::vector<Case> breaking_ppp() {
    const std::vector<Need> hours = {{Side::Gateway, Feature::VirtualTime}};
    return {
        against_gateway("lcp-unknown-option", "PPP-DEV-OPTION", "An unknown option gets a Configure-Reject",
                        unknown_option),
        against_gateway("lcp-option-length-zero", "PPP-DEV-LENGTH", "An option of length 0 is discarded",
                        option_of_length_zero),
        against_gateway("lcp-option-too-long", "PPP-DEV-LENGTH", "An option beyond its packet is discarded",
                        option_beyond_packet),
        against_gateway("lcp-length-too-long", "PPP-DEV-LENGTH", "A length beyond its frame is discarded",
                        length_beyond_frame),
        against_gateway("lcp-length-too-short", "PPP-DEV-LENGTH", "A length of three is discarded", length_of_three),
        against_gateway("ppp-empty-frame", "PPP-DEV-LENGTH", "A frame without anything is discarded", empty_frame),
        against_gateway("ppp-one-octet", "PPP-DEV-LENGTH", "A frame of one octet is discarded", frame_of_one_octet),
        against_gateway("lcp-unknown-code", "PPP-DEV-CODE", "An unknown code gets a Code-Reject", unknown_code),
        against_gateway("ppp-unknown-protocol", "PPP-DEV-PROTOCOL",
                        "CCP, IPV6CP and unknown protocols get a Protocol-Reject", unknown_protocol),
        against_gateway("lcp-loop", "PPP-DEV-LOOP", "A link that leads back to the gateway is given up", loops, {},
                        hours),
        against_gateway("lcp-own-magic", "PPP-DEV-LOOP", "The gateway's own magic number gets a Nak", same_magic_once),
        against_gateway("lcp-nak-storm", "PPP-DEV-STORM", "A storm of Naks ends", nak_storm, {}, hours),
        against_gateway("lcp-reject-storm", "PPP-DEV-STORM", "A storm of Rejects ends", reject_storm, {}, hours),
        against_gateway("lcp-silence", "PPP-DEV-STORM", "A client that says nothing in PPP is given up",
                        never_configures, {}, hours),
        against_gateway("no-authentication", "PPP-DEV-METHOD", "A client that will not say who it is gets no link",
                        rejects_authentication, {}, hours),
        against_gateway("insists-on-pap", "PPP-DEV-METHOD",
                        "A client that insists on PAP, which is not allowed, gets no link", wants_pap, {}, hours),
        against_gateway("asks-gateway-to-sign-in", "PPP-DEV-METHOD", "A gateway does not sign in at its clients",
                        asks_gateway_to_sign_in),
        against_gateway("terminate", "PPP-DEV-TERMINATE", "A Terminate-Request ends the session", terminates),
        against_gateway("negotiates-anew", "PPP-DEV-ANEW", "A link negotiated anew behind the sign-in ends",
                        negotiates_anew),
        against_gateway("protocol-reject-of-ipcp", "PPP-DEV-PROTOCOL", "A client that rejects IPCP has no session",
                        rejects_ip),
        against_gateway("lcp-echo-flood", "PPP-DEV-ECHO", "Two thousand echo requests of LCP harm nobody",
                        flood_of_lcp_echoes),
        against_gateway("chap-wrong-response", "PPP-DEV-RESPONSE", "A response that does not hold gets a Failure",
                        wrong_response),
        against_gateway("chap-other-user", "PPP-DEV-RESPONSE", "A response under another name gets a Failure",
                        response_of_another_user),
        against_gateway("chap-wrong-identifier", "PPP-DEV-RESPONSE", "A response to another challenge is dropped",
                        wrong_identifier),
        against_gateway("chap-short-response", "PPP-DEV-RESPONSE", "A response of another length signs nobody in",
                        short_response, {}, hours),
        against_gateway("chap-replayed-response", "PPP-DEV-RESPONSE", "A response of an earlier call gets a Failure",
                        response_replayed),
        against_gateway("chap-no-response", "PPP-DEV-SIGN-IN-TIME", "A challenge without a response is given up",
                        no_response, {}, hours),
        against_gateway("pap-in-place-of-chap", "PPP-DEV-METHOD",
                        "A password in PAP counts for nothing where MS-CHAPv2 was agreed", pap_instead, {}, hours),
        against_gateway("chap-own-success", "PPP-DEV-RESPONSE", "A client cannot say Success to itself",
                        success_from_the_client, {}, hours),
        against_gateway("ipcp-before-sign-in", "PPP-DEV-PHASES", "IPCP before the sign-in is discarded",
                        ipcp_before_sign_in, {}, hours),
        against_gateway("packets-before-sign-in", "PPP-DEV-PHASES", "IP packets before the sign-in are discarded",
                        packets_before_sign_in, {}, hours),
        against_gateway("ipcp-other-address", "PPP-DEV-ADDRESS", "A client gets the address that it is given",
                        anothers_address),
        against_gateway("ipcp-insists", "PPP-DEV-ADDRESS", "A client that insists on an address gets no tunnel",
                        insists_on_address, {}, hours),
        against_gateway("foreign-source", "SSTP-DEV-SOURCE", "Inner packets of other sources are dropped",
                        foreign_source),
        against_gateway("oversize", "PPP-DEV-OVERSIZE", "Packets larger than the MRU harm nobody", larger_than_the_mru),
        against_gateway("empty-data", "PPP-DEV-LENGTH", "Data packets without data are discarded", empty_data_packets),
    };
}

}  // namespace gatelab::conformance::families
