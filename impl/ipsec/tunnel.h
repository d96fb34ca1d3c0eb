// A tunnel as its owner sees it: a chain of IKE SAs, each rekeying the one before, and the child SAs under them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "impl/base/strong.h"
#include "impl/esp/security_association.h"
#include "impl/ikev2/engine.h"

namespace gatelab::ipsec {

using TunnelId = Strong<struct TunnelIdTag, std::uint64_t>;  // unique for the life of a Stack; survives rekeying

// The MTU of a tunnel interface whose ESP packets fit an outer MTU of 1500 octets with every suite of the P2S tables:
//   1500 - 20 (IPv4) - 8 (UDP) - 8 (SPI, sequence number) - 16 (IV) - 24 (HMAC-SHA2-384-192) = 1424,
//   a multiple of the AES block, less 2 (pad length, next header) = 1422.
// We take the 1400 that Azure recommends to its customers, which leaves room for a PPPoE link on the way.
inline constexpr std::uint16_t kTunnelMtu = 1400;

// Inner packets over all child SAs of a tunnel so far, and what was dropped.
struct Traffic {
    std::uint64_t packets_in = 0, bytes_in = 0;
    std::uint64_t packets_out = 0, bytes_out = 0;
    std::uint64_t malformed = 0, replayed = 0, unauthentic = 0, outside_selectors = 0;  // inbound, dropped
    std::uint64_t refused_out = 0;  // outbound, dropped: no child SA carries it, or its sequence numbers are used up
};

// A snapshot of one tunnel.
struct TunnelStatus {
    TunnelId id;
    std::string connection;
    bool initiator = false;
    bool up = false;  // a child SA stands
    ikev2::Identification peer;
    ikev2::Path path;
    bool nat_here = false, nat_there = false, udp_encapsulation = false;
    ikev2::Configuration configuration;              // granted to us, or by us
    std::optional<ikev2::IkeSuite> ike_suite;        // of the newest IKE SA; none while none is established
    std::optional<ikev2::ChildSuite> child_suite{};  // of the newest child SA, as the rest below
    esp::TrafficSelectors local{}, remote{};
    esp::Spi inbound_spi{}, outbound_spi{};
    int children = 0;
    int ike_rekeys = 0, child_rekeys = 0;
    Traffic traffic;
};

// One direction of a child SA, as a capture needs it. The addresses are the outer ones as we see them: behind a NAT
// the other side of it shows another.
struct EspKeys {
    Ipv4Address source, destination;
    esp::Parameters parameters;
};

// Told of every key when it comes into use, so that captures can be read. Either may be empty.
struct KeyObserver {
    std::function<void(const ikev2::SaKeys&)> ike;
    std::function<void(const EspKeys&)> esp;
};

// Who a Stack works for. Called after the fact, one call at a time; may call the Stack, must not destroy it.
class TunnelOwner {
public:
    virtual ~TunnelOwner() = default;
    // A peer that dialled us proved who it is: answer with Stack::grant() or refuse(), at once or later.
    virtual void handle_peer(TunnelId, const ikev2::Engine::PeerAuthenticated&) = 0;
    virtual void handle_up(TunnelId) = 0;  // the first child SA stands: packets flow
    // The tunnel is gone, or the attempt failed; status() still knows it during the call and not after.
    virtual void handle_down(TunnelId, ikev2::CloseReason, const std::string& detail) = 0;
    virtual void handle_packet(TunnelId, ByteView inner) = 0;  // authentic, fresh and within the selectors
};

}  // namespace gatelab::ipsec
