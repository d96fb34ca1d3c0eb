#include "tests/support/fake_host.h"

#include <algorithm>

#include "tests/support/fake_tcp.h"

namespace gatelab::testing {

class FakeHost::Routes final : public RouteTable {
public:
    explicit Routes(FakeHost& host) : host_(host) {}
    Result<void> add(const Route& route) override {
        if (!host_.interfaces_.contains(route.interface))
            return fail(Fault::NotFound, "no interface " + route.interface);
        routes_.push_back(route);
        return {};
    }
    void remove(const Route& route) override {
        std::erase_if(routes_, [&](const Route& other) {
            return other.destination == route.destination && other.interface == route.interface &&
                   other.via == route.via;
        });
    }
    void remove_interface(const std::string& name) {
        std::erase_if(routes_, [&](const Route& route) { return route.interface == name; });
    }
    Result<Route> lookup(Ipv4Address destination) const override {
        const Route* best = nullptr;
        for (const auto& route : routes_) {
            if (!route.destination.contains(destination)) continue;
            if (!best || route.destination.length() >= best->destination.length()) best = &route;
        }
        if (!best) return fail(Fault::NotFound, "no route to " + to_string(destination));
        return *best;
    }
    Result<Ipv4Address> source_for(Ipv4Address destination) const override {
        return lookup(destination).map([&](const Route& route) { return host_.interfaces_.at(route.interface); });
    }

private:
    FakeHost& host_;
    std::vector<Route> routes_;
};

class FakeHost::Udp final : public UdpSocket {
public:
    Udp(FakeHost& host, Endpoint local) : host_(host), local_(local) { host_.udp_[local.port] = this; }
    ~Udp() override { host_.udp_.erase(local_.port); }
    Endpoint local() const override { return local_; }
    Result<void> send(Endpoint remote, ByteView payload) override {
        if (host_.mute) return {};
        if (auto route = host_.routes_->lookup(remote.address); !route) return pass(route);
        host_.send(udp_packet(local_, remote, payload));
        return {};
    }
    void on_datagram(Receiver receiver) override { receiver_ = std::move(receiver); }
    void take(const UdpView& udp) const {
        if (receiver_) receiver_(udp.source, udp.payload);
    }

private:
    FakeHost& host_;
    Endpoint local_;
    Receiver receiver_;
};

class FakeHost::Raw final : public RawIp {
public:
    Raw(FakeHost& host, IpProtocol protocol) : host_(host), protocol_(protocol) { host_.raw_[protocol] = this; }
    ~Raw() override { host_.raw_.erase(protocol_); }
    Result<void> send(Ipv4Address remote, ByteView payload) override {
        if (host_.mute) return {};
        const auto source = host_.routes_->source_for(remote);
        if (!source) return pass(source);
        host_.send(ip_packet({*source, remote, static_cast<std::uint8_t>(protocol_)}, payload));
        return {};
    }
    void on_packet(Receiver receiver) override { receiver_ = std::move(receiver); }
    void take(Ipv4Address remote, ByteView payload) const {
        if (receiver_) receiver_(remote, payload);
    }

private:
    FakeHost& host_;
    IpProtocol protocol_;
    Receiver receiver_;
};

class FakeHost::Tun final : public TunDevice {
public:
    Tun(FakeHost& host, TunConfig config) : host_(host), config_(std::move(config)) {
        host_.interfaces_[config_.name] = config_.address;
        host_.tuns_[config_.name] = this;
    }
    ~Tun() override {
        host_.routes_->remove_interface(config_.name);
        host_.tuns_.erase(config_.name);
        host_.interfaces_.erase(config_.name);
    }
    const TunConfig& config() const override { return config_; }
    void write(ByteView packet) override {
        host_.network_.later({},
                             [&host = host_, alive = std::weak_ptr(host_.alive_), copy = copy_of(packet)]() mutable {
                                 if (!alive.expired()) host.receive(std::move(copy));
                             });
    }
    void on_packet(Receiver receiver) override { receiver_ = std::move(receiver); }
    void take(ByteView packet) const {
        if (receiver_) receiver_(packet);
    }

private:
    FakeHost& host_;
    TunConfig config_;
    Receiver receiver_;
};

FakeHost::FakeHost(FakeNetwork& network, std::string name, Ipv4Address address, Ipv4Address router)
    : network_(network),
      name_(std::move(name)),
      random_(1, name_),
      routes_(std::make_unique<Routes>(*this)),
      interfaces_{{"eth0", address}} {
    network_.attach(address, *this);
    (void)routes_->add({Prefix{}, "eth0", router});
}

FakeHost::~FakeHost() { network_.detach(interfaces_.at("eth0")); }

void FakeHost::move_to(Ipv4Address address) {
    network_.detach(interfaces_.at("eth0"));
    interfaces_["eth0"] = address;
    network_.attach(address, *this);
}

void FakeHost::ping(Ipv4Address destination, std::uint16_t sequence, std::size_t size) {
    const auto source = routes_->source_for(destination);
    if (source) send(echo_packet(*source, destination, {.sequence = sequence, .size = size}));
}

void FakeHost::send(Bytes packet) {
    const auto header = ip_header(packet);
    if (!header) return;
    const auto route = routes_->lookup(header->destination);
    if (!route) return;
    if (route->interface == "eth0") {
        return network_.carry(route->via.is_unspecified() ? header->destination : route->via, std::move(packet));
    }
    network_.later({}, [this, alive = std::weak_ptr(alive_), tun = route->interface, packet = std::move(packet)] {
        if (alive.expired()) return;
        const auto at = tuns_.find(tun);
        if (at != tuns_.end() && packet.size() <= at->second->config().mtu) at->second->take(packet);
    });
}

void FakeHost::feed_esp(Ipv4Address remote, ByteView payload) { raw_.at(IpProtocol::Esp)->take(remote, payload); }

void FakeHost::feed_udp(ByteView packet) {
    const auto udp = udp_of(packet);
    udp_.at(udp->destination.port)->take(*udp);
}

void FakeHost::receive(Bytes packet) {
    const auto header = ip_header(packet);
    if (!header) return;
    const bool ours = std::any_of(interfaces_.begin(), interfaces_.end(),
                                  [&](const auto& interface) { return interface.second == header->destination; });
    if (ours) return deliver(*header, packet);
    if (auto on = one_hop_on(packet)) send(std::move(*on));
}

void FakeHost::deliver(const IpHeader& header, ByteView packet) {
    if (const auto echo = echo_of(packet)) {
        if (echo->reply) return replies_.push_back(echo->sequence);
        auto reply = *echo;
        reply.reply = true;
        return send(echo_packet(header.destination, header.source, reply));
    }
    if (const auto udp = udp_of(packet)) {
        const auto at = udp_.find(udp->destination.port);
        if (at != udp_.end()) at->second->take(*udp);
        return;
    }
    const auto at = raw_.find(static_cast<IpProtocol>(header.protocol));
    if (at != raw_.end()) at->second->take(header.source, ip_payload(packet));
}

Result<std::unique_ptr<UdpSocket>> FakeHost::open_udp(Endpoint local) {
    if (local.port == 0) local.port = next_port_++;
    if (udp_.contains(local.port)) return fail(Fault::Refused, to_string(local) + " is taken");
    return std::make_unique<Udp>(*this, local);
}

Result<std::unique_ptr<RawIp>> FakeHost::open_raw(IpProtocol protocol) {
    if (raw_.contains(protocol)) return fail(Fault::Refused, "the protocol is taken");
    return std::make_unique<Raw>(*this, protocol);
}

Result<std::unique_ptr<TunDevice>> FakeHost::open_tun(const TunConfig& config) {
    if (interfaces_.contains(config.name)) return fail(Fault::Refused, "interface " + config.name + " exists");
    return std::make_unique<Tun>(*this, config);
}

Result<std::unique_ptr<TcpListener>> FakeHost::listen_tcp(Endpoint local) { return network_.tcp().listen(local); }

Result<std::unique_ptr<TcpStream>> FakeHost::connect_tcp(Endpoint remote) {
    const auto source = routes_->source_for(remote.address);
    if (!source) return pass(source);
    return network_.tcp().connect({*source, next_port_++}, remote);
}

RouteTable& FakeHost::routes() { return *routes_; }

void FakeHost::emit(std::string_view component, Trace trace) {
    events.push_back(
        {now().time_since_epoch(), name_, std::string(component), trace.event, std::move(trace.attributes)});
}

std::vector<Event> FakeHost::events_named(std::string_view event) const {
    std::vector<Event> found;
    std::copy_if(events.begin(), events.end(), std::back_inserter(found),
                 [&](const Event& each) { return each.event == event; });
    return found;
}

}  // namespace gatelab::testing
