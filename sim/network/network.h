// The network of a simulation: nodes, links, middleboxes and time, on ns-3.
//
// Build it (nodes, links, routes), then run it. Names are unique: node names among nodes, link names among links. At a
// node, an interface has the name of its link ("alice-isp") or of its tunnel device ("p2s0"). Links are point-to-point
// and unnumbered: a node owns addresses, not its interfaces, so no link needs a subnet and nothing resolves addresses.
//
// A process holds at most one Network at a time (ns-3 has one simulator per process), but any number one after another,
// each as repeatable as the first. Misuse (an unknown name, a second link of one name) stops the program with a
// message: topologies are checked before they come here.
//
// All calls and callbacks belong to one thread, except Port::inject and Network::post.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "impl/base/events.h"
#include "impl/host/host.h"
#include "sim/scenario.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

struct NetworkOptions {
    std::uint64_t seed = 1;
    Instant epoch = instant_from_unix(1767225600);  // what the hosts' clocks show at the start: 2026-01-01 00:00 UTC
    bool real_time = false;                         // keep step with the wall clock, beside real programs
    Duration lead{};            // the time of the machines before the start: now() begins at minus this (see begin())
    bool hurried_lead = false;  // real time begins with the start: during the lead nothing outside is waited for
    std::function<void(Event)> events = {};  // told what hosts and middleboxes emit, in order
    bool checksums = true;  // off: IP, UDP and TCP checksums of simulated hosts are zero. Always on in real time.
};

// A node that a program outside plays: it has one link and no IP stack of ours.
class Port {
public:
    using Receiver = std::function<void(ByteView packet)>;
    virtual ~Port() = default;
    // A whole IP packet that arrived for the node; called on the simulation's thread.
    virtual void on_packet(Receiver) = 0;
    // Sends a whole IPv4 packet as the node; trailing bytes are trimmed, anything else is dropped and counted.
    // In real time it may be called from any thread, and the packet leaves as soon as the simulation gets to it.
    virtual void inject(ByteView packet) = 0;
};

// One direction of a link, so far. Each packet counts in `sent` and in at most one of the drops; what arrives twice
// counts twice in `delivered`.
struct LinkCounters {
    std::uint64_t sent = 0;        // packets given to the link
    std::uint64_t delivered = 0;   // packets at the far end
    std::uint64_t lost = 0;        // by Link::loss
    std::uint64_t overflowed = 0;  // no room in the queue
    std::uint64_t oversized = 0;   // larger than the MTU (hosts and routers fragment, or answer "fragmentation needed")
    std::uint64_t intercepted = 0;  // dropped by the interceptor
    std::uint64_t black_holed = 0;  // larger than Link::black_hole_above
    std::uint64_t faulted = 0;      // dropped by a fault
    // Of those that were not dropped, by the link or by a fault:
    std::uint64_t duplicated = 0, corrupted = 0, delayed = 0;
};

class Network {
public:
    explicit Network(NetworkOptions);
    ~Network();  // hosts, ports and all that they opened must not be used any more; destroying those later is harmless
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    // --- nodes ---

    // An IP node with a Host on it; it answers pings and forwards. The first address is its source address unless
    // set_source() says otherwise.
    Host& add_host(const std::string& name, std::vector<Ipv4Address> addresses);
    // Forwards; answers from 192.0.0.8 (RFC 7600 section 4.8) when it has to report an error.
    void add_router(const std::string& name);
    void add_filter(const std::string& name, topologies::Firewall);  // a bump in the wire between two links
    void add_nat(const std::string& name, topologies::Nat);          // one outside link, any number of inside links
    Port& add_port(const std::string& name);

    Host& host(const std::string& name);
    Port& port(const std::string& name);

    // How long each packet stays at `node` between its arrival on a link and being seen by the node; 0 at first.
    // Packets keep their order.
    void set_processing_delay(const std::string& node, Duration);

    // --- links and routes ---

    // A full-duplex link called link.name. Its queue, one each way, holds what the link sends in 25 ms, and at least
    // 100 packets of full size; what finds no room is dropped.
    void connect(const std::string& a, const std::string& b, const topologies::Link& link);
    // Sends `destination` from `node` (a host or a router) over its link to `neighbour`.
    void add_route(const std::string& node, Prefix destination, const std::string& neighbour);
    // The host's source address for what it sends over its link to `neighbour`.
    void set_source(const std::string& node, const std::string& neighbour, Ipv4Address);

    // --- observation ---

    // Records what `node` sends and receives on an interface: pcap, nanoseconds, LINKTYPE_RAW, epoch + simulated time.
    // The interface may be a tunnel device that is not open yet. Io when the file cannot be made.
    Result<void> capture(const std::string& node, const std::string& interface, const std::filesystem::path& file);
    // Writes out and closes all captures; Io names the first that is not whole. Idempotent; the destructor does it too.
    Result<void> finish_captures();

    // A fault of the topology's schedule, on the link that it names; such faults are told as events of component "link"
    // of the sending node, and counted from 1 in the order of these calls.
    void add_fault(const topologies::LinkFault&);

    // At most one interceptor a link, for both directions; nullptr removes it. It sees packets before the queue.
    void intercept(const std::string& link, Interceptor);
    // Puts a packet on a link as if `from` had sent it; it passes no interceptor.
    void inject(const std::string& link, const std::string& from, ByteView packet);
    LinkCounters counters(const std::string& link, const std::string& from) const;
    std::uint64_t arrived(const std::string& node) const;  // packets, over all of its links, so far

    // --- running ---

    Duration now() const;  // since the start; negative during the lead
    void begin();          // the start is now: ends the lead, if there is any left of it
    [[nodiscard]] Timer call_at(Duration when, std::function<void()>);  // cancelled when the Timer dies
    void at(Duration when, std::function<void()>);                      // past times: as soon as possible
    void post(std::function<void()>);  // as soon as possible; in real time from any thread
    void run_until(Duration when);     // events due at `when` that were known before have run
    // Runs until `condition` holds (checked now, after every emitted event and every simulated millisecond) or until
    // `limit` (since the start); whether it holds.
    bool run_until(const std::function<bool()>& condition, Duration limit);
    void stop();  // ends the current run after the current event

    // How late the simulation was behind the wall clock, every 10 ms of real-time running. Time between two runs does
    // not count: the simulation's clock stands still then.
    const std::vector<Duration>& lateness() const;

    // Records an event under the network's clock, as a host does for itself.
    void emit(const std::string& node, std::string_view component, Trace);

    class Impl;

private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace gatelab::sim
