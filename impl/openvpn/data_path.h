// The data keys of one session, and the way of an inner packet through them. Nothing is allocated per packet.
//
// Any installed key opens packets. For sending, a new key has to wait until the peer surely has it: until its time has
// come, or a packet under it has arrived. So a renegotiation loses nothing, whatever order packets arrive in.
#pragma once

#include <array>
#include <optional>

#include "impl/base/function_ref.h"
#include "impl/openvpn/data_channel.h"
#include "impl/openvpn/fragment.h"
#include "impl/openvpn/options.h"

namespace gatelab::openvpn {

class DataPath {
public:
    struct Settings {
        Role role = Role::Client;
        Transport transport = Transport::Udp;
        DataCipher cipher = DataCipher::Aes256Gcm;
        crypto::Hash auth = crypto::Hash::Sha1;
        std::optional<std::uint32_t> peer_id;
        std::size_t replay_window = 64;
        Duration replay_time{};
        std::uint16_t mssfix = 0;    // largest outer packet of inner TCP; 0: no clamping
        std::uint16_t fragment = 0;  // largest datagram; 0: packets are never cut
    };

    explicit DataPath(Random& random) : random_(random) {}

    void configure(const Settings& settings) { settings_ = settings; }
    const Settings& settings() const { return settings_; }

    // The newest key from now on; it is used for sending from `send_from`, or at once when it is the only one.
    void install(Instant now, std::uint8_t key_id, const DataKeys&, Instant send_from);
    void retire(std::uint8_t key_id);
    bool has_key() const { return newest_.has_value(); }
    std::optional<std::uint8_t> sending_key() const { return sending_; }
    // When the newest key comes into use for sending, while that is to come.
    std::optional<Instant> next_switch() const;
    void switch_keys(Instant now);

    // False when there is no key, or none with packet ids left.
    bool seal(Instant now, ByteView inner, FunctionRef<void(ByteView packet)> each);

    enum class Kind { Nothing, Inner, Ping, Exit, Dropped };
    struct Opened {
        Kind kind = Kind::Nothing;
        ByteView packet;  // Inner; holds until the next call
        DataDrop drop{};  // Dropped
    };
    Opened open(Instant now, ByteView packet);
    bool is_genuine(ByteView packet) const;

    struct Usage {
        std::uint64_t packets = 0, bytes = 0;  // both ways, as they are on the wire
        std::uint32_t last_packet_id = 0;
    };
    Usage usage_of_newest() const;
    void advance_packet_ids(std::uint32_t last);  // of the newest key
    DataCounters counters() const;  // over all keys, the retired too

private:
    struct Key {
        DataChannel channel;
        Instant send_from;
        std::uint64_t packets = 0, bytes = 0;
    };
    Key* key_of(ByteView packet);
    bool send_sealed(Key&, ByteView inner, FunctionRef<void(ByteView packet)> each);
    ByteView clamped(ByteView inner);
    Opened classify(Instant now, ByteSpan inner);
    Opened drop(DataDrop);

    Random& random_;
    Settings settings_;
    std::array<std::optional<Key>, kKeyIds> keys_;  // by key id
    std::optional<std::uint8_t> sending_, newest_;
    std::optional<Fragmenter> fragmenter_;
    std::uint16_t mss_ = 0;
    DataCounters retired_;  // and what no key could be blamed for
    Bytes sealed_, opened_, clamped_;
};

}  // namespace gatelab::openvpn
