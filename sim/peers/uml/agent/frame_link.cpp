#include "sim/peers/uml/agent/frame_link.h"

#include <algorithm>

namespace gatelab::sim::peers::uml::agent {
namespace {

constexpr std::size_t kEthernet = 14, kHeader = kEthernet + 4 + 4 + 2;
constexpr std::size_t kPayload = kLargestFrame - kHeader;
constexpr std::size_t kLength = 4;  // before each message

void put(Bytes& bytes, std::uint64_t value, int octets) {
    while (octets-- > 0) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * octets)));
}

// Forgets the first `done` octets, not each time but when they have become the larger part.
void compact(Bytes& bytes, std::size_t& done) {
    if (done < bytes.size() - done) return;
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(done));
    done = 0;
}

}  // namespace

bool FrameLink::queue(ByteView message) {
    if (message.size() > kLargestMessage) return false;
    put(outgoing_, message.size(), kLength);
    append(outgoing_, message);
    return true;
}

std::optional<ByteView> FrameLink::next_frame() {
    const bool may_send = next_ - confirmed_ < kWindow;
    const std::size_t length = may_send ? std::min(backlog(), kPayload) : 0;
    if (length == 0 && !owes_acknowledgement()) return std::nullopt;
    frame_.clear();
    append(frame_, there_);
    append(frame_, here_);
    put(frame_, kEtherType, 2);
    put(frame_, next_, 4);
    put(frame_, taken_, 4);
    put(frame_, length, 2);
    append(frame_, ByteView{outgoing_}.subspan(sent_, length));
    if (length > 0) ++next_;
    told_ = taken_;
    sent_ += length;
    compact(outgoing_, sent_);
    return ByteView{frame_};
}

Result<void> FrameLink::handle_frame(ByteView frame) {
    ByteReader reader{frame};
    reader.skip(kEthernet - 2);
    if (reader.u16() != kEtherType) return {};
    const auto number = reader.u32();
    const auto confirmed = reader.u32();
    const auto payload = reader.bytes(reader.u16());  // Ethernet may pad
    if (!reader.ok()) return fail(Fault::Truncated, "a frame of the control channel is shorter than it says");
    if (confirmed - confirmed_ > next_ - confirmed_)
        return fail(Fault::Malformed, "the control channel confirms frames that were not sent");
    if (number != taken_) return fail(Fault::Malformed, "a frame of the control channel is missing");
    confirmed_ = confirmed;
    if (payload.empty()) return {};
    ++taken_;
    compact(incoming_, read_);
    append(incoming_, payload);
    if (const auto length = length_of_next(); length && *length > kLargestMessage)
        return fail(Fault::Malformed, "a message of the control channel is too large");
    return {};
}

std::optional<std::uint32_t> FrameLink::length_of_next() const {
    ByteReader reader{ByteView{incoming_}.subspan(read_)};
    const auto length = reader.u32();
    return reader.ok() ? std::optional{length} : std::nullopt;
}

bool FrameLink::has_message() const {
    const auto length = length_of_next();
    return length && incoming_.size() - read_ >= kLength + *length;
}

std::optional<ByteView> FrameLink::next_message() {
    if (!has_message()) return std::nullopt;
    const std::size_t length = *length_of_next();
    const auto message = ByteView{incoming_}.subspan(read_ + kLength, length);
    read_ += kLength + length;
    return message;
}

}  // namespace gatelab::sim::peers::uml::agent
