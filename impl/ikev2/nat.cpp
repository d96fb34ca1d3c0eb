#include "impl/ikev2/nat.h"

#include <algorithm>

#include "impl/crypto/algorithms.h"

namespace gatelab::ikev2 {

Bytes nat_detection_hash(std::uint64_t spi_i, std::uint64_t spi_r, const Endpoint& endpoint) {
    const Bytes message = ByteWriter{}.u64(spi_i).u64(spi_r).u32(endpoint.address.number()).u16(endpoint.port).take();
    return crypto::digest(crypto::Hash::Sha1, message);
}

OutgoingPayloads nat_detection_payloads(std::uint64_t spi_i, std::uint64_t spi_r, const Path& path) {
    return {encode_notify(NotifyType::NatDetectionSourceIp, nat_detection_hash(spi_i, spi_r, path.local)),
            encode_notify(NotifyType::NatDetectionDestinationIp, nat_detection_hash(spi_i, spi_r, path.remote))};
}

NatFinding find_nat(const Message& message, std::uint64_t spi_i, std::uint64_t spi_r, const Path& path) {
    // A peer with several addresses may send several source hashes; one that fits is enough.
    const auto mismatch = [&](NotifyType type, const Endpoint& seen) {
        const Bytes expected = nat_detection_hash(spi_i, spi_r, seen);
        bool any = false;
        for (const auto& notification : message.notifications) {
            if (notification.type != type) continue;
            any = true;
            if (std::equal(expected.begin(), expected.end(), notification.data.begin(), notification.data.end()))
                return false;
        }
        return any;
    };
    return {mismatch(NotifyType::NatDetectionDestinationIp, path.local),
            mismatch(NotifyType::NatDetectionSourceIp, path.remote)};
}

}  // namespace gatelab::ikev2
