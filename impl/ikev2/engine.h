// IKEv2 (RFC 7296), both roles, any number of peers.
//
//   initiate() --IKE_SA_INIT--> --IKE_AUTH--> SaEstablished + ChildEstablished --> ... --> SaClosed
//
// Does no I/O: feed it datagrams and time, then act on what drain() returns. It negotiates and keeps security
// associations; carrying packets over them is the owner's, with impl/esp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "impl/base/engine.h"
#include "impl/base/events.h"
#include "impl/base/random.h"
#include "impl/base/strong.h"
#include "impl/esp/security_association.h"
#include "impl/ikev2/options.h"

namespace gatelab::ikev2 {

using SaId = Strong<struct SaIdTag, std::uint64_t>;        // ours, unique for the life of the engine
using ChildId = Strong<struct ChildIdTag, std::uint64_t>;  // ours, unique for the life of the engine

// The two ends of a path, as we see them.
struct Path {
    Endpoint local;
    Endpoint remote;
    friend bool operator==(const Path&, const Path&) = default;
};

// What a capture needs to be read. Keys are those of RFC 7296 section 2.14; salt included for AES-GCM.
struct SaKeys {
    std::uint64_t spi_i = 0, spi_r = 0;
    IkeSuite suite;
    Bytes sk_ei, sk_er, sk_ai, sk_ar;
};

enum class CloseReason {
    Requested,    // by our owner
    PeerDeleted,  // by a Delete payload
    PeerSilent,   // retransmissions ran out
    NoProposalChosen,
    AuthenticationFailed,  // ours or the peer's, see the detail
    TrafficSelectorsUnacceptable,
    AddressUnavailable,  // INTERNAL_ADDRESS_FAILURE
    Rekeyed,             // replaced by a newer SA
    Protocol,            // the peer broke the protocol after it was authenticated, see the detail
};
std::string_view name_of(CloseReason);  // "peer-silent"

class Engine {
public:
    struct Send {
        Path path;
        Bytes datagram;  // non-ESP marker included where the path uses port 4500 (RFC 3948 section 2.2)
    };
    // Responder only: who the peer proved to be. The owner answers with grant() or refuse(), at once or later.
    struct PeerAuthenticated {
        SaId sa;
        std::string connection;
        Identification identification;
        std::optional<crypto::Certificate> certificate;
        bool wants_address = false;
    };
    struct SaEstablished {
        SaId sa;
        std::string connection;
        bool initiator = false;
        Path path;
        Identification peer;
        SaKeys keys;
        bool nat_here = false, nat_there = false;  // RFC 7296 section 2.23
        Configuration configuration;               // granted to us, or by us
        std::optional<SaId> replaces;              // the SA that this one rekeyed
    };
    struct ChildEstablished {
        SaId sa;
        ChildId child;
        ChildSuite suite;  // with a group when a fresh exchange of it keyed the child
        esp::Parameters inbound;
        esp::Parameters outbound;
        Path path;
        bool udp_encapsulation = false;
        std::optional<ChildId> replaces;
        bool initiator = false;  // of the exchange that made it: we may send at once (RFC 7296 section 2.8)
    };
    struct ChildClosed {
        SaId sa;
        ChildId child;
        CloseReason reason;
    };
    struct PathChanged {  // an authenticated packet came from a new address: send there from now on
        SaId sa;
        Path path;
    };
    // Also ends an attempt that never established; its children are closed with it, silently.
    struct SaClosed {
        SaId sa;
        std::string connection;
        CloseReason reason;
        std::string detail;
    };
    struct Traced {
        Trace trace;
    };
    using Output = std::variant<Send, PeerAuthenticated, SaEstablished, ChildEstablished, ChildClosed, PathChanged,
                                SaClosed, Traced>;

    // `responders` are the connections that peers may open; the first whose policy and authentication fit is taken.
    Engine(std::vector<Connection> responders, Random& random, Limits limits = {});
    ~Engine();
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;

    SaId initiate(Instant now, Connection, Path);
    void grant(Instant now, SaId, Configuration, esp::TrafficSelectors local);
    void refuse(Instant now, SaId, CloseReason);  // AuthenticationFailed or AddressUnavailable
    // One more child over the same selectors, or over others.
    void create_child(Instant now, SaId, esp::TrafficSelectors local, esp::TrafficSelectors remote);
    void rekey_child(Instant now, ChildId);
    void rekey_ike(Instant now, SaId);
    void delete_child(Instant now, ChildId);
    void check_liveness(Instant now, SaId);
    void close(Instant now, SaId);
    // The peer proved to be alive by an ESP packet (RFC 7296 section 2.4), from that path.
    void note_inbound_esp(Instant now, ChildId, Path);

    void handle_datagram(Instant now, Path, ByteView datagram);  // with the non-ESP marker, on port 4500
    void handle_timeout(Instant now);
    std::optional<Instant> next_timeout() const;
    std::vector<Output> drain();

private:
    struct State;
    std::unique_ptr<State> state_;
};

static_assert(gatelab::Engine<Engine>);

}  // namespace gatelab::ikev2
