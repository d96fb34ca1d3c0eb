// Any text as a profile: through the reader, the writer, the reader again, and to options.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "impl/profile/ovpn.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gatelab;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto parsed = profile::parse_ovpn(text, "no-such-folder/fuzz.ovpn");
    if (!parsed) {
        if (parsed.error().detail.find("fuzz.ovpn:") == std::string::npos) std::abort();  // an error without its place
        return 0;
    }
    static_cast<void>(profile::to_options(parsed->profile, tls::any_policy()));
    // What was read is written so that it reads the same; only a line may have become too long by its quotes.
    const auto again = profile::parse_ovpn(profile::encode(parsed->profile), "again.ovpn");
    if (again && again->profile != parsed->profile) std::abort();
    if (!again && again.error().detail.find("a line of") == std::string::npos) std::abort();
    return 0;
}
