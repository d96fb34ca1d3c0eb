// Anybody at port 443 of the gateway, while alice has a tunnel and bob wants one.
#include <fmt/format.h>

#include <memory>
#include <stdexcept>

#include "conformance/suites/sstp/steps.h"
#include "conformance/suites/suites.h"
#include "impl/base/random.h"
#include "impl/tls/engine.h"
#include "sim/pki.h"

namespace gatelab::conformance::families {
namespace {

using namespace sstp_steps;
using namespace topologies;
using namespace std::chrono_literals;

constexpr Ipv4Address kStrangersAddress{203, 0, 113, 66};
// A connection that has not become a tunnel is closed 60 s after it came.
constexpr Duration kPatience = 75s;

Topology with_stranger(const Pair& pair) {
    auto topology = sstp_access_behind_nat(pair);
    auto stranger = client_of(topology);
    stranger.implementation = Implementation::Absent;
    stranger.address = kStrangersAddress;
    const auto added = topologies::add_node(topology, {"stranger", std::move(stranger), {}, {}});
    Link link;
    link.name = "stranger-isp";
    topologies::add_link(topology, added, *topologies::find(topology, "isp"), std::move(link));
    return topology;
}

// One connection to the gateway from the stranger's machine: bare, or with TLS.
class Caller {
public:
    explicit Caller(Context& context, bool with_tls = false)
        : scenario_(context.scenario()), host_(context.scenario().host("stranger")) {
        if (with_tls) {
            tls::Options options;
            options.policy = tls::any_policy();
            options.server_name = kServerName;
            const auto pki = sim::prepare_pki(with_stranger(context.pair()), context.seed());
            options.roots = pki.value().trust({kServerRoot}).value();
            tls_.emplace(tls::Engine::create(std::move(options)).value());
        }
        stream_ = host_.connect_tcp({kGatewayAddress, kSstpPort}).value();
        stream_->set_callbacks({.connected =
                                    [this] {
                                        connected_ = true;
                                        if (!tls_) return;
                                        tls_->start(host_.now());
                                        pump();
                                    },
                                .received = [this](ByteView bytes) { take(bytes); },
                                .writable = {},
                                .closed = [this](const std::string&) { closed_ = true; }});
        scenario_.run_until([this] { return closed_ || (tls_ ? tls_->is_established() : connected_); }, 5s);
    }

    void say(std::string_view text) { say(as_bytes(text)); }
    void say(ByteView bytes) {
        if (closed_) return;
        if (tls_) {
            tls_->write(host_.now(), bytes);
            return pump();
        }
        said_ += stream_->write(bytes);
    }
    bool is_ready() const { return !closed_ && (tls_ ? tls_->is_established() : connected_); }
    bool was_closed() const { return closed_; }
    std::size_t said() const { return said_; }
    const std::string& heard() const { return heard_; }
    std::string first_line() const { return heard_.substr(0, heard_.find("\r\n")); }

private:
    void take(ByteView bytes) {
        if (!tls_) {
            heard_.append(bytes.begin(), bytes.end());
            return;
        }
        tls_->handle_bytes(host_.now(), bytes);
        pump();
    }
    void pump() {
        for (auto& output : tls_->drain()) {
            if (const auto* send = std::get_if<tls::Engine::Send>(&output)) {
                if (!closed_) stream_->write(send->records);
            } else if (const auto* text = std::get_if<tls::Engine::Received>(&output)) {
                heard_.append(text->plaintext.begin(), text->plaintext.end());
            }
        }
    }

