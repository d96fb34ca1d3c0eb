#include "impl/openvpn/cookie.h"

namespace gatelab::openvpn {
namespace {

constexpr std::size_t kSecret = 32;
constexpr Duration kUsualWindow = std::chrono::minutes(1);

}  // namespace

SessionCookies::SessionCookies(Random& random, Duration window)
    : mac_(crypto::Hash::Sha256, random.bytes(kSecret)),
      slot_(std::max<Duration>((window > Duration::zero() ? window : kUsualWindow) / 2, std::chrono::seconds(1))) {}

SessionId SessionCookies::make_for(std::int64_t slot, const Endpoint& client, const SessionId& client_session) {
    ByteWriter text;
    text.u64(static_cast<std::uint64_t>(slot)).u32(client.address.number()).u16(client.port).bytes(client_session);
    SessionId id;
    mac_.update(text.view()).finish(id);
    return id;
}

SessionId SessionCookies::make(Instant now, const Endpoint& client, const SessionId& client_session) {
    return make_for(slot_of(now), client, client_session);
}

bool SessionCookies::holds(Instant now, const SessionId& cookie, const Endpoint& client,
                           const SessionId& client_session) {
    const auto slot = slot_of(now);
    const bool current = equal_in_constant_time(cookie, make_for(slot, client, client_session));
    const bool previous = equal_in_constant_time(cookie, make_for(slot - 1, client, client_session));
    return current || previous;
}

}  // namespace gatelab::openvpn
