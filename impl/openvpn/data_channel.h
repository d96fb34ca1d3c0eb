// The data channel of one key: whole P_DATA packets from inner packets and back. Nothing is allocated per packet.
//
//   AEAD  opcode and key id [, peer id, 3 octets: P_DATA_V2] | packet id, 4 octets | tag, 16 octets | ciphertext
//         nonce = packet id, then 8 octets from the HMAC key; associated data = everything before the tag with
//         P_DATA_V2, the packet id alone with P_DATA_V1
//   CBC   opcode and key id [, peer id] | HMAC | IV, 16 octets | ciphertext of packet id, 4 octets, and inner packet
//         (the HMAC covers IV and ciphertext, and neither opcode nor peer id)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "impl/base/bytes.h"
#include "impl/base/random.h"
#include "impl/base/time.h"
#include "impl/openvpn/key_method.h"

namespace gatelab::openvpn {

struct DataParameters {
    DataKeys keys;
    Role role = Role::Client;  // ours
    DataCipher cipher = DataCipher::Aes256Gcm;
    crypto::Hash auth = crypto::Hash::Sha1;  // CBC only
    std::uint8_t key_id = 0;
    std::optional<std::uint32_t> peer_id;  // 24 bits; present: P_DATA_V2 is sent
    Transport transport = Transport::Udp;  // TCP: packet ids must ascend
    std::size_t replay_window = 64;        // packets
    Duration replay_time = std::chrono::seconds(15);
};

// Here 2.6 begins to renegotiate, which leaves 16 million packets for doing so.
inline constexpr std::uint32_t kPacketIdAlarm = 0xff000000;

// Why a packet was not passed on.
enum class DataDrop { Malformed, Unauthentic, Replayed, Exhausted, NoKey };
std::string_view name_of(DataDrop);  // "replayed"

struct DataCounters {
    std::uint64_t packets_in = 0, bytes_in = 0, packets_out = 0, bytes_out = 0;  // inner
    std::uint64_t malformed = 0, unauthentic = 0, replayed = 0, exhausted = 0, no_key = 0;
};

class DataChannel {
public:
    // `random` gives the IVs of CBC and outlives this.
    DataChannel(const DataParameters&, Random& random);
    ~DataChannel();
    DataChannel(DataChannel&&) noexcept;
    DataChannel& operator=(DataChannel&&) noexcept;

    // Octets that seal() adds at most.
    std::size_t overhead() const;
    // Writes a whole packet, opcode first, into `out` (inner.size() + overhead() or more) and returns its size.
    // Exhausted once the packet ids are used up (2^32 - 1), Malformed for an empty one, which no peer would take;
    // `inner` must not overlap with `out`.
    tl::expected<std::size_t, DataDrop> seal(ByteView inner, ByteSpan out);
    // Writes the inner packet into `out` (as large as `packet`, apart from it) and returns it. Both P_DATA_V1 and V2
    // are read, whatever their peer id. `now` judges the replay window's time. NoKey for another key's id, Malformed
    // also for an authentic packet without an inner one.
    tl::expected<ByteView, DataDrop> open(Instant now, ByteView packet, ByteSpan out);
    // Whether `packet` is authentic under this key and no replay. Changes neither the window nor the counters, and does
    // not judge time.
    bool is_genuine(ByteView packet) const;

    std::uint32_t last_packet_id() const;           // sent; from kPacketIdAlarm on it is time for a new key
    void advance_to(std::uint32_t last_packet_id);  // leaves ids out; never goes back
    const DataCounters& counters() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// The inner packet that keeps a tunnel alive, and the one with which a UDP client leaves (explicit-exit-notify).
extern const std::array<std::uint8_t, 16> kPingPacket;
extern const std::array<std::uint8_t, 17> kExitPacket;

}  // namespace gatelab::openvpn
