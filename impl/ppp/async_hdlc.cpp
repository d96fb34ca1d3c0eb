#include "impl/ppp/async_hdlc.h"

#include <array>

namespace gatelab::ppp {
namespace {

constexpr std::uint8_t kFlag = 0x7e, kEscape = 0x7d, kFlip = 0x20;
constexpr std::uint16_t kInitialFcs = 0xffff, kGoodFcs = 0xf0b8;

// The FCS of every octet: x^16 + x^12 + x^5 + 1, low bit first.
constexpr std::array<std::uint16_t, 256> make_fcs_table() {
    std::array<std::uint16_t, 256> table{};
    for (unsigned octet = 0; octet < 256; ++octet) {
        unsigned value = octet;
        for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ 0x8408 : value >> 1;
        table[octet] = static_cast<std::uint16_t>(value);
    }
    return table;
}
constexpr auto kFcsTable = make_fcs_table();

std::uint16_t fcs_step(std::uint16_t fcs, std::uint8_t octet) {
    return static_cast<std::uint16_t>(fcs >> 8 ^ kFcsTable[(fcs ^ octet) & 0xff]);
}

// Appends an octet of a frame to the line, and to its checksum.
class LineWriter {
public:
    LineWriter(Bytes& line, std::uint32_t escaped) : line_(line), escaped_(escaped) {}

    void add(std::uint8_t octet) {
        fcs_ = fcs_step(fcs_, octet);
        put(octet);
    }
    void finish() {
        const auto fcs = static_cast<std::uint16_t>(~fcs_);
        put(static_cast<std::uint8_t>(fcs));
        put(static_cast<std::uint8_t>(fcs >> 8));
    }

private:
    void put(std::uint8_t octet) {
        const bool control = octet < 0x20 && (escaped_ >> octet & 1);
        if (!control && octet != kFlag && octet != kEscape) return line_.push_back(octet);
        line_.push_back(kEscape);
        line_.push_back(octet ^ kFlip);
    }

    Bytes& line_;
    std::uint32_t escaped_;
    std::uint16_t fcs_ = kInitialFcs;
};

}  // namespace

std::uint16_t fcs16(ByteView octets) {
    auto fcs = kInitialFcs;
    for (const auto octet : octets) fcs = fcs_step(fcs, octet);
    return fcs;
}

void append_hdlc(Bytes& line, ByteView frame, std::uint32_t escaped) {
    line.push_back(kFlag);
    LineWriter writer{line, escaped};
    if (frame.size() < 2 || frame[0] != 0xff || frame[1] != 0x03) {
        writer.add(0xff);
        writer.add(0x03);
    }
    for (const auto octet : frame) writer.add(octet);
    writer.finish();
    line.push_back(kFlag);
}

void HdlcReader::take(ByteView line, FunctionRef<void(ByteView frame)> each) {
    for (const auto octet : line) {
        if (octet == kFlag) {
            end_frame(each);
        } else if (octet == kEscape && !escape_) {
            escape_ = true;
        } else if (frame_.size() == longest_ + 2) {  // and its checksum
            overlong_ = true;
            escape_ = false;
        } else {
            // After an escape a second one is data only when flipped; "7D 7E" aborts and is seen above.
            frame_.push_back(escape_ ? octet ^ kFlip : octet);
            escape_ = false;
        }
    }
}

// RFC 1662 section 4.3: a frame that is too short, aborted or of a bad checksum is discarded silently. An empty one
// stands between two flags in a row and is none.
void HdlcReader::end_frame(FunctionRef<void(ByteView frame)> each) {
    const bool nothing = frame_.empty() && !escape_ && !overlong_;
    const bool whole = !escape_ && !overlong_ && frame_.size() >= 4 && fcs16(frame_) == kGoodFcs;
    if (whole) {
        each(ByteView{frame_}.first(frame_.size() - 2));
    } else if (!nothing) {
        ++dropped_;
    }
    frame_.clear();
    escape_ = overlong_ = false;
}

}  // namespace gatelab::ppp
