#include "impl/client/ikev2_tunnel.h"

#include <utility>

#include "impl/client/routes.h"
#include "impl/ipsec/stack.h"

namespace gatelab::client {
namespace {

ikev2::Connection dialled(ikev2::Connection connection) {
    connection.request_address = true;
    if (connection.local.empty()) connection.local = {esp::TrafficSelector{}};
    if (connection.remote.empty()) connection.remote = {esp::TrafficSelector{}};
    return connection;
}

class Ikev2Tunnel final : public ClientTunnel, private ipsec::TunnelOwner {
public:
    Ikev2Tunnel(Host& host, Ikev2 config, TunnelUser& user) : host_(host), config_(std::move(config)), user_(user) {}

    std::string protocol() const override { return "ikev2"; }
    std::string gateway() const override { return to_string(config_.gateway); }
    void dial() override;
    void close() override {
        if (tunnel_) stack_->close(*tunnel_);
    }
    void abandon() override {
        const auto ended = std::exchange(tunnel_, std::nullopt);
        dialling_ = false;
        if (!ended) return;
        last_ = stack_->status(*ended);
        stack_->close(*ended);
    }

    void send(ByteView inner) override {
        if (tunnel_) stack_->send(*tunnel_, inner);
    }
    void rekey_child() override {
        if (tunnel_) stack_->rekey_child(*tunnel_);
    }
    void rekey_ike() override {
        if (tunnel_) stack_->rekey_ike(*tunnel_);
    }
    void check_liveness() override {
        if (tunnel_) stack_->check_liveness(*tunnel_);
    }

    tunnel::Status status() const override {
        const auto status = tunnel_ ? stack_->status(*tunnel_) : last_;
        return status ? tunnel::Status{*status} : tunnel::Status{};
    }
    void on_keys(tunnel::KeyObserver observer) override {
        keys_ = std::move(observer.ipsec);
        if (stack_) stack_->on_keys(keys_);
    }

private:
    void handle_peer(ipsec::TunnelId id, const ikev2::Engine::PeerAuthenticated&) override {
        stack_->refuse(id, ikev2::CloseReason::AuthenticationFailed);  // nobody dials a client
    }
    void handle_up(ipsec::TunnelId) override;
    void handle_down(ipsec::TunnelId, ikev2::CloseReason, const std::string& detail) override;
    void handle_packet(ipsec::TunnelId id, ByteView inner) override {
        if (id == tunnel_) user_.handle_packet(inner);
    }
    // The engine may have news of a tunnel before initiate() has told us its name.
    bool is_ours(ipsec::TunnelId id) {
        if (dialling_ && !tunnel_) tunnel_ = id;
        return tunnel_ == id;
    }

    Host& host_;
    const Ikev2 config_;
    TunnelUser& user_;
    bool dialling_ = false;  // an attempt is under way
    std::optional<ipsec::TunnelId> tunnel_;
    std::optional<ipsec::TunnelStatus> last_;  // of a tunnel that has ended
    ipsec::KeyObserver keys_;
    std::unique_ptr<ipsec::Stack> stack_;
};

void Ikev2Tunnel::dial() {
    tunnel_.reset();
    last_.reset();
    const auto local = host_.routes().source_for(config_.gateway);
    if (!local) return user_.handle_down("no-route", local.error().detail);
    if (!stack_ || stack_->local() != *local) {
        stack_.reset();  // its ports first: the new one binds them again
        auto opened = ipsec::Stack::open(host_, *local, {}, *this);
        if (!opened) return user_.handle_down("no-socket", opened.error().detail);
        stack_ = std::move(*opened);
        stack_->on_keys(keys_);
    }
    dialling_ = true;
    const auto id = stack_->initiate(dialled(config_.connection), config_.gateway);
    if (dialling_) tunnel_ = id;
}

void Ikev2Tunnel::handle_up(ipsec::TunnelId id) {
    if (!is_ours(id)) return;
    const auto status = stack_->status(id);
    user_.handle_up({.gateway = config_.gateway,
                     .address = status->configuration.address,
                     .dns = status->configuration.dns,
                     .destinations = destinations(status->remote),
                     .mtu = config_.tunnel_mtu});
}

void Ikev2Tunnel::handle_down(ipsec::TunnelId id, ikev2::CloseReason reason, const std::string& detail) {
    if (!is_ours(id)) return;
    last_ = stack_->status(id);
    tunnel_.reset();
    dialling_ = false;
    user_.handle_down(std::string(name_of(reason)), detail);
}

}  // namespace

std::unique_ptr<ClientTunnel> make_ikev2_tunnel(Host& host, Ikev2 config, TunnelUser& user) {
    return std::make_unique<Ikev2Tunnel>(host, std::move(config), user);
}

}  // namespace gatelab::client
