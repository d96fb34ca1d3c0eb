// MS-CHAPv2 (RFC 2759) and the MPPE master keys that it yields (RFC 3079 section 3): pure functions, for PPP and for
// EAP-MSCHAPv2.
//
// Passwords are UTF-8 here and UTF-16LE on the wire. A name is hashed without a "DOMAIN\" before it
// (RFC 2759 section 8.2).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "impl/base/bytes.h"
#include "impl/base/result.h"

namespace gatelab::mschap {

using Challenge = std::array<std::uint8_t, 16>;
using ShortChallenge = std::array<std::uint8_t, 8>;
using NtResponse = std::array<std::uint8_t, 24>;
using PasswordHash = std::array<std::uint8_t, 16>;
using MasterKey = std::array<std::uint8_t, 16>;

// The Value of a Response packet, 49 octets (RFC 2759 section 4).
struct Response {
    Challenge peer_challenge{};
    NtResponse nt_response{};
    std::uint8_t flags = 0;  // sent as zero, ignored
    friend bool operator==(const Response&, const Response&) = default;
};
constexpr std::size_t kResponseSize = 49;
Bytes encode(const Response&);
Result<Response> parse_response(ByteView value);  // Malformed unless it has 49 octets

// What both ends hold after a success. `send` and `receive` are the client's (RFC 3079 section 3.3: MasterSendKey and
// MasterReceiveKey of the peer that was authenticated); a server's are the other way round.
struct MasterKeys {
    MasterKey send{}, receive{};
    friend bool operator==(const MasterKeys&, const MasterKeys&) = default;
};

// What an authenticator tells a peer that has proved who it is.
struct Success {
    std::string authenticator_response;  // "S=" and 40 upper-case hexadecimal digits (RFC 2759 section 8.7)
    MasterKeys keys;
};

// A password as RFC 2759 has it, surrogate pairs where they are needed. Malformed, with the position, on what is no
// UTF-8. Whoever takes a password from outside asks this first: the functions below end the process on such a one.
Result<Bytes> utf16le(std::string_view utf8);

PasswordHash nt_password_hash(std::string_view password);  // RFC 2759 section 8.3
// What is encrypted: the challenge that stands for both and for the name (RFC 2759 section 8.2).
ShortChallenge challenge_hash(const Challenge& peer, const Challenge& authenticator, std::string_view name);
NtResponse nt_response(const Challenge& authenticator, const Challenge& peer, std::string_view name,
                       std::string_view password);
std::string authenticator_response(std::string_view password, const NtResponse&, const Challenge& peer,
                                   const Challenge& authenticator, std::string_view name);
MasterKey master_key(std::string_view password, const NtResponse&);    // RFC 3079 section 3.4, GetMasterKey
MasterKeys master_keys(std::string_view password, const NtResponse&);  // of 128 bits each

// An authenticator's judgement; nothing when the response is not of this name and password, or the password no UTF-8.
// Takes the same time wherever it differs.
std::optional<Success> verify(std::string_view name, std::string_view password, const Challenge& authenticator,
                              const Response&);

// The message of a Success packet: "S=<40 digits> M=<text>". False when the digits are others, or there are none.
bool proves(std::string_view message, std::string_view authenticator_response);

// The message of a Failure packet, "E=691 R=1 C=<32 digits> V=3 M=<text>" (RFC 2759 section 6).
struct Failure {
    int error = 691;  // 646, 647, 648, 649, 691, 709
    bool may_retry = false;
    Challenge challenge{};
    std::string text;
};
std::string encode(const Failure&);
// Nothing unless it has an error number. Unknown fields are passed over; a challenge that is none is zero.
std::optional<Failure> parse_failure(std::string_view message);

}  // namespace gatelab::mschap
