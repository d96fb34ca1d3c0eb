#include "impl/ikev2/engine.h"

#include <algorithm>

#include "impl/ikev2/auth_exchange.h"
#include "impl/ikev2/child_exchange.h"
#include "impl/ikev2/core.h"
#include "impl/ikev2/dispatch.h"

namespace gatelab::ikev2 {

std::string_view name_of(CloseReason reason) {
    switch (reason) {
        case CloseReason::Requested: return "requested";
        case CloseReason::PeerDeleted: return "peer-deleted";
        case CloseReason::PeerSilent: return "peer-silent";
        case CloseReason::NoProposalChosen: return "no-proposal-chosen";
        case CloseReason::AuthenticationFailed: return "authentication-failed";
        case CloseReason::TrafficSelectorsUnacceptable: return "traffic-selectors-unacceptable";
        case CloseReason::AddressUnavailable: return "address-unavailable";
        case CloseReason::Rekeyed: return "rekeyed";
        case CloseReason::Protocol: return "protocol";
    }
    return "unknown";
}

struct Engine::State {
    Core core;

    // The last step of every call: start what waits, and keep the table of deadlines true.
    void settle(Instant now) {
        for (const auto id : core.take_touched()) {
            if (Sa* sa = core.find(id)) dispatch::start_next_task(core, now, *sa);
        }
        for (const auto id : core.take_touched()) {
            if (Sa* sa = core.find(id)) core.reschedule(*sa, now);
        }
        core.take_touched();
    }

    // Requests of the owner that an SA carries out when it may send again.
    void enqueue(Instant now, Sa* sa, Task task) {
        if (sa && sa->in<Established>()) core.push_task(*sa, std::move(task));
        settle(now);
    }
};

Engine::Engine(std::vector<Connection> responders, Random& random, Limits limits)
    : state_(std::make_unique<State>(State{Core{std::move(responders), random, limits}})) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

SaId Engine::initiate(Instant now, Connection connection, Path path) {
    Sa& sa = state_->core.add_sa(true);
    const auto id = sa.id;
    sa.connection = std::make_shared<const Connection>(std::move(connection));
    sa.path = path;
    dispatch::start(state_->core, now, sa);
    state_->settle(now);
    return id;
}

void Engine::grant(Instant now, SaId id, Configuration configuration, esp::TrafficSelectors local) {
    Sa* sa = state_->core.find(id);
    if (sa && sa->in<AwaitingOwner>()) auth::grant(state_->core, now, *sa, std::move(configuration), std::move(local));
    state_->settle(now);
}

void Engine::refuse(Instant now, SaId id, CloseReason reason) {
    Sa* sa = state_->core.find(id);
    if (sa && sa->in<AwaitingOwner>()) auth::refuse(state_->core, now, *sa, reason);
    state_->settle(now);
}

void Engine::create_child(Instant now, SaId id, esp::TrafficSelectors local, esp::TrafficSelectors remote) {
    state_->enqueue(now, state_->core.find(id), CreateChildTask{std::move(local), std::move(remote)});
}

void Engine::rekey_child(Instant now, ChildId child) {
    state_->enqueue(now, state_->core.owner_of(child), RekeyChildTask{child});
}

void Engine::rekey_ike(Instant now, SaId id) { state_->enqueue(now, state_->core.find(id), RekeyIkeTask{}); }

void Engine::delete_child(Instant now, ChildId child) {
    state_->enqueue(now, state_->core.owner_of(child), DeleteChildTask{child});
}

void Engine::check_liveness(Instant now, SaId id) { state_->enqueue(now, state_->core.find(id), LivenessTask{}); }

void Engine::close(Instant now, SaId id) {
    if (Sa* sa = state_->core.find(id)) dispatch::close(state_->core, now, *sa);
    state_->settle(now);
}

void Engine::note_inbound_esp(Instant now, ChildId child, Path path) {
    if (Sa* sa = state_->core.owner_of(child)) dispatch::heard(state_->core, now, *sa, path);
    state_->settle(now);
}

void Engine::handle_datagram(Instant now, Path path, ByteView datagram) {
    dispatch::handle_datagram(state_->core, now, path, datagram);
    state_->settle(now);
}

void Engine::handle_timeout(Instant now) {
    for (const auto id : state_->core.due(now)) {
        if (Sa* sa = state_->core.find(id)) dispatch::handle_timeout(state_->core, now, *sa);
    }
    state_->settle(now);
}

std::optional<Instant> Engine::next_timeout() const { return state_->core.next_deadline(); }

std::vector<Engine::Output> Engine::drain() { return std::exchange(state_->core.outputs, {}); }

}  // namespace gatelab::ikev2
