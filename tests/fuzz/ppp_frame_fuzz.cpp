// Any frames to a PPP link. The first octet says which: bit 0 a server, bit 1 with PAP, bit 2 the rest is an async
// line, bits 3 and 4 how far the link has come. Otherwise each frame stands behind its length of one octet; a length of
// zero lets three seconds pass.
#include <cstddef>
#include <cstdint>

#include "impl/ppp/async_hdlc.h"
#include "tests/impl/ppp/pair.h"

namespace {

using namespace gatelab;
using namespace gatelab::ppp;
using namespace gatelab::ppp::test;

Lone link_of(std::uint8_t kind) {
    const bool by_pap = kind & 2 || kind >> 3 & 3;  // the helper comes further with PAP only
    const auto method = by_pap ? Authentication::Pap : Authentication::MsChapV2;
    Lone lone{kind & 1 ? server_options(method) : client_options(method)};
    switch (kind >> 3 & 3) {
        case 0: lone.start(); break;
        case 1: lone.to_authenticate(); break;
        case 2: lone.to_network(); break;
        case 3: lone.to_open(); break;
    }
    return lone;
}

void feed_line(Lone& lone, ByteView line) {
    HdlcReader reader{256};
    reader.take(line, [&](ByteView frame) {
        if (frame.size() > 256) __builtin_trap();
        if (!lone.end.closed()) lone.feed(frame);
    });
}

void feed_frames(Lone& lone, ByteReader frames) {
    while (frames.remaining() > 0 && !lone.end.closed()) {
        const auto length = frames.u8();
        const auto said = length == 0 ? lone.wait(seconds(3)) : lone.feed(frames.bytes(length));
        if (said.size() > 20) __builtin_trap();  // one frame brings a handful at most
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const ByteView rest{data + 1, size - 1};
    auto lone = link_of(data[0]);
    if (data[0] & 4)
        feed_line(lone, rest);
    else
        feed_frames(lone, ByteReader{rest});
    if (!lone.end.closed()) lone.call([&] { lone.end.session.close(lone.now); });
    lone.wait(seconds(20));
    if (!lone.end.closed()) __builtin_trap();
    return 0;
}
