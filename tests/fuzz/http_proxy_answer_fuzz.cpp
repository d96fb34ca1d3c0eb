// Any bytes as what a proxy answers, cut by the first octet, which also says whether there are credentials.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "impl/http/connect.h"

namespace {

using namespace gatelab;

constexpr Instant kNow = instant_from_unix(1'767'225'600);

struct Heard {
    int requests = 0, ends = 0;
};

void take(http::Connect& connect, Heard& heard) {
    for (const auto& output : connect.drain()) {
        if (heard.ends > 0) __builtin_trap();  // the last output was not the last
        if (std::get_if<http::Connect::Send>(&output)) ++heard.requests;
        if (std::get_if<http::Connect::Open>(&output) || std::get_if<http::Connect::Refused>(&output)) ++heard.ends;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t cut = data[0] % 64 + 1u;
    std::optional<http::Credentials> credentials;
    if ((data[0] & 0x80) != 0) credentials = http::Credentials{"alice", "secret"};
    http::Connect connect{"vpn.example:443", credentials};
    Heard heard;
    connect.start(kNow);
    for (ByteView rest{data + 1, size - 1}; !rest.empty();) {
        const auto piece = rest.first(std::min(cut, rest.size()));
        connect.handle_bytes(kNow, piece);
        take(connect, heard);
        connect.start(kNow);  // as after a Reconnect; at other times it does nothing
        rest = rest.subspan(piece.size());
    }
    connect.handle_closed(kNow);
    connect.start(kNow);
    take(connect, heard);
    if (heard.requests > 3) __builtin_trap();  // asked; with credentials; on a new connection with credentials
    return 0;
}
