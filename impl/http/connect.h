// Asks an HTTP proxy for a tunnel (RFC 9110 section 9.3.6): CONNECT, and Basic authentication when it is asked for
// (RFC 7617).
//
//   Idle --start()--> Asked --2xx--> Open
//                       |  --407, with credentials, once--> Asked again, on the same connection or a new one
//                       +--anything else--> Refused
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/engine.h"
#include "impl/http/head.h"

namespace gatelab::http {

struct Credentials {
    std::string username, password;
    friend bool operator==(const Credentials&, const Credentials&) = default;
};
std::string basic_authorization(const Credentials&);                           // "Basic YWxhZGRpbjpvcGVu..."
std::optional<Credentials> parse_basic_authorization(std::string_view value);  // nothing when it is not that

class Connect {
public:
    struct Send {
        Bytes bytes;
    };
    struct Open {
        Bytes rest;  // what came after the answer: it belongs to the tunnel
    };
    struct Reconnect {};  // the proxy closes its connection: dial it again and call start()
    struct Refused {
        int status = 0;  // 0: no HTTP, or a head that is too long
        std::string detail;
    };  // the last output, as Open is
    using Output = std::variant<Send, Open, Reconnect, Refused>;

    // `target` is "host:port". Credentials are sent only when the proxy asks for them.
    Connect(std::string target, std::optional<Credentials> credentials);

    void start(Instant now);  // the connection to the proxy is up
    void handle_bytes(Instant now, ByteView bytes);
    void handle_closed(Instant now);  // the proxy hung up
    void handle_timeout(Instant) {}   // an owner limits it
    std::optional<Instant> next_timeout() const { return {}; }
    std::vector<Output> drain();

private:
    enum class State { Idle, Asked, SkippingBody, Done };
    void ask();
    void handle_head(const std::string& text);
    void handle_challenge(const Response&);
    void refuse(int status, std::string detail);

    std::string target_;
    std::optional<Credentials> credentials_;
    State state_ = State::Idle;
    bool answers_challenge_ = false;  // credentials go along
    bool reused_ = false;             // this connection has answered a request already
    std::uint64_t body_ = 0;          // octets of the answer's body that are to be skipped before the next request
    int interim_ = 0;                 // 1xx answers to this request
    HeadReader reader_;
    std::vector<Output> outputs_;
};

}  // namespace gatelab::http
