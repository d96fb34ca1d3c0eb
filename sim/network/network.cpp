#include "sim/network/network.h"

#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/packet.h>

#include <algorithm>
#include <map>
#include <variant>

#include "sim/host/sim_host.h"
#include "sim/network/middlebox.h"

namespace gatelab::sim {
namespace {

// One node: an IP node (with or without a Host) or a box.
struct NetworkNode {
    std::string name;
    std::unique_ptr<SimHost> host;
    std::unique_ptr<IpStack> router;
    std::unique_ptr<BoxNode> box;
    PortNode* port = nullptr;                                 // the box, when it is one
    std::map<std::string, std::string> links;                 // by neighbour, the last link to it
    std::map<std::string, std::pair<Link*, int>> interfaces;  // by link
    Duration processing_delay{};

    IpStack* stack() { return host ? &host->stack() : router.get(); }
    ns3::Node& node() { return stack() ? stack()->node() : box->node(); }
};

}  // namespace

class Network::Impl {
public:
    explicit Impl(NetworkOptions options) : world(std::make_shared<World>(std::move(options))) {}
    ~Impl() { world->end(); }  // while the users of ns-3's devices still stand

    NetworkNode& add(const std::string& name) {
        auto& slot = nodes[name];
        require(!slot, "two nodes are called " + name);
        slot = std::make_unique<NetworkNode>();
        slot->name = name;
        return *slot;
    }

    NetworkNode& node(const std::string& name) {
        const auto found = nodes.find(name);
        require(found != nodes.end(), "there is no node " + name);
        return *found->second;
    }

    IpStack& stack(const std::string& name) {
        auto* found = node(name).stack();
        require(found, name + " is no host or router");
        return *found;
    }

    Link& link(const std::string& name) {
        const auto found = links.find(name);
        require(found != links.end(), "there is no link " + name);
        return *found->second;
    }

    const std::string& link_between(const std::string& name, const std::string& neighbour) {
        auto& from = node(name);
        const auto found = from.links.find(neighbour);
        require(found != from.links.end(), name + " has no link to " + neighbour);
        return found->second;
    }

    void join(NetworkNode& from, NetworkNode& neighbour, Link& link, int side) {
        from.links[neighbour.name] = link.spec().name;
        from.interfaces[link.spec().name] = {&link, side};
        link.set_processing_delay(side, from.processing_delay);
        if (auto* stack = from.stack()) return stack->add_interface(link.spec().name, link.device(side));
        from.box->add_link(link, side, neighbour.name);
    }

