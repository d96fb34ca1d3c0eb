#include "impl/client/client.h"

#include <utility>

#include "impl/client/attachment.h"
#include "impl/client/routes.h"
#include "impl/ipsec/stack.h"

namespace gatelab::client {
namespace {

constexpr const char* kComponent = "client";

ikev2::Connection dialled(ikev2::Connection connection) {
    connection.request_address = true;
    if (connection.local.empty()) connection.local = {esp::TrafficSelector{}};
    if (connection.remote.empty()) connection.remote = {esp::TrafficSelector{}};
    return connection;
}

}  // namespace

std::string_view name_of(State state) {
    switch (state) {
        case State::Idle: return "idle";
        case State::Connecting: return "connecting";
        case State::Connected: return "connected";
        case State::Disconnecting: return "disconnecting";
        case State::Failed: return "failed";
    }
    return "unknown";
}

struct Client::Body final : ipsec::TunnelOwner {
    Body(Host& on, Config with) : host(on), config(std::move(with)) {}

    void connect();
    void disconnect();
    void dial();
    Result<void> attach(const ipsec::TunnelStatus&);
    void fail_with(std::string failure, std::string detail);
    void abandon(std::string failure, std::string detail);  // ends what the gateway may still hold, too
    void become(State, std::string failure = {}, std::string detail = {});

    void handle_peer(ipsec::TunnelId id, const ikev2::Engine::PeerAuthenticated&) override {
        stack->refuse(id, ikev2::CloseReason::AuthenticationFailed);  // nobody dials a client
    }
    void handle_up(ipsec::TunnelId) override;
    void handle_down(ipsec::TunnelId, ikev2::CloseReason, const std::string& detail) override;
    void handle_packet(ipsec::TunnelId id, ByteView inner) override {
        if (attachment && id == tunnel) attachment->write(inner);
    }
    // The engine may have news of a tunnel before initiate() has told us its name.
    bool is_ours(ipsec::TunnelId id) {
        if (state == State::Connecting && !tunnel) tunnel = id;
        return tunnel == id;
    }

