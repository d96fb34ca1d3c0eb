#include "sim/peers/vici_message.h"

namespace gatelab::sim::peers {
namespace {

enum class Element : std::uint8_t {
    SectionStart = 1,
    SectionEnd = 2,
    KeyValue = 3,
    ListStart = 4,
    ListItem = 5,
    ListEnd = 6
};

constexpr int kDeepest = 16;  // strongSwan nests four levels

bool is_named(ViciPacket::Type type) {
    using Type = ViciPacket::Type;
    return type == Type::Request || type == Type::EventRegister || type == Type::EventUnregister || type == Type::Event;
}

class Writer {
public:
    explicit Writer(ByteWriter& out) : out_(out) {}

    void name(std::string_view text) { out_.u8(static_cast<std::uint8_t>(text.size())).bytes(as_bytes(text)); }
    void value(std::string_view text) { out_.u16(static_cast<std::uint16_t>(text.size())).bytes(as_bytes(text)); }

    void section(const ViciSection& section_) {
        for (const auto& entry : section_.entries) {
            if (const auto* text = std::get_if<std::string>(&entry.value)) {
                start(Element::KeyValue, entry.name);
                value(*text);
            } else if (const auto* list = std::get_if<std::vector<std::string>>(&entry.value)) {
                start(Element::ListStart, entry.name);
                for (const auto& item : *list) element(Element::ListItem), value(item);
                element(Element::ListEnd);
            } else {
                start(Element::SectionStart, entry.name);
                section(std::get<ViciSection>(entry.value));
                element(Element::SectionEnd);
            }
        }
    }

private:
    void element(Element kind) { out_.u8(static_cast<std::uint8_t>(kind)); }
    void start(Element kind, std::string_view text) {
        element(kind);
        name(text);
    }
    ByteWriter& out_;
};

class Parser {
public:
    explicit Parser(ByteReader& in) : in_(in) {}

    std::string name() { return as_text(in_.bytes(in_.u8())); }
    std::string value() { return as_text(in_.bytes(in_.u16())); }

    // Until the section's end, or the packet's for the outermost.
    bool section(ViciSection& out, int depth = 0) {
        while (in_.ok() && in_.remaining() > 0) {
            const auto kind = static_cast<Element>(in_.u8());
            if (kind == Element::SectionEnd) return depth > 0;
            auto& entry = out.entries.emplace_back();
            entry.name = name();
            switch (kind) {
                case Element::KeyValue: entry.value = value(); break;
                case Element::ListStart:
                    if (!list(entry.value.emplace<std::vector<std::string>>())) return false;
                    break;
                case Element::SectionStart:
                    if (depth == kDeepest || !section(entry.value.emplace<ViciSection>(), depth + 1)) return false;
                    break;
                default: return false;
            }
        }
        return depth == 0 && in_.ok();
    }

private:
    bool list(std::vector<std::string>& out) {
        for (;;) {
            const auto kind = static_cast<Element>(in_.u8());
            if (kind == Element::ListEnd) return true;
            if (kind != Element::ListItem) return false;
            out.push_back(value());
        }
    }
    ByteReader& in_;
};

template <class Value>
const Value* find_value(const ViciSection& section, std::string_view name) {
    for (const auto& entry : section.entries)
        if (entry.name == name) return std::get_if<Value>(&entry.value);
    return nullptr;
}

}  // namespace

std::string ViciSection::text(std::string_view name) const {
    const auto* found = find_value<std::string>(*this, name);
    return found ? *found : std::string{};
}

const std::vector<std::string>* ViciSection::list(std::string_view name) const {
    return find_value<std::vector<std::string>>(*this, name);
}

const ViciSection* ViciSection::section(std::string_view name) const { return find_value<ViciSection>(*this, name); }

ViciSection& ViciSection::set(std::string name, std::string value) {
    entries.push_back({std::move(name), std::move(value)});
    return *this;
}

Bytes encode_vici(const ViciPacket& packet) {
    ByteWriter out;
    const auto length = out.reserve_u32();
    out.u8(static_cast<std::uint8_t>(packet.type));
    Writer writer{out};
    if (is_named(packet.type)) writer.name(packet.name);
    writer.section(packet.message);
    out.patch_u32(length, static_cast<std::uint32_t>(out.size() - 4));
    return out.take();
}

Result<ViciPacket> parse_vici(ByteView bytes) {
    ByteReader reader{bytes};
    Parser parser{reader};
    ViciPacket packet;
    packet.type = static_cast<ViciPacket::Type>(reader.u8());
    if (packet.type > ViciPacket::Type::Event) return fail(Fault::Malformed, "a VICI packet of an unknown type");
    if (is_named(packet.type)) packet.name = parser.name();
    if (!parser.section(packet.message) || !reader.finished())
        return fail(Fault::Malformed, "a VICI message that does not nest");
    return packet;
}

}  // namespace gatelab::sim::peers
