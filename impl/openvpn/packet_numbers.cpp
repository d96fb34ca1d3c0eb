#include "impl/openvpn/packet_numbers.h"

namespace gatelab::openvpn {
namespace {

constexpr std::uint32_t kWindow = 64;

}  // namespace

PacketNumber NumberSource::next(Instant now) {
    if (!time_ || next_ == 0) time_ = static_cast<std::uint32_t>(unix_seconds(now));
    if (next_ == 0) next_ = 1;
    return {next_++, *time_};
}

bool NumberMemory::add(PacketNumber number) {
    if (number.id == 0) return false;
    if (newest_ == 0 || number.time > time_) {
        time_ = number.time;
        newest_ = number.id;
        seen_ = 1;
        return true;
    }
    if (number.time < time_) return false;
    if (number.id > newest_) {
        const auto ahead = number.id - newest_;
        seen_ = ahead < kWindow ? seen_ << ahead : 0;
        seen_ |= 1;
        newest_ = number.id;
        return true;
    }
    const auto behind = newest_ - number.id;
    const auto bit = behind < kWindow ? std::uint64_t{1} << behind : 0;
    if (bit == 0 || (seen_ & bit) != 0) return false;
    seen_ |= bit;
    return true;
}

}  // namespace gatelab::openvpn
