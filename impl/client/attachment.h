// A tunnel's place on the host: the interface, the routes into it, and the gateway's address kept out of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "impl/host/host.h"

namespace gatelab::client {

class Attachment {
public:
    struct Plan {
        TunConfig interface;
        Ipv4Address gateway;
        std::vector<Prefix> destinations;
    };

    // Pins the gateway's address to the route that it has now, so that no granted selector (0.0.0.0/0 is one) can lead
    // our own ESP packets into the tunnel; then brings up the interface and its routes. A destination inside a
    // network that the host is on stays local (P2S-RT-14). NotFound when the gateway cannot be routed to.
    static Result<std::unique_ptr<Attachment>> make(Host&, const Plan&, TunDevice::Receiver);
    ~Attachment();
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;

    void write(ByteView packet) { device_->write(packet); }
    const std::vector<Prefix>& routes() const { return routes_; }  // into the tunnel
    const std::vector<Prefix>& kept_local() const { return kept_local_; }

private:
    explicit Attachment(Host& host) : host_(host) {}
    Result<void> pin(Ipv4Address gateway);

    Host& host_;
    std::optional<Route> pin_;
    std::unique_ptr<TunDevice> device_;
    std::vector<Prefix> routes_, kept_local_;
};

}  // namespace gatelab::client
