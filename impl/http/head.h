// Heads of HTTP/1.1 messages (RFC 9112 sections 2 to 5): the start line and the fields, without bodies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/result.h"
#include "impl/base/time.h"

namespace gatelab::http {

using Fields = std::vector<std::pair<std::string, std::string>>;  // in order, as they were written

struct Request {
    std::string method, target, version;  // "SSTP_DUPLEX_POST", "/sra_{...}/", "HTTP/1.1"
    Fields fields;
};
struct Response {
    int status = 0;  // 100 to 599
    std::string reason, version;
    Fields fields;
};

// The value of the first field of that name, whatever its case; nothing when there is none.
std::optional<std::string_view> field(const Fields&, std::string_view name);

// Whether a field of that name lists `token`, whatever the case of either: "close" in "Connection: TE, close".
bool lists(const Fields&, std::string_view name, std::string_view token);

// Content-Length (RFC 9112 section 6.2): nothing without one; Malformed when it is no number below 2^64, or several
// that differ.
Result<std::optional<std::uint64_t>> content_length(const Fields&);

// What goes in comes out as it is: no line breaks in it.
Bytes encode(const Request&);
Bytes encode(const Response&);
// A whole head with its empty line; Malformed says what is wrong with which line.
Result<Request> parse_request(std::string_view head);
Result<Response> parse_response(std::string_view head);

// "Thu, 09 Nov 2006 00:51:09 GMT" (RFC 9110 section 5.6.7).
std::string date(Instant);

// An answer with a short text as body, after which the connection is closed.
Bytes plain_answer(int status, std::string_view reason, std::string_view text, const Fields& more = {});

// Collects a head from a stream in any cut. Holds at most `limit` octets; Refused once a head is longer, so a peer can
// neither drip nor pour for ever (time is the owner's business).
class HeadReader {
public:
    explicit HeadReader(std::size_t limit = 16 * 1024) : limit_(limit) {}

    struct Head {
        std::string text;      // with its empty line
        std::size_t used = 0;  // octets of the last call's bytes that belong to it; the rest follows it
    };
    // Nothing yet: call again with what comes. After a head it starts over.
    Result<std::optional<Head>> take(ByteView bytes);
    std::size_t held() const { return text_.size(); }

private:
    std::size_t limit_;
    std::string text_;
};

}  // namespace gatelab::http