    sim::Scenario& scenario_;
    Host& host_;
    std::optional<tls::Engine> tls_;
    std::unique_ptr<TcpStream> stream_;
    bool connected_ = false, closed_ = false;
    std::size_t said_ = 0;
    std::string heard_;
};

// Nothing has changed for anybody else: alice has her tunnel, and bob gets one.
void expect_served(Context& context) {
    context.expect_up("alice");
    carries_both_ways(context, "alice");
    if (!context.client("bob").status().up) context.connect("bob");
    carries_both_ways(context, "bob");
    context.expect_sessions(2);
}

bool expect_closed(Context& context, const Caller& caller, Duration limit) {
    const auto start = context.scenario().now();
    context.scenario().run_until([&] { return caller.was_closed(); }, limit);
    context.measure("closed_s", seconds(context.scenario().now() - start));
    return context.expect(caller.was_closed(), fmt::format("the stranger is hung up on within {} s", limit / 1s),
                          caller.was_closed() ? "he is" : "he is not");
}

void drops_the_silent(Context& context, bool with_tls) {
    if (!context.connect()) return;
    Caller caller{context, with_tls};
    if (!context.expect(caller.is_ready(), "the stranger gets through", "he does not")) return;
    context.scenario().run_for(5s);
    expect_served(context);
    expect_closed(context, caller, kPatience);
    context.expect(caller.heard().empty(), "without a word", caller.first_line());
    expect_served(context);
}

void drops_the_dripping(Context& context, bool with_tls) {
    if (!context.connect()) return;
    Caller caller{context, with_tls};
    if (!context.expect(caller.is_ready(), "the stranger gets through", "he does not")) return;
    // Bare: a TLS record that is long in coming. Within TLS: a request that is.
    const auto start = context.scenario().now();
    const std::string text = with_tls ? "SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\nX: "
                                      : std::string{"\x16\x03\x01\x3f\xff", 5};
    std::size_t at = 0;
    while (!caller.was_closed() && context.scenario().now() - start < kPatience) {
        caller.say(std::string(1, at < text.size() ? text[at] : 'x'));
        ++at;
        context.scenario().run_for(1s);
    }
    context.measure("octets", static_cast<double>(at));
    context.expect(caller.was_closed(), "who sends an octet a second is hung up on within 75 s",
                   caller.was_closed() ? "he is" : "he is not");
    expect_served(context);
}

void stops_endless_headers(Context& context) {
    if (!context.connect()) return;
    Caller caller{context, true};
    if (!context.expect(caller.is_ready(), "the stranger gets through", "he does not")) return;
    caller.say("SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n");
    std::size_t sent = 0;
    const std::string field = "X-More: " + std::string(990, 'x') + "\r\n";
    while (!caller.was_closed() && sent < 1'000'000) {
        caller.say(field);
        sent += field.size();
        context.scenario().run_for(20ms);
    }
    context.measure("octets", static_cast<double>(sent));
    context.expect(caller.was_closed() && sent < 64 * 1024, "a head without end is cut off within 64 KiB",
                   fmt::format("{} after {} octets", caller.was_closed() ? "cut off" : "going on", sent));
    context.expect_equal("the answer", "HTTP/1.1 431 Request Header Fields Too Large", caller.first_line());
    expect_served(context);
}

void survives_garbage(Context& context) {
    if (!context.connect()) return;
    SeededRandom random{1, "garbage"};
    std::size_t closed = 0, tried = 0;
    for (const std::size_t size : {1, 2, 5, 9, 100, 1400, 5000}) {
        for (const int first : {0x00, 0x10, 0x15, 0x16, 0x17, 0x80, 0xff}) {
            Caller caller{context};
            Bytes bytes(size);
            random.fill(bytes);
            bytes[0] = static_cast<std::uint8_t>(first);
            caller.say(bytes);
            context.scenario().run_for(200ms);
            ++tried;
            closed += caller.was_closed() ? 1 : 0;
        }
    }
    context.measure("closed_at_once", static_cast<double>(closed));
    context.expect(closed >= tried / 3, "who sends what can be no TLS is hung up on at once",
                   fmt::format("{} of {}", closed, tried));
    expect_served(context);
}

// Beyond HTTP's 200: what cannot be a packet of SSTP.
void drops_broken_packets(Context& context) {
    if (!context.connect()) return;
    Caller caller{context, true};
    caller.say(
        "SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n"
        "Host: vpn.gatelab.example\r\nContent-Length: 18446744073709551615\r\n\r\n");
    context.scenario().run_until([&] { return caller.heard().find("\r\n\r\n") != std::string::npos; }, 5s);
    context.expect_equal("the answer to the request", "HTTP/1.1 200 OK", caller.first_line());
    const auto before = caller.heard().size();
    caller.say(Bytes(64, 0x5a));
    expect_closed(context, caller, 5s);
    context.expect(caller.heard().size() == before, "a stream that cannot be cut into packets is not answered",
                   fmt::format("{} octets", caller.heard().size() - before));
    expect_served(context);
}

void waits_for_a_request(Context& context) {
    if (!context.connect()) return;
    Caller caller{context, true};
    caller.say(
        "SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n"
        "Host: vpn.gatelab.example\r\nContent-Length: 18446744073709551615\r\n\r\n");
    context.scenario().run_until([&] { return caller.heard().find("\r\n\r\n") != std::string::npos; }, 5s);
    context.expect_equal("the answer to the request", "HTTP/1.1 200 OK", caller.first_line());
    expect_closed(context, caller, 70s);
    expect_served(context);
}

// --- HTTP that is none of SSTP's ---

struct Question {
    const char* id;
    bool with_tls;
    const char* text;
    const char* answer;
    const char* sentence;
};

const Question kQuestions[] = {
    {"answers-plain-http", false, "GET / HTTP/1.1\r\nHost: vpn.gatelab.example\r\n\r\n", "HTTP/1.1 400 Bad Request",
     "A plain HTTP request at SSTP's port gets a plain HTTP answer."},
    {"answers-get-within-tls", true, "GET / HTTP/1.1\r\nHost: vpn.gatelab.example\r\n\r\n",
     "HTTP/1.1 405 Method Not Allowed", "A browser at SSTP's port is told that there is no such method."},
    {"answers-another-target", true, "SSTP_DUPLEX_POST /index.html HTTP/1.1\r\nHost: vpn.gatelab.example\r\n\r\n",
     "HTTP/1.1 404 Not Found", "SSTP's request for another URI than SSTP's finds nothing."},
    {"answers-an-older-version", true,
     "SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.0\r\nHost: vpn.gatelab.example\r\n\r\n",
     "HTTP/1.1 505 HTTP Version Not Supported", "SSTP's request by HTTP 1.0 is refused."},
};

void is_answered(Context& context, const Question& question) {
    if (!context.connect()) return;
    Caller caller{context, question.with_tls};
    if (!context.expect(caller.is_ready(), "the stranger gets through", "he does not")) return;
    caller.say(question.text);
    expect_closed(context, caller, 10s);
    context.expect_equal("the answer", question.answer, caller.first_line());
    expect_served(context);
}

}  // namespace

std::vector<Case> sstp_strangers() {
    std::vector<Case> all;
    const auto add = [&](std::string id, std::vector<std::string> requirements, std::string sentence,
                         std::function<void(Context&)> check) {
        all.push_back({.id = std::move(id),
                       .requirements = std::move(requirements),
                       .sentence = std::move(sentence),
                       .needs = {{Side::Both, Feature::VirtualTime}},
                       .topology = with_stranger,
                       .check = std::move(check),
                       .looks_at = Side::Gateway});
    };
    add("drops-a-silent-connection", {"SSTP-02"}, "Who connects and says nothing is hung up on within 75 s.",
        [](Context& context) { drops_the_silent(context, false); });
    add("drops-a-connection-silent-within-tls", {"SSTP-02"},
        "Who has TLS and asks for nothing is hung up on within 75 s.",
        [](Context& context) { drops_the_silent(context, true); });
    add("drops-a-dripping-connection", {"SSTP-02"}, "Who drips a TLS record is hung up on within 75 s.",
        [](Context& context) { drops_the_dripping(context, false); });
    add("drops-a-dripping-request", {"SSTP-02"}, "Who drips an HTTP request is hung up on within 75 s.",
        [](Context& context) { drops_the_dripping(context, true); });
    add("stops-an-endless-head", {"SSTP-02"}, "An HTTP head without end is cut off after some kilobytes.",
        stops_endless_headers);
    add("survives-garbage", {"SSTP-02"}, "Garbage from strangers does not disturb anybody.", survives_garbage);
    add("drops-a-stream-without-packets", {"SSTP-29"},
        "After the 200, bytes that are no packets of SSTP end the connection without a word.", drops_broken_packets);
    add("waits-a-minute-for-a-call", {"SSTP-25"}, "Who has his 200 and asks for no call is hung up on within 70 s.",
        waits_for_a_request);
    for (const auto& question : kQuestions)
        add(question.id, {"SSTP-02"}, question.sentence,
            [question](Context& context) { is_answered(context, question); });
    return all;
}

}  // namespace gatelab::conformance::families
