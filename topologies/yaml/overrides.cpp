#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "topologies/model/checks.h"
#include "topologies/yaml/tree.h"

namespace gatelab::topologies {
namespace {

// The longest key of a map that `path` begins with, so that names may hold dots.
Entry* longest_match(Value& map, std::string_view path) {
    Entry* best = nullptr;
    for (auto& entry : map.entries) {
        const bool begins =
            path.starts_with(entry.key) && (path.size() == entry.key.size() || path[entry.key.size()] == '.');
        if (begins && (!best || entry.key.size() > best->key.size())) best = &entry;
    }
    return best;
}

struct Walk {
    const Override& change;
    Mark mark;  // stands for the command line in messages

    Problem refuse(std::string_view walked, std::string why) const {
        const auto where = walked.empty() ? std::string{"the top"} : fmt::format("\"{}\"", walked);
        return {Problem::Severity::Error, mark, fmt::format("at {}: {}", where, why)};
    }

    std::optional<Problem> into(Value& value, std::string_view rest) const {
        const auto walked = std::string_view{change.path}.substr(0, change.path.size() - rest.size());
        const auto so_far = walked.empty() ? walked : walked.substr(0, walked.size() - 1);
        const auto dot = rest.find('.');
        const auto step = rest.substr(0, dot);
        if (step.empty()) return refuse(so_far, "the path has an empty step; expected names joined by single dots");
        if (value.kind == Value::Kind::List) {
            std::size_t index = 0;
            const auto [end, fault] = std::from_chars(step.data(), step.data() + step.size(), index);
            if (fault != std::errc{} || end != step.data() + step.size() || index >= value.items.size())
                return refuse(so_far, fmt::format("\"{}\" is no place in a list of {}; expected 0 to {}", step,
                                                  value.items.size(), value.items.size() - 1));
            return dot == rest.npos ? put(value.items[index]) : into(value.items[index], rest.substr(dot + 1));
        }
        if (value.kind == Value::Kind::Text)
            return refuse(so_far, fmt::format("this is the value {}; nothing lies below it", describe(value)));
        if (auto* entry = longest_match(value, rest)) {
            const auto after = rest.substr(entry->key.size());
            return after.empty() ? put(*entry->value) : into(*entry->value, after.substr(1));
        }
        // Links inside a virtual network need not be in the file, nor need settings that all have defaults.
        if (dot != rest.npos && (so_far == "links" || (step == "openvpn" && !so_far.empty()))) {
            value.kind = Value::Kind::Map;
            value.entries.push_back({std::string{step}, mark, std::make_unique<Value>()});
            return into(*value.entries.back().value, rest.substr(dot + 1));
        }
        if (dot != rest.npos) {
            std::vector<std::string> known;
            for (const auto& entry : value.entries) known.push_back(entry.key);
            return refuse(so_far, fmt::format("there is no \"{}\"{}", step, suggestion(step, known)));
        }
        value.kind = Value::Kind::Map;  // a key without value takes its first
        value.entries.push_back({std::string{step}, mark, std::make_unique<Value>()});
        return put(*value.entries.back().value);
    }

    std::optional<Problem> put(Value& place) const {
        Problem problem;
        if (change.value.empty()) {
            place = Value{Value::Kind::Text, mark, {}, {}, {}};
            return std::nullopt;
        }
        auto parsed = parse_tree(change.value, mark.file, problem);
        if (!parsed) return problem;
        place = std::move(*parsed);
        rename(place);
        return std::nullopt;
    }

    // What came from the command line is marked by its option, without line and column.
    void rename(Value& value) const {
        value.mark = mark;
        for (auto& item : value.items) rename(item);
        for (auto& entry : value.entries) {
            entry.mark = mark;
            rename(*entry.value);
        }
    }
};

}  // namespace

Result<Override> parse_override(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == text.npos || equals == 0)
        return fail(Fault::Malformed,
                    fmt::format("\"{}\" sets nothing; expected PATH=VALUE, such as links.alice-isp.delay=50ms", text));
    return Override{std::string{text.substr(0, equals)}, std::string{text.substr(equals + 1)}};
}

std::optional<Problem> apply_override(Value& tree, const Override& change) {
    return Walk{change, {fmt::format("--set {}={}", change.path, change.value), 0, 0}}.into(tree, change.path);
}

}  // namespace gatelab::topologies
