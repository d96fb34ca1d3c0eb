#include "sim/network/link.h"

#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/packet.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <optional>

#include "impl/base/random.h"
#include "sim/network/impairments.h"
#include "sim/network/ipv4_packet.h"

namespace gatelab::sim {
namespace {

constexpr Duration kQueueTime = std::chrono::milliseconds(25);
constexpr std::uint64_t kQueuePackets = 100;

Duration time_to_send(std::uint64_t octets, std::uint64_t bits_per_second) {
    return Duration{static_cast<std::int64_t>((octets * 8 * 1'000'000'000 + bits_per_second - 1) / bits_per_second)};
}

}  // namespace

struct Link::Core {
    // What one side sends, until it arrives at the other.
    struct Direction final : DeviceUser {
        Core* core = nullptr;
        int side = 0;
        ns3::NetDevice* device = nullptr;
        Duration idle_at = Duration::min();  // when the transmitter has sent all that is queued
        std::optional<SeededRandom> losses;
        LinkCounters counters;
        std::shared_ptr<Capture> capture;  // of this side's device, both ways
        Box* box = nullptr;
        std::size_t box_interface = 0;
        Duration processing{};  // of this side's node

        void transmit(const ns3::Ptr<ns3::Packet>& packet) override { core->send(side, packet, true); }
        void record(const ns3::Ptr<ns3::Packet>& packet) {
            if (capture) capture->record(core->world.instant(), bytes_of(packet, core->buffer));
        }
    };

    Core(World& the_world, topologies::Link the_spec) : world(the_world), spec(std::move(the_spec)) {}

    void send(int side, const ns3::Ptr<ns3::Packet>& packet, bool interceptable);
    void enter(int side, const ns3::Ptr<ns3::Packet>& packet);
    void impair(int side, const ns3::Ptr<ns3::Packet>& packet, bool lost);
    void carry(int side, const ns3::Ptr<ns3::Packet>& packet, Duration later, bool header_changed = false);
    void arrive_at(int side, const ns3::Ptr<ns3::Packet>& packet);  // the card of the far side
    void deliver(int side, const ns3::Ptr<ns3::Packet>& packet);
    void hand_over(int side, const ns3::Ptr<ns3::Packet>& packet);

    World& world;
    topologies::Link spec;
    std::array<std::string, 2> names;
    std::array<Direction, 2> directions;
    std::shared_ptr<Interceptor> interceptor;
    std::unique_ptr<Impairments> impairments;  // of a link that has any
    Duration queue{};
    Bytes buffer;
};

Link::Link(World& world, topologies::Link spec, std::array<std::string, 2> names, std::array<ns3::Node*, 2> nodes)
    : core_(std::make_unique<Core>(world, std::move(spec))) {
    require(core_->spec.bits_per_second > 0, "a link needs a rate");
    core_->names = std::move(names);
    core_->queue = std::max(kQueueTime, time_to_send(kQueuePackets * core_->spec.mtu, core_->spec.bits_per_second));
    for (int side = 0; side < 2; ++side) {
        auto& direction = core_->directions[side];
        direction.core = core_.get();
        direction.side = side;
        direction.device = &add_device(*nodes[side], core_->spec.mtu, &direction);
        if (core_->spec.loss > 0) {
            direction.losses.emplace(world.options().seed, "link/" + core_->spec.name + "/" + core_->names[side]);
        }
    }
    if (Impairments::needed(core_->spec)) impairments();
}

Link::~Link() = default;

const topologies::Link& Link::spec() const { return core_->spec; }
const std::array<std::string, 2>& Link::ends() const { return core_->names; }

int Link::side_of(const std::string& node) const {
    require(node == core_->names[0] || node == core_->names[1], "link " + core_->spec.name + " has no end at " + node);
    return node == core_->names[0] ? 0 : 1;
}

ns3::NetDevice& Link::device(int side) { return *core_->directions[side].device; }

void Link::set_processing_delay(int side, Duration delay) { core_->directions[side].processing = delay; }

void Link::attach(int side, Box& box, std::size_t interface) {
    core_->directions[side].box = &box;
    core_->directions[side].box_interface = interface;
}

void Link::send(int side, const ns3::Ptr<ns3::Packet>& packet, bool interceptable) {
    core_->send(side, packet, interceptable);
}

void Link::capture(int side, std::shared_ptr<Capture> capture) { core_->directions[side].capture = std::move(capture); }

void Link::intercept(Interceptor interceptor) {
    core_->interceptor = interceptor ? std::make_shared<Interceptor>(std::move(interceptor)) : nullptr;
}

void Link::add_fault(const topologies::LinkFault& fault, std::size_t number) { impairments().add(fault, number); }

Impairments& Link::impairments() {
    auto& impairments = core_->impairments;
    if (!impairments) {
        impairments = std::make_unique<Impairments>(core_->world.options().seed, core_->spec, core_->names);
    }
    return *impairments;
}

LinkCounters Link::counters(int side) const { return core_->directions[side].counters; }

void Link::Core::send(int side, const ns3::Ptr<ns3::Packet>& packet, bool interceptable) {
    ++directions[side].counters.sent;
    if (!interceptable || !interceptor) return enter(side, packet);
    const auto current = interceptor;  // may replace itself meanwhile
    Bytes copy(packet->GetSize());     // not `buffer`: the interceptor may inject
    const Verdict verdict = (*current)(names[side], bytes_of(packet, copy));
    switch (verdict.kind) {
        case Verdict::Kind::Pass: return enter(side, packet);
        case Verdict::Kind::Drop: ++directions[side].counters.intercepted; return;
        case Verdict::Kind::Replace:
            const auto whole = whole_ipv4(verdict.replacement);
            require(whole.has_value(), "an interceptor's replacement is no IPv4 packet");
            return enter(side, packet_of(*whole));
    }
}

void Link::Core::enter(int side, const ns3::Ptr<ns3::Packet>& packet) {
    auto& direction = directions[side];
    if (packet->GetSize() > spec.mtu) {
        ++direction.counters.oversized;
        return;
    }
    const Duration now = world.now();
    const Duration start = std::max(now, direction.idle_at);
    if (start - now > queue) {
        ++direction.counters.overflowed;
        return;
    }
    direction.idle_at = start + time_to_send(packet->GetSize(), spec.bits_per_second);
    direction.record(packet);
    const bool lost = direction.losses && direction.losses->unit() < spec.loss;
    if (impairments) return impair(side, packet, lost);
    if (lost) {
        ++direction.counters.lost;
        return;
    }
    carry(side, packet, {});
}

// A packet that the link loses has met its faults and has been counted by them all the same.
void Link::Core::impair(int side, const ns3::Ptr<ns3::Packet>& packet, bool lost) {
    auto& direction = directions[side];
    const auto size = bytes_of(packet, buffer).size();
    const auto bytes = ByteSpan{buffer}.first(size);
    auto counters = direction.counters;
    const auto fate = impairments->judge(world.now(), side, bytes, counters);
    if (lost && !fate.dropped) {
        ++direction.counters.lost;
    } else {
        direction.counters = counters;
    }
    if (!lost && !fate.dropped) {
        const auto sent = fate.changed ? packet_of(bytes) : packet;
        carry(side, sent, fate.later, fate.header_changed);
        if (fate.twice) carry(side, sent->Copy(), fate.later, fate.header_changed);
    }
    for (auto& [sender, trace] : impairments->drain()) world.emit(names[sender], "link", std::move(trace));
}

void Link::Core::carry(int side, const ns3::Ptr<ns3::Packet>& packet, Duration later, bool header_changed) {
    const auto& far = directions[1 - side];
    const auto when = ns3::NanoSeconds((directions[side].idle_at - world.now() + spec.delay + later).count());
    const auto node = far.device->GetNode()->GetId();
    if (header_changed) {
        ns3::Simulator::ScheduleWithContext(node, when, [this, side, packet] { arrive_at(side, packet); });
    } else {
        ns3::Simulator::ScheduleWithContext(node, when, [this, side, packet] { deliver(side, packet); });
    }
}

void Link::Core::arrive_at(int side, const ns3::Ptr<ns3::Packet>& packet) {
    ++directions[side].counters.delivered;
    directions[1 - side].record(packet);
}

void Link::Core::deliver(int side, const ns3::Ptr<ns3::Packet>& packet) {
    arrive_at(side, packet);
    auto& far = directions[1 - side];
    if (far.processing <= Duration::zero()) return hand_over(side, packet);
    ns3::Simulator::ScheduleWithContext(far.device->GetNode()->GetId(), ns3::NanoSeconds(far.processing.count()),
                                        [this, side, packet] { hand_over(side, packet); });
}

void Link::Core::hand_over(int side, const ns3::Ptr<ns3::Packet>& packet) {
    auto& far = directions[1 - side];
    if (far.box) return far.box->handle(far.box_interface, packet);
    arrive(*far.device, packet);
}

}  // namespace gatelab::sim
