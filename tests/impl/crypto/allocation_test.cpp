#include <gtest/gtest.h>

#include "impl/crypto/algorithms.h"
#include "tests/support/counted_heap.h"

namespace gatelab::crypto {
namespace {

TEST(HeapCount, SeesAnAllocation) {
    const HeapCount heap;
    const Bytes buffer(100);
    EXPECT_GE(heap.allocations(), 1u);
}

TEST(HeapCount, SeesAnAllocationInsideOpenSsl) {
    const HeapCount heap;
    AesGcm cipher{AesGcm::Direction::Seal, Bytes(32)};
    EXPECT_GE(heap.allocations(), 3u);
}

TEST(AesGcm, TakesNothingFromTheHeapPerCall) {
    AesGcm seal{AesGcm::Direction::Seal, Bytes(32)}, open{AesGcm::Direction::Open, Bytes(32)};
    Bytes nonce(12), text(1400), tag(16);
    const HeapCount heap;
    for (int i = 0; i < 10; ++i) {
        nonce[0] = static_cast<std::uint8_t>(i);
        seal.seal(nonce, {}, text, text, tag);
        EXPECT_TRUE(open.open(nonce, {}, text, tag, text));
    }
    EXPECT_EQ(heap.allocations(), 0u);
}

TEST(AesCbc, TakesNothingFromTheHeapPerCall) {
    AesCbc encrypt{AesCbc::Direction::Encrypt, Bytes(32)}, decrypt{AesCbc::Direction::Decrypt, Bytes(32)};
    Bytes iv(16), text(1408);
    const HeapCount heap;
    for (int i = 0; i < 10; ++i) {
        encrypt.apply(iv, text, text);
        decrypt.apply(iv, text, text);
    }
    EXPECT_EQ(heap.allocations(), 0u);
}

TEST(Hmac, TakesNothingFromTheHeapPerTag) {
    for (const auto hash : {Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512}) {
        Hmac mac{hash, Bytes(32)};
        const Bytes message(1400);
        Bytes tag(mac.size());
        const HeapCount heap;
        for (int i = 0; i < 10; ++i) mac.update(message).finish(tag);
        EXPECT_EQ(heap.allocations(), 0u);
    }
}

}  // namespace
}  // namespace gatelab::crypto