    std::shared_ptr<World> world;
    std::map<std::string, std::unique_ptr<NetworkNode>> nodes;
    std::map<std::string, std::unique_ptr<Link>> links;
    std::vector<std::shared_ptr<Capture>> captures;
    std::size_t faults = 0;
};

Network::Network(NetworkOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Network::~Network() = default;

Host& Network::add_host(const std::string& name, std::vector<Ipv4Address> addresses) {
    auto& node = impl_->add(name);
    node.host = std::make_unique<SimHost>(impl_->world, name, std::move(addresses));
    return *node.host;
}

void Network::add_router(const std::string& name) {
    impl_->add(name).router =
        std::make_unique<IpStack>(*impl_->world, name, std::vector<Ipv4Address>{}, IpStack::Transport::None);
}

void Network::add_filter(const std::string& name, topologies::Firewall firewall) {
    impl_->add(name).box = std::make_unique<FilterNode>(*impl_->world, name, std::move(firewall));
}

void Network::add_nat(const std::string& name, topologies::Nat nat) {
    impl_->add(name).box = std::make_unique<NatNode>(*impl_->world, name, std::move(nat));
}

Port& Network::add_port(const std::string& name) {
    auto& node = impl_->add(name);
    auto port = std::make_unique<PortNode>(*impl_->world, name);
    node.port = port.get();
    node.box = std::move(port);
    return *node.port;
}

Host& Network::host(const std::string& name) {
    auto& node = impl_->node(name);
    require(node.host != nullptr, name + " is no host");
    return *node.host;
}

Port& Network::port(const std::string& name) {
    auto& node = impl_->node(name);
    require(node.port != nullptr, name + " is no port");
    return *node.port;
}

void Network::set_processing_delay(const std::string& node, Duration delay) {
    require(delay >= Duration::zero(), node + " has a negative processing delay");
    auto& at = impl_->node(node);
    at.processing_delay = delay;
    for (const auto& [name, interface] : at.interfaces) interface.first->set_processing_delay(interface.second, delay);
}

void Network::connect(const std::string& a, const std::string& b, const topologies::Link& link) {
    auto& from = impl_->node(a);
    auto& to = impl_->node(b);
    require(a != b, a + " is linked to itself");
    auto& slot = impl_->links[link.name];
    require(!slot, "two links are called " + link.name);
    slot = std::make_unique<Link>(*impl_->world, link, std::array{a, b}, std::array{&from.node(), &to.node()});
    impl_->join(from, to, *slot, 0);
    impl_->join(to, from, *slot, 1);
}

void Network::add_route(const std::string& node, Prefix destination, const std::string& neighbour) {
    const auto added = impl_->stack(node).add_route({destination, impl_->link_between(node, neighbour), {}});
    require(added.has_value(), added ? "" : added.error().detail);
}

void Network::set_source(const std::string& node, const std::string& neighbour, Ipv4Address address) {
    impl_->stack(node).set_source(impl_->link_between(node, neighbour), address);
}

Result<void> Network::capture(const std::string& node, const std::string& interface,
                              const std::filesystem::path& file) {
    auto& at = impl_->node(node);
    const auto found = at.interfaces.find(interface);
    require(found != at.interfaces.end() || at.host, node + " has no interface " + interface);
    auto opened = Capture::open(file);
    if (!opened) return pass(opened);
    std::shared_ptr<Capture> capture = std::move(*opened);
    impl_->captures.push_back(capture);
    if (found != at.interfaces.end()) {
        found->second.first->capture(found->second.second, std::move(capture));
    } else {
        at.host->capture(interface, std::move(capture));
    }
    return {};
}

Result<void> Network::finish_captures() {
    Result<void> first;
    for (const auto& capture : impl_->captures) {
        if (auto finished = capture->finish(); !finished && first) first = finished;
    }
    return first;
}

void Network::add_fault(const topologies::LinkFault& fault) {
    impl_->link(fault.link).add_fault(fault, ++impl_->faults);
}

void Network::intercept(const std::string& link, Interceptor interceptor) {
    impl_->link(link).intercept(std::move(interceptor));
}

void Network::inject(const std::string& link, const std::string& from, ByteView packet) {
    auto& on = impl_->link(link);
    const auto whole = whole_ipv4(packet);
    require(whole.has_value(), "what is injected into " + link + " is no IPv4 packet");
    on.send(on.side_of(from), packet_of(*whole), false);
}

LinkCounters Network::counters(const std::string& link, const std::string& from) const {
    const auto& on = impl_->link(link);
    return on.counters(on.side_of(from));
}

std::uint64_t Network::arrived(const std::string& node) const {
    std::uint64_t packets = 0;
    for (const auto& [name, at] : impl_->node(node).interfaces) packets += at.first->counters(1 - at.second).delivered;
    return packets;
}

Duration Network::now() const { return impl_->world->now(); }

void Network::begin() { impl_->world->begin(); }

Timer Network::call_at(Duration when, std::function<void()> call) {
    return impl_->world->call_at(when, std::move(call));
}

void Network::at(Duration when, std::function<void()> call) { impl_->world->call_surely_at(when, std::move(call)); }

void Network::post(std::function<void()> call) { impl_->world->call_soon(std::move(call)); }

void Network::run_until(Duration when) { impl_->world->run_until(when); }

bool Network::run_until(const std::function<bool()>& condition, Duration limit) {
    return impl_->world->run_until(condition, limit);
}

void Network::stop() { impl_->world->stop(); }

const std::vector<Duration>& Network::lateness() const { return impl_->world->lateness(); }

void Network::emit(const std::string& node, std::string_view component, Trace trace) {
    impl_->world->emit(node, component, std::move(trace));
}

}  // namespace gatelab::sim
