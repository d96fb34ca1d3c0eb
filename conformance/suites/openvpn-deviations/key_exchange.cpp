// TLS, key method 2 and control messages, broken towards a gateway.
#include <fmt/format.h>

#include <algorithm>

#include "conformance/suites/openvpn-deviations/trials.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace deviations;
using namespace openvpn;
using namespace std::chrono_literals;

constexpr std::size_t kKeyMethodAt = 4;              // its octet, behind four zeros
constexpr std::size_t kOptionsAt = 4 + 1 + 48 + 64;  // of a client's message: the length of the options string

// --- TLS --------------------------------------------------------------------------------------------------------

void garbage_instead_of_tls(RogueClient& rogue) {
    rogue.peer().hooks.tls = [&](Bytes records) { return rogue.peer().random().bytes(records.size()); };
    rogue.peer().dial(rogue.now());
    rogue.expect_refused("random octets in place of its ClientHello", 10s);
    rogue.expect_honest_client();
}

void garbage_within_tls(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().hooks.tls = [](Bytes records) {
        records.back() ^= 1;
        return records;
    };
    rogue.peer().say(rogue.now(), "PUSH_REQUEST");
    rogue.pass_time(5s);
    rogue.expect_honest_client();
    rogue.context().expect(rogue.peer().messages().size() == 1,
                           "the gateway does not act upon a record that TLS refuses",
                           fmt::format("{} control messages came in all", rogue.peer().messages().size()));
}

void certificate_of_a_stranger(RogueClient& rogue) {
    rogue.peer().options().tls.identity = rogue.identity(kStranger);
    rogue.peer().dial(rogue.now());
    rogue.expect_refused("a certificate of a root that nobody trusts", 10s);
    rogue.expect_honest_client();
}

void no_certificate(RogueClient& rogue) {
    rogue.peer().options().tls.identity.reset();
    rogue.peer().dial(rogue.now());
    rogue.expect_refused("a missing certificate", 10s);
    rogue.expect_honest_client();
}

void renegotiates_as_another(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().options().tls.identity = rogue.identity(kMallory);
    rogue.peer().soft_reset(rogue.now());
    rogue.pass_time(10s);
    const bool carried = rogue.echo();
    rogue.context().expect(!carried, "no packet passes under a key that another user's certificate made",
                           carried ? "an echo request is answered" : "an echo request is not answered");
    rogue.expect_honest_client();
}

// --- key method 2 -----------------------------------------------------------------------------------------------

void key_method_1(RogueClient& rogue) {
    rogue.peer().hooks.key_method = [](Bytes message) {
        message[kKeyMethodAt] = 1;
        return message;
    };
    rogue.peer().dial(rogue.now());
    rogue.expect_refused("key method 1", 10s);
    rogue.expect_honest_client();
}

void no_leading_zeros(RogueClient& rogue) {
    rogue.peer().hooks.key_method = [](Bytes message) {
        message[0] = 0xff;
        return message;
    };
    rogue.peer().dial(rogue.now());
    rogue.pass_time(10s);
    rogue.expect_honest_client();  // the four octets mean nothing to some
}

void oversize_length(RogueClient& rogue) {
    rogue.peer().hooks.key_method = [](Bytes message) {
        message[kOptionsAt] = message[kOptionsAt + 1] = 0xff;
        return message;
    };
    rogue.peer().dial(rogue.now());
    rogue.expect_refused("an options string of 65535 octets that never comes", 10s);
    rogue.expect_honest_client();
}