    Host& host;
    Config config;
    State state = State::Idle;
    std::string failure, detail;
    std::optional<Instant> connected_at;
    std::optional<ipsec::TunnelId> tunnel;
    std::optional<ipsec::TunnelStatus> last;  // of a tunnel that has ended
    std::unique_ptr<Attachment> attachment;
    std::unique_ptr<ipsec::Stack> stack;
    Timer timeout, dialling;
    ipsec::KeyObserver keys;
    std::function<void(State)> changed;
};

void Client::Body::connect() {
    if (state != State::Idle && state != State::Failed) return;
    tunnel.reset();
    last.reset();
    connected_at.reset();
    become(State::Connecting);
    timeout = host.call_at(host.now() + config.connect_timeout, [this] {
        if (state != State::Connecting) return;
        abandon("timed-out", "no tunnel within " + format_seconds(config.connect_timeout) + " s");
    });
    // Not here: on_change() may have called us from inside the Stack that dialling may have to replace.
    dialling = host.call_at(host.now(), [this] {
        if (state == State::Connecting) dial();
    });
}

void Client::Body::dial() {
    const auto local = host.routes().source_for(config.gateway);
    if (!local) return fail_with("no-route", local.error().detail);
    if (!stack || stack->local() != *local) {
        stack.reset();  // its ports first: the new one binds them again
        auto opened = ipsec::Stack::open(host, *local, {}, *this);
        if (!opened) return fail_with("no-socket", opened.error().detail);
        stack = std::move(*opened);
        stack->on_keys(keys);
    }
    const auto id = stack->initiate(dialled(config.connection), config.gateway);
    if (state == State::Connecting) tunnel = id;
}

void Client::Body::handle_up(ipsec::TunnelId id) {
    if (!is_ours(id) || state != State::Connecting) return;
    const auto status = stack->status(id);
    if (!status->configuration.address) return abandon("no-address", "the gateway granted no inner address");
    if (const auto attached = attach(*status); !attached) return abandon("no-interface", attached.error().detail);
    connected_at = host.now();
    become(State::Connected);
}

Result<void> Client::Body::attach(const ipsec::TunnelStatus& status) {
    auto made =
        Attachment::make(host,
                         {.interface = {config.tunnel_interface, *status.configuration.address, config.tunnel_mtu},
                          .gateway = config.gateway,
                          .destinations = destinations(status.remote)},
                         [this](ByteView packet) {
                             if (tunnel) stack->send(*tunnel, packet);
                         });
    if (!made) return pass(made);
    attachment = std::move(*made);
    for (const auto& prefix : attachment->kept_local()) {
        host.emit(kComponent, {"route-kept-local", {{"destination", to_string(prefix)}}});
    }
    return {};
}

void Client::Body::handle_down(ipsec::TunnelId id, ikev2::CloseReason reason, const std::string& why) {
    if (!is_ours(id)) return;
    last = stack->status(id);
    if (state == State::Disconnecting) {
        tunnel.reset();
        return become(State::Idle, "requested", why);
    }
    fail_with(std::string(name_of(reason)), why);
}

void Client::Body::disconnect() {
    if (state != State::Connecting && state != State::Connected) return;
    attachment.reset();
    if (!tunnel) return become(State::Idle, "requested");  // not even dialled yet
    become(State::Disconnecting);
    stack->close(*tunnel);
}

void Client::Body::abandon(std::string reason, std::string why) {
    const auto ended = tunnel;
    if (ended) last = stack->status(*ended);
    fail_with(std::move(reason), std::move(why));
    if (ended) stack->close(*ended);
}

void Client::Body::fail_with(std::string reason, std::string why) {
    attachment.reset();
    tunnel.reset();
    become(State::Failed, std::move(reason), std::move(why));
}

void Client::Body::become(State next, std::string reason, std::string why) {
    state = next;
    failure = std::move(reason);
    detail = std::move(why);
    if (next != State::Connecting) timeout.reset();
    Attributes attributes{{"state", std::string(name_of(next))}, {"gateway", to_string(config.gateway)}};
    if (attachment) attributes.emplace_back("address", to_string(*stack->status(*tunnel)->configuration.address));
    if (!failure.empty()) attributes.emplace_back("reason", failure);
    if (!detail.empty()) attributes.emplace_back("detail", detail);
    host.emit(kComponent, {"state-changed", std::move(attributes)});
    if (changed) changed(next);
}

Client::Client(Host& host, Config config) : body_(std::make_unique<Body>(host, std::move(config))) {}
Client::~Client() = default;

void Client::connect() { body_->connect(); }
void Client::disconnect() { body_->disconnect(); }

void Client::rekey_child() {
    if (body_->tunnel) body_->stack->rekey_child(*body_->tunnel);
}
void Client::rekey_ike() {
    if (body_->tunnel) body_->stack->rekey_ike(*body_->tunnel);
}
void Client::check_liveness() {
    if (body_->tunnel) body_->stack->check_liveness(*body_->tunnel);
}

Status Client::status() const {
    Status status;
    status.state = body_->state;
    status.failure = body_->failure;
    status.detail = body_->detail;
    status.connected_at = body_->connected_at;
    status.tunnel = body_->tunnel ? body_->stack->status(*body_->tunnel) : body_->last;
    if (body_->state == State::Connected && status.tunnel) {
        status.inner_address = status.tunnel->configuration.address;
        status.dns = status.tunnel->configuration.dns;
        status.routes = body_->attachment->routes();
    }
    return status;
}

void Client::on_change(std::function<void(State)> call) { body_->changed = std::move(call); }

void Client::on_keys(ipsec::KeyObserver observer) {
    body_->keys = observer;
    if (body_->stack) body_->stack->on_keys(std::move(observer));
}

}  // namespace gatelab::client
