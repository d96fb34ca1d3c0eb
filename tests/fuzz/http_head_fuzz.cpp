// Any bytes as a stream that begins with a head, cut by its first octet; and what is in the head.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "impl/http/connect.h"
#include "impl/http/head.h"

namespace {

using namespace gatelab;

template <class Head>
void repeat(const Result<Head>& parsed, Result<Head> (*parse)(std::string_view)) {
    if (!parsed) return;
    const auto back = parse(as_text(encode(*parsed)));
    if (!back || back->fields != parsed->fields) __builtin_trap();
    static_cast<void>(http::content_length(parsed->fields));
    static_cast<void>(http::lists(parsed->fields, "Connection", "close"));
    if (const auto value = http::field(parsed->fields, "Proxy-Authorization"))
        static_cast<void>(http::parse_basic_authorization(*value));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t cut = data[0] % 64 + 1u;
    constexpr std::size_t kLimit = 1024;
    http::HeadReader reader{kLimit};
    for (ByteView rest{data + 1, size - 1}; !rest.empty();) {
        const auto piece = rest.first(std::min(cut, rest.size()));
        const auto head = reader.take(piece);
        if (reader.held() > kLimit) __builtin_trap();
        if (!head) break;
        if (*head) {
            if ((*head)->used == 0 || (*head)->used > piece.size() || (*head)->text.size() > kLimit) __builtin_trap();
            repeat<http::Request>(http::parse_request((*head)->text), http::parse_request);
            repeat<http::Response>(http::parse_response((*head)->text), http::parse_response);
            break;
        }
        rest = rest.subspan(piece.size());
    }
    return 0;
}
