// Two PPP sessions on one wire, and one session whose peer is the test.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "impl/ppp/packet.h"
#include "impl/ppp/session.h"
#include "tests/support/engine_wire.h"
#include "tests/support/ip_packet.h"

namespace gatelab::ppp::test {

using gatelab::test::EngineWire;
using gatelab::test::Parcel;
using gatelab::test::WireQuality;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr Instant kStart = instant_from_unix(1'767'225'600);  // 2026-01-01
inline constexpr Ipv4Address kClientAddress{10, 60, 0, 2}, kServerAddress{10, 60, 0, 1}, kHost{10, 1, 0, 4};
inline constexpr Ipv4Address kDns1{10, 1, 0, 53}, kDns2{10, 1, 1, 53};

Options client_options(Authentication = Authentication::MsChapV2);
Options server_options(Authentication = Authentication::MsChapV2);
Grant usual_grant();

// A session and all that it said and delivered.
struct End {
    explicit End(Options, std::uint64_t seed = 1);

    template <class Event>
    std::vector<Event> all() const {
        std::vector<Event> found;
        for (const auto& output : said)
            if (const auto* event = std::get_if<Event>(&output)) found.push_back(*event);
        return found;
    }
    bool opened() const { return !all<Session::Opened>().empty(); }
    std::optional<CloseReason> closed() const;
    std::string why_closed() const;  // "requested: "
    Phase phase() const { return session.status().phase; }
    Counters counters() const { return session.status().counters; }
    // Takes what the session has to say; what it sends is returned. The owner's answer to a sign-in is `on_sign_in`.
    std::vector<Bytes> collect(Instant now);
    std::vector<Bytes> feed(Instant now, ByteView frame);

    SeededRandom random;
    Session session;
    std::vector<Session::Output> said;
    std::vector<Bytes> received;  // inner packets
    std::function<void(Instant, const SignIn&)> on_sign_in;
};

class Pair {
public:
    explicit Pair(Options client = client_options(), Options server = server_options(), std::uint64_t seed = 1,
                  WireQuality quality = {});

    void start();
    void run_for(Duration span);
    bool run_until(const std::function<bool()>& holds, Duration at_most = minutes(5));
    bool connect() {
        start();
        return run_until([&] { return client.opened() && server.opened(); });
    }
    void call(const std::function<void()>& command);  // to a session, then what it said
    bool send(End& from, ByteView inner);             // through the link

    Instant now = kStart;
    EngineWire wire;
    End client, server;
    std::vector<Parcel> sent;  // every frame that left, in order

private:
    void take(End& from, std::vector<Bytes> frames);
    bool step(Instant end);
    int turns_ = 0;  // since time last moved
};

// A control packet that a session sent, taken apart.
struct Heard {
    Protocol protocol = Protocol::Lcp;
    std::uint8_t code = 0, identifier = 0;
    Bytes data;
    bool is(Code expected) const { return code == static_cast<std::uint8_t>(expected); }
    // The value of an option of a Configure packet.
    std::optional<Bytes> option(std::uint8_t type) const;
};
std::vector<Heard> heard(const std::vector<Bytes>& frames);

Bytes frame_of(Protocol, std::uint8_t code, std::uint8_t identifier, ByteView data = {});
inline Bytes frame_of(Protocol protocol, Code code, std::uint8_t identifier, ByteView data = {}) {
    return frame_of(protocol, static_cast<std::uint8_t>(code), identifier, data);
}
Bytes ip_frame(ByteView packet);
// Options from hexadecimal, "0304c227 0506deadbeef".
Bytes hex(std::string_view);

// One session against the test, which brings it as far as it likes.
class Lone {
public:
    explicit Lone(Options options);

    std::vector<Heard> feed(Protocol, Code, std::uint8_t identifier, ByteView data = {});
    std::vector<Heard> feed(Protocol, std::uint8_t code, std::uint8_t identifier, ByteView data = {});
    std::vector<Heard> feed(ByteView frame);
    std::vector<Heard> wait(Duration span);  // handle_timeout() at each deadline up to then
    std::vector<Heard> start();
    std::vector<Heard> call(const std::function<void()>& command);

    // Acks what the session asked for last, and asks for `options` of `protocol`.
    std::vector<Heard> agree(Protocol, ByteView options);
    // Brings a session to its Network phase, as a client with PAP or as a server to one, or on to Open.
    void to_authenticate();
    void to_network();
    void to_open();

    Instant now = kStart;
    End end;
    std::vector<Heard> log;  // all that the session sent

private:
    std::vector<Heard> note(const std::vector<Bytes>& frames);
};

// The last Configure-Request of a protocol in a log.
Heard last_request(const std::vector<Heard>&, Protocol);

}  // namespace gatelab::ppp::test
