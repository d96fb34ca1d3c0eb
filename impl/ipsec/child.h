// The child SAs of one tunnel, newest first: which of them carries a packet, and when an old one is let go.
#pragma once

#include <memory>
#include <vector>

#include "impl/esp/security_association.h"
#include "impl/ikev2/engine.h"
#include "impl/ipsec/tunnel.h"

namespace gatelab::ipsec {

struct Child {
    explicit Child(const ikev2::Engine::ChildEstablished&);

    ikev2::ChildId id;
    ikev2::ChildSuite suite;
    bool udp_encapsulation;
    // False on the responder's side of a rekey until the initiator is known to be ready to receive: when a packet of
    // its comes in on the new SA, or the old one is deleted (RFC 7296 section 2.8).
    bool may_send;
    std::optional<ikev2::ChildId> replaces;
    esp::InboundSa inbound;
    esp::OutboundSa outbound;
    std::optional<Instant> noted;  // when the engine was last told that the peer lives
};

class Children {
public:
    using List = std::vector<std::unique_ptr<Child>>;

    Child& add(const ikev2::Engine::ChildEstablished&);
    Child* find(ikev2::ChildId);
    void remove(ikev2::ChildId);
    bool empty() const { return list_.empty(); }
    const Child* newest() const { return list_.empty() ? nullptr : list_.front().get(); }
    const List& list() const { return list_; }

    struct Sealed {
        const Child* by = nullptr;  // none: no child SA carries this packet
        std::size_t size = 0;
    };
    // Seals by the newest child that may send and whose selectors permit the packet.
    Sealed seal(ByteView inner, ByteSpan out);
    Traffic traffic() const;  // of all, the removed ones included

private:
    List list_;
    Traffic past_;
    std::uint64_t refused_out_ = 0;
};

}  // namespace gatelab::ipsec
