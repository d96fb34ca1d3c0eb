// What every kind of client does in every kind of network at every kind of gateway: which tunnel it ends on and after
// how long, or why on none.
//
// The expectations know which tunnel gets through which network, and nothing else. How long a client may try is what
// impl/client states as its personality's habits.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "conformance/context.h"
#include "conformance/suites/fallback/story.h"
#include "conformance/suites/suites.h"
#include "impl/client/personality.h"
#include "sim/gatelab_client.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;
using namespace fallback;
using topologies::Tunnel;

constexpr Duration kConnects = 10s;  // a handshake that nothing delays, two connections to a proxy included
constexpr Duration kSlack = 5s;      // beyond what is stated: for a last message, or a real program's farewell
constexpr Duration kStays = 120s;    // how long a tunnel is watched that the network should leave alone

struct Cell {
    Caller caller;
    Network network;
    Offer offer;

    const client::Habits& habits() const { return client::habits_of(sim::personality_of(caller.personality)); }
    bool redials() const { return caller.always_on || habits().reconnects; }
};

bool over_proxy(const Cell& cell, Tunnel tunnel) {
    return tunnel == Tunnel::Sstp ? cell.habits().sstp_over_proxy : cell.habits().openvpn_over_proxy;
}

bool gets_through(const Cell& cell, Tunnel tunnel, bool later) {
    switch (cell.network.way_of(tunnel)) {
        case Way::Through:
        case Way::Mute: return true;
        case Way::Blocked: return false;
        case Way::ByProxy: return over_proxy(cell, tunnel);
        case Way::BySignIn: return over_proxy(cell, tunnel) && cell.habits().signs_in_at_proxy;
        case Way::Lost: return !later;
        case Way::Later: return later;
    }
    return false;
}

// What is stated for one attempt.
Duration attempt_within(const Cell& cell, Tunnel tunnel) {
    const auto& habits = cell.habits();
    switch (tunnel) {
        case Tunnel::IkeV2: return habits.ikev2_within;
        case Tunnel::Sstp: return habits.sstp_within;
        case Tunnel::OpenVpn: break;
    }
    return std::max(habits.openvpn_connection.tcp, habits.openvpn_connection.proxy) +
           topologies::OpenVpn{}.handshake_window + 10s;
}

// What a client comes to when it dials.
struct Outcome {
    std::optional<Tunnel> tunnel;
    Duration within{};  // until the tunnel is up, or the client has tried everything
};

Outcome expected(const Cell& cell, bool later = false) {
    Outcome outcome;
    for (const auto tunnel : common(cell.caller, cell.offer)) {
        if (gets_through(cell, tunnel, later)) {
            outcome.tunnel = tunnel;
            outcome.within += kConnects;
            return outcome;
        }
        outcome.within += attempt_within(cell, tunnel) + kSlack;
    }
    outcome.within += kSlack;
    return outcome;
}

std::string title_of(Tunnel tunnel) {
    return tunnel == Tunnel::IkeV2 ? "IKEv2" : tunnel == Tunnel::Sstp ? "SSTP" : "OpenVPN";
}

bool is(const std::string& protocol, Tunnel tunnel) { return protocol.starts_with(name_of(tunnel)); }

// What an attempt that a network swallows ends with; a TCP connection may also be cut or refused on the way.
std::vector<std::string> reasons_of(const Cell& cell, Tunnel tunnel) {
    if (tunnel == Tunnel::IkeV2) return {"peer-silent", "timed-out"};
    std::vector<std::string> reasons = {"no-connection", "timed-out", "handshake-timeout"};
    if (std::string_view{cell.network.name} == "only-tls-443")
        reasons.insert(reasons.end(), {"peer-exit", "tls-failed"});
    if (std::string_view{cell.network.name} == "only-proxy-sign-in")
        reasons.emplace_back("proxy-authentication-required");
    return reasons;
}

class Call {
public:
    Call(Context& context, const Cell& cell) : context_(context), cell_(cell) {}

    void run() {
        note("client", cell_.caller.title);
        note("network", cell_.network.title);
        note("offer", cell_.offer.title);
        silence(context_.scenario(), cell_.network);
        const auto first = expected(cell_);
        if (!dial(first)) return;
        if (cell_.network.way_of(Tunnel::IkeV2) == Way::Lost)
            lose(first);
        else if (cell_.network.way_of(Tunnel::IkeV2) == Way::Later && dials_ikev2())
            dial_again();
    }

private:
    void note(const std::string& name, std::string text) { context_.note(name, std::move(text)); }
    sim::TunnelStatus status() { return context_.client().status(); }
    Duration now() { return context_.scenario().now(); }

    std::string reason() {
        const auto now_is = status();
        if (!now_is.failure.empty() || now_is.attempts.empty()) return now_is.failure;
        return now_is.attempts.back().failure;
    }

