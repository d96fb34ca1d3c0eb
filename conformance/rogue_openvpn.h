// An OpenVPN peer that a case holds in its hand. By itself it keeps to the protocol; a case breaks one rule by a hook,
// or by sending something at the wrong time.
//
// It carries a packet at most once: the networks of such cases lose nothing, and what it did not say stays unsaid. Its
// packets are whole, without the length that TCP puts before them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "impl/base/random.h"
#include "impl/openvpn/control_protection.h"
#include "impl/openvpn/data_channel.h"
#include "impl/openvpn/key_method.h"
#include "impl/openvpn/options.h"
#include "impl/openvpn/packet.h"
#include "impl/openvpn/push.h"
#include "impl/tls/engine.h"

namespace gatelab::conformance {

// Where a rogue leaves the protocol. A hook that is not set changes nothing.
struct RogueHooks {
    std::function<bool(openvpn::ControlPacket&)> control;  // changes it before it is protected; false: unsent
    std::function<std::vector<Bytes>(const openvpn::ControlPacket&, Bytes wire)> wire;  // what is sent instead
    std::function<Bytes(Bytes message)> key_method;                                     // the encoded message
    std::function<Bytes(Bytes records)> tls;                                            // what TLS sends
    std::function<std::vector<std::string>(std::vector<std::string>)> push;  // server: the texts of the reply
    bool acknowledges = true;
    bool asks_for_options = true;  // client: PUSH_REQUEST
};

class RogueOpenVpn {
public:
    using Sender = std::function<void(ByteView packet)>;

    // `grant` is what a server pushes. `random` outlives this.
    RogueOpenVpn(openvpn::Options options, openvpn::PushReply grant, Random& random, Sender send);
    ~RogueOpenVpn();
    RogueOpenVpn(const RogueOpenVpn&) = delete;
    RogueOpenVpn& operator=(const RogueOpenVpn&) = delete;

    RogueHooks hooks;
    openvpn::Options& options();  // changes hold for the next TLS connection

    // --- the protocol ---
    void dial(Instant now);  // client: the hard reset
    void handle_packet(Instant now, ByteView packet);
    void nudge(Instant now);                          // client: asks again for the options that it did not get
    void soft_reset(Instant now);                     // of the next key id
    void say(Instant now, std::string_view message);  // in TLS of the newest key, with its NUL
    void write_tls(Instant now, ByteView plaintext);
    bool send_inner(Instant now, ByteView inner);  // over the newest key; false: there is none

    // --- things to break it with ---
    void send_raw(ByteView packet);
    openvpn::ControlPacket next_control(openvpn::Opcode, ByteView payload = {});  // takes a packet id of the newest key
    void send_control(Instant now, openvpn::ControlPacket);                       // through the hooks
    Bytes protect(Instant now, const openvpn::ControlPacket&);
    Bytes protect_plain(Instant now, ByteView plain);                     // of anything
    Bytes seal(ByteView inner, std::optional<std::uint8_t> key_id = {});  // a data packet; "" without such a key
    openvpn::DataChannel* data(std::optional<std::uint8_t> key_id = {});
    openvpn::DataParameters data_parameters(std::optional<std::uint8_t> key_id = {}) const;
    Random& random();
    const openvpn::SessionId& session() const;
    const openvpn::SessionId& peer_session() const;

    // --- what it saw ---
    bool tls_up() const;                                       // of the newest key
    bool keys_exchanged() const;                               // key method 2 both ways, of the newest key
    bool up() const;                                           // data can flow: options were pushed
    std::uint8_t key_id() const;                               // the newest
    std::optional<std::string> tls_end() const;                // why the newest TLS ended
    const std::vector<std::string>& messages() const;          // control messages, in order
    const std::vector<openvpn::ControlPacket>& heard() const;  // control packets that proved authentic, in order
    std::size_t heard(openvpn::Opcode) const;
    std::size_t repeated() const;                             // control packets heard more than once
    std::size_t packets() const;                              // of any kind, authentic or not
    std::size_t data_packets() const;                         // authentic
    const std::deque<Bytes>& inner() const;                   // what they carried
    const std::optional<openvpn::PushReply>& pushed() const;  // client: received
    const openvpn::KeyMethodMessage& peer() const;            // what it said of itself

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::conformance
