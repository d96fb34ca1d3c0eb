#include "impl/openvpn/key_method.h"

#include <algorithm>

namespace gatelab::openvpn {
namespace {

constexpr std::uint8_t kKeyMethod = 2, kKeyMethodMask = 0x0f;  // the upper bits were flags once
constexpr std::size_t kHead = 5;                               // four zeros and the method

std::size_t source_size(Role sender) { return (sender == Role::Client ? 48 : 0) + 32 + 32; }

void write_text(ByteWriter& writer, std::string_view text) {
    if (text.empty()) {
        writer.u16(0);
        return;
    }
    const auto size = std::min<std::size_t>(text.size(), 65534);
    writer.u16(static_cast<std::uint16_t>(size + 1)).bytes(as_bytes(text.substr(0, size))).u8(0);
}

enum class Reading { Whole, Short, Wrong };

// A length of 0 stands for a text that was not sent.
Reading read_text(ByteReader& reader, std::string& text) {
    const std::size_t size = reader.u16();
    const auto bytes = reader.bytes(size);
    if (!reader.ok()) return Reading::Short;
    if (size == 0) return Reading::Whole;
    text = as_text(bytes.first(size - 1));
    return bytes.back() == 0 && text.find('\0') == std::string::npos ? Reading::Whole : Reading::Wrong;
}

template <std::size_t size>
void read_into(ByteReader& reader, std::array<std::uint8_t, size>& field) {
    const auto bytes = reader.bytes(size);
    std::copy(bytes.begin(), bytes.end(), field.begin());
}

}  // namespace

KeySource KeySource::generate(Random& random, Role role) {
    KeySource source;
    if (role == Role::Client) random.fill(source.pre_master);
    random.fill(source.random1);
    random.fill(source.random2);
    return source;
}

Bytes encode(const KeyMethodMessage& message, Role sender) {
    ByteWriter writer;
    writer.u32(0).u8(kKeyMethod);
    if (sender == Role::Client) writer.bytes(message.source.pre_master);
    writer.bytes(message.source.random1).bytes(message.source.random2);
    for (const auto& text : {message.options, message.username, message.password, message.peer_info})
        write_text(writer, text);
    return writer.take();
}

Result<std::optional<ParsedKeyMethod>> parse_key_method(ByteView bytes, Role sender, std::size_t limit) {
    ByteReader reader{bytes.first(std::min(bytes.size(), limit))};
    const auto wait = [&]() -> Result<std::optional<ParsedKeyMethod>> {
        if (bytes.size() < limit) return std::optional<ParsedKeyMethod>{};
        return fail(Fault::Malformed, "a key method message longer than " + std::to_string(limit) + " octets");
    };
    reader.skip(kHead - 1);
    const auto method = reader.u8();
    if (!reader.ok()) return wait();
    if ((method & kKeyMethodMask) != kKeyMethod)
        return fail(Fault::Malformed, "key method " + std::to_string(method & kKeyMethodMask) + "; only 2 is spoken");
    if (reader.remaining() < source_size(sender)) return wait();
    ParsedKeyMethod parsed{};
    if (sender == Role::Client) read_into(reader, parsed.message.source.pre_master);
    read_into(reader, parsed.message.source.random1);
    read_into(reader, parsed.message.source.random2);
    auto& message = parsed.message;
    for (auto* text : {&message.options, &message.username, &message.password, &message.peer_info}) {
        switch (read_text(reader, *text)) {
            case Reading::Whole: break;
            case Reading::Short: return wait();
            case Reading::Wrong: return fail(Fault::Malformed, "a text in a key method message without its NUL");
        }
    }
    parsed.size = reader.position();
    return std::optional{std::move(parsed)};
}

}  // namespace gatelab::openvpn
