#include "impl/client/config.h"

namespace gatelab::client {
namespace {

using namespace std::chrono_literals;

constexpr Duration kOpenVpnHandshake = 60s;  // --hand-window, where the profile has none
// A handshake that takes longer than OpenVPN allows shall end with OpenVPN's reason.
constexpr Duration kBeyondHandshake = 10s;

struct Adopt {
    Personality personality;
    const Habits& habits;
    Duration& give_up;

    void operator()(Ikev2& ikev2) const {
        ikev2.connection.retransmission = habits.retransmission;
        give_up = habits.ikev2_within;
    }
    void operator()(OpenVpn& openvpn) const {
        openvpn.personality = personality;
        const auto window = openvpn.profile.handshake_window.value_or(kOpenVpnHandshake);
        give_up = window + kBeyondHandshake;
    }
};

std::vector<std::string> texts(const std::vector<std::string_view>& words) { return {words.begin(), words.end()}; }

}  // namespace

void adopt(Personality personality, Config& config) {
    const auto& habits = habits_of(personality);
    for (auto& dial : config.plan) std::visit(Adopt{personality, habits, dial.give_up}, dial.tunnel);
    config.redial = habits.reconnects ? std::optional(habits.redial) : std::nullopt;
    config.ends_round = texts(habits.ends_round);
    config.ends_redial = texts(habits.ends_redial);
}

}  // namespace gatelab::client
