// The reliability layer under TLS: one key's control packets, in order, none lost and none twice.
//
// Each key counts its packets from 0. A packet is repeated until it is acknowledged, later and later each time; packets
// that come early wait until those before them are there. Acknowledgements ride on control packets, or go alone in a
// P_ACK_V1; the newest few are said again on every packet, so that a lost one costs nothing (OpenVPN 2.6).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/time.h"
#include "impl/openvpn/packet.h"

namespace gatelab::openvpn {

inline constexpr std::size_t kSendWindow = 6;      // control packets that may be unacknowledged
inline constexpr std::size_t kReceiveWindow = 12;  // how far ahead of the next one a packet may be
// Acknowledgements in one packet. More could be written, but SoftEther drops a packet with more than four.
inline constexpr std::size_t kAcksPerPacket = 4;
inline constexpr Duration kLongestRepeat = std::chrono::seconds(60);

class ReliableSender {
public:
    // `first`: until the first repetition; it doubles from there up to kLongestRepeat.
    explicit ReliableSender(Duration first, std::uint32_t next_id = 0) : first_(first), next_id_(next_id) {}

    bool has_room() const;  // window
    // Numbers a packet and keeps it; due at once. Only when there is room.
    std::uint32_t push(Opcode, Bytes payload);
    void acknowledge(std::span<const std::uint32_t> ids);

    struct Due {
        std::uint32_t id;
        Opcode opcode;
        const Bytes& payload;
        bool repeated;
    };
    // The oldest packet that is to go out now, once each time it is due. The view holds until the next call.
    std::optional<Due> next_due(Instant now);
    std::optional<Instant> next_timeout() const;

    void forget() { waiting_.clear(); }
    bool empty() const { return waiting_.empty(); }
    bool has_sent(Opcode) const;  // and no acknowledgement has come yet
    std::uint32_t next_id() const { return next_id_; }
    std::uint64_t repetitions() const { return repetitions_; }

private:
    struct Entry {
        std::uint32_t id;
        Opcode opcode;
        Bytes payload;
        Instant next_try;
        Duration wait;
        int sent = 0;
        int overtaken = 0;  // acknowledgements of later packets
    };
    static bool is_due(const Entry&, Instant now);

    Duration first_;
    std::uint32_t next_id_;
    std::uint64_t repetitions_ = 0;
    std::vector<Entry> waiting_;  // ascending
};

class ReliableReceiver {
public:
    explicit ReliableReceiver(std::uint32_t next_id = 0) : next_id_(next_id) {}

    enum class Verdict { Accepted, Repeated, TooFarAhead };
    // Accepted and repeated packets are acknowledged; what is too far ahead is forgotten.
    Verdict accept(std::uint32_t id, Opcode, ByteView payload);
    struct Packet {
        Opcode opcode;
        Bytes payload;
    };
    const Packet* next() const;    // in order, once it is there
    std::optional<Packet> take();  // that one

    bool owes_acks() const { return !owed_.empty(); }
    // At most `most`: the owed ones, and behind them recent ones again.
    std::vector<std::uint32_t> take_acks(std::size_t most = kAcksPerPacket);

private:
    void owe(std::uint32_t id);

    std::uint32_t next_id_;
    std::map<std::uint32_t, Packet> early_;  // by id, which does not wrap within one key's life
    std::vector<std::uint32_t> owed_, recent_;
};

}  // namespace gatelab::openvpn
