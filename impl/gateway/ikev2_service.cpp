#include "impl/gateway/ikev2_service.h"

#include <unordered_map>
#include <utility>

#include "impl/ipsec/stack.h"

namespace gatelab::gateway {
namespace {

ikev2::Connection connection(const Config& config, std::string name, ikev2::Credential credential) {
    ikev2::Connection made;
    made.name = std::move(name);
    made.local_identification = config.ikev2->identification;
    made.credential = std::move(credential);
    made.ike_policy = config.ikev2->ike_policy;
    made.child_policy = config.ikev2->ipsec_policy;
    made.local = granted_selectors(config);
    for (const auto& part : pool_of(config, TunnelType::IkeV2)) made.remote.push_back(esp::TrafficSelector::of(part));
    made.retransmission = config.ikev2->retransmission;
    made.lifetimes = config.ikev2->lifetimes;
    return made;
}

class Ikev2Service final : public TunnelService, private ipsec::TunnelOwner {
public:
    Ikev2Service(const Config& config, SessionKeeper& keeper) : config_(config), keeper_(keeper) {}

    Result<void> open(Host& host) {
        auto stack = ipsec::Stack::open(host, config_.public_address, connections_of(config_), *this);
        if (!stack) return pass(stack);
        stack_ = std::move(*stack);
        return {};
    }

    TunnelType type() const override { return TunnelType::IkeV2; }
    void send(SessionId id, ByteView inner) override {
        if (const auto tunnel = tunnel_of(id)) stack_->send(*tunnel, inner);
    }
    void close(SessionId id) override { ask(id, &ipsec::Stack::close); }
    void rekey_child(SessionId id) override { ask(id, &ipsec::Stack::rekey_child); }
    void rekey_ike(SessionId id) override { ask(id, &ipsec::Stack::rekey_ike); }
    void check_liveness(SessionId id) override { ask(id, &ipsec::Stack::check_liveness); }

    tunnel::Status status(SessionId id) const override {
        const auto tunnel = tunnel_of(id);
        if (!tunnel) return {};
        return stack_->status(*tunnel).value_or(ipsec::TunnelStatus{});
    }
    void on_keys(tunnel::KeyObserver observer) override { stack_->on_keys(std::move(observer.ipsec)); }

private:
    void handle_peer(ipsec::TunnelId, const ikev2::Engine::PeerAuthenticated&) override;
    void handle_up(ipsec::TunnelId tunnel) override {
        if (const auto session = session_of(tunnel)) keeper_.handle_up(*session);
    }
    void handle_down(ipsec::TunnelId, ikev2::CloseReason, const std::string& detail) override;
    void handle_packet(ipsec::TunnelId tunnel, ByteView inner) override {
        if (const auto session = session_of(tunnel)) keeper_.handle_packet(*session, inner);
    }

    std::optional<ipsec::TunnelId> tunnel_of(SessionId id) const {
        const auto at = tunnels_.find(id.value());
        return at == tunnels_.end() ? std::nullopt : std::optional{at->second};
    }
    std::optional<SessionId> session_of(ipsec::TunnelId id) const {
        const auto at = sessions_.find(id.value());
        return at == sessions_.end() ? std::nullopt : std::optional{at->second};
    }
    void ask(SessionId id, void (ipsec::Stack::*request)(ipsec::TunnelId)) {
        if (const auto tunnel = tunnel_of(id)) ((*stack_).*request)(*tunnel);
    }

    const Config& config_;
    SessionKeeper& keeper_;
    // By the number of the other's id. Never walked: their order shows nowhere.
    std::unordered_map<std::uint64_t, ipsec::TunnelId> tunnels_;
    std::unordered_map<std::uint64_t, SessionId> sessions_;
    std::unique_ptr<ipsec::Stack> stack_;
};

void Ikev2Service::handle_peer(ipsec::TunnelId tunnel, const ikev2::Engine::PeerAuthenticated& peer) {
    const auto user = to_string(peer.identification);
    // Without an inner address of ours nothing would find the way back, so who asks for none is refused like one for
    // whom none is left.
    if (!peer.wants_address) {
        keeper_.note_refusal(user, "asked for no address");
        return stack_->refuse(tunnel, ikev2::CloseReason::AddressUnavailable);
    }
    const auto admitted = keeper_.admit(*this, user);
    if (!admitted) return stack_->refuse(tunnel, ikev2::CloseReason::AddressUnavailable);
    tunnels_.emplace(admitted->session.value(), tunnel);
    sessions_.emplace(tunnel.value(), admitted->session);
    ikev2::Configuration granted{
        .address = admitted->address, .dns = config_.dns_servers, .subnets = granted_prefixes(config_)};
    stack_->grant(tunnel, std::move(granted), granted_selectors(config_));
}

void Ikev2Service::handle_down(ipsec::TunnelId tunnel, ikev2::CloseReason reason, const std::string& detail) {
    const auto session = session_of(tunnel);
    if (!session) return;
    keeper_.handle_down(*session, std::string(name_of(reason)), detail);
    tunnels_.erase(session->value());
    sessions_.erase(tunnel.value());
}

}  // namespace

Result<std::unique_ptr<TunnelService>> open_ikev2(Host& host, const Config& config, SessionKeeper& keeper) {
    auto service = std::make_unique<Ikev2Service>(config, keeper);
    if (const auto opened = service->open(host); !opened) return pass(opened);
    return service;
}

std::vector<ikev2::Connection> connections_of(const Config& config) {
    std::vector<ikev2::Connection> all;
    if (config.certificate) {
        auto made = connection(config, "p2s-certificate", *config.certificate);
        made.peer.roots = config.client_roots;
        all.push_back(std::move(made));
    }
    if (config.ikev2->pre_shared_key) {
        auto made = connection(config, "p2s-pre-shared-key", *config.ikev2->pre_shared_key);
        made.peer.pre_shared_key = config.ikev2->pre_shared_key;
        all.push_back(std::move(made));
    }
    return all;
}

esp::TrafficSelectors granted_selectors(const Config& config) {
    esp::TrafficSelectors all;
    for (const auto& prefix : granted_prefixes(config)) all.push_back(esp::TrafficSelector::of(prefix));
    return all;
}

}  // namespace gatelab::gateway
