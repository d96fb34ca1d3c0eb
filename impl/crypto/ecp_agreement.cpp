// Diffie-Hellman on NIST curves, in the encoding of RFC 5903.
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <string>

#include "impl/crypto/key_agreement_state.h"

namespace gatelab::crypto {
namespace {

struct FreeEc {
    void operator()(EC_GROUP* curve) const { EC_GROUP_free(curve); }
    void operator()(EC_POINT* point) const { EC_POINT_clear_free(point); }
};
using Curve = std::unique_ptr<EC_GROUP, FreeEc>;
using Point = std::unique_ptr<EC_POINT, FreeEc>;

const EC_GROUP* curve_of(Group group) {
    static const Curve k256{must(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1), "P-256")};
    static const Curve k384{must(EC_GROUP_new_by_curve_name(NID_secp384r1), "P-384")};
    return (group == Group::Ecp256 ? k256 : k384).get();
}

std::size_t coordinate_size(Group group) { return group == Group::Ecp256 ? 32 : 48; }

Point point(const EC_GROUP* curve) { return Point{must(EC_POINT_new(curve), "a point")}; }
Owned<BN_CTX> scratch() { return Owned<BN_CTX>{must(BN_CTX_secure_new(), "a number context")}; }

constexpr std::uint8_t kUncompressed = 4;  // SEC 1 section 2.3.3; KE payloads leave this octet out

// x then y.
Bytes encoded(Group group, const EC_POINT* value) {
    Bytes octets(1 + 2 * coordinate_size(group));
    const auto written = EC_POINT_point2oct(curve_of(group), value, POINT_CONVERSION_UNCOMPRESSED, octets.data(),
                                            octets.size(), scratch().get());
    must(written == octets.size(), "to write a point");
    octets.erase(octets.begin());
    return octets;
}

// RFC 6989 section 2.3: both coordinates below the prime, on the curve. The point at infinity has no such encoding.
Result<Point> checked(Group group, ByteView value) {
    const auto where = [&] { return "public value of " + std::string{name_of(group)}; };
    if (value.size() != 2 * coordinate_size(group))
        return fail(Fault::Malformed, where() + ": " + std::to_string(value.size()) + " octets instead of " +
                                          std::to_string(2 * coordinate_size(group)));
    Bytes octets{kUncompressed};
    append(octets, value);
    auto peer = point(curve_of(group));
    if (EC_POINT_oct2point(curve_of(group), peer.get(), octets.data(), octets.size(), scratch().get()) != 1)
        return fail(Fault::Malformed, where() + ": " + take_openssl_error());
    return peer;
}

struct Ecp final : KeyAgreement::State {
    Ecp(Group of, Bytes value, Owned<BIGNUM> secret) : State(of, std::move(value)), private_value(std::move(secret)) {}

    Result<Bytes> derive(ByteView peer_public_value) const override {
        const auto peer = checked(group, peer_public_value);
        if (!peer) return pass(peer);
        auto shared = point(curve_of(group));
        must(EC_POINT_mul(curve_of(group), shared.get(), nullptr, peer->get(), private_value.get(), scratch().get()) ==
                 1,
             "to multiply a point");
        Bytes result = encoded(group, shared.get());
        result.resize(coordinate_size(group));  // x alone: RFC 5903 section 9
        return result;
    }

    Owned<BIGNUM> private_value;
};

}  // namespace

Result<AgreementState> make_ecp(Group group, ByteView private_value) {
    const auto* curve = curve_of(group);
    const auto* order = EC_GROUP_get0_order(curve);
    Owned<BIGNUM> secret{
        must(BN_bin2bn(private_value.data(), static_cast<int>(private_value.size()), nullptr), "a number")};
    while (private_value.empty() && BN_is_zero(secret.get()))
        must(BN_priv_rand_range(secret.get(), order) == 1, "to draw a private value");
    if (BN_is_zero(secret.get()) || BN_cmp(secret.get(), order) >= 0)
        return fail(Fault::Malformed, "private value of " + std::string{name_of(group)} + ": out of range");
    auto mine = point(curve);
    must(EC_POINT_mul(curve, mine.get(), secret.get(), nullptr, nullptr, scratch().get()) == 1, "to multiply a point");
    return AgreementState{std::make_unique<Ecp>(group, encoded(group, mine.get()), std::move(secret))};
}

}  // namespace gatelab::crypto
