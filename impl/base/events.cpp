#include "impl/base/events.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace gatelab {
namespace {

// Text from a peer may be anything: invalid UTF-8 is replaced rather than thrown at.
std::string quoted(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string json_of(const AttributeValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
    return std::visit(
        [](const auto& plain) {
            if constexpr (std::is_same_v<std::decay_t<decltype(plain)>, std::string>)
                return plain;
            else
                return nlohmann::json(plain).dump();
        },
        value);
}

}  // namespace

const AttributeValue* find(const Attributes& attributes, std::string_view name) {
    for (const auto& [key, value] : attributes)
        if (key == name) return &value;
    return nullptr;
}

std::string text_of(const Attributes& attributes, std::string_view name) {
    const auto* value = find(attributes, name);
    const auto* text = value ? std::get_if<std::string>(value) : nullptr;
    return text ? *text : std::string{};
}

std::string to_json_line(const Event& event) {
    auto line = fmt::format(R"({{"t":{},"node":{},"component":{},"event":{},"attributes":{{)", format_seconds(event.t),
                            quoted(event.node), quoted(event.component), quoted(event.event));
    bool first = true;
    for (const auto& [key, value] : event.attributes) {
        line += fmt::format("{}{}:{}", first ? "" : ",", quoted(key), json_of(value));
        first = false;
    }
    return line + "}}";
}

}  // namespace gatelab