void endless_plaintext(RogueClient& rogue) {
    rogue.peer().hooks.key_method = [](Bytes message) {
        message.resize(60'000, 0x41);
        return message;
    };
    rogue.peer().dial(rogue.now());
    rogue.pass_time(10s);
    rogue.expect_honest_client();
}

void options_without_nul(RogueClient& rogue) {
    rogue.peer().hooks.key_method = [](Bytes message) {
        const std::size_t size = std::size_t{message[kOptionsAt]} << 8 | message[kOptionsAt + 1];
        message[kOptionsAt + 1 + size] = 'X';  // where its NUL was
        return message;
    };
    rogue.peer().dial(rogue.now());
    rogue.pass_time(10s);
    rogue.expect_honest_client();
}

void wrong_options(RogueClient& rogue) {
    rogue.peer().options().options_string =
        "V4,dev-type tap,link-mtu 1400,tun-mtu 9000,proto TCPv6,cipher AES-256-GCM,auth SHA512,keysize 256,"
        "key-method 2,tls-client";
    rogue.peer().dial(rogue.now());
    rogue.expect_up("an options string that does not match");
    rogue.expect_alive();
}

void wrong_options_strictly(RogueClient& rogue) {
    rogue.peer().options().options_string =
        "V4,dev-type tap,link-mtu 1400,tun-mtu 9000,proto TCPv6,cipher AES-256-GCM,auth SHA512,keysize 256,"
        "key-method 2,tls-client";
    rogue.peer().dial(rogue.now());
    rogue.expect_refused("an options string that does not match", 20s);
    rogue.expect_honest_client();
}

void strictly(topologies::Topology& topology) { gateway_of(topology).openvpn.strict_options_string = true; }

void no_peer_info(RogueClient& rogue) {
    rogue.peer().options().peer_info.clear();
    rogue.peer().dial(rogue.now());
    rogue.expect_up("an empty peer info");
    rogue.expect_alive();
}

void no_last_text(RogueClient& rogue) {
    rogue.peer().hooks.key_method = [](Bytes message) {
        std::size_t at = kOptionsAt;
        for (int texts = 0; texts < 3; ++texts) at += 2 + (std::size_t{message[at]} << 8 | message[at + 1]);
        message.resize(at);
        return message;
    };
    rogue.peer().dial(rogue.now());
    rogue.pass_time(10s);
    rogue.expect_honest_client();  // before OpenVPN 2.3 there was no such text, and some take it still
}

void bad_peer_info(RogueClient& rogue) {
    auto& info = rogue.peer().options().peer_info;
    for (int i = 0; i < 20; ++i) info.emplace_back(fmt::format("UV_{}", i), std::string(20, static_cast<char>(1 + i)));
    info.emplace_back("IV_PROTO", "not a number");
    info.emplace_back("", "=");
    rogue.peer().dial(rogue.now());
    rogue.expect_up("a peer info of control characters and empty names");
    rogue.expect_alive();
}

void no_common_cipher(RogueClient& rogue) {
    for (auto& [name, value] : rogue.peer().options().peer_info)
        if (name == "IV_CIPHERS") value = "BF-CBC:DES-EDE3-CBC";
    rogue.peer().options().options_string =
        "V4,dev-type tun,link-mtu 1541,tun-mtu 1500,proto UDPv4,cipher BF-CBC,auth SHA1,keysize 128,key-method 2,"
        "tls-client";
    rogue.peer().dial(rogue.now());
    rogue.expect_refused("having no cipher in common", 20s);
    rogue.expect_honest_client();
}

void oversize_username(RogueClient& rogue) {
    rogue.peer().options().credentials = Credentials{std::string(20'000, 'u'), std::string(20'000, 'p')};
    rogue.peer().dial(rogue.now());
    rogue.pass_time(10s);
    rogue.expect_honest_client();
}

// --- control messages -------------------------------------------------------------------------------------------

void push_request_flood(RogueClient& rogue) {
    if (!rogue.connect()) return;
    const auto before = rogue.peer().messages().size();
    for (int i = 0; i < 200; ++i) {
        rogue.peer().say(rogue.now(), "PUSH_REQUEST");
        rogue.pass_time(5ms);
    }
    rogue.pass_time(5s);
    const auto answers = rogue.peer().messages().size() - before;
    rogue.context().expect(answers <= 200, "the gateway answers each PUSH_REQUEST once at most",
                           fmt::format("{} answers", answers));
    rogue.expect_alive();
}

void messages_of_a_server(RogueClient& rogue) {
    if (!rogue.connect()) return;
    rogue.peer().say(rogue.now(), "PUSH_REPLY,ifconfig 10.60.0.9 255.255.255.0,route 0.0.0.0 0.0.0.0");
    rogue.peer().say(rogue.now(), "AUTH_FAILED,go away");
    rogue.peer().say(rogue.now(), "HALT,stop");
    rogue.peer().say(rogue.now(), "RESTART,[N]");
    rogue.peer().say(rogue.now(), std::string("INFO_PRE,") + std::string(500, 'x'));
    rogue.peer().say(rogue.now(), "XYZZY");
    rogue.peer().say(rogue.now(), "");
    rogue.pass_time(3s);
    rogue.expect_alive();
}

void message_without_end(RogueClient& rogue) {
    if (!rogue.connect()) return;
    for (int i = 0; i < 20; ++i) {
        rogue.peer().write_tls(rogue.now(), Bytes(1000, 'A'));
        rogue.pass_time(100ms);
    }
    rogue.pass_time(3s);
    rogue.expect_honest_client();
}

void exit_without_negotiation(RogueClient& rogue) {
    for (auto& [name, value] : rogue.peer().options().peer_info)
        if (name == "IV_PROTO") value = std::to_string(kIvProtoDataV2 | kIvProtoTlsKeyExport);
    if (!rogue.connect()) return;
    rogue.peer().say(rogue.now(), "EXIT");
    rogue.pass_time(5s);
    rogue.expect_honest_client();
}

}  // namespace

