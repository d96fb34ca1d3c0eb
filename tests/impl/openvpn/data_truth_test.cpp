// Packets put together by hand from the description, and authentic ones that no honest peer sends.
#include <gtest/gtest.h>

#include "tests/impl/openvpn/data_support.h"

namespace gatelab::openvpn {
namespace {

const DataForm kGcm{"", DataCipher::Aes256Gcm, crypto::Hash::Sha1, true};
const DataForm kGcmV1{"", DataCipher::Aes256Gcm, crypto::Hash::Sha1, false};
const DataForm kCbc{"", DataCipher::Aes256Cbc, crypto::Hash::Sha256, true};

ByteView slice(const DataKeys& keys, std::size_t at, std::size_t size) {
    return ByteView{keys.bytes}.subspan(at, size);
}

// As a client seals: the first half of the key material.
Bytes aead_by_hand(ByteView head, ByteView inner, bool covers_head) {
    const auto keys = some_keys();
    const Bytes id{0, 0, 0, 9};
    Bytes nonce = id;
    append(nonce, slice(keys, 64, 8));
    Bytes covered = covers_head ? copy_of(head) : Bytes{};
    append(covered, id);
    Bytes text(inner.size()), tag(16);
    crypto::AesGcm{crypto::AesGcm::Direction::Seal, slice(keys, 0, 32)}.seal(nonce, covered, inner, text, tag);
    Bytes packet = copy_of(head);
    for (const auto& part : {id, tag, text}) append(packet, part);
    return packet;
}

Bytes cbc_by_hand(ByteView head, ByteView text) {
    const auto keys = some_keys();
    const Bytes iv(16, 0x77);
    Bytes covered = iv;
    covered.resize(16 + text.size());
    crypto::AesCbc{crypto::AesCbc::Direction::Encrypt, slice(keys, 0, 32)}.apply(iv, text,
                                                                                 ByteSpan{covered}.subspan(16));
    Bytes packet = copy_of(head);
    append(packet, crypto::hmac(crypto::Hash::Sha256, slice(keys, 64, 32), covered));
    append(packet, covered);
    return packet;
}

DataChannel server(const DataForm& form) {
    static SeededRandom random{7};
    return DataChannel{data_parameters(form, Role::Server), random};
}

const Bytes kHeadV1{6 << 3 | 5}, kHeadV2{9 << 3 | 5, 1, 2, 3};

TEST(DataPacket, OfAeadCoversTheHeadWithAPeerIdOnly) {
    auto end = server(kGcm);
    EXPECT_EQ(opened(end, aead_by_hand(kHeadV2, Bytes(20, 1), false)), tl::unexpected<DataDrop>(DataDrop::Unauthentic));
    EXPECT_EQ(opened(end, aead_by_hand(kHeadV2, Bytes(20, 1), true)), Bytes(20, 1));
    auto old = server(kGcmV1);
    EXPECT_EQ(opened(old, aead_by_hand(kHeadV1, Bytes(20, 1), true)), tl::unexpected<DataDrop>(DataDrop::Unauthentic));
    EXPECT_EQ(opened(old, aead_by_hand(kHeadV1, Bytes(20, 1), false)), Bytes(20, 1));
}

TEST(DataPacket, OfAeadWithoutAnInnerPacketIsMalformed) {
    auto end = server(kGcm);
    EXPECT_EQ(opened(end, aead_by_hand(kHeadV2, {}, true)), tl::unexpected<DataDrop>(DataDrop::Malformed));
}

TEST(DataPacket, OfCbcHasItsPacketIdInTheText) {
    auto end = server(kCbc);
    const auto text = ByteWriter{}.u32(9).u16(0xcafe).bytes(Bytes(10, 10)).take();
    EXPECT_EQ(opened(end, cbc_by_hand(kHeadV2, text)), (Bytes{0xca, 0xfe}));
    EXPECT_EQ(opened(end, cbc_by_hand(kHeadV2, text)), tl::unexpected<DataDrop>(DataDrop::Replayed));
}

TEST(DataPacket, OfCbcWithAnImpossiblePaddingIsMalformed) {
    auto end = server(kCbc);
    const auto with_tail = [](ByteView tail) {
        return ByteWriter{}.bytes(Bytes(16 - tail.size(), 0x41)).bytes(tail).take();
    };
    for (const auto& text :
         {with_tail(Bytes{0}), with_tail(Bytes{17}), with_tail(Bytes{255}), with_tail(Bytes{1, 3, 3}), Bytes(16, 16),
          with_tail(Bytes(12, 12)), with_tail(Bytes(14, 14))})
        EXPECT_EQ(opened(end, cbc_by_hand(kHeadV2, text)), tl::unexpected<DataDrop>(DataDrop::Malformed));
    EXPECT_EQ(end.counters().malformed, 7u);
    EXPECT_EQ(end.counters().packets_in, 0u);
}

TEST(DataPacket, WithIdZeroIsRefused) {
    auto end = server(kCbc);
    const auto text = ByteWriter{}.u32(0).u16(0xcafe).bytes(Bytes(10, 10)).take();
    EXPECT_EQ(opened(end, cbc_by_hand(kHeadV2, text)), tl::unexpected<DataDrop>(DataDrop::Replayed));
}

TEST(DataPacket, ForKeepingAliveAndForLeavingAreTheRealProgramsOwn) {
    EXPECT_EQ(to_hex(kPingPacket), "2a187bf3641eb4cb07ed2d0a981fc748");
    EXPECT_EQ(to_hex(kExitPacket), "287f346bd4ef7a812d56b8d3afc5459c06");
}

}  // namespace
}  // namespace gatelab::openvpn
