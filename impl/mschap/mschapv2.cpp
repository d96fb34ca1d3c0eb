#include "impl/mschap/mschapv2.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "impl/crypto/algorithms.h"
#include "impl/crypto/legacy.h"

namespace gatelab::mschap {
namespace {

// RFC 2759 section 8.7.
constexpr std::string_view kSigning = "Magic server to client signing constant";
constexpr std::string_view kPadding = "Pad to make it do more than one iteration";

// RFC 3079 section 3.4.
constexpr std::string_view kMasterKey = "This is the MPPE Master Key";
constexpr std::string_view kClientSends =
    "On the client side, this is the send key; on the server side, it is the receive key.";
constexpr std::string_view kServerSends =
    "On the client side, this is the receive key; on the server side, it is the send key.";

// The first octets of SHA-1 over parts, one after the other.
template <std::size_t size>
std::array<std::uint8_t, size> sha1(std::initializer_list<ByteView> parts) {
    Bytes message;
    for (const auto part : parts) append(message, part);
    const auto digest = crypto::digest(crypto::Hash::Sha1, message);
    std::array<std::uint8_t, size> result;
    std::copy_n(digest.begin(), size, result.begin());
    return result;
}

std::string_view without_domain(std::string_view name) {
    const auto backslash = name.rfind('\\');
    return backslash == name.npos ? name : name.substr(backslash + 1);
}

// RFC 2759 section 8.5: the hash and five zeros are three keys of 56 bits.
NtResponse challenge_response(const ShortChallenge& challenge, const PasswordHash& hash) {
    std::array<std::uint8_t, 21> keys{};
    std::copy(hash.begin(), hash.end(), keys.begin());
    NtResponse response;
    for (std::size_t i = 0; i < 3; ++i) {
        const auto key = crypto::des_key(std::span<const std::uint8_t, 7>{keys.data() + 7 * i, 7});
        std::ranges::copy(crypto::des_encrypt(key, challenge), response.begin() + static_cast<std::ptrdiff_t>(8 * i));
    }
    return response;
}

// RFC 3079 section 3.4, GetAsymmetricStartKey with 128 bits.
MasterKey start_key(const MasterKey& master, std::string_view purpose) {
    std::array<std::uint8_t, 40> zeros{}, filler;
    filler.fill(0xf2);
    return sha1<16>({master, zeros, as_bytes(purpose), filler});
}

PasswordHash hash_of_hash(std::string_view password) { return crypto::md4(nt_password_hash(password)); }

}  // namespace

PasswordHash nt_password_hash(std::string_view password) {
    const auto text = utf16le(password);
    if (!text) {
        std::fprintf(stderr, "gatelab: MS-CHAPv2 was called with a password that is no UTF-8\n");
        std::abort();
    }
    return crypto::md4(*text);
}

ShortChallenge challenge_hash(const Challenge& peer, const Challenge& authenticator, std::string_view name) {
    return sha1<8>({peer, authenticator, as_bytes(without_domain(name))});
}

NtResponse nt_response(const Challenge& authenticator, const Challenge& peer, std::string_view name,
                       std::string_view password) {
    return challenge_response(challenge_hash(peer, authenticator, name), nt_password_hash(password));
}

std::string authenticator_response(std::string_view password, const NtResponse& response, const Challenge& peer,
                                   const Challenge& authenticator, std::string_view name) {
    const auto first = sha1<20>({hash_of_hash(password), response, as_bytes(kSigning)});
    auto digits = to_hex(sha1<20>({first, challenge_hash(peer, authenticator, name), as_bytes(kPadding)}));
    std::ranges::transform(digits, digits.begin(),
                           [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
    return "S=" + digits;
}

MasterKey master_key(std::string_view password, const NtResponse& response) {
    return sha1<16>({hash_of_hash(password), response, as_bytes(kMasterKey)});
}

MasterKeys master_keys(std::string_view password, const NtResponse& response) {
    const auto master = master_key(password, response);
    return {start_key(master, kClientSends), start_key(master, kServerSends)};
}

std::optional<Success> verify(std::string_view name, std::string_view password, const Challenge& authenticator,
                              const Response& response) {
    if (!utf16le(password)) return {};
    const auto expected = nt_response(authenticator, response.peer_challenge, name, password);
    if (!equal_in_constant_time(expected, response.nt_response)) return {};
    return Success{authenticator_response(password, expected, response.peer_challenge, authenticator, name),
                   master_keys(password, expected)};
}

}  // namespace gatelab::mschap
