#include "conformance/suites/sstp/steps.h"

#include <fmt/format.h>

namespace gatelab::conformance::sstp_steps {

using namespace std::chrono_literals;

std::vector<Event> events_of_gateway(Context& context, const std::string& component, const std::string& event,
                                     Duration since) {
    std::vector<Event> found;
    for (const auto& one : context.scenario().events())
        if (one.node == "gateway" && one.component == component && one.event == event && one.t >= since)
            found.push_back(one);
    return found;
}

std::size_t messages(Context& context, const std::string& event, const std::string& type, Duration since) {
    std::size_t count = 0;
    for (const auto& one : events_of_gateway(context, "sstp", event, since))
        count += text_of(one.attributes, "type") == type ? 1 : 0;
    return count;
}

std::size_t ppp_messages(Context& context, const std::string& event, const std::string& protocol,
                         const std::string& message, Duration since) {
    std::size_t count = 0;
    for (const auto& one : context.scenario().events())
        count += one.node == "gateway" && one.event == event && one.t >= since &&
                         text_of(one.attributes, "protocol") == protocol &&
                         text_of(one.attributes, "message") == message
                     ? 1
                     : 0;
    return count;
}

bool carries_both_ways(Context& context, const std::string& user, int count) {
    return context.expect_traffic(user, "app1", count) && context.expect_traffic("app1", user, count);
}

bool connects(Context& context, const std::string& user, Duration limit) {
    return context.connect(user, limit) && carries_both_ways(context, user);
}

bool expect_agreed(Context& context, const std::string& authentication, const std::string& hash) {
    auto* session = context.only_session();
    if (!session) return false;
    const auto there = session->status(), here = context.client().status();
    return context.expect_equal("the authentication that the gateway saw", authentication, there.authentication) &&
           context.expect_equal("the hash of the crypto binding that the gateway verified", hash,
                                there.crypto_binding) &&
           context.expect_equal("the authentication that the client tells of", authentication, here.authentication);
}

void expect_nobody_in(Context& context, const std::vector<std::string>& reasons, Duration limit) {
    context.expect_refusal(reasons, limit);
    context.expect_sessions(0, 15s);
}

topologies::Flow pings(Duration interval, Duration start, Duration stop, std::uint16_t size) {
    topologies::Flow flow;
    flow.name = "pings";
    flow.from = "alice";
    flow.to = "app1";
    flow.start = start;
    flow.stop = stop;
    flow.interval = interval;
    flow.packet_size = size;
    return flow;
}

void lose_on_the_way(topologies::Topology& topology, double share) {
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph)))
        if (topology.graph[edge].name == kInternetLink) topology.graph[edge].loss = share;
}

}  // namespace gatelab::conformance::sstp_steps
