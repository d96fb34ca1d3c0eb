// One IKE SA, and what is going on in it.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "impl/crypto/key_agreement.h"
#include "impl/ikev2/auth.h"
#include "impl/ikev2/engine.h"
#include "impl/ikev2/keys.h"
#include "impl/ikev2/protection.h"

namespace gatelab::ikev2 {

struct Child {
    enum class Stage { Installed, Replaced, Deleting };  // Replaced: rekeyed, until its Delete comes or is answered
    ChildId id;
    ChildSuite suite;
    esp::Spi inbound, outbound;
    esp::TrafficSelectors local, remote;
    std::optional<Instant> rekey_at;
    Stage stage = Stage::Installed;
};

// The exchange that we started and whose response we await: what only it needs to know.
struct InitExchange {
    crypto::KeyAgreement agreement;
    Bytes nonce;
    Bytes cookie;
    std::vector<crypto::Group> tried;
    int cookies_seen = 0;
    std::optional<NotifyType> refusal;  // unauthenticated, so only told when the exchange runs out
};
// What both sides of IKE_AUTH sign of IKE_SA_INIT.
struct InitRecord {
    Bytes request, response;
    Bytes nonce_i, nonce_r;
    SignatureHashes peer_hashes;
};
struct AuthExchange {
    InitRecord init;
    esp::Spi spi;
    esp::TrafficSelectors local, remote;  // offered
};
struct ChildExchange {
    std::optional<ChildId> replaces;
    std::vector<ChildSuite> rows;
    esp::TrafficSelectors local, remote;  // offered
    esp::Spi spi;
    Bytes nonce;
    std::optional<crypto::KeyAgreement> agreement;
    bool retried = false;  // after INVALID_KE_PAYLOAD
};
struct IkeRekeyExchange {
    std::vector<IkeSuite> rows;
    std::uint64_t spi = 0;
    Bytes nonce;
    crypto::KeyAgreement agreement;
    bool retried = false;
};
struct DeleteChildExchange {
    ChildId child;
};
struct DeleteIkeExchange {
    CloseReason reason;
    std::string detail;
};
struct LivenessExchange {};
using Exchange = std::variant<InitExchange, AuthExchange, ChildExchange, IkeRekeyExchange, DeleteChildExchange,
                              DeleteIkeExchange, LivenessExchange>;

struct Outstanding {
    std::uint32_t message_id = 0;
    ExchangeType type{};
    Bytes message;
    std::string payloads;  // as traced
    Instant resend_at;
    int repeats = 0;
    int max_repeats = 0;
    Exchange exchange;
};

// What waits for its turn: one request may be out at a time (RFC 7296 section 2.3, a window of 1).
struct CreateChildTask {
    esp::TrafficSelectors local, remote;
};
struct RekeyChildTask {
    ChildId child;
};
struct DeleteChildTask {
    ChildId child;
};
struct RekeyIkeTask {};
struct LivenessTask {};
struct DeleteIkeTask {
    CloseReason reason = CloseReason::Requested;
    std::string detail;
    std::optional<NotifyType> notify;  // sent in place of the Delete, to say what was wrong with a response
};
using Task = std::variant<CreateChildTask, RekeyChildTask, DeleteChildTask, RekeyIkeTask, LivenessTask, DeleteIkeTask>;

// Connecting --> Established --> (Replaced) --> Closing --> Gone           as initiator
// HalfOpen --> AwaitingOwner --> Established --> (Replaced) --> ... --> Gone   as responder
struct Connecting {};
struct HalfOpen {
    Instant until;
    InitRecord init;
};
struct AwaitingOwner {
    Instant until;
    InitRecord init;
    std::uint32_t message_id = 0;
    Path path;
    std::vector<Proposal> proposals;
    esp::TrafficSelectors ts_initiator, ts_responder;
    std::optional<ConfigurationPayload> configuration;
};
struct Established {};
struct Replaced {  // by a newer IKE SA; waits for its Delete
    Instant until;
};
struct Closing {  // our Delete waits for its turn or its answer
};
struct Gone {  // only repeats its last response
    Instant until;
};
using Stage = std::variant<Connecting, HalfOpen, AwaitingOwner, Established, Replaced, Closing, Gone>;
std::string_view name_of(const Stage&);  // "half-open"

// SHA-256 over an IKE_SA_INIT request and where it came from.
using InitDigest = std::array<std::uint8_t, 32>;

struct Sa {
    SaId id;
    bool initiator = false;  // we initiated it
    std::uint64_t spi_i = 0, spi_r = 0;
    std::shared_ptr<const Connection> connection;  // as responder, until authenticated, the first whose policy fits
    Path path;
    bool nat_here = false, nat_there = false;
    IkeSuite suite;
    IkeKeys keys;
    std::optional<Protection> protection;

    Identification peer;
    Configuration configuration;
    esp::TrafficSelectors scope_local, scope_remote;  // what its children may carry

    std::uint32_t next_request = 0;      // message id of the next request that we send
    std::uint32_t expected_request = 0;  // and of the next one from the peer
    std::optional<Outstanding> outstanding;
    Bytes last_response;  // to the request before the expected one; empty while there is none
    std::string last_response_payloads;

    std::deque<Task> tasks;
    std::vector<Child> children;
    Stage stage = Connecting{};
    std::optional<InitDigest> init_digest;  // of the IKE_SA_INIT request that made it, as responder
    bool half_open = false;                 // counts against Limits
    bool told_closed = false;               // SaClosed has gone out, or the owner never knew of it
    Instant last_heard;
    std::optional<Instant> rekey_at, keepalive_at;
    std::optional<Instant> scheduled;  // its entry in the engine's table of deadlines

    std::uint64_t own_spi() const { return initiator ? spi_i : spi_r; }
    Child* find_child(ChildId);
    Child* find_child_by_outbound(std::uint32_t spi);
    template <class S>
    S* in() {
        return std::get_if<S>(&stage);
    }
    template <class E>
    E* running() {
        return outstanding ? std::get_if<E>(&outstanding->exchange) : nullptr;
    }
    std::optional<Instant> deadline() const;
};

}  // namespace gatelab::ikev2
