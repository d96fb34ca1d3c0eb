// Any bytes as an IKEv2 message: through the parser alone, and into an engine that knows SAs in every stage.
#include <cstddef>
#include <cstdint>

#include "impl/ikev2/engine.h"
#include "impl/ikev2/packet.h"
#include "impl/ikev2/payloads.h"

namespace {

using namespace gatelab;

constexpr Endpoint kHere{Ipv4Address{10, 2, 0, 2}, 500};
constexpr Endpoint kThere{Ipv4Address{10, 1, 0, 2}, 500};
constexpr Instant kNow = instant_from_unix(1'767'225'600);

ikev2::Connection connection() {
    ikev2::Connection made;
    made.name = "fuzz";
    made.local_identification = ikev2::Identification::fqdn("gw");
    made.credential = ikev2::PreSharedKey{Bytes{1, 2, 3}};
    made.peer.pre_shared_key = ikev2::PreSharedKey{Bytes{1, 2, 3}};
    made.ike_policy = {ikev2::parse_ike_suite("AES_GCM_16-256/PRF_HMAC_SHA2_256/ECP_256").value()};
    return made;
}

void parse(ByteView bytes) {
    const auto header = ikev2::parse_header(bytes);
    if (!header) return;
    const auto chain = ikev2::parse_payloads(header->next, bytes.subspan(ikev2::Header::kSize));
    if (!chain) return;
    ikev2::describe(*chain);
    const auto message = ikev2::parse_message(*chain);
    if (!message) return;
    if (message->id_initiator) {
        if (const auto identification = ikev2::parse_identification(*message->id_initiator)) to_string(*identification);
    }
}

// The payloads alone: what stands inside the encryption reaches the parser so, and past the header's checks.
void parse_inner(ByteView bytes) {
    if (bytes.empty()) return;
    const auto chain = ikev2::parse_payloads(static_cast<ikev2::PayloadType>(bytes[0]), bytes.subspan(1));
    if (chain) static_cast<void>(ikev2::parse_message(*chain));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes{data, size};
    parse(bytes);
    parse_inner(bytes);
    SeededRandom random{1, "fuzz"};
    ikev2::Engine engine{{connection()}, random};
    engine.initiate(kNow, connection(), {kHere, kThere});
    engine.handle_datagram(kNow, {kHere, kThere}, bytes);
    engine.handle_datagram(kNow, {{kHere.address, 4500}, kThere}, bytes);
    engine.drain();
    return 0;
}
