// Diffie-Hellman modulo a prime. On OpenSSL's numbers rather than its DH keys: group 2 is not among the groups that
// those know, and their check of a peer's value costs a full exponentiation where RFC 6989 asks for none.
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <string>

#include "impl/crypto/key_agreement_state.h"

namespace gatelab::crypto {
namespace {

using Number = Owned<BIGNUM>;

// RFC 3526 section 8 has 220 to 320 bits for the 2048-bit group, by the strength one grants it; nothing asks for an
// exponent as long as the prime.
constexpr int kSafePrimeExponentBits = 256;

struct Modulus {
    Number prime;
    Number generator;
    Number order;        // of the subgroup; only where it is not (prime - 1) / 2
    Number largest;      // the private value, exclusive
    std::size_t octets;  // of the prime
};

Number number() { return Number{must(BN_new(), "a number")}; }
Number number(ByteView octets) {
    return Number{must(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr), "a number")};
}
Owned<BN_CTX> scratch() { return Owned<BN_CTX>{must(BN_CTX_secure_new(), "a number context")}; }

Modulus safe_prime(BIGNUM* prime) {
    Modulus result{Number{must(prime, "a prime")}, number(), nullptr, number(), 0};
    must(BN_set_word(result.generator.get(), 2) == 1 && BN_set_bit(result.largest.get(), kSafePrimeExponentBits) == 1,
         "a group");
    result.octets = static_cast<std::size_t>(BN_num_bytes(result.prime.get()));
    return result;
}

Number parameter(const EVP_PKEY* group, const char* name) {
    BIGNUM* value = nullptr;
    must(EVP_PKEY_get_bn_param(group, name, &value) == 1, "a group's parameter");
    return Number{value};
}

Modulus with_subgroup(const char* name) {
    Owned<EVP_PKEY_CTX> context{must(EVP_PKEY_CTX_new_from_name(nullptr, "DHX", nullptr), "X9.42 groups")};
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(name), 0),
                               OSSL_PARAM_END};
    EVP_PKEY* made = nullptr;
    must(EVP_PKEY_fromdata_init(context.get()) == 1 &&
             EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEY_PARAMETERS, parameters) == 1,
         "a group's name");
    const Owned<EVP_PKEY> group{made};
    Modulus result{parameter(made, OSSL_PKEY_PARAM_FFC_P), parameter(made, OSSL_PKEY_PARAM_FFC_G),
                   parameter(made, OSSL_PKEY_PARAM_FFC_Q), parameter(made, OSSL_PKEY_PARAM_FFC_Q), 0};
    result.octets = static_cast<std::size_t>(BN_num_bytes(result.prime.get()));
    return result;
}

const Modulus& modulus_of(Group group) {
    static const Modulus kSafe1024 = safe_prime(BN_get_rfc2409_prime_1024(nullptr));
    static const Modulus kSafe2048 = safe_prime(BN_get_rfc3526_prime_2048(nullptr));
    static const Modulus kWithSubgroup = with_subgroup("dh_2048_256");
    if (group == Group::Modp1024) return kSafe1024;
    return group == Group::Modp2048 ? kSafe2048 : kWithSubgroup;
}

Number power(const BIGNUM* base, const BIGNUM* exponent, const Modulus& modulus) {
    auto result = number();
    must(BN_mod_exp_mont_consttime(result.get(), base, exponent, modulus.prime.get(), scratch().get(), nullptr) == 1,
         "to exponentiate");
    return result;
}

// RFC 7296 section 2.14: padded with zeros to the length of the prime.
Bytes padded(const BIGNUM* value, const Modulus& modulus) {
    Bytes result(modulus.octets);
    must(BN_bn2binpad(value, result.data(), static_cast<int>(result.size())) >= 0, "to write a number");
    return result;
}

// RFC 6989 sections 2.1 and 2.2.
Result<Number> checked(Group group, ByteView value) {
    const auto& modulus = modulus_of(group);
    const auto where = [&] { return "public value of " + std::string{name_of(group)}; };
    if (value.size() != modulus.octets)
        return fail(Fault::Malformed, where() + ": " + std::to_string(value.size()) + " octets instead of " +
                                          std::to_string(modulus.octets));
    auto peer = number(value);
    auto last = number();
    must(BN_sub(last.get(), modulus.prime.get(), BN_value_one()) == 1, "to subtract");
    if (BN_cmp(peer.get(), BN_value_one()) <= 0 || BN_cmp(peer.get(), last.get()) >= 0)
        return fail(Fault::Malformed, where() + ": not between 1 and p - 1");
    if (modulus.order && !BN_is_one(power(peer.get(), modulus.order.get(), modulus).get()))
        return fail(Fault::Malformed, where() + ": outside the subgroup of order q");
    return peer;
}

struct Modp final : KeyAgreement::State {
    Modp(Group of, Bytes value, Number secret) : State(of, std::move(value)), private_value(std::move(secret)) {}

    Result<Bytes> derive(ByteView peer_public_value) const override {
        const auto peer = checked(group, peer_public_value);
        if (!peer) return pass(peer);
        const auto& modulus = modulus_of(group);
        return padded(power(peer->get(), private_value.get(), modulus).get(), modulus);
    }

    Number private_value;
};

}  // namespace

Result<AgreementState> make_modp(Group group, ByteView private_value) {
    const auto& modulus = modulus_of(group);
    auto secret = number(private_value);
    while (private_value.empty() && BN_is_zero(secret.get()))
        must(BN_priv_rand_range(secret.get(), modulus.largest.get()) == 1, "to draw a private value");
    if (BN_is_zero(secret.get()) || BN_cmp(secret.get(), modulus.prime.get()) >= 0)
        return fail(Fault::Malformed, "private value of " + std::string{name_of(group)} + ": out of range");
    auto value = padded(power(modulus.generator.get(), secret.get(), modulus).get(), modulus);
    return AgreementState{std::make_unique<Modp>(group, std::move(value), std::move(secret))};
}

}  // namespace gatelab::crypto
