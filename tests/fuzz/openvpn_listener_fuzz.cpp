// Any packets at a listener, over UDP from a few addresses and over TCP: each behind an octet that says where it comes
// from and two for its length. Sessions stay as few as was asked for.
#include <cstddef>
#include <cstdint>

#include "impl/crypto/certificates.h"
#include "impl/openvpn/listener.h"

namespace {

using namespace gatelab;
using namespace gatelab::openvpn;

constexpr Instant kNow = instant_from_unix(1'767'225'600);
constexpr std::size_t kHalfOpen = 3;

Options server(Transport transport) {
    static const auto root = [] {
        crypto::CertificateRequest request;
        request.common_name = "gw";
        request.purposes = {crypto::Purpose::ServerAuth};
        request.not_before = kNow - std::chrono::hours(24);
        request.not_after = kNow + std::chrono::hours(24);
        return crypto::make_root(request, crypto::PrivateKey::generate_ecdsa(256));
    }();
    Options options;
    options.role = Role::Server;
    options.transport = transport;
    options.tls.policy = tls::any_policy();
    options.tls.identity = root;
    return options;
}

void run(Listener& listener, ByteView bytes) {
    ByteReader reader{bytes};
    auto now = kNow;
    while (reader.remaining() > 3) {
        const auto from = reader.u8();
        const std::size_t size = std::min<std::size_t>(reader.u16(), reader.remaining());
        const auto packet = reader.bytes(size);
        const auto peer = from < 128 ? Listener::Peer{Endpoint{Ipv4Address{10, 0, 0, from}, 40000}}
                                     : Listener::Peer{ConnectionId{from}};
        static_cast<void>(listener.handle_packet(now, peer, packet));
        listener.handle_timeout(now += std::chrono::milliseconds(500));
        static_cast<void>(listener.drain());
        if (listener.size() > kHalfOpen) __builtin_trap();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    SeededRandom random{1, "fuzz"};
    for (const auto transport : {Transport::Udp, Transport::Tcp}) {
        ListenerOptions options;
        options.session = server(transport);
        options.half_open = kHalfOpen;
        auto listener = Listener::create(std::move(options), random).value();
        run(listener, {data, size});
    }
    return 0;
}
