// Messages, whole and in order, over Ethernet frames between the harness and one guest's agent; the same on both sides.
//
// The wire between them loses nothing, but its buffers are finite: at most kWindow frames may be under way in one
// direction. A frame out of order means that the two sides have come apart, and ends the link. Messages are packed
// together into frames and cut across them.
//
//    destination, source, 0x88b5 (local experimental, IEEE 802)      14 octets
//    number of this frame, from 0                                     4
//    how many frames of the other side have been taken                4
//    length of what follows; 0: the frame only tells the above        2    (and has no number of its own)
//    octets of the stream of messages, each after its length (4)
//
// Does no I/O: the owner gives it frames and takes frames.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "impl/base/bytes.h"
#include "impl/base/result.h"

namespace gatelab::sim::peers::uml::agent {

inline constexpr std::uint16_t kEtherType = 0x88b5;
inline constexpr std::size_t kLargestFrame = 1514;
inline constexpr std::uint32_t kWindow = 128;  // half of what a card's ring holds
inline constexpr std::size_t kLargestMessage = 1024 * 1024;

class FrameLink {
public:
    using Address = std::array<std::uint8_t, 6>;
    FrameLink(Address here, Address there) : here_(here), there_(there) {}

    // Larger messages than kLargestMessage are not sent: false.
    bool queue(ByteView message);
    std::size_t backlog() const { return outgoing_.size() - sent_; }  // octets that wait for a frame

    // The next frame to send, valid until the next call; nothing when there is nothing to tell or the window is full.
    std::optional<ByteView> next_frame();

    // Frames of other protocols are ignored. Malformed once the other side is not to be understood any more.
    Result<void> handle_frame(ByteView frame);
    // The next message that has come whole, valid until the next call of this or of handle_frame().
    std::optional<ByteView> next_message();
    bool has_message() const;

private:
    bool owes_acknowledgement() const { return taken_ - told_ >= kWindow / 4; }
    std::optional<std::uint32_t> length_of_next() const;

    const Address here_, there_;
    Bytes frame_, outgoing_, incoming_;
    std::size_t sent_ = 0, read_ = 0;         // of outgoing_, of incoming_
    std::uint32_t next_ = 0, confirmed_ = 0;  // frames of ours: the next number; how many the other side has taken
    std::uint32_t taken_ = 0, told_ = 0;      // frames of the other side: how many we have taken, and have said so
};

// Locally administered: the harness's, and that of the guest's control card.
inline constexpr FrameLink::Address kHarnessMac{0x02, 0x67, 0x6c, 0, 0, 1}, kControlMac{0x02, 0x67, 0x6c, 0, 0, 2};

}  // namespace gatelab::sim::peers::uml::agent
