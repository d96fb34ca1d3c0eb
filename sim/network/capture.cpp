#include "sim/network/capture.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace gatelab::sim {
namespace {

constexpr std::uint32_t kMagicNanoseconds = 0xa1b23c4d;
constexpr std::uint32_t kLinkTypeRaw = 101;
constexpr std::uint32_t kSnapLength = 65535;

template <std::size_t N>
std::array<std::uint8_t, 4 * N> little_endian(const std::array<std::uint32_t, N>& words) {
    std::array<std::uint8_t, 4 * N> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(words[i / 4] >> 8 * (i % 4));
    return bytes;
}

}  // namespace

Result<std::unique_ptr<Capture>> Capture::open(const std::filesystem::path& file) {
    auto capture = std::unique_ptr<Capture>(new Capture(file));
    capture->file_ = std::fopen(file.c_str(), "wb");
    if (!capture->file_) {
        return fail(Fault::Io, "cannot write the capture " + file.string() + ": " + std::strerror(errno));
    }
    const auto header = little_endian<6>({kMagicNanoseconds, 2 | 4 << 16, 0, 0, kSnapLength, kLinkTypeRaw});
    capture->failed_ = std::fwrite(header.data(), header.size(), 1, capture->file_) != 1;
    return capture;
}

Capture::~Capture() { (void)finish(); }

void Capture::record(Instant at, ByteView packet) {
    if (!file_ || failed_) return;
    const auto size = static_cast<std::uint32_t>(packet.size());
    const std::int64_t seconds = unix_seconds(at);
    const auto rest = at - instant_from_unix(seconds);
    const auto header =
        little_endian<4>({static_cast<std::uint32_t>(seconds), static_cast<std::uint32_t>(rest.count()), size, size});
    failed_ =
        std::fwrite(header.data(), header.size(), 1, file_) != 1 || std::fwrite(packet.data(), 1, size, file_) != size;
}

Result<void> Capture::finish() {
    if (file_) {
        failed_ = std::fflush(file_) != 0 || failed_;
        failed_ = std::fclose(file_) != 0 || failed_;
        file_ = nullptr;
    }
    if (failed_) return fail(Fault::Io, "the capture " + path_.string() + " is not whole: is the disk full?");
    return {};
}

}  // namespace gatelab::sim
