// SSTP's crypto binding: proof that the end of the TLS connection is the one that authenticated inside PPP
// ([MS-SSTP] sections 3.2.5.2.2 to 3.2.5.2.4).
#pragma once

#include <optional>
#include <string_view>

#include "impl/mschap/mschapv2.h"
#include "impl/sstp/packet.h"

namespace gatelab::sstp {

using HigherLayerKey = std::array<std::uint8_t, 32>;  // HLAK; zeros where PPP's method has no keys

// MS-CHAPv2: the client's send key and then its receive key, which are the server's receive key and then its send key.
// A method without keys: zeros.
HigherLayerKey higher_layer_key(const std::optional<mschap::MasterKeys>&);

// The stronger of what both ends know: SHA-256 where the server offers it (SSTP-44); 0 when there is none.
std::uint8_t best_hash(std::uint8_t offered, std::uint8_t known);

// Digest of `hash` (kSha1 or kSha256) over the certificate's DER.
Digest certificate_hash(std::uint8_t hash, ByteView certificate_der);

// CMK, the key of the compound MAC: HMAC keyed with the HLAK over a label.
Digest compound_mac_key(std::uint8_t hash, const HigherLayerKey&);

// HMAC keyed with the CMK over the whole Call Connected (112 octets) with the MAC's field zero.
Digest compound_mac(std::uint8_t hash, const HigherLayerKey&, ByteView call_connected_without_mac);

// A Call Connected message with all of it.
Bytes call_connected(std::uint8_t hash, const Nonce&, const HigherLayerKey&, ByteView certificate_der);

// Which part does not hold, in a time that does not tell where they differ: "" for none, "hash-protocol", "nonce",
// "certificate-hash", "compound-mac".
std::string_view broken_part(ByteView call_connected, const CryptoBinding&, std::uint8_t offered_hashes, const Nonce&,
                             const HigherLayerKey&, ByteView certificate_der);

}  // namespace gatelab::sstp