    bool dials_ikev2() const {
        const auto tunnels = common(cell_.caller, cell_.offer);
        return std::ranges::find(tunnels, Tunnel::IkeV2) != tunnels.end();
    }

    // Whether every tunnel has been tried since `since`; who dials again by itself never says that it has failed.
    bool has_tried_all(Duration since) {
        const auto attempts = status().attempts;
        const auto over = std::ranges::count_if(
            attempts, [&](const sim::Attempt& one) { return one.began >= since && !one.failure.empty(); });
        return static_cast<std::size_t>(over) >= std::max<std::size_t>(1, common(cell_.caller, cell_.offer).size());
    }

    bool settles(Duration since, Duration within) {
        return context_.scenario().run_until(
            [&] { return status().up || !status().failure.empty() || has_tried_all(since); }, within);
    }

    bool dial(const Outcome& outcome) {
        const auto start = now();
        context_.client().connect();
        settles(start, outcome.within);
        const auto took = now() - start;
        context_.measure("settled_s", seconds(took));
        return outcome.tunnel ? expect_up(*outcome.tunnel, outcome.within, took) : expect_none(outcome.within, took);
    }

    bool expect_up(Tunnel tunnel, Duration within, Duration took) {
        const auto there = status();
        note("tunnel", there.up ? title_of_protocol(there.protocol) : "none");
        note("reason", there.up ? "" : reason());
        if (!context_.expect(
                there.up && is(there.protocol, tunnel),
                fmt::format("{} is up within {} s", title_of(tunnel), within / 1s),
                there.up ? fmt::format("{} after {:.2f} s", there.protocol, seconds(took)) : describe(there)))
            return false;
        return expect_what_passes(cell_.network.way_of(tunnel) == Way::Mute);
    }

    static std::string title_of_protocol(const std::string& protocol) {
        for (const auto tunnel : {Tunnel::IkeV2, Tunnel::Sstp, Tunnel::OpenVpn})
            if (is(protocol, tunnel)) return title_of(tunnel);
        return protocol;
    }

    bool expect_what_passes(bool mute) {
        if (!mute) return context_.expect_traffic("alice", "app1");
        note("then", "nothing passes");
        const auto result = context_.scenario().ping("alice", "app1", 2);
        return context_.expect(result.received == 0, "no echo request is answered, because ESP does not pass",
                               fmt::format("{} of {} answered", result.received, result.sent));
    }

    bool expect_none(Duration within, Duration took) {
        const auto tunnels = common(cell_.caller, cell_.offer);
        const auto why = reason();
        const auto reasons =
            tunnels.empty() ? std::vector<std::string>{"no-common-tunnel"} : reasons_of(cell_, tunnels.back());
        note("tunnel", status().up ? title_of_protocol(status().protocol) : "none");
        note("reason", why);
        return context_.expect(!status().up && std::ranges::find(reasons, why) != reasons.end(),
                               fmt::format("no tunnel comes up, and within {} s it is known why: {}", within / 1s,
                                           fmt::join(reasons, " or ")),
                               status().up
                                   ? "up by " + status().protocol
                                   : fmt::format("{} after {:.2f} s", why.empty() ? "nothing" : why, seconds(took)));
    }

    // The network closes for IPsec once a tunnel is up.
    void lose(const Outcome& first) {
        if (!first.tunnel) return;
        if (now() < kCloses) context_.scenario().run_for(kCloses - now());
        if (*first.tunnel != Tunnel::IkeV2) {
            context_.scenario().run_for(kStays);
            note("then", "stays up");
            if (context_.expect_up()) context_.expect_traffic("alice", "app1");
            return;
        }
        const auto notices = topologies::Client{}.liveness + attempt_within(cell_, Tunnel::IkeV2) + kSlack;
        const auto closed = now();
        context_.scenario().run_until([&] { return !status().up; }, notices);
        const auto lost_after = now() - closed;
        if (!context_.expect(!status().up, fmt::format("the tunnel counts as lost within {} s", notices / 1s),
                             describe(status())))
            return;
        context_.measure("lost_s", seconds(lost_after));
        if (cell_.redials())
            come_back(lost_after);
        else
            expect_lost(lost_after);
    }

    void expect_lost(Duration after) {
        const auto why = reason();
        note("then", fmt::format("lost after {:.0f} s: {}", seconds(after), why));
        context_.expect(why == "peer-silent" || why == "timed-out", "the client says that the gateway is silent", why);
        context_.scenario().run_for(kStays);
        context_.expect(!status().up, "and does not dial by itself", describe(status()));
    }

