#include "sim/peers/ppp_line/settings.h"

#include <charconv>

namespace gatelab::sim::peers::ppp_line {
namespace {

template <class Number>
bool read_number(std::string_view text, Number& number) {
    const auto end = text.data() + text.size();
    return std::from_chars(text.data(), end, number).ptr == end && !text.empty();
}

bool take(Settings& settings, std::string_view name, std::string_view value) {
    const std::string text{value};
    if (name == "user") return settings.user = text, true;
    if (name == "password") return settings.password = text, true;
    if (name == "seed") return read_number(value, settings.seed);
    if (name == "mru") return read_number(value, settings.mru);
    if (name == "socket") return settings.socket = text, true;
    if (name == "card") return settings.card = text, true;
    if (name == "up") return settings.up = text, true;
    if (name == "log") return settings.log = text, true;
    if (name == "run") return settings.run.push_back(text), true;
    if (name == "with") return settings.with.push_back(text), true;
    return false;
}

}  // namespace

Result<Settings> parse_settings(std::string_view text) {
    Settings settings;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto space = std::min(line.find(' '), line.size());
        const auto value = line.substr(std::min(space + 1, line.size()));
        if (!line.empty() && !take(settings, line.substr(0, space), value))
            return fail(Fault::Malformed, "not a setting: " + std::string{line.substr(0, space)});
    }
    if (settings.run.empty()) return fail(Fault::Malformed, "nothing to run");
    return settings;
}

}  // namespace gatelab::sim::peers::ppp_line
