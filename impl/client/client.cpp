#include "impl/client/client.h"

#include <algorithm>
#include <utility>

#include "impl/client/attachment.h"
#include "impl/client/ikev2_tunnel.h"
#include "impl/client/openvpn_tunnel.h"
#include "impl/client/sstp_tunnel.h"

namespace gatelab::client {
namespace {

constexpr const char* kComponent = "client";

struct MakeTunnel {
    Host& host;
    TunnelUser& user;
    std::unique_ptr<ClientTunnel> operator()(const Ikev2& config) const {
        return make_ikev2_tunnel(host, config, user);
    }
    std::unique_ptr<ClientTunnel> operator()(const OpenVpn& config) const {
        return make_openvpn_tunnel(host, config, user);
    }
    std::unique_ptr<ClientTunnel> operator()(const Sstp& config) const { return make_sstp_tunnel(host, config, user); }
};

bool holds(const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

std::string_view name_of(State state) {
    switch (state) {
        case State::Idle: return "idle";
        case State::Connecting: return "connecting";
        case State::Connected: return "connected";
        case State::Waiting: return "waiting";
        case State::Disconnecting: return "disconnecting";
        case State::Failed: return "failed";
    }
    return "unknown";
}

struct Client::Body {
    // A dial of the plan. Listens to its tunnel only while it is the current one.
    struct Line final : TunnelUser {
        Line(Body& of, const Dial& dial) : body(of), give_up(dial.give_up) {
            tunnel = std::visit(MakeTunnel{of.host, *this}, dial.tunnel);
        }
        void handle_up(const Assigned& given) override {
            if (body.line == this) body.handle_up(given);
        }
        void handle_down(const std::string& reason, const std::string& detail) override {
            if (body.line == this) body.handle_down(reason, detail);
        }
        void handle_packet(ByteView inner) override {
            if (body.line == this && body.attachment) body.attachment->write(inner);
        }

        Body& body;
        Duration give_up;
        std::unique_ptr<ClientTunnel> tunnel;
    };

    Body(Host& on, Config with) : host(on), config(std::move(with)) {
        for (const auto& dial : config.plan) lines.push_back(std::make_unique<Line>(*this, dial));
    }

    void connect();
    void disconnect();

    void begin_round();
    void dial_soon(std::size_t index);
    void dial(std::size_t index);
    void handle_up(const Assigned&);
    Result<void> attach(const Assigned&);
    void handle_down(const std::string& reason, const std::string& detail);
    void abandon(std::string reason, std::string detail);  // ends what the gateway may still hold, too
    void fail_attempt(std::string reason, std::string detail);
    void lose_tunnel(std::string reason, std::string detail);
    void end_round(std::string reason, std::string detail);
    void become(State, std::string failure = {}, std::string detail = {});

    std::string gateway() const {
        return line ? line->tunnel->gateway() : lines.empty() ? "" : lines[0]->tunnel->gateway();
    }

    Host& host;
    const Config config;
    State state = State::Idle;
    std::string failure, detail;
    std::vector<Attempt> attempts;
    std::optional<Instant> connected_at;
    std::optional<Assigned> assigned;  // while connected
    std::unique_ptr<Attachment> attachment;
    std::vector<std::unique_ptr<Line>> lines;  // of the plan
    Line* line = nullptr;                      // that is dialled, or was dialled last
    int rounds = 0;                            // without a tunnel, in a row
    Timer next, timeout;                       // the next dial or round; the end of this dial's time
    std::function<void(State)> changed;
};

void Client::Body::connect() {
    if (state != State::Idle && state != State::Failed) return;
    attempts.clear();
    failure.clear();
    detail.clear();
    rounds = 0;
    begin_round();
}

void Client::Body::begin_round() {
    line = nullptr;
    connected_at.reset();
    become(State::Connecting, failure, detail);
    if (state != State::Connecting) return;  // our owner has thought better of it
    dial_soon(0);
}

// Not at once: we may have been called from inside the tunnel that dialling begins anew.
void Client::Body::dial_soon(std::size_t index) {
    next = host.call_at(host.now(), [this, index] {
        if (state == State::Connecting) dial(index);
    });
}

void Client::Body::dial(std::size_t index) {
    if (lines.empty()) return end_round("no-common-tunnel", "the client has no tunnel that its gateway offers");
    line = lines[index].get();
    if (attempts.size() == kAttemptsKept) attempts.erase(attempts.begin());
    attempts.push_back({line->tunnel->protocol(), host.now(), {}, {}});
    host.emit(kComponent, {"dialling", {{"protocol", attempts.back().protocol}, {"gateway", gateway()}}});
    timeout = host.call_at(host.now() + line->give_up, [this, tried = line] {
        if (state == State::Connecting && line == tried)
            abandon("timed-out", "no tunnel within " + format_seconds(tried->give_up) + " s");
    });
    line->tunnel->dial();
}

void Client::Body::handle_up(const Assigned& given) {
    if (state != State::Connecting) return;
    if (!given.address) return abandon("no-address", "the gateway granted no inner address");
    if (const auto attached = attach(given); !attached) return abandon("no-interface", attached.error().detail);
    assigned = given;
    connected_at = host.now();
    attempts.back().ended = host.now();
    rounds = 0;
    timeout.reset();
    become(State::Connected);
}

Result<void> Client::Body::attach(const Assigned& given) {
    auto made = Attachment::make(host,
                                 {.interface = {config.tunnel_interface, *given.address, given.mtu},
                                  .gateway = given.gateway,
                                  .destinations = given.destinations},
                                 [this](ByteView packet) { line->tunnel->send(packet); });
    if (!made) return pass(made);
    attachment = std::move(*made);
    for (const auto& prefix : attachment->kept_local()) {
        host.emit(kComponent, {"route-kept-local", {{"destination", to_string(prefix)}}});
    }
    return {};
}

void Client::Body::handle_down(const std::string& reason, const std::string& why) {
    switch (state) {
        case State::Disconnecting: return become(State::Idle, "requested", why);
        case State::Connecting: return fail_attempt(reason, why);
        case State::Connected: return lose_tunnel(reason, why);
        case State::Idle:
        case State::Waiting:
        case State::Failed: return;
    }
}

void Client::Body::abandon(std::string reason, std::string why) {
    line->tunnel->abandon();
    fail_attempt(std::move(reason), std::move(why));
}

void Client::Body::fail_attempt(std::string reason, std::string why) {
    auto& attempt = attempts.back();
    if (attempt.ended) return;  // has failed already, and the next dial is on its way
    attempt.ended = host.now();
    attempt.failure = reason;
    timeout.reset();
    attachment.reset();
    host.emit(kComponent, {"attempt-failed",
                           {{"protocol", attempt.protocol},
                            {"gateway", gateway()},
                            {"reason", reason},
                            {"detail", why},
                            {"seconds", std::chrono::duration<double>(*attempt.ended - attempt.began).count()}}});
    const auto at = std::find_if(lines.begin(), lines.end(), [this](const auto& each) { return each.get() == line; });
    const auto following = static_cast<std::size_t>(at - lines.begin()) + 1;
    if (following == lines.size() || holds(config.ends_round, reason))
        return end_round(std::move(reason), std::move(why));
    host.emit(kComponent, {"falling-back", {{"from", attempt.protocol}, {"to", lines[following]->tunnel->protocol()}}});
    dial_soon(following);
}

void Client::Body::lose_tunnel(std::string reason, std::string why) {
    attachment.reset();
    assigned.reset();
    attempts.clear();
    end_round(std::move(reason), std::move(why));
}

// Also after a tunnel was lost: then it was the round's success that has ended.
void Client::Body::end_round(std::string reason, std::string why) {
    if (!config.redial || lines.empty() || holds(config.ends_redial, reason))
        return become(State::Failed, std::move(reason), std::move(why));
    next = host.call_at(host.now() + pause_before(*config.redial, rounds++), [this] {
        if (state == State::Waiting) begin_round();
    });
    become(State::Waiting, std::move(reason), std::move(why));
}

void Client::Body::disconnect() {
    if (state != State::Connecting && state != State::Connected && state != State::Waiting) return;
    next.reset();
    timeout.reset();
    attachment.reset();
    assigned.reset();
    auto* attempt = attempts.empty() || attempts.back().ended ? nullptr : &attempts.back();
    if (attempt) {
        attempt->ended = host.now();
        attempt->failure = "requested";
    }
    // Between two dials, or rounds, nobody needs to be told.
    if (state != State::Connected && !attempt) return become(State::Idle, "requested");
    become(State::Disconnecting);
    line->tunnel->close();
}

void Client::Body::become(State to, std::string reason, std::string why) {
    state = to;
    failure = std::move(reason);
    detail = std::move(why);
    Attributes attributes{{"state", std::string(name_of(to))}, {"gateway", gateway()}};
    if (assigned) attributes.emplace_back("address", to_string(*assigned->address));
    if (!failure.empty()) attributes.emplace_back("reason", failure);
    if (!detail.empty()) attributes.emplace_back("detail", detail);
    host.emit(kComponent, {"state-changed", std::move(attributes)});
    if (changed) changed(to);
}

Client::Client(Host& host, Config config) : body_(std::make_unique<Body>(host, std::move(config))) {}
Client::~Client() = default;

void Client::connect() { body_->connect(); }
void Client::disconnect() { body_->disconnect(); }
void Client::rekey_child() {
    if (body_->line) body_->line->tunnel->rekey_child();
}
void Client::rekey_ike() {
    if (body_->line) body_->line->tunnel->rekey_ike();
}
void Client::check_liveness() {
    if (body_->line) body_->line->tunnel->check_liveness();
}

Status Client::status() const {
    Status status;
    status.state = body_->state;
    status.failure = body_->failure;
    status.detail = body_->detail;
    status.attempts = body_->attempts;
    status.connected_at = body_->connected_at;
    if (body_->line) status.tunnel = body_->line->tunnel->status();
    if (body_->assigned) {
        status.inner_address = body_->assigned->address;
        status.dns = body_->assigned->dns;
        status.routes = body_->attachment->routes();
    }
    return status;
}

void Client::on_change(std::function<void(State)> call) { body_->changed = std::move(call); }

void Client::on_keys(const tunnel::KeyObserver& observer) {
    for (const auto& line : body_->lines) line->tunnel->on_keys(observer);
}

}  // namespace gatelab::client
