// PPP in HDLC-like framing on an octet-synchronous line (RFC 1662 sections 3 and 4): flags, escapes, FCS-16. It is what
// pppd and sstpc speak on a terminal or a socket pair.
#pragma once

#include <cstdint>

#include "impl/base/bytes.h"
#include "impl/base/function_ref.h"

namespace gatelab::ppp {

std::uint16_t fcs16(ByteView);  // RFC 1662 appendix C.2, not complemented

// Appends a frame (as of session.h) as the line has it: FF 03 before it where the frame has none, all of the control
// characters of `escaped` (bit n: octet n) and 7D, 7E escaped.
void append_hdlc(Bytes& line, ByteView frame, std::uint32_t escaped = 0xffffffff);

// Cuts a line into frames, in any cut. Aborted, too long and broken frames are dropped and counted.
class HdlcReader {
public:
    explicit HdlcReader(std::size_t longest = 4096) : longest_(longest) {}
    // `each` is told every whole frame, address and control included, FCS taken off.
    void take(ByteView line, FunctionRef<void(ByteView frame)> each);
    std::uint64_t dropped() const { return dropped_; }

private:
    void end_frame(FunctionRef<void(ByteView frame)> each);

    std::size_t longest_;
    Bytes frame_;
    bool escape_ = false, overlong_ = false;
    std::uint64_t dropped_ = 0;
};

}  // namespace gatelab::ppp
