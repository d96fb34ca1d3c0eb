// All IKE SAs of one engine, and what the exchanges share: message ids, repetition, outputs, timers.
//
// Each exchange stands in a file of its own (init_exchange.h and its neighbours) as functions over this.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "impl/ikev2/cookies.h"
#include "impl/ikev2/engine.h"
#include "impl/ikev2/payloads.h"
#include "impl/ikev2/sa.h"

namespace gatelab::ikev2 {

class Core {
public:
    Core(std::vector<Connection> responders, Random& random, Limits limits);

    // SAs and children.
    Sa& add_sa(bool initiator);
    Sa* find(SaId);
    Sa* find_by_spi(std::uint64_t own_spi);
    Sa* find_by_init_digest(const InitDigest&);
    Sa* owner_of(ChildId);
    void register_spi(Sa&);          // once own_spi() is known
    void register_init_digest(Sa&);  // once init_digest is known
    std::uint64_t new_ike_spi();
    esp::Spi new_child_spi();
    void release_child_spi(esp::Spi);
    Child& add_child(Sa&, Child);  // gives it an id
    void close_child(Sa&, ChildId, CloseReason);
    void move_children(Sa& from, Sa& to);
    void peers_with(const Sa& except, std::string_view connection, const Identification&, std::vector<SaId>& found);

    // Transmission. A request takes the next message id; a response answers `message_id` and is kept to be repeated.
    void send_request(Sa&, Instant now, ExchangeType, const OutgoingPayloads&, Exchange);
    void send_response(Sa&, ExchangeType, std::uint32_t message_id, const Path&, const OutgoingPayloads&);
    void send_bare(const Path&, const Header&, const OutgoingPayloads&);  // outside of any SA
    void repeat_request(Sa&, Instant now);
    void repeat_response(Sa&, const Path&);
    void send_keepalive(Sa&, Instant now);

    // Stages. close() tells the owner, unless he knows, and leaves the SA only to repeat its last response.
    void become(Sa&, Stage, std::string_view why);
    void close(Sa&, Instant now, CloseReason, std::string detail);
    void tell_closed(Sa&, CloseReason, std::string detail);
    void authenticated(Sa&);  // no longer half-open
    void push_task(Sa&, Task);
    // `age` from now, up to a tenth sooner so that two ends seldom rekey at once (RFC 7296 section 2.8); none for zero.
    std::optional<Instant> rekey_time(Instant now, Duration age);
    Instant retry_time(Instant now);  // after TEMPORARY_FAILURE

    // Outputs.
    void output(Engine::Output);
    void dropped(const Path&, std::string why);
    struct Received {
        const Sa* sa = nullptr;
        std::string payloads;
        std::size_t size = 0;
        bool repeated = false;  // a request that was answered already
    };
    void message_received(const Path&, const Header&, Received);

    // Timers: an SA that was touched is looked at once more at the end of every call.
    void touch(const Sa&);
    std::vector<SaId> take_touched();
    std::vector<SaId> due(Instant now) const;
    void reschedule(Sa&, Instant now);  // erases it when it is gone for good
    std::optional<Instant> next_deadline() const;

    Random& random;
    const Limits limits;
    std::vector<std::shared_ptr<const Connection>> responders;
    Cookies cookies;
    std::size_t half_open = 0;
    std::vector<Engine::Output> outputs;

private:
    struct Sent {
        const Sa* sa = nullptr;
        std::string_view payloads;
        bool repeated = false;
    };
    void transmit(const Path&, const Bytes& message, const Sent&);
    void erase(Sa&);

    std::map<SaId, std::unique_ptr<Sa>> sas_;
    std::map<std::uint64_t, SaId> by_spi_;
    std::map<InitDigest, SaId> by_init_digest_;
    std::map<ChildId, SaId> child_owners_;
    std::set<esp::Spi> child_spis_;
    std::set<std::pair<Instant, SaId>> deadlines_;
    std::set<SaId> touched_;
    std::uint64_t next_sa_ = 1, next_child_ = 1;
};

}  // namespace gatelab::ikev2
