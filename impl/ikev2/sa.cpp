#include "impl/ikev2/sa.h"

#include <algorithm>

namespace gatelab::ikev2 {

std::string_view name_of(const Stage& stage) {
    constexpr std::string_view kNames[] = {"connecting", "half-open", "awaiting-owner", "established", "replaced",
                                           "closing",    "gone"};
    static_assert(std::size(kNames) == std::variant_size_v<Stage>);
    return kNames[stage.index()];
}

Child* Sa::find_child(ChildId child) {
    const auto found =
        std::find_if(children.begin(), children.end(), [&](const Child& candidate) { return candidate.id == child; });
    return found == children.end() ? nullptr : &*found;
}

Child* Sa::find_child_by_outbound(std::uint32_t spi) {
    const auto found = std::find_if(children.begin(), children.end(),
                                    [&](const Child& candidate) { return candidate.outbound.value() == spi; });
    return found == children.end() ? nullptr : &*found;
}

std::optional<Instant> Sa::deadline() const {
    std::optional<Instant> soonest;
    if (outstanding) soonest = outstanding->resend_at;
    if (const auto* half = std::get_if<HalfOpen>(&stage)) soonest = earlier(soonest, half->until);
    if (const auto* awaiting = std::get_if<AwaitingOwner>(&stage)) soonest = earlier(soonest, awaiting->until);
    if (const auto* replaced = std::get_if<Replaced>(&stage)) soonest = earlier(soonest, replaced->until);
    if (const auto* gone = std::get_if<Gone>(&stage)) soonest = earlier(soonest, gone->until);
    if (!std::holds_alternative<Established>(stage)) return soonest;
    soonest = earlier(earlier(soonest, rekey_at), keepalive_at);
    for (const auto& child : children) soonest = earlier(soonest, child.rekey_at);
    const auto liveness = connection->lifetimes.liveness;
    if (liveness > Duration::zero() && !outstanding) soonest = earlier(soonest, last_heard + liveness);
    return soonest;
}

}  // namespace gatelab::ikev2
