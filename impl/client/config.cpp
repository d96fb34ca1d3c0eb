#include "impl/client/config.h"

#include <algorithm>
#include <utility>

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
        openvpn.limits = habits.openvpn_connection;
        auto& proxy = openvpn.profile.http_proxy;
        if (!habits.openvpn_over_proxy) proxy.reset();
        if (proxy && !habits.signs_in_at_proxy) proxy->username = proxy->password = "";
        const auto connecting = std::max(openvpn.limits.tcp, openvpn.limits.proxy);
        const auto window = openvpn.profile.handshake_window.value_or(kOpenVpnHandshake);
        give_up = connecting + window + kBeyondHandshake;
    }
    void operator()(Sstp& sstp) const {
        sstp.limits = habits.sstp_connection;
        if (!habits.sstp_over_proxy) sstp.proxy.reset();
        if (sstp.proxy && !habits.signs_in_at_proxy) sstp.proxy->credentials.reset();
        sstp.session.http_within = habits.sstp_http_within;
        sstp.session.ppp.echo_after = Duration::zero();  // SSTP's own hello asks for a silent gateway
        sstp.session.ppp.address_control = habits.sstp_address_control;
        give_up = habits.sstp_within;
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
