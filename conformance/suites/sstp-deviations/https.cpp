// TLS and HTTP that break a rule, and the stream of packets behind them, towards a gateway.
#include <fmt/format.h>

#include "conformance/suites/sstp-deviations/trials.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace sstp_deviations;
using namespace std::chrono_literals;
using sstp::MessageType;

constexpr Duration kHttp = 75s;  // the minute of SSTP-02, and a moment

std::string replaced(Bytes head, std::string_view what, std::string_view by) {
    auto text = as_text(head);
    if (const auto at = text.find(what); at != std::string::npos) text.replace(at, what.size(), by);
    return text;
}

// The request with one thing changed is answered with `status`, and nothing more is said.
void expect_status(RogueClient& rogue, std::string what, std::string by, int status) {
    rogue.peer().hooks.http = [=](Bytes head) { return copy_of(as_bytes(replaced(std::move(head), what, by))); };
    rogue.node().dial();
    rogue.wait([&] { return rogue.peer().http_status() != 0 || rogue.node().was_closed(); });
    rogue.context().expect_equal("the HTTP answer", std::to_string(status), std::to_string(rogue.peer().http_status()));
    rogue.expect_hung_up("another request than SSTP's", 5s);
    rogue.expect_honest_client();
}

void wrong_method(RogueClient& rogue) { expect_status(rogue, "SSTP_DUPLEX_POST", "GET", 405); }
void wrong_uri(RogueClient& rogue) { expect_status(rogue, kSstpUri, "/", 404); }
void wrong_version(RogueClient& rogue) { expect_status(rogue, "HTTP/1.1", "HTTP/1.0", 505); }
void no_http(RogueClient& rogue) { expect_status(rogue, "SSTP_DUPLEX_POST ", "\x01\x02\x03", 400); }
void no_host(RogueClient& rogue) { expect_status(rogue, "Host", "Guest", 400); }
void head_without_end(RogueClient& rogue) {
    expect_status(rogue, "Host", "X: " + std::string(100'000, 'x') + "\r\nHost", 431);
}

void no_content_length(RogueClient& rogue) {
    rogue.peer().hooks.http = [](Bytes head) {
        return copy_of(as_bytes(replaced(std::move(head), "Content-Length: 18446744073709551615\r\n", "")));
    };
    rogue.node().dial();
    rogue.expect_up("a request without Content-Length, which a server does not judge");
    rogue.expect_alive();
}

void without_tls(RogueClient& rogue) {
    rogue.node().connect();
    rogue.node().write_stream(as_bytes("GET / HTTP/1.1\r\nHost: vpn.gatelab.example\r\n\r\n"));
    rogue.wait([&] { return rogue.node().was_closed(); });
    const auto answer = as_text(rogue.node().stream());
    rogue.context().expect(answer.starts_with("HTTP/1.1 400 "), "the answer is plain HTTP",
                           answer.substr(0, answer.find('\r')));
    rogue.expect_hung_up("a request without TLS", 5s);
    rogue.expect_honest_client();
}

void no_tls(RogueClient& rogue) {
    rogue.node().connect();
    rogue.node().write_stream(Bytes(600, 0x80));
    rogue.expect_hung_up("octets that are neither TLS nor HTTP", 5s);
    rogue.expect_honest_client();
}

void says_nothing(RogueClient& rogue) {
    rogue.node().connect();
    rogue.expect_hung_up("a client that says nothing", kHttp);
    rogue.expect_honest_client();
}

void silent_in_tls(RogueClient& rogue) {
    rogue.peer().hooks.http = [](const Bytes&) { return Bytes{}; };
    rogue.node().dial();
    rogue.expect_hung_up("a client that says nothing inside TLS", kHttp);
    rogue.expect_honest_client();
}

void drips(RogueClient& rogue) {
    rogue.peer().hooks.http = [](const Bytes&) { return Bytes{}; };
    rogue.node().dial();
    const auto head = rogue.peer().http_request();
    std::size_t sent = 0;
    for (; sent + 1 < head.size() && !rogue.node().was_closed(); ++sent) {
        rogue.peer().write(rogue.now(), ByteView{head}.subspan(sent, 1));
        rogue.pass_time(1s);
    }
    rogue.context().expect(rogue.node().was_closed() && sent <= static_cast<std::size_t>(kHttp / 1s),
                           "the gateway closes the connection when the minute is over",
                           (rogue.node().was_closed() ? "closed after " : "open after ") + std::to_string(sent) + " s");
    rogue.expect_honest_client();
}

// --- the stream of packets --------------------------------------------------------------------------------------

// What comes in the place of the Call Connect Request, whose octets it is given.
void instead_of_request(RogueClient& rogue, std::function<Bytes(Bytes)> make) {
    rogue.replace(MessageType::CallConnectRequest,
                  [make = std::move(make)](Bytes packet) { return std::vector<Bytes>{make(std::move(packet))}; });
    rogue.node().dial();
}

void wrong_sstp_version(RogueClient& rogue) {
    instead_of_request(rogue, [](Bytes packet) {
        packet[0] = 0x20;
        return packet;
    });
    rogue.expect_cut("a packet of version 2.0");
    rogue.expect_honest_client();
}

void too_short_length(RogueClient& rogue) {
    instead_of_request(rogue, [](Bytes packet) {
        packet[3] = 3;
        return packet;
    });
    rogue.expect_cut("a packet that is shorter than its header");
    rogue.expect_honest_client();
}

void too_long_length(RogueClient& rogue) {
    instead_of_request(rogue, [](Bytes packet) {
        packet[2] = 0x0f, packet[3] = 0xff;
        return packet;
    });
    rogue.pass_time(5s);
    rogue.context().expect(rogue.peer().packets() == 0, "a packet that is not whole is not answered",
                           fmt::format("{} packets", rogue.peer().packets()));
    rogue.expect_hung_up("a packet that never becomes whole", kHttp);
    rogue.expect_honest_client();
}

void reserved_bits(RogueClient& rogue) {
    // Every reserved bit of every packet: of the header, of its length, and of the attributes.
    rogue.peer().hooks.control = [](const sstp::Message& message, Bytes packet) {
        // The compound MAC covers what is sent: what it was made of stays as it is.
        if (message.type == MessageType::CallConnected) return std::vector<Bytes>{packet};
        packet[1] |= 0xfe;
        packet[2] |= 0xf0;
        if (packet.size() > 12) packet[8] = 0xff, packet[10] |= 0xf0;
        return std::vector<Bytes>{packet};
    };
    rogue.node().dial();
    rogue.expect_up("reserved bits that are set");
    rogue.expect_alive();
}

void short_control_packet(RogueClient& rogue) {
    instead_of_request(rogue, [](const Bytes&) { return Bytes{0x10, 1, 0, 6, 0, 1}; });
    rogue.expect_aborted("a control packet of six octets", sstp::StatusCode::InvalidFrameReceived);
    rogue.expect_honest_client();
}

void unknown_type(RogueClient& rogue) {
    instead_of_request(rogue, [](const Bytes&) { return control_packet(0x0123, 0, {}); });
    rogue.expect_aborted("a message type that does not exist", sstp::StatusCode::InvalidFrameReceived);
    rogue.expect_honest_client();
}

void attribute_beyond(RogueClient& rogue) {
    instead_of_request(rogue, [](Bytes packet) {
        packet[11] = 60;
        return packet;
    });
    rogue.expect_aborted("an attribute that ends beyond its packet", sstp::StatusCode::InvalidAttributeValueLength);
    rogue.expect_honest_client();
}

void attribute_too_short(RogueClient& rogue) {
    instead_of_request(rogue, [](Bytes packet) {
        packet[11] = 2;
        return packet;
    });
    rogue.expect_aborted("an attribute shorter than its header", sstp::StatusCode::InvalidAttributeValueLength);
    rogue.expect_honest_client();
}

void more_announced(RogueClient& rogue) {
    instead_of_request(rogue, [](Bytes packet) {
        packet[7] = 9;
        return packet;
    });
    rogue.expect_aborted("more attributes announced than there are");
    rogue.expect_honest_client();
}

void fewer_announced(RogueClient& rogue) {
    instead_of_request(rogue, [](Bytes packet) {
        packet[7] = 0;
        return packet;
    });
    rogue.expect_aborted("fewer attributes announced than there are");
    rogue.expect_honest_client();
}

void one_octet_a_record(RogueClient& rogue) {
    rogue.replace(MessageType::CallConnectRequest, [&](Bytes packet) {
        std::vector<Bytes> octets;
        for (const auto octet : packet) octets.push_back({octet});
        return octets;
    });
    rogue.node().dial();
    rogue.expect_up("a packet whose octets come in a TLS record each");
    rogue.expect_alive();
}

}  // namespace

std::vector<Case> breaking_https() {
    const std::vector<Need> hours = {{Side::Gateway, Feature::VirtualTime}};
    return {
        against_gateway("http-method", "SSTP-DEV-HTTP", "A request with another method is answered with 405",
                        wrong_method),
        against_gateway("http-uri", "SSTP-DEV-HTTP", "A request for another URI is answered with 404", wrong_uri),
        against_gateway("http-version", "SSTP-DEV-HTTP", "A request of HTTP/1.0 is answered with 505", wrong_version),
        against_gateway("http-garbage", "SSTP-DEV-HTTP", "What is no HTTP request is answered with 400", no_http),
        against_gateway("http-no-host", "SSTP-DEV-HTTP", "A request without Host is answered with 400", no_host),
        against_gateway("http-endless-head", "SSTP-DEV-BOUNDS", "A head of 100 kilobytes is answered with 431",
                        head_without_end),
        against_gateway("http-no-content-length", "SSTP-DEV-HTTP", "A server does not judge the Content-Length",
                        no_content_length),
        against_gateway("http-without-tls", "SSTP-DEV-PLAIN-HTTP", "A plain HTTP request gets a plain HTTP answer",
                        without_tls),
        against_gateway("no-tls", "SSTP-DEV-BOUNDS", "Octets that are neither TLS nor HTTP end the connection", no_tls),
        against_gateway("silence", "SSTP-DEV-BOUNDS", "A client that says nothing is dropped after a minute",
                        says_nothing, {}, hours),
        against_gateway("silence-in-tls", "SSTP-DEV-BOUNDS",
                        "A client that says nothing inside TLS is dropped after a minute", silent_in_tls, {}, hours),
        against_gateway("drip", "SSTP-DEV-BOUNDS", "A request that comes an octet a second is dropped after a minute",
                        drips, {}, hours),
        against_gateway("version", "SSTP-29", "A packet of another version ends the connection without a message",
                        wrong_sstp_version),
        against_gateway("length-too-short", "SSTP-29",
                        "A packet shorter than its header ends the connection without a message", too_short_length),
        against_gateway("length-too-long", "SSTP-29", "A packet that never becomes whole is waited for in bounds",
                        too_long_length, {}, hours),
        against_gateway("reserved-bits", "SSTP-13", "Reserved bits that are set are ignored", reserved_bits),
        against_gateway("control-too-short", "SSTP-29", "A control packet without a whole head is aborted",
                        short_control_packet),
        against_gateway("unknown-message", "SSTP-29", "A message of an unknown type is aborted", unknown_type),
        against_gateway("attribute-too-long", "SSTP-DEV-ATTRIBUTES",
                        "An attribute that ends beyond its packet is aborted", attribute_beyond),
        against_gateway("attribute-too-short", "SSTP-DEV-ATTRIBUTES", "An attribute shorter than its header is aborted",
                        attribute_too_short),
        against_gateway("attributes-missing", "SSTP-DEV-ATTRIBUTES",
                        "More attributes announced than there are: aborted", more_announced),
        against_gateway("attributes-left-over", "SSTP-DEV-ATTRIBUTES",
                        "Fewer attributes announced than there are: aborted", fewer_announced),
        against_gateway("octet-by-octet", "SSTP-29", "A packet may come an octet at a time", one_octet_a_record),
    };
}

}  // namespace gatelab::conformance::families
