#include "impl/client/attachment.h"

#include <algorithm>
#include <utility>

namespace gatelab::client {
namespace {

constexpr std::uint8_t kHostLength = 32;

bool is_local(const RouteTable& table, Prefix destination) {
    const auto route = table.lookup(destination.first());
    return route && route->via.is_unspecified() && route->destination.length() > 0 &&
           route->destination.contains(destination);
}

}  // namespace

Result<std::unique_ptr<Attachment>> Attachment::make(Host& host, const Plan& plan, TunDevice::Receiver receiver) {
    std::unique_ptr<Attachment> made(new Attachment(host));
    if (const auto pinned = made->pin(plan.gateway); !pinned) return pass(pinned);
    // Judged before the interface is there: what is local must not depend on what the tunnel brings.
    for (const auto& destination : plan.destinations) {
        auto& list = is_local(host.routes(), destination) ? made->kept_local_ : made->routes_;
        list.push_back(destination);
    }
    auto device = host.open_tun(plan.interface);
    if (!device) return pass(device);
    made->device_ = std::move(*device);
    made->device_->on_packet(std::move(receiver));
    for (const auto& destination : made->routes_) {
        const auto added = host.routes().add({destination, plan.interface.name, {}});
        if (!added) return pass(added);
    }
    return made;
}

Result<void> Attachment::pin(Ipv4Address gateway) {
    const auto now = host_.routes().lookup(gateway);
    if (!now) return pass(now);
    if (now->destination.length() == kHostLength)
        return {};  // the host has such a route of its own: not ours to remove
    const Route route{Prefix{gateway, kHostLength}, now->interface, now->via};
    if (auto added = host_.routes().add(route); !added) return added;
    pin_ = route;
    return {};
}

Attachment::~Attachment() {
    device_.reset();  // and its routes: only then may the gateway's address follow the others again
    if (pin_) host_.routes().remove(*pin_);
}

}  // namespace gatelab::client
