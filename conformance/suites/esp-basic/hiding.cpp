// What anybody on the way can see.
#include <fmt/format.h>

#include <algorithm>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

bool holds(ByteView haystack, ByteView needle) {
    return std::search(haystack.begin(), haystack.end(), needle.begin(), needle.end()) != haystack.end();
}

// The addresses of an inner packet, and what follows its header: each long enough not to come up by chance.
std::vector<Bytes> traces_of(const WirePacket& inner) {
    const ByteView bytes{inner.bytes};
    std::vector<Bytes> traces = {copy_of(bytes.subspan(12, 8))};
    if (bytes.size() >= 36) traces.push_back(copy_of(bytes.subspan(20, 16)));
    return traces;
}

void hides(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect()) return;
    context.expect_traffic("alice", "app1", 3);
    context.expect_traffic("app1", "alice", 3);
    context.expect(inside.packets().size() >= 12, "the packets pass the virtual network in clear",
                   fmt::format("{}", inside.packets().size()));

    const auto* other = wire.first([](const WirePacket& packet) { return packet.kind == PacketKind::Other; });
    context.expect(!other, "on the Internet there is nothing but IKE and ESP",
                   other ? other->describe() : "nothing else");
    std::string seen;
    for (const auto& inner : inside.packets())
        for (const auto& trace : traces_of(inner))
            for (const auto& outer : wire.packets())
                if (seen.empty() && holds(outer.bytes, trace))
                    seen = fmt::format("{} holds {}", outer.describe(), to_hex(trace));
    context.expect(seen.empty(), "no packet on the Internet shows anything of an inner packet",
                   seen.empty() ? fmt::format("{} outer packets do not", wire.packets().size()) : seen);
}

}  // namespace

std::vector<Case> hiding() {
    const auto with_policy = [](const char* row) {
        return [row](const Pair& pair) {
            auto topology = remote_access(pair);
            client_of(topology).ipsec_policy = {row};
            return topology;
        };
    };
    return {
        {.id = "hides-inner-packets-with-gcm",
         .requirements = {"RFC4303-3.3.2-CONFIDENTIALITY"},
         .sentence = "With AES-GCM nothing of the inner packets can be read on the Internet.",
         .topology = with_policy("AES_GCM_16-256"),
         .check = hides},
        {.id = "hides-inner-packets-with-cbc",
         .requirements = {"RFC4303-3.3.2-CONFIDENTIALITY"},
         .sentence = "With AES-CBC nothing of the inner packets can be read on the Internet.",
         .topology = with_policy("AES_CBC-256/HMAC_SHA2_256_128"),
         .check = hides},
        {.id = "hides-inner-packets-behind-nat",
         .requirements = {"RFC4303-3.3.2-CONFIDENTIALITY", "RFC3948-2.1-ENCAPSULATION"},
         .sentence = "Behind a NAT nothing of the inner packets can be read on the Internet.",
         .topology = remote_access_behind_nat,
         .check = hides},
    };
}

}  // namespace gatelab::conformance::families
