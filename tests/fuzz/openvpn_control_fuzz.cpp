// Any bytes as an OpenVPN control packet: bare, and through every protection, at both ends.
#include <cstddef>
#include <cstdint>

#include "impl/openvpn/control_protection.h"
#include "impl/openvpn/packet.h"
#include "impl/openvpn/wrapped_key.h"

namespace {

using namespace gatelab;
using namespace gatelab::openvpn;

constexpr Instant kNow = instant_from_unix(1'767'225'600);

struct Channels {
    TlsCryptV2ServerKey server_key;
    ControlChannel model[6];
};

Channels& channels() {
    SeededRandom random{1, "fuzz"};
    static auto v2 = TlsCryptV2ServerKey::generate(random);
    static const auto own = TlsCryptV2ClientKey::make(v2, random).value();
    static const auto key = StaticKey::generate(random);
    static Channels made{v2,
                         {ControlChannel{Unprotected{}, Role::Server}, ControlChannel{TlsAuth{key}, Role::Server},
                          ControlChannel{TlsCrypt{key}, Role::Server}, ControlChannel{TlsCrypt{key}, Role::Client},
                          ControlChannel{TlsCryptV2{v2}, Role::Server}, ControlChannel{TlsCryptV2{own}, Role::Client}}};
    return made;
}

// A packet that can be read is written as it was, apart from acknowledgements that do not fit any more.
void parse(ByteView bytes) {
    const auto packet = parse_control(bytes);
    if (packet && packet->acks.size() <= kMaxAcks && encode(*packet) != copy_of(bytes)) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes{data, size};
    parse(bytes);
    for (auto& model : channels().model) {
        auto channel = model.fresh();
        if (const auto plain = channel.unprotect(kNow, bytes)) parse(*plain);
    }
    if (!wrapped_key_in(bytes).empty())
        static_cast<void>(unwrap_client_key(channels().server_key, wrapped_key_in(bytes)));
    static_cast<void>(StaticKey::from_pem(as_text(bytes)));
    static_cast<void>(TlsCryptV2ClientKey::from_pem(as_text(bytes)));
    Deframer deframer{2048};
    static_cast<void>(deframer.feed(bytes, [](ByteSpan packet) { parse(packet); }));
    return 0;
}
