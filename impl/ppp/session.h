// One PPP link, either role: frames and time in; frames, news and IPv4 packets out (RFC 1661, RFC 1332).
//
//   Dead --start()--> Establish (LCP) --> Authenticate --> Network (IPCP) --> Open
//     any of them --> Terminate --> Closed (with the reason)
//
// The server authenticates the client and hands out its address; the client asks for one, and for being asked who it
// is. LCP and IPCP run RFC 1661's automaton as its table (fsm.h). A link that is negotiated anew goes back, but not
// behind a sign-in: who has proved who it is, stays who it is, or the link is closed. SignInAsked, Authenticated and
// Opened come once. CCP and IPV6CP are rejected, as is every other protocol. What carries the link is the
// owner's: SSTP hands frames over as they are, an async line frames them first (async_hdlc.h).
//
// A frame here is protocol and information, without address and control, flags and checksum; on receipt the leading
// FF 03 and a compressed protocol field are accepted too.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/engine.h"
#include "impl/base/events.h"
#include "impl/base/function_ref.h"
#include "impl/base/random.h"
#include "impl/mschap/mschapv2.h"

namespace gatelab::ppp {

enum class Role { Client, Server };

enum class Authentication { Pap, MsChapV2 };  // RFC 1334, RFC 2759
std::string_view name_of(Authentication);     // "pap", "mschapv2"

struct Credentials {
    std::string name, password;  // each at most 255 octets
    friend bool operator==(const Credentials&, const Credentials&) = default;
};

struct Options {
    Role role = Role::Client;
    // Server: what it asks for, best first; a client that refuses one by a Nak is offered the one that it names if it
    // is here. Client: what it consents to. At least one.
    std::vector<Authentication> authentication{Authentication::MsChapV2};
    std::optional<Credentials> credentials;  // of a client; required of it
    std::string name = "gatelab";            // server: what it calls itself in challenges

    std::uint16_t mru = 1400;      // that we announce, 576 to 4091, and the least that we take from the peer
    bool address_control = false;  // true: frames begin with FF 03, as Windows' SSTP has them
    bool ask_for_dns = true;       // client: RFC 1877 options 129 and 131

    Duration restart = std::chrono::seconds(3);  // RFC 1661 section 4.6
    int max_configure = 10, max_terminate = 2, max_failure = 5;
    Duration authenticate_within = std::chrono::seconds(30);  // the owner's answer included
    Duration echo_after = std::chrono::seconds(30);           // of silence, in Open; 0: never
    int max_echo = 3;                                         // unanswered in a row, and the peer counts as gone
};

// How a client means to prove who it is; the server's owner judges it.
struct PapProof {
    std::string password;
};
struct MsChapV2Proof {
    mschap::Challenge challenge{};  // that we sent
    mschap::Response response;
};
struct SignIn {
    std::string name;  // as the client sent it, a "DOMAIN\" included
    std::variant<PapProof, MsChapV2Proof> proof;
};
// Judges a proof by a password that is known here; nothing when it does not hold, or the client calls itself neither
// `name` nor "DOMAIN\name". An RFC 2759 success for MS-CHAPv2, an empty one for PAP.
std::optional<mschap::Success> judge(const SignIn&, std::string_view name, std::string_view password);

// What a server gives to a client that has signed in.
struct Grant {
    mschap::Success success;       // of judge(), or of a RADIUS server
    Ipv4Address address;           // of the client
    Ipv4Address own;               // of the server, told in IPCP
    std::vector<Ipv4Address> dns;  // the first two are handed out
};

struct Agreed {
    Ipv4Address address;  // of the client
    Ipv4Address peer;     // of the server
    std::vector<Ipv4Address> dns;
    std::uint16_t mtu = 1400;  // of an IPv4 packet: the lesser of what the peer takes and our own mru
    friend bool operator==(const Agreed&, const Agreed&) = default;
};

enum class CloseReason {
    Requested,
    PeerTerminated,        // Terminate-Request
    PeerSilent,            // echoes or Configure-Requests without an answer
    AuthenticationFailed,  // either way, also: no authentication that both do
    NoAgreement,           // LCP or IPCP ended without what we need (an address, a MRU)
    ProtocolError,         // Code-Reject or Protocol-Reject of what PPP cannot do without, a looped link
};
std::string_view name_of(CloseReason);  // "authentication-failed", "no-agreement"

enum class Phase { Dead, Establish, Authenticate, Network, Open, Terminate, Closed };  // RFC 1661 section 3.2
std::string_view name_of(Phase);

struct Counters {
    std::uint64_t packets_in = 0, packets_out = 0;  // IPv4
    std::uint64_t foreign_source = 0;               // server: inner packets not from the client's address; dropped
    std::uint64_t malformed = 0, rejected_protocols = 0, echoes_sent = 0, echoes_answered = 0;
};

struct Status {
    Phase phase = Phase::Dead;
    std::string peer_name;  // server: who signed in; client: what the server calls itself
    std::optional<Authentication> authentication;
    std::optional<Agreed> agreed;
    Counters counters;
};

class Session {
public:
    struct Send {
        Bytes frame;
    };
    struct SignInAsked {
        SignIn sign_in;
    };  // server: answer with grant() or refuse(), at once or later
    // The client has proved who it is and, where the method does that, the server too. A server says so when the client
    // has been told; keys are there with MS-CHAPv2.
    struct Authenticated {
        std::optional<mschap::MasterKeys> keys;
    };
    struct Opened {
        Agreed agreed;
    };  // packets flow
    struct Closed {
        CloseReason reason;
        std::string detail;
    };  // the last output
    using Output = std::variant<Send, SignInAsked, Authenticated, Opened, Closed, Trace>;

    // Refused for options that contradict each other. `random` outlives the session.
    static Result<Session> create(Options, Random& random);
    ~Session();
    Session(Session&&) noexcept;
    Session& operator=(Session&&) noexcept;

    void start(Instant now);  // the lower layer is up
    // A frame that came in. What it has for the network goes to `deliver` as a whole IPv4 packet, without a copy; it is
    // not a packet unless Open.
    void handle_frame(Instant now, ByteView frame, FunctionRef<void(ByteView inner)> deliver);
    void handle_timeout(Instant now);
    std::optional<Instant> next_timeout() const;
    std::vector<Output> drain();

    void grant(Instant now, Grant);
    void refuse(Instant now, std::string reason);
    void close(Instant now);  // Terminate-Request, and Closed once it is answered or was repeated in vain

    // What stands before an IPv4 packet in a frame: "00 21", or with address_control "FF 03 00 21". Empty while packets
    // do not flow: then the packet must be dropped. Counts the packet. No octet of it is touched or copied.
    ByteView seal(Instant now, ByteView inner);

    Status status() const;
    const Options& options() const;

private:
    struct State;
    explicit Session(std::unique_ptr<State>);
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::ppp
