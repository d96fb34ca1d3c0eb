// The call's messages, its crypto binding and its timers, broken towards a gateway.
#include <fmt/format.h>

#include <algorithm>

#include "conformance/suites/sstp-deviations/trials.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"

namespace gatelab::conformance::families {
namespace {

using namespace sstp_deviations;
using namespace sstp;
using namespace std::chrono_literals;

constexpr std::uint16_t kRequest = 1;
constexpr std::uint8_t kProtocolId = 1, kBinding = 3;
const Bytes kPpp = {0, 1};

// --- the Call Connect Request -----------------------------------------------------------------------------------

// A request is refused by a Nak with that status, and a good one after it is accepted.
void expect_nak(RogueClient& rogue, const std::string& what, std::uint16_t count, Bytes attributes, StatusCode status,
                std::uint8_t of_attribute) {
    rogue.replace(MessageType::CallConnectRequest,
                  [=](const Bytes&) { return std::vector<Bytes>{control_packet(kRequest, count, attributes)}; });
    rogue.node().dial();
    rogue.wait([&] { return rogue.peer().heard(MessageType::CallConnectNak) > 0; });
    const auto statuses = rogue.peer().statuses(MessageType::CallConnectNak);
    const bool told = std::ranges::any_of(
        statuses, [&](const auto& one) { return one.status == status && one.attribute == of_attribute; });
    if (!rogue.context().expect(told,
                                fmt::format("{} gets a Nak: {} of attribute {}", what, name_of(status), of_attribute),
                                statuses.empty() ? "none" : std::string{name_of(statuses.front().status)}))
        return;
    rogue.peer().send({MessageType::CallConnectRequest, {EncapsulatedProtocol{}}});
    rogue.expect_up("a first request that was refused");
    rogue.expect_alive();
}

void another_protocol(RogueClient& rogue) {
    expect_nak(rogue, "another protocol than PPP", 1, attribute(kProtocolId, Bytes{0, 2}),
               StatusCode::ValueNotSupported, kProtocolId);
}

void no_protocol(RogueClient& rogue) {
    expect_nak(rogue, "a request without a protocol", 0, {}, StatusCode::RequiredAttributeMissing, kProtocolId);
}

void protocol_twice(RogueClient& rogue) {
    auto both = attribute(kProtocolId, kPpp);
    append(both, attribute(kProtocolId, kPpp));
    expect_nak(rogue, "the protocol said twice", 2, both, StatusCode::DuplicateAttribute, kProtocolId);
}

void unknown_attribute(RogueClient& rogue) {
    auto both = attribute(kProtocolId, kPpp);
    append(both, attribute(0x77, Bytes{1, 2, 3, 4}));
    expect_nak(rogue, "an unknown attribute", 2, both, StatusCode::UnrecognizedAttribute, 0x77);
}

void attribute_of_another(RogueClient& rogue) {
    auto both = attribute(kProtocolId, kPpp);
    append(both, attribute(kBinding, Bytes(100, 0)));
    expect_nak(rogue, "a crypto binding in a request", 2, both, StatusCode::AttributeNotSupportedInMessage, kBinding);
}

void protocol_of_five_octets(RogueClient& rogue) {
    rogue.replace(MessageType::CallConnectRequest, [](const Bytes&) {
        return std::vector<Bytes>{control_packet(kRequest, 1, attribute(kProtocolId, Bytes{0, 1, 0}))};
    });
    rogue.node().dial();
    rogue.expect_aborted("a protocol of three octets", StatusCode::InvalidAttributeValueLength);
    rogue.expect_honest_client();
}

void storm_of_requests(RogueClient& rogue) {
    if (!rogue.dial_to_answer()) return;
    for (int i = 0; i < 200 && rogue.node().is_open(); ++i) {
        rogue.peer().write(control_packet(kRequest, 0, {}));
        rogue.pass_time(10ms);
    }
    rogue.expect_aborted("two hundred requests that cannot be accepted", StatusCode::RetryCountExceeded);
    const auto naks = rogue.peer().heard(MessageType::CallConnectNak);
    rogue.context().expect(naks <= 20, "few of them are answered", fmt::format("{} Naks", naks));
    rogue.expect_honest_client();
}

// --- messages in the wrong state --------------------------------------------------------------------------------

void expect_unaccepted(RogueClient& rogue, Message message) {
    const auto name = std::string{name_of(message.type)};
    rogue.peer().send_raw(message);
    rogue.expect_aborted(name + " in this state", StatusCode::UnacceptedFrameReceived);
    rogue.expect_no_session();
    rogue.expect_honest_client();
}

void connected_first(RogueClient& rogue) {
    if (!rogue.dial_to_answer()) return;
    rogue.peer().write(rogue.peer().call_connected());
    rogue.expect_aborted("a Call Connected before any request", StatusCode::UnacceptedFrameReceived);
    rogue.expect_honest_client();
}

void second_request(RogueClient& rogue) {
    if (rogue.dial_to_ack()) expect_unaccepted(rogue, {MessageType::CallConnectRequest, {EncapsulatedProtocol{}}});
}

void request_when_up(RogueClient& rogue) {
    if (rogue.connect()) expect_unaccepted(rogue, {MessageType::CallConnectRequest, {EncapsulatedProtocol{}}});
}

void ack_to_a_server(RogueClient& rogue) {
    if (rogue.dial_to_ack()) expect_unaccepted(rogue, {MessageType::CallConnectAck, {CryptoBindingRequest{}}});
}

void nak_to_a_server(RogueClient& rogue) {
    if (rogue.dial_to_ack()) expect_unaccepted(rogue, {MessageType::CallConnectNak, {StatusInfo{}}});
}

void echo_too_early(RogueClient& rogue) {
    if (rogue.dial_to_ack()) expect_unaccepted(rogue, {MessageType::EchoRequest, {}});
}

void response_too_early(RogueClient& rogue) {
    if (rogue.dial_to_ack()) expect_unaccepted(rogue, {MessageType::EchoResponse, {}});
}

void disconnect_ack_unasked(RogueClient& rogue) {
    if (rogue.connect()) expect_unaccepted(rogue, {MessageType::CallDisconnectAck, {}});
}

void connected_twice(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().write(rogue.peer().call_connected());
    rogue.expect_aborted("a second Call Connected", StatusCode::UnacceptedFrameReceived);
    rogue.expect_honest_client();
}

void echo_with_attributes(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().send_raw({MessageType::EchoRequest, {EncapsulatedProtocol{}}});
    rogue.expect_aborted("an Echo Request with an attribute", StatusCode::AttributeNotSupportedInMessage);
    rogue.expect_honest_client();
}

void response_unasked(RogueClient& rogue) {
    if (!rogue.connect()) return;
    for (int i = 0; i < 20; ++i) rogue.peer().send_raw({MessageType::EchoResponse, {}});
    rogue.pass_time(2s);
    rogue.expect_alive();
}

void echo_flood(RogueClient& rogue) {
    if (!rogue.connect()) return;
    for (int i = 0; i < 2000; ++i) {
        rogue.peer().send_raw({MessageType::EchoRequest, {}});
        if (i % 50 == 49) rogue.pass_time(20ms);
    }
    rogue.pass_time(5s);
    const auto answers = rogue.peer().heard(MessageType::EchoResponse);
    rogue.context().expect(answers <= 2000, "no more answers come than were asked for", fmt::format("{}", answers));
    rogue.expect_alive();
    rogue.expect_honest_client();
}

void talks_after_its_abort(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().send_raw({MessageType::CallAbort, {StatusInfo{}}});
    for (int i = 0; i < 5; ++i) rogue.peer().send_raw({MessageType::EchoRequest, {}});
    rogue.wait([&] { return rogue.node().was_closed(); }, 5s);
    rogue.context().expect(rogue.peer().heard(MessageType::EchoResponse) == 0, "nothing is answered after a Call Abort",
                           times(rogue.peer().heard(MessageType::EchoResponse)));
    rogue.expect_hung_up("a Call Abort", 5s);
    rogue.expect_gone(5s);
}

void abort_with_two_statuses(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().send_raw({MessageType::CallAbort, {StatusInfo{}, StatusInfo{}}});
    rogue.expect_hung_up("a Call Abort with two statuses", 5s);
    rogue.expect_gone(5s);
}

void hangs_up_without_a_word(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().close_tls(rogue.now());
    rogue.expect_gone(10s);
    rogue.expect_honest_client();
}

// --- the crypto binding -----------------------------------------------------------------------------------------

// The Call Connected goes out as `change` makes it; the gateway must abort.
void expect_binding_refused(RogueClient& rogue, const std::string& what, std::function<Bytes(Bytes)> change) {
    rogue.replace(MessageType::CallConnected,
                  [change = std::move(change)](Bytes packet) { return std::vector<Bytes>{change(std::move(packet))}; });
    rogue.node().dial();
    rogue.expect_aborted(what, std::nullopt);
    rogue.expect_no_session();
    rogue.expect_honest_client();
}

constexpr std::size_t kHash = 15, kNonceAt = 16, kCertificateAt = 48, kMacAt = 80;

// With the compound MAC made anew over what was changed, so that only the changed part is wrong.
Bytes with_mac(RogueClient& rogue, Bytes packet) {
    std::fill(packet.begin() + kMacAt, packet.end(), std::uint8_t{0});
    const auto mac =
        compound_mac(packet[kHash] == kSha1 ? kSha1 : kSha256, higher_layer_key(rogue.ppp().keys()), packet);
    std::ranges::copy(mac, packet.begin() + kMacAt);
    return packet;
}

void wrong_hash_protocol(RogueClient& rogue) {
    expect_binding_refused(rogue, "a hash protocol that does not exist", [&](Bytes packet) {
        packet[kHash] = 4;
        return with_mac(rogue, std::move(packet));
    });
}

void both_hashes(RogueClient& rogue) {
    expect_binding_refused(rogue, "a binding of both hashes", [&](Bytes packet) {
        packet[kHash] = 3;
        return with_mac(rogue, std::move(packet));
    });
}

void hash_not_offered(RogueClient& rogue) {
    expect_binding_refused(rogue, "a binding of SHA-1 where SHA-256 alone was offered", [&](const Bytes&) {
        const auto& asked = *rogue.peer().binding_request();
        return call_connected(kSha1, asked.nonce, higher_layer_key(rogue.ppp().keys()),
                              rogue.identity(kServerName).certificate.der());
    });
}

void wrong_nonce(RogueClient& rogue) {
    expect_binding_refused(rogue, "another nonce", [&](Bytes packet) {
        packet[kNonceAt + 5] ^= 1;
        return with_mac(rogue, std::move(packet));
    });
}

void wrong_certificate(RogueClient& rogue) {
    // Somebody in the middle: all is right but the certificate that the client saw.
    expect_binding_refused(rogue, "the hash of another certificate", [&](const Bytes&) {
        const auto& asked = *rogue.peer().binding_request();
        return call_connected(kSha256, asked.nonce, higher_layer_key(rogue.ppp().keys()),
                              rogue.identity(kOtherServer).certificate.der());
    });
}

void wrong_mac(RogueClient& rogue) {
    expect_binding_refused(rogue, "a compound MAC with one bit changed", [](Bytes packet) {
        packet[kMacAt + 31] ^= 1;
        return packet;
    });
}

void zero_mac(RogueClient& rogue) {
    expect_binding_refused(rogue, "a compound MAC of zeros", [](Bytes packet) {
        std::fill(packet.begin() + kMacAt, packet.end(), std::uint8_t{0});
        return packet;
    });
}

void zero_keys(RogueClient& rogue) {
    expect_binding_refused(rogue, "a binding made with zeros in place of MS-CHAPv2's keys", [&](const Bytes&) {
        const auto& asked = *rogue.peer().binding_request();
        return call_connected(kSha256, asked.nonce, HigherLayerKey{}, rogue.identity(kServerName).certificate.der());
    });
}

void keys_of_the_server(RogueClient& rogue) {
    expect_binding_refused(rogue, "a binding with the keys in the server's order", [&](const Bytes&) {
        auto keys = rogue.ppp().keys().value();
        std::swap(keys.send, keys.receive);
        const auto& asked = *rogue.peer().binding_request();
        return call_connected(kSha256, asked.nonce, higher_layer_key(keys),
                              rogue.identity(kServerName).certificate.der());
    });
}

void no_binding(RogueClient& rogue) {
    expect_binding_refused(rogue, "a Call Connected without a crypto binding",
                           [](const Bytes&) { return control_packet(4, 0, {}); });
}

void two_bindings(RogueClient& rogue) {
    expect_binding_refused(rogue, "a Call Connected with two crypto bindings", [](const Bytes& packet) {
        auto both = copy_of(ByteView{packet}.subspan(8));
        append(both, copy_of(both));
        return control_packet(4, 2, both);
    });
}

void short_binding(RogueClient& rogue) {
    expect_binding_refused(rogue, "a crypto binding that is four octets short", [](const Bytes& packet) {
        return control_packet(4, 1, attribute(kBinding, ByteView{packet}.subspan(12, 96)));
    });
}

void binding_before_sign_in(RogueClient& rogue) {
    if (!rogue.dial_to_ack()) return;
    rogue.peer().write(rogue.peer().call_connected());
    rogue.expect_aborted("a crypto binding before anybody signed in");
    rogue.expect_no_session();
    rogue.expect_honest_client();
}

void binding_of_another_call(RogueClient& rogue) {
    Bytes first;
    rogue.peer().hooks.control = [&](const Message& message, Bytes packet) {
        if (message.type == MessageType::CallConnected) first = packet;
        return std::vector<Bytes>{packet};
    };
    if (!rogue.connect()) return;
    rogue.peer().send_raw({MessageType::CallDisconnect, {}});
    rogue.expect_hung_up("Call Disconnect", 5s);
    rogue.node().renew();
    expect_binding_refused(rogue, "the Call Connected of an earlier call", [&](const Bytes&) { return first; });
}

// --- timers -----------------------------------------------------------------------------------------------------

void says_no_request(RogueClient& rogue) {
    if (!rogue.dial_to_answer()) return;
    rogue.expect_aborted("a client that asks for no call", StatusCode::NegotiationTimeout, 75s);
    rogue.expect_honest_client();
}

void says_no_connected(RogueClient& rogue) {
    if (!rogue.dial_to_proof()) return;
    rogue.ppp().start_ipcp();
    const Wire inside{rogue.context().scenario(), kInsideLink};
    rogue.peer().write(RogueSstp::data_packet(RoguePpp::frame_of(rogue.next_echo())));
    rogue.expect_aborted("a Call Connected that does not come", StatusCode::NegotiationTimeout, 75s);
    rogue.context().expect(delivered(inside) == 0, "no packet passes without a crypto binding",
                           times(delivered(inside)));
    rogue.expect_no_session();
    rogue.expect_honest_client();
}

void falls_silent(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    rogue.peer().hooks.take = [](const Message&) { return false; };
    rogue.ppp().hooks.take = [](const PppPacket&) { return false; };
    const auto start = rogue.context().scenario().now();
    rogue.wait([&] { return rogue.node().was_closed(); }, 200s);
    const auto took = rogue.context().scenario().now() - start;
    rogue.context().measure("noticed_s", seconds(took));
    rogue.context().expect(rogue.peer().heard(MessageType::EchoRequest) >= 1, "the gateway asks whether it is there",
                           times(rogue.peer().heard(MessageType::EchoRequest)));
    rogue.context().expect(rogue.node().was_closed() && took <= 125s,
                           "it drops the connection within two hello intervals",
                           fmt::format("{:.1f} s", seconds(took)));
    rogue.context().expect(rogue.peer().heard(MessageType::CallAbort) == 0, "and says no Call Abort",
                           times(rogue.peer().heard(MessageType::CallAbort)));
    rogue.expect_honest_client();
}

void ignores_disconnect(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().hooks.take = [](const Message&) { return false; };
    auto* session = rogue.context().only_session();
    if (!session) return;
    session->disconnect();
    rogue.awaits(
        "the gateway says Call Disconnect", [&] { return rogue.peer().heard(MessageType::CallDisconnect) > 0; }, 15s);
    rogue.expect_hung_up("a Call Disconnect that is not acknowledged", 8s);
    rogue.expect_gone(5s);
}

void ignores_abort(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().hooks.take = [](const Message&) { return false; };
    rogue.peer().send_raw({MessageType::CallConnectRequest, {EncapsulatedProtocol{}}});
    rogue.expect_aborted("a request in this state");  // within 5 s: abort timer 1 has 3 s
    rogue.expect_gone(5s);
}

}  // namespace

std::vector<Case> breaking_the_call() {
    const std::vector<Need> hours = {{Side::Gateway, Feature::VirtualTime}};
    const Tweak sha256_alone = [](topologies::Topology& topology) { gateway_of(topology).sstp.hashes = {"SHA256"}; };
    return {
        against_gateway("request-protocol", "SSTP-22", "Another protocol than PPP gets a Nak", another_protocol),
        against_gateway("request-no-protocol", "SSTP-22", "A request without a protocol gets a Nak", no_protocol),
        against_gateway("request-protocol-twice", "SSTP-22", "A request with two protocols gets a Nak", protocol_twice),
        against_gateway("request-unknown-attribute", "SSTP-22", "An attribute that does not exist gets a Nak",
                        unknown_attribute),
        against_gateway("request-alien-attribute", "SSTP-22", "An attribute of another message gets a Nak",
                        attribute_of_another),
        against_gateway("request-attribute-length", "SSTP-29", "A protocol of another length is aborted",
                        protocol_of_five_octets),
        against_gateway("request-storm", "SSTP-DEV-BOUNDS", "Requests without end are refused only so often",
                        storm_of_requests),
        against_gateway("connected-before-request", "SSTP-DEV-STATE", "A Call Connected before any request is aborted",
                        connected_first),
        against_gateway("request-again", "SSTP-23", "A second request is aborted", second_request),
        against_gateway("request-when-up", "SSTP-23", "A request in a call that is up is aborted", request_when_up),
        against_gateway("ack-to-server", "SSTP-DEV-STATE", "A server aborts at a Call Connect Ack", ack_to_a_server),
        against_gateway("nak-to-server", "SSTP-DEV-STATE", "A server aborts at a Call Connect Nak", nak_to_a_server),
        against_gateway("echo-too-early", "SSTP-DEV-ECHO", "An Echo Request before the call is up is aborted",
                        echo_too_early),
        against_gateway("echo-response-too-early", "SSTP-DEV-ECHO", "An Echo Response before the call is up is aborted",
                        response_too_early),
        against_gateway("disconnect-ack-unasked", "SSTP-28", "A Call Disconnect Ack that nobody asked for is aborted",
                        disconnect_ack_unasked),
        against_gateway("connected-twice", "SSTP-DEV-STATE", "A second Call Connected is aborted", connected_twice),
        against_gateway("echo-with-attribute", "SSTP-29", "An Echo Request with an attribute is aborted",
                        echo_with_attributes),
        against_gateway("echo-response-unasked", "SSTP-DEV-ECHO", "Echo Responses that nobody asked for change nothing",
                        response_unasked),
        against_gateway("echo-flood", "SSTP-DEV-ECHO", "Two thousand Echo Requests harm nobody", echo_flood),
        against_gateway("talk-after-abort", "SSTP-27", "Nothing is answered after a Call Abort", talks_after_its_abort),
        against_gateway("abort-two-statuses", "SSTP-27", "A Call Abort ends the call, whatever else it brings",
                        abort_with_two_statuses),
        against_gateway("close-without-disconnect", "SSTP-28", "A client that hangs up without a word is forgotten",
                        hangs_up_without_a_word),
        against_gateway("binding-hash", "SSTP-DEV-BINDING", "A crypto binding of an unknown hash is aborted",
                        wrong_hash_protocol),
        against_gateway("binding-both-hashes", "SSTP-DEV-BINDING", "A crypto binding of two hashes is aborted",
                        both_hashes),
        against_gateway("binding-hash-not-offered", "SSTP-DEV-HASH",
                        "A crypto binding of a hash not offered is aborted", hash_not_offered, sha256_alone),
        against_gateway("binding-nonce", "SSTP-DEV-BINDING", "A crypto binding with another nonce is aborted",
                        wrong_nonce),
        against_gateway("binding-certificate", "SSTP-DEV-BINDING", "A crypto binding of another certificate is aborted",
                        wrong_certificate),
        against_gateway("binding-mac", "SSTP-DEV-BINDING", "A compound MAC that does not hold is aborted", wrong_mac),
        against_gateway("binding-zero-mac", "SSTP-DEV-BINDING", "A compound MAC of zeros is aborted", zero_mac),
        against_gateway("binding-zero-keys", "SSTP-DEV-BINDING", "A crypto binding without MS-CHAPv2's keys is aborted",
                        zero_keys),
        against_gateway("binding-key-order", "SSTP-DEV-BINDING",
                        "A crypto binding with the keys in another order is aborted", keys_of_the_server),
        against_gateway("binding-missing", "SSTP-DEV-BINDING", "A Call Connected without a crypto binding is aborted",
                        no_binding),
        against_gateway("binding-twice", "SSTP-DEV-BINDING", "A Call Connected with two crypto bindings is aborted",
                        two_bindings),
        against_gateway("binding-short", "SSTP-DEV-BINDING", "A crypto binding that is too short is aborted",
                        short_binding),
        against_gateway("binding-before-sign-in", "SSTP-DEV-STATE", "A crypto binding before the sign-in is aborted",
                        binding_before_sign_in),
        against_gateway("binding-replayed", "SSTP-DEV-BINDING", "A Call Connected of an earlier call is aborted",
                        binding_of_another_call),
        against_gateway("no-request", "SSTP-25", "A client that asks for no call is aborted after a minute",
                        says_no_request, {}, hours),
        against_gateway("no-connected", "SSTP-25", "A call that is never bound is aborted after a minute",
                        says_no_connected, {}, hours),
        against_gateway("silence-when-up", "SSTP-26", "A silent client is dropped without a Call Abort", falls_silent,
                        {}, hours),
        against_gateway("disconnect-ignored", "SSTP-28", "A Call Disconnect need not be acknowledged",
                        ignores_disconnect),
        against_gateway("abort-ignored", "SSTP-27", "A Call Abort need not be answered", ignores_abort),
    };
}

}  // namespace gatelab::conformance::families
