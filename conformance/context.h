// What a case works with: the running network, its two players, and a notebook of what was expected and observed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conformance/players.h"
#include "conformance/report.h"
#include "sim/scenario.h"

namespace gatelab::conformance {

class Context {
public:
    Context(sim::Scenario& scenario, const Pair& pair, std::uint64_t seed)
        : scenario_(scenario), pair_(pair), seed_(seed) {}

    sim::Scenario& scenario() { return scenario_; }
    const Pair& pair() const { return pair_; }
    std::uint64_t seed() const { return seed_; }  // of the run, from which all its keys and certificates come
    sim::RemoteUser& client(const std::string& name = "alice") { return scenario_.client(name); }
    sim::VpnGateway& gateway() { return scenario_.gateway("gateway"); }

    // Notes what was expected and what is there; returns whether it held. The first that did not decides the verdict,
    // and a case usually returns then: what follows has lost its ground.
    bool expect(bool held, std::string expected, std::string observed);
    bool expect_equal(const std::string& what, const std::string& expected, const std::string& observed);
    void measure(const std::string& name, double value) { metrics_[name] = value; }
    // What is no figure, and belongs into a table of such cases.
    void note(const std::string& name, std::string text) { facts_[name] = std::move(text); }

    // Steps that many cases share. Each notes what it expects.
    bool connect(const std::string& user = "alice", Duration limit = std::chrono::seconds(20));
    bool expect_up(const std::string& user = "alice");
    // The user hangs up, and the gateway knows it within `limit`.
    bool hang_up(const std::string& user = "alice", Duration limit = std::chrono::seconds(10));
    // In real time a packet may be late because a process had to wait: tried three times there.
    bool expect_traffic(const std::string& from, const std::string& to, int count = 2);
    // The user's attempt fails within `limit`, for one of `reasons`.
    bool expect_refusal(const std::vector<std::string>& reasons, Duration limit, const std::string& user = "alice");
    // The gateway has so many sessions, or will in a moment.
    bool expect_sessions(std::size_t count, Duration limit = std::chrono::seconds(2));
    // The gateway's end of the only session, or nullptr when there is not exactly one; notes it then.
    sim::TunnelEnd* only_session();

    // Lets time pass until the counters of both ends hold all that was: real programs are asked for theirs now and
    // then, while somebody looks.
    void let_counters_tell();

    const std::vector<Step>& steps() const { return steps_; }
    const std::map<std::string, double>& metrics() const { return metrics_; }
    const std::map<std::string, std::string>& facts() const { return facts_; }

private:
    sim::Scenario& scenario_;
    Pair pair_;
    std::uint64_t seed_;
    std::vector<Step> steps_;
    std::map<std::string, double> metrics_;
    std::map<std::string, std::string> facts_;
};

// "up as 10.60.0.2 with AES_GCM_16-256/...", "... with TLSv1.2/... and AES-256-GCM", or "down: peer-silent".
std::string describe(const sim::TunnelStatus&);
double seconds(Duration);
std::string times(std::size_t count);  // "never", "once", "3 times"

}  // namespace gatelab::conformance