    void come_back(Duration lost_after) {
        const auto outcome = expected(cell_, true);
        const auto start = now();
        const auto within = outcome.within + pause_before(cell_.habits().redial, 0);
        if (!outcome.tunnel) {
            note("then", fmt::format("lost after {:.0f} s, tries again", seconds(lost_after)));
            context_.scenario().run_until([&] { return has_tried_all(start); }, within);
            context_.expect(has_tried_all(start), fmt::format("it dials again by itself within {} s", within / 1s),
                            describe(status()));
            return;
        }
        context_.scenario().run_until([&] { return status().up; }, within);
        const auto there = status();
        note("then", fmt::format("lost after {:.0f} s, then {} {:.0f} s later", seconds(lost_after),
                                 there.up ? title_of_protocol(there.protocol) : "none", seconds(now() - start)));
        if (context_.expect(there.up && is(there.protocol, *outcome.tunnel),
                            fmt::format("it dials again by itself, and {} is up within {} s", title_of(*outcome.tunnel),
                                        within / 1s),
                            there.up ? there.protocol : describe(there)))
            context_.expect_traffic("alice", "app1");
    }

    // The network has opened for IPsec since.
    void dial_again() {
        const auto outcome = expected(cell_, true);
        if (!outcome.tunnel) return;
        const bool by_itself = !status().up && cell_.redials();
        if (now() < kOpens) context_.scenario().run_for(kOpens - now());
        const auto start = now();
        auto within = outcome.within;
        if (by_itself) {
            within += cell_.habits().redial.longest + attempt_within(cell_, Tunnel::IkeV2);
        } else {
            hang_up();
            context_.client().connect();
        }
        context_.scenario().run_until([&] { return status().up; }, within);
        const auto there = status();
        note("then", fmt::format("{}: {}", by_itself ? "once open" : "dialled again",
                                 there.up ? title_of_protocol(there.protocol) : "none"));
        if (context_.expect(
                there.up && is(there.protocol, *outcome.tunnel),
                fmt::format("{} {} is up within {} s", by_itself ? "by itself" : "dialled again,",
                            title_of(*outcome.tunnel), within / 1s),
                there.up ? fmt::format("{} after {:.2f} s", there.protocol, seconds(now() - start)) : describe(there)))
            context_.expect_traffic("alice", "app1");
    }

    void hang_up() {
        if (!status().up) return;
        context_.client().disconnect();
        context_.scenario().run_until([&] { return !status().up && context_.gateway().sessions().empty(); }, 10s);
    }

    Context& context_;
    const Cell& cell_;
};

std::string sentence_of(const Cell& cell) {
    const auto outcome = expected(cell);
    return fmt::format("{} at a gateway that offers {}, network \"{}\": {}.", cell.caller.title, cell.offer.title,
                       cell.network.title,
                       outcome.tunnel ? "ends on " + title_of(*outcome.tunnel) : "has no tunnel, and says why");
}

std::vector<std::string> requirements_of(const Cell& cell) {
    std::vector<std::string> ids = cell.caller.requirements;
    if (cell.network.ikev2 != Way::Through && cell.network.ikev2 != Way::Mute) ids.emplace_back("P2S-PROTO-03");
    if (cell.network.ikev2 == Way::Mute) ids.emplace_back("P2S-PROTO-03");
    if (cell.network.ikev2 == Way::Lost) ids.emplace_back("P2S-FAQ-15");
    ids.emplace_back("P2S-AUTH-01");
    return ids;
}

// A real program sees nothing of what a gateway offers beside its own tunnel: it takes part at one that offers that
// alone.
std::vector<topologies::Implementation> players_of(const Cell& cell) {
    std::vector<topologies::Implementation> all{topologies::Implementation::Gatelab};
    if (cell.offer.tunnels.size() == 1 && !common(cell.caller, cell.offer).empty())
        all.insert(all.end(), cell.caller.played_by.begin(), cell.caller.played_by.end());
    return all;
}

Case case_of(const Cell& cell) {
    const auto tunnels = common(cell.caller, cell.offer);
    return {.id = fmt::format("{}.{}.{}", cell.caller.name, cell.network.name, cell.offer.name),
            .tunnel = tunnels.empty() ? cell.offer.tunnels.front() : tunnels.front(),
            .requirements = requirements_of(cell),
            .sentence = sentence_of(cell),
            .topology = [=](const Pair& pair) { return topology_of(pair, cell.caller, cell.network, cell.offer); },
            .check =
                [=](Context& context) {
                    Call{context, cell}.run();
                },
            .looks_at = Side::Client,
            .clients = players_of(cell)};
}

}  // namespace

std::vector<Case> falling_back() {
    std::vector<Case> cases;
    for (const auto& offer : offers())
        for (const auto& network : networks())
            for (const auto& caller : callers()) cases.push_back(case_of({caller, network, offer}));
    return cases;
}

}  // namespace gatelab::conformance::families
