#include "impl/client/client.h"

#include <utility>

#include "impl/client/attachment.h"
#include "impl/client/ikev2_tunnel.h"
#include "impl/client/openvpn_tunnel.h"

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
};

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

struct Client::Body final : TunnelUser {
    Body(Host& on, Config with)
        : host(on), config(std::move(with)), tunnel(std::visit(MakeTunnel{host, *this}, config.dials)) {}

    void connect();
    void disconnect();
    Result<void> attach(const Assigned&);
    void fail_with(std::string failure, std::string detail);
    void abandon(std::string failure, std::string detail);  // ends what the gateway may still hold, too
    void become(State, std::string failure = {}, std::string detail = {});

    void handle_up(const Assigned&) override;
    void handle_down(const std::string& reason, const std::string& detail) override;
    void handle_packet(ByteView inner) override {
        if (attachment) attachment->write(inner);
    }

    Host& host;
    const Config config;
    State state = State::Idle;
    std::string failure, detail;
    std::optional<Instant> connected_at;
    std::optional<Assigned> assigned;  // while connected
    std::unique_ptr<Attachment> attachment;
    bool dialled = false;  // in this attempt, or in the last one
    std::unique_ptr<ClientTunnel> tunnel;
    Timer timeout, dialling;
    std::function<void(State)> changed;
};

void Client::Body::connect() {
    if (state != State::Idle && state != State::Failed) return;
    dialled = false;
    connected_at.reset();
    become(State::Connecting);
    timeout = host.call_at(host.now() + config.connect_timeout, [this] {
        if (state != State::Connecting) return;
        abandon("timed-out", "no tunnel within " + format_seconds(config.connect_timeout) + " s");
    });
    // Not here: on_change() may have called us from inside the tunnel that dialling begins anew.
    dialling = host.call_at(host.now(), [this] {
        if (state != State::Connecting) return;
        dialled = true;
        tunnel->dial();
    });
}

void Client::Body::handle_up(const Assigned& given) {
    if (state != State::Connecting) return;
    if (!given.address) return abandon("no-address", "the gateway granted no inner address");
    if (const auto attached = attach(given); !attached) return abandon("no-interface", attached.error().detail);
    assigned = given;
    connected_at = host.now();
    become(State::Connected);
}

Result<void> Client::Body::attach(const Assigned& given) {
    auto made = Attachment::make(host,
                                 {.interface = {config.tunnel_interface, *given.address, given.mtu},
                                  .gateway = given.gateway,
                                  .destinations = given.destinations},
                                 [this](ByteView packet) { tunnel->send(packet); });
    if (!made) return pass(made);
    attachment = std::move(*made);
    for (const auto& prefix : attachment->kept_local()) {
        host.emit(kComponent, {"route-kept-local", {{"destination", to_string(prefix)}}});
    }
    return {};
}

void Client::Body::handle_down(const std::string& reason, const std::string& why) {
    if (state == State::Disconnecting) return become(State::Idle, "requested", why);
    if (state == State::Connecting || state == State::Connected) fail_with(reason, why);
}

void Client::Body::disconnect() {
    if (state != State::Connecting && state != State::Connected) return;
    attachment.reset();
    assigned.reset();
    if (!dialled) return become(State::Idle, "requested");
    become(State::Disconnecting);
    tunnel->close();
}

void Client::Body::abandon(std::string reason, std::string why) {
    fail_with(std::move(reason), std::move(why));
    tunnel->abandon();
}

void Client::Body::fail_with(std::string reason, std::string why) {
    attachment.reset();
    assigned.reset();
    become(State::Failed, std::move(reason), std::move(why));
}

void Client::Body::become(State next, std::string reason, std::string why) {
    state = next;
    failure = std::move(reason);
    detail = std::move(why);
    if (next != State::Connecting) timeout.reset();
    Attributes attributes{{"state", std::string(name_of(next))}, {"gateway", tunnel->gateway()}};
    if (assigned) attributes.emplace_back("address", to_string(*assigned->address));
    if (!failure.empty()) attributes.emplace_back("reason", failure);
    if (!detail.empty()) attributes.emplace_back("detail", detail);
    host.emit(kComponent, {"state-changed", std::move(attributes)});
    if (changed) changed(next);
}

Client::Client(Host& host, Config config) : body_(std::make_unique<Body>(host, std::move(config))) {}
Client::~Client() = default;

void Client::connect() { body_->connect(); }
void Client::disconnect() { body_->disconnect(); }
void Client::rekey_child() { body_->tunnel->rekey_child(); }
void Client::rekey_ike() { body_->tunnel->rekey_ike(); }
void Client::check_liveness() { body_->tunnel->check_liveness(); }

Status Client::status() const {
    Status status;
    status.state = body_->state;
    status.failure = body_->failure;
    status.detail = body_->detail;
    status.connected_at = body_->connected_at;
    if (body_->dialled) status.tunnel = body_->tunnel->status();
    if (body_->assigned) {
        status.inner_address = body_->assigned->address;
        status.dns = body_->assigned->dns;
        status.routes = body_->attachment->routes();
    }
    return status;
}

void Client::on_change(std::function<void(State)> call) { body_->changed = std::move(call); }

void Client::on_keys(tunnel::KeyObserver observer) { body_->tunnel->on_keys(std::move(observer)); }

}  // namespace gatelab::client
