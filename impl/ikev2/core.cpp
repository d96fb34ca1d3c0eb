#include "impl/ikev2/core.h"

#include <algorithm>
#include <utility>

namespace gatelab::ikev2 {
namespace {

// How long an ended SA still repeats its last response: longer than a peer's repetitions are apart.
constexpr Duration kLinger = std::chrono::seconds(30);
constexpr std::size_t kMaxTasks = 64;

}  // namespace

Core::Core(std::vector<Connection> connections, Random& source, Limits bounds)
    : random(source), limits(bounds), cookies(source) {
    for (auto& connection : connections)
        responders.push_back(std::make_shared<const Connection>(std::move(connection)));
}

Sa& Core::add_sa(bool initiator) {
    auto sa = std::make_unique<Sa>();
    sa->id = SaId{next_sa_++};
    sa->initiator = initiator;
    auto& added = *sas_.emplace(sa->id, std::move(sa)).first->second;
    touch(added);
    return added;
}

Sa* Core::find(SaId id) {
    const auto found = sas_.find(id);
    if (found == sas_.end()) return nullptr;
    touch(*found->second);
    return found->second.get();
}

Sa* Core::find_by_spi(std::uint64_t own_spi) {
    const auto found = by_spi_.find(own_spi);
    return found == by_spi_.end() ? nullptr : find(found->second);
}

Sa* Core::find_by_init_digest(const InitDigest& digest) {
    const auto found = by_init_digest_.find(digest);
    return found == by_init_digest_.end() ? nullptr : find(found->second);
}

Sa* Core::owner_of(ChildId child) {
    const auto found = child_owners_.find(child);
    return found == child_owners_.end() ? nullptr : find(found->second);
}

void Core::register_spi(Sa& sa) { by_spi_[sa.own_spi()] = sa.id; }

void Core::register_init_digest(Sa& sa) { by_init_digest_[*sa.init_digest] = sa.id; }

std::uint64_t Core::new_ike_spi() {
    for (;;) {
        const auto spi = random.u64();
        if (spi != 0 && !by_spi_.contains(spi)) return spi;
    }
}

esp::Spi Core::new_child_spi() {
    for (;;) {
        const esp::Spi spi{random.u32()};
        if (spi.value() >= 256 && child_spis_.insert(spi).second) return spi;
    }
}

void Core::release_child_spi(esp::Spi spi) { child_spis_.erase(spi); }

Child& Core::add_child(Sa& sa, Child child) {
    child.id = ChildId{next_child_++};
    child_owners_[child.id] = sa.id;
    return sa.children.emplace_back(std::move(child));
}

void Core::close_child(Sa& sa, ChildId id, CloseReason reason) {
    const auto found =
        std::find_if(sa.children.begin(), sa.children.end(), [&](const Child& child) { return child.id == id; });
    if (found == sa.children.end()) return;
    release_child_spi(found->inbound);
    child_owners_.erase(id);
    sa.children.erase(found);
    output(Engine::ChildClosed{sa.id, id, reason});
}

void Core::move_children(Sa& from, Sa& to) {
    for (auto& child : from.children) {
        child_owners_[child.id] = to.id;
        to.children.push_back(std::move(child));
    }
    from.children.clear();
}

void Core::peers_with(const Sa& except, std::string_view connection, const Identification& peer,
                      std::vector<SaId>& found) {
    for (const auto& [id, sa] : sas_) {
        if (id != except.id && std::holds_alternative<Established>(sa->stage) && sa->connection->name == connection &&
            sa->peer == peer)
            found.push_back(id);
    }
}

void Core::become(Sa& sa, Stage stage, std::string_view why) {
    const auto from = name_of(sa.stage);
    sa.stage = std::move(stage);
    output(Engine::Traced{{"state-changed",
                           {{"sa", static_cast<std::int64_t>(sa.id.value())},
                            {"from", std::string{from}},
                            {"to", std::string{name_of(sa.stage)}},
                            {"why", std::string{why}}}}});
}

void Core::tell_closed(Sa& sa, CloseReason reason, std::string detail) {
    if (std::exchange(sa.told_closed, true)) return;
    output(Engine::SaClosed{sa.id, sa.connection ? sa.connection->name : "", reason, std::move(detail)});
}

void Core::close(Sa& sa, Instant now, CloseReason reason, std::string detail) {
    if (sa.in<Gone>()) return;
    for (const auto& child : sa.children) {
        release_child_spi(child.inbound);
        child_owners_.erase(child.id);
    }
    sa.children.clear();
    sa.tasks.clear();
    if (const auto* auth = sa.running<AuthExchange>()) release_child_spi(auth->spi);
    if (const auto* creating = sa.running<ChildExchange>()) release_child_spi(creating->spi);
    sa.outstanding.reset();
    become(sa, Gone{sa.last_response.empty() ? now : now + kLinger}, name_of(reason));
    tell_closed(sa, reason, std::move(detail));
}

void Core::authenticated(Sa& sa) {
    if (std::exchange(sa.half_open, false)) --half_open;
}

void Core::push_task(Sa& sa, Task task) {
    if (sa.tasks.size() < kMaxTasks) sa.tasks.push_back(std::move(task));
}

std::optional<Instant> Core::rekey_time(Instant now, Duration age) {
    if (age <= Duration::zero()) return std::nullopt;
    const auto tenth = static_cast<std::uint64_t>(age.count() / 10);
    return now + age - Duration{static_cast<std::int64_t>(random.below(tenth + 1))};
}

Instant Core::retry_time(Instant now) {
    return now + std::chrono::seconds(2) + std::chrono::milliseconds(random.below(4000));
}

void Core::output(Engine::Output event) { outputs.push_back(std::move(event)); }

void Core::touch(const Sa& sa) { touched_.insert(sa.id); }

std::vector<SaId> Core::take_touched() {
    std::vector<SaId> ids(touched_.begin(), touched_.end());
    touched_.clear();
    return ids;
}

std::vector<SaId> Core::due(Instant now) const {
    std::vector<SaId> ids;
    for (const auto& [at, id] : deadlines_) {
        if (at > now) break;
        ids.push_back(id);
    }
    return ids;
}

void Core::reschedule(Sa& sa, Instant now) {
    if (const auto* gone = sa.in<Gone>(); gone && gone->until <= now) return erase(sa);
    const auto deadline = sa.deadline();
    if (deadline == sa.scheduled) return;
    if (sa.scheduled) deadlines_.erase({*sa.scheduled, sa.id});
    if (deadline) deadlines_.insert({*deadline, sa.id});
    sa.scheduled = deadline;
}

std::optional<Instant> Core::next_deadline() const {
    return deadlines_.empty() ? std::nullopt : std::optional{deadlines_.begin()->first};
}

void Core::erase(Sa& sa) {
    if (sa.scheduled) deadlines_.erase({*sa.scheduled, sa.id});
    by_spi_.erase(sa.own_spi());
    if (sa.init_digest) by_init_digest_.erase(*sa.init_digest);
    authenticated(sa);
    touched_.erase(sa.id);
    sas_.erase(sa.id);
}

}  // namespace gatelab::ikev2
