// One TLS negotiation of a session: its key id, its reliability layer, its TLS, and what is read out of it.
//
// A session makes one for its hard reset and one for each soft reset. Packets in, packets out by flush(); what comes of
// it, in drain(). The protection of the control channel and all decisions belong to the session.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "impl/base/function_ref.h"
#include "impl/openvpn/key_method.h"
#include "impl/openvpn/packet.h"
#include "impl/openvpn/reliable.h"
#include "impl/openvpn/session.h"
#include "impl/tls/engine.h"

namespace gatelab::openvpn {

// How long a control message may be before it ends in its NUL.
inline constexpr std::size_t kMaxControlMessage = 16 * 1024;

class KeyState {
public:
    struct Setup {
        Role role = Role::Client;
        std::uint8_t key_id = 0;
        SessionId own{};
        std::optional<SessionId> peer;
        std::optional<Opcode> reset;     // what to begin with; none: the resets were exchanged by a listener
        std::uint32_t peer_next_id = 0;  // the peer's next packet id
        Duration tls_timeout{};
        std::size_t payload = 1000;        // octets of TLS in a control packet, at most
        std::size_t payload_with_key = 0;  // the same in a P_CONTROL_WKC_V1
        Instant started{};
    };

    struct TlsUp {
        tls::Engine::Established with;
    };
    struct PeerKeyMethod {
        KeyMethodMessage message;
    };
    struct Message {
        std::string text;
    };
    struct Secret {
        std::string line;
    };
    struct Failed {
        CloseReason reason;
        std::string detail;
    };
    using Output = std::variant<TlsUp, PeerKeyMethod, Message, Secret, Failed>;

    KeyState(Setup, tls::Engine);

    // A packet of this key, authentic as far as the control channel's protection goes. Says why it was not used.
    std::optional<std::string> handle(Instant now, const ControlPacket&);
    void write(Instant now, ByteView plaintext);
    void write_key_method(Instant now, KeyMethodMessage message);  // ours; keeps its sources
    void set_peer(const SessionId& peer) { setup_.peer = peer; }
    // Everything that is to go out now, acknowledgements last.
    void flush(Instant now, FunctionRef<void(const ControlPacket&, bool repeated)> send);
    std::optional<Instant> next_timeout() const { return sender_.next_timeout(); }
    std::vector<Output> drain();
    // Frees TLS; what the peer still repeats is still acknowledged.
    void end_tls();

    std::uint8_t id() const { return setup_.key_id; }
    Instant started() const { return setup_.started; }
    // All that we had to say has been acknowledged.
    bool is_idle() const { return sender_.empty() && outgoing_.empty(); }
    bool is_tls_up() const { return tls_up_; }
    bool has_both_sources() const { return own_source_ && peer_source_; }
    DataKeys derive(bool by_exporter) const;  // once both sources are there
    std::uint64_t repetitions() const { return sender_.repetitions(); }

private:
    void take_packets(Instant now);
    void take_reset(ByteView payload);
    void take_tls(Instant now);
    void take_plaintext(ByteView);
    void take_messages();
    void queue();
    void fail(CloseReason, std::string detail);
    bool is_client() const { return setup_.role == Role::Client; }

    Setup setup_;
    ReliableSender sender_;
    ReliableReceiver receiver_;
    std::optional<tls::Engine> tls_;
    bool tls_started_ = false, tls_up_ = false, failed_ = false;
    bool repeat_wrapped_key_ = false;  // the server keeps no state and wants the wrapped key once more
    std::optional<KeySource> own_source_, peer_source_;
    Bytes outgoing_;  // of TLS, not yet cut into packets
    Bytes incoming_;  // plaintext that is not yet a whole message
    std::vector<Output> outputs_;
};

}  // namespace gatelab::openvpn
