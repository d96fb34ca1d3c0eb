#include "conformance/context.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace gatelab::conformance {

using namespace std::chrono_literals;

constexpr Duration kCountersTell = 600ms;
constexpr Duration kPatience = 2s;  // for what is under way; in virtual time it takes milliseconds

bool Context::expect(bool held, std::string expected, std::string observed) {
    steps_.push_back({scenario_.now(), std::move(expected), std::move(observed), held});
    return held;
}

bool Context::expect_equal(const std::string& what, const std::string& expected, const std::string& observed) {
    return expect(expected == observed, fmt::format("{} is {}", what, expected.empty() ? "empty" : expected),
                  observed.empty() ? "empty" : observed);
}

bool Context::connect(const std::string& user, Duration limit) {
    const auto start = scenario_.now();
    client(user).connect();
    scenario_.run_until([&] { return client(user).status().up || !client(user).status().failure.empty(); }, limit);
    if (client(user).status().up) measure("connect_s", seconds(scenario_.now() - start));
    return expect_up(user);
}

bool Context::expect_up(const std::string& user) {
    const auto status = client(user).status();
    return expect(status.up, fmt::format("{}'s tunnel is up", user), describe(status));
}

bool Context::hang_up(const std::string& user, Duration limit) {
    const auto before = gateway().sessions().size();
    client(user).disconnect();
    scenario_.run_until([&] { return !client(user).status().up && gateway().sessions().size() < before; }, limit);
    const auto left = gateway().sessions().size();
    return expect(!client(user).status().up && left < before,
                  fmt::format("{} hangs up, and the gateway forgets the session", user),
                  fmt::format("{}, and the gateway has {} of {}", describe(client(user).status()), left, before));
}

bool Context::expect_traffic(const std::string& from, const std::string& to, int count) {
    const int attempts = pair_.virtual_time() ? 1 : 3;
    sim::PingResult result;
    int attempt = 0;
    do result = scenario_.ping(from, to, count);
    while (++attempt < attempts && result.received < count);
    return expect(result.received == count,
                  fmt::format("{} echo request{} from {} to {} {} answered", count, count == 1 ? "" : "s", from, to,
                              count == 1 ? "is" : "are all"),
                  fmt::format("{} of {} answered", result.received, count));
}

bool Context::expect_sessions(std::size_t count, Duration limit) {
    scenario_.run_until([&] { return gateway().sessions().size() == count; }, limit);
    const auto users = gateway().sessions();
    return expect(users.size() == count, fmt::format("the gateway has {} session{}", count, count == 1 ? "" : "s"),
                  users.empty() ? "none" : fmt::format("{}: {}", users.size(), fmt::join(users, ", ")));
}

bool Context::expect_refusal(const std::vector<std::string>& reasons, Duration limit, const std::string& user) {
    client(user).connect();
    const auto over = [&] { return client(user).status().up || !client(user).status().failure.empty(); };
    const auto start = scenario_.now();
    scenario_.run_until(over, limit);
    measure("refused_s", seconds(scenario_.now() - start));
    const auto status = client(user).status();
    return expect(!status.up && std::find(reasons.begin(), reasons.end(), status.failure) != reasons.end(),
                  fmt::format("{}'s attempt fails within {} s: {}", user, limit / 1s, fmt::join(reasons, " or ")),
                  describe(status));
}

sim::TunnelEnd* Context::only_session() {
    // The gateway may hear of the tunnel a moment after the client.
    scenario_.run_until([&] { return !gateway().sessions().empty(); }, kPatience);
    const auto users = gateway().sessions();
    auto* session = users.size() == 1 ? gateway().session(users.front()) : nullptr;
    if (!session)
        expect(false, "the gateway has one session", fmt::format("{}: {}", users.size(), fmt::join(users, ", ")));
    return session;
}

void Context::let_counters_tell() {
    (void)client().status();
    for (const auto& user : gateway().sessions())
        if (auto* session = gateway().session(user)) (void)session->status();
    scenario_.run_for(kCountersTell);
}

std::string describe(const sim::TunnelStatus& status) {
    if (!status.up) return status.failure.empty() ? "down" : "down: " + status.failure;
    const bool ike = status.tls_suite.empty();
    return fmt::format("up as {} with {} and {}", to_string(status.inner_address),
                       ike ? status.ike_suite : status.tls_suite, ike ? status.child_suite : status.data_cipher);
}

std::string times(std::size_t count) {
    return count == 0 ? "never" : count == 1 ? "once" : fmt::format("{} times", count);
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace gatelab::conformance
