#include "sim/peers/strongswan_ends.h"

#include <algorithm>
#include <map>

namespace gatelab::sim::peers {
namespace {

// The newest of the SAs that `wanted` takes: during a rekeying there are two.
template <class Predicate>
const ReportedSa* newest(const CharonReport& report, Predicate wanted) {
    const ReportedSa* found = nullptr;
    for (const auto& sa : report.sas)
        if (wanted(sa) && (!found || sa.id > found->id)) found = &sa;
    return found;
}

class DiallingEnd final : public ClientPlayer {
public:
    DiallingEnd(std::unique_ptr<StrongSwanMachine> machine, const char* connection)
        : machine_(std::move(machine)), connection_(connection) {}

    void connect() override {
        wanted_ = true;
        ++attempts_;
        last_ = {};
        last_id_ = 0;
        machine_->charon().initiate(connection_);
    }
    void disconnect() override {
        wanted_ = false;
        machine_->charon().terminate(connection_);
    }
    void rekey_child() override {
        if (const auto* sa = current()) machine_->charon().rekey_child(sa->child_id);
    }
    void rekey_ike() override {
        if (const auto* sa = current()) machine_->charon().rekey_ike(sa->id);
    }
    void check_liveness() override {}
    Result<bool> ready() const override { return machine_->ready(); }
    std::string program() const override { return machine_->charon().version(); }
    void ask() override { machine_->ask(); }
    bool told() const override { return machine_->told(); }
    Host* stack() override { return &machine_->stack(); }
    void leave() override { machine_->leave(); }
    Result<void> finish() override { return machine_->finish(); }

    std::optional<Ipv4Address> inner_address() const override {
        const auto* sa = current();
        return sa ? std::optional{sa->tunnel.inner_address} : std::nullopt;
    }

    TunnelStatus status() const override {
        const auto& report = machine_->look();
        if (const auto* sa = current()) {
            last_ = machine_->status_of(*sa);
            last_id_ = sa->id;
            last_.dns = report.dns;
            return last_;
        }
        auto status = last_;
        status.up = false;
        status.inner_address = {};
        if (report.attempts == attempts_) status.failure = report.failure;  // else it is about an earlier one
        if (status.failure.empty() && last_id_ != 0)
            status.failure = wanted_ ? machine_->reason_of(last_id_) : "requested";
        return status;
    }

private:
    const ReportedSa* current() const {
        return newest(machine_->report(), [](const auto& sa) { return sa.tunnel.up; });
    }

    const std::unique_ptr<StrongSwanMachine> machine_;
    const char* const connection_;
    bool wanted_ = false;
    int attempts_ = 0;
    mutable TunnelStatus last_;  // what the last tunnel was, once it is gone
    mutable std::uint32_t last_id_ = 0;
};

class Session final : public TunnelEnd {
public:
    Session(StrongSwanMachine& machine, std::string user) : machine_(machine), user_(std::move(user)) {}

    TunnelStatus status() const override {
        machine_.look();
        if (const auto* sa = current()) return machine_.status_of(*sa);
        return {};
    }
    void rekey_child() override {
        if (const auto* sa = current()) machine_.charon().rekey_child(sa->child_id);
    }
    void rekey_ike() override {
        if (const auto* sa = current()) machine_.charon().rekey_ike(sa->id);
    }
    void check_liveness() override {}
    void disconnect() override {
        if (const auto* sa = current()) machine_.charon().terminate(sa->id);
    }

private:
    const ReportedSa* current() const {
        return newest(machine_.report(), [&](const auto& sa) { return sa.tunnel.up && sa.tunnel.peer == user_; });
    }
    StrongSwanMachine& machine_;
    const std::string user_;
};

class AnsweringEnd final : public GatewayPlayer {
public:
    explicit AnsweringEnd(std::unique_ptr<StrongSwanMachine> machine) : machine_(std::move(machine)) {}

    std::vector<std::string> sessions() const override {
        auto sas = machine_->look().sas;
        std::sort(sas.begin(), sas.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
        std::vector<std::string> users;
        for (const auto& sa : sas)
            if (sa.tunnel.up && std::find(users.begin(), users.end(), sa.tunnel.peer) == users.end())
                users.push_back(sa.tunnel.peer);
        return users;
    }
    TunnelEnd* session(const std::string& user) override {
        const auto users = sessions();
        if (std::find(users.begin(), users.end(), user) == users.end()) return nullptr;
        return &ends_.try_emplace(user, *machine_, user).first->second;
    }
    Result<bool> ready() const override { return machine_->ready(); }
    std::string program() const override { return machine_->charon().version(); }
    void ask() override { machine_->ask(); }
    bool told() const override { return machine_->told(); }
    Host* stack() override { return &machine_->stack(); }
    void leave() override { machine_->leave(); }
    Result<void> finish() override { return machine_->finish(); }

private:
    std::unique_ptr<StrongSwanMachine> machine_;
    std::map<std::string, Session> ends_;
};

}  // namespace

std::unique_ptr<ClientPlayer> make_dialling_end(std::unique_ptr<StrongSwanMachine> machine, const char* connection) {
    return std::make_unique<DiallingEnd>(std::move(machine), connection);
}

std::unique_ptr<GatewayPlayer> make_answering_end(std::unique_ptr<StrongSwanMachine> machine) {
    return std::make_unique<AnsweringEnd>(std::move(machine));
}

}  // namespace gatelab::sim::peers