std::vector<Case> breaking_the_key_exchange() {
    return {
        against_gateway("tls-garbage", "OVPN-DEV-TLS-BROKEN", "Random octets in place of TLS get no tunnel",
                        garbage_instead_of_tls),
        against_gateway("tls-garbage-later", "OVPN-DEV-TLS-BROKEN",
                        "A broken TLS record is not acted upon, and harms nobody else", garbage_within_tls),
        against_gateway("certificate-of-stranger", "OVPN-DEV-TLS-BROKEN",
                        "A certificate of another root gets no tunnel", certificate_of_a_stranger),
        against_gateway("no-certificate", "OVPN-DEV-TLS-BROKEN", "A client without a certificate gets no tunnel",
                        no_certificate),
        against_gateway("renegotiated-certificate", "OVPN-DEV-SAME-PEER",
                        "A renegotiation under another user's certificate gives no key", renegotiates_as_another),
        against_gateway("key-method-1", "OVPN-DEV-KEY-METHOD", "Key method 1 gets no tunnel", key_method_1),
        against_gateway("key-method-zeros", "OVPN-DEV-KEY-METHOD",
                        "A key method message that does not begin with zeros harms nobody else", no_leading_zeros),
        against_gateway("key-method-length", "OVPN-DEV-KEY-METHOD",
                        "A key method message with a length that never comes gets no tunnel", oversize_length),
        against_gateway("key-method-endless", "OVPN-DEV-KEY-METHOD",
                        "A key method message of 60,000 octets harms nobody else", endless_plaintext),
        against_gateway("key-method-without-nul", "OVPN-DEV-KEY-METHOD",
                        "An options string without its NUL harms nobody else", options_without_nul),
        against_gateway("wrong-options", "OVPN-DEV-OPTIONS-STRING",
                        "An options string that does not match is taken by a lenient gateway", wrong_options),
        against_gateway("wrong-options-strict", "OVPN-DEV-OPTIONS-STRICT",
                        "An options string that does not match is refused by a strict gateway", wrong_options_strictly,
                        strictly, {{Side::Gateway, Feature::StrictOptions}}),
        against_gateway("no-peer-info", "OVPN-DEV-PEER-INFO", "A client without peer info gets a tunnel all the same",
                        no_peer_info),
        against_gateway("key-method-short", "OVPN-DEV-KEY-METHOD",
                        "A key method message that ends before its peer info harms nobody else", no_last_text),
        against_gateway("bad-peer-info", "OVPN-DEV-PEER-INFO", "Lines of peer info that cannot be are left out",
                        bad_peer_info),
        against_gateway("no-common-cipher", "OVPN-DEV-CIPHER", "A client without a common cipher gets no tunnel",
                        no_common_cipher),
        against_gateway("oversize-username", "OVPN-DEV-KEY-METHOD", "A user name of 20,000 octets harms nobody else",
                        oversize_username),
        against_gateway("push-request-flood", "OVPN-DEV-UNSOLICITED",
                        "Two hundred PUSH_REQUESTs cost no more than their answers", push_request_flood),
        against_gateway("messages-of-server", "OVPN-DEV-UNSOLICITED",
                        "Control messages that only a server sends are left alone", messages_of_a_server),
        against_gateway("message-without-end", "OVPN-DEV-UNSOLICITED",
                        "A control message that never ends harms nobody else", message_without_end),
        against_gateway("exit-not-negotiated", "OVPN-DEV-EXIT",
                        "EXIT from a client that did not offer it harms nobody else", exit_without_negotiation),
    };
}

}  // namespace gatelab::conformance::families
