// The Authenticate phase (RFC 1661 section 3.5): one engine for each method and role, all of one shape.
//
// Another method, EAP in the first place, is one more of them in SignInEngine, one more Authentication, and its option
// in lcp.cpp.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "impl/base/random.h"
#include "impl/ppp/packet.h"
#include "impl/ppp/session.h"

namespace gatelab::ppp {

struct SignInSend {
    Protocol protocol;
    Bytes packet;
};
struct SignInProof {  // server: the owner judges it
    SignIn sign_in;
};
struct SignInDone {
    std::optional<mschap::MasterKeys> keys;
};
struct SignInFailed {
    std::string why;
};
struct SignInDropped {
    Error error;
};
using SignInOutput = std::variant<SignInSend, SignInProof, SignInDone, SignInFailed, SignInDropped>;

// Outside of the phase.
class NoSignIn {
public:
    void start(Instant) {}
    void handle_packet(Instant, const Packet&) {}
    void handle_timeout(Instant) {}
    std::optional<Instant> next_timeout() const { return {}; }
    std::vector<SignInOutput> drain() { return {}; }
};

// Answers a client's Authenticate-Request (RFC 1334 section 2).
class PapServer {
public:
    void start(Instant) {}  // the client begins
    void handle_packet(Instant, const Packet&);
    void grant(Instant, const mschap::Success&) { answer(true, "Welcome"); }
    void refuse(Instant, const std::string& reason) { answer(false, reason); }
    void handle_timeout(Instant) {}
    std::optional<Instant> next_timeout() const { return {}; }
    std::vector<SignInOutput> drain() { return std::exchange(outputs_, {}); }

private:
    void answer(bool granted, std::string_view message);
    std::uint8_t identifier_ = 0;    // of the last request
    bool is_asked_ = false;          // the owner has been asked
    std::uint8_t verdict_code_ = 0;  // of what was answered, repeated to a repeated request
    Bytes verdict_;
    void say(SignInOutput output) { outputs_.push_back(std::move(output)); }
    std::vector<SignInOutput> outputs_;
};

// Repeats its Authenticate-Request until it is answered.
class PapClient {
public:
    PapClient(Credentials credentials, Duration restart) : credentials_(std::move(credentials)), restart_(restart) {}
    void start(Instant now) { ask(now); }
    void handle_packet(Instant, const Packet&);
    void handle_timeout(Instant now);
    std::optional<Instant> next_timeout() const { return again_at_; }
    std::vector<SignInOutput> drain() { return std::exchange(outputs_, {}); }

private:
    void ask(Instant now);
    Credentials credentials_;
    Duration restart_;
    std::uint8_t identifier_ = 0;
    std::optional<Instant> again_at_;
    void say(SignInOutput output) { outputs_.push_back(std::move(output)); }
    std::vector<SignInOutput> outputs_;
};

// Challenges until a Response comes, with a new challenge each time (RFC 1994 section 4.1, RFC 2759).
class ChapServer {
public:
    ChapServer(std::string name, Duration restart, Random& random)
        : name_(std::move(name)), restart_(restart), random_(&random) {}
    void start(Instant now) { challenge(now); }
    void handle_packet(Instant, const Packet&);
    void grant(Instant, const mschap::Success&);
    void refuse(Instant, const std::string& reason);
    void handle_timeout(Instant now);
    std::optional<Instant> next_timeout() const { return again_at_; }
    std::vector<SignInOutput> drain() { return std::exchange(outputs_, {}); }

private:
    void challenge(Instant now);
    void answer();
    std::string name_;
    Duration restart_;
    Random* random_;
    std::uint8_t identifier_ = 0;
    mschap::Challenge challenge_{};
    bool is_asked_ = false;          // the owner has been asked about a response to this challenge
    std::uint8_t verdict_code_ = 0;  // of what was answered, repeated to a repeated response
    std::string verdict_;
    std::optional<Instant> again_at_;
    void say(SignInOutput output) { outputs_.push_back(std::move(output)); }
    std::vector<SignInOutput> outputs_;
};

// Answers challenges, at any time (RFC 1994 section 2), and repeats its Response until it is told what came of it.
class ChapClient {
public:
    ChapClient(Credentials credentials, Duration restart, Random& random)
        : credentials_(std::move(credentials)), restart_(restart), random_(&random) {}
    void start(Instant) {}  // the server begins
    void handle_packet(Instant, const Packet&);
    void handle_timeout(Instant now);
    std::optional<Instant> next_timeout() const { return again_at_; }
    std::vector<SignInOutput> drain() { return std::exchange(outputs_, {}); }
    const std::string& server_name() const { return server_name_; }

private:
    void take_challenge(Instant, const Packet&);
    void take_success(const Packet&);
    void take_failure(const Packet&);
    void send_response(Instant now);
    Credentials credentials_;
    Duration restart_;
    Random* random_;
    std::string server_name_;
    std::uint8_t identifier_ = 0;
    bool is_waiting_ = false;  // for what comes of our response
    mschap::Challenge challenge_{};
    mschap::Response response_;
    std::optional<Instant> again_at_;
    void say(SignInOutput output) { outputs_.push_back(std::move(output)); }
    std::vector<SignInOutput> outputs_;
};

using SignInEngine = std::variant<NoSignIn, PapServer, PapClient, ChapServer, ChapClient>;

}  // namespace gatelab::ppp
