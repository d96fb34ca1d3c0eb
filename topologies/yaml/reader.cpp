#include "topologies/yaml/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "topologies/library/library.h"
#include "topologies/model/checks.h"
#include "topologies/yaml/sections.h"

namespace gatelab::topologies {
namespace {

bool is_name(std::string_view name, bool loose) {
    const auto alphanumeric = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    const auto fits = [&](char c) {
        return alphanumeric(c) || c == '-' || c == '_' || (loose && (c == '.' || c == '@' || c == ' '));
    };
    return !name.empty() && name.size() <= 63 && alphanumeric(name.front()) &&
           std::all_of(name.begin(), name.end(), fits);
}

// A list of names stands for a map of names without keys of their own.
Value as_map(const Value& list) {
    Value map{Value::Kind::Map, list.mark, {}, {}, {}};
    for (const auto& item : list.items) {
        auto nothing = std::make_unique<Value>();
        nothing->mark = item.mark;
        map.entries.push_back({item.text, item.mark, std::move(nothing)});
    }
    return map;
}

void read_top(const Value& tree, const std::string& name, Draft& draft) {
    Form top{tree, "the topology", draft.problems};
    auto& topology = draft.topology;
    topology.name = std::filesystem::path{name}.stem().string();
    if (const auto* given = top.take("name")) {
        top.text("name", topology.name);
        if (!is_name(topology.name, false))
            top.problem(given->mark,
                        fmt::format("name is {}; expected letters, digits, - and _, at most 63", describe(*given)));
    }
    top.text("summary", topology.summary);
    top.duration("duration", topology.duration);
    top.instant("epoch", topology.epoch);
    read_certificates(top, draft);
    read_nodes(top, draft);
    read_links(top, draft);
    read_flows(top, draft);
    read_actions(top, draft);
    read_faults(top, draft);
    top.finish();
    complete(draft);
}

void sort_by_place(std::vector<Problem>& problems) {
    std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
        return std::tie(a.mark.line, a.mark.column) < std::tie(b.mark.line, b.mark.column);
    });
}

}  // namespace

void for_each_entry(Form& top, std::string_view section, std::string_view noun, bool loose, Draft& draft,
                    const std::function<void(Form&, const std::string&)>& read) {
    const auto* given = top.take(section);
    if (!given) return;
    const bool names_only = given->kind == Value::Kind::List &&
                            std::all_of(given->items.begin(), given->items.end(),
                                        [](const Value& item) { return item.kind == Value::Kind::Text; });
    if (given->kind != Value::Kind::Map && !names_only)
        return top.problem(given->mark,
                           fmt::format("{} is {}; expected a map from names to {}s", section, describe(*given), noun));
    const Value listed = names_only ? as_map(*given) : Value{};
    for (const auto& entry : names_only ? listed.entries : given->entries) {
        if (!is_name(entry.key, loose)) {
            top.problem(entry.mark, fmt::format("{} is no name for a {}; expected letters, digits, - and _, at most 63",
                                                describe(Value{Value::Kind::Text, {}, entry.key, {}, {}}), noun));
            continue;
        }
        Form form{*entry.value, fmt::format("{} \"{}\"", noun, entry.key), draft.problems};
        form.place(entry.mark);
        read(form, entry.key);
        form.finish();
    }
}

void read_section(Draft& draft, Form& thing, std::string_view key, const std::function<void(Form&)>& read) {
    const auto* value = thing.take(key);
    if (!value) return;
    Form inner{*value, fmt::format("{} of {}", key, thing.what()), draft.problems};
    read(inner);
    inner.finish();
    for (const auto& [field, mark] : inner.field_marks()) thing.remember(fmt::format("{}.{}", key, field), mark);
}

Reading parse(std::string_view text, const std::string& name, const std::vector<Override>& overrides) {
    Reading reading;
    Problem problem;
    auto tree = parse_tree(text, name, problem);
    if (!tree) return {std::nullopt, {std::move(problem)}};
    for (const auto& change : overrides)
        if (auto wrong = apply_override(*tree, change)) reading.problems.push_back(std::move(*wrong));
    if (!reading.problems.empty()) return reading;
    Draft draft;
    draft.folder = std::filesystem::path{name}.parent_path().string();
    read_top(*tree, name, draft);
    reading.problems = std::move(draft.problems);
    sort_by_place(reading.problems);
    if (!has_errors(reading.problems)) reading.topology = std::move(draft.topology);
    return reading;
}

Result<Source> find_source(const std::string& path) {
    std::error_code fault;
    const auto status = std::filesystem::status(path, fault);
    if (std::filesystem::is_directory(status))
        return fail(Fault::NotFound, fmt::format("{} is a folder; expected a topology file", path));
    if (!std::filesystem::exists(status)) {
        if (const auto* entry = find_in_library(path))
            return Source{std::string{entry->text}, fmt::format("{}.yaml", entry->name)};
        std::vector<std::string> names;
        for (const auto& entry : library()) names.emplace_back(entry.name);
        return fail(Fault::NotFound, fmt::format("there is no file {} and no topology of that name in the library{}",
                                                 path, suggestion(path, names)));
    }
    std::ifstream file{path, std::ios::binary};
    constexpr std::size_t kEnough = (1 << 20) + 1;  // a byte more than the limit, so that it shows
    std::string text(kEnough, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad() || (!file && file.gcount() == 0 && !file.eof()))
        return fail(Fault::Io, fmt::format("cannot read {}; check its permissions", path));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return Source{std::move(text), path};
}

Reading read(const std::string& path, const std::vector<Override>& overrides) {
    const auto source = find_source(path);
    if (!source) return {std::nullopt, {{Problem::Severity::Error, {}, source.error().detail}}};
    return parse(source->text, source->name, overrides);
}

Result<Topology> load(const std::string& path, const std::vector<Override>& overrides) {
    const auto source = find_source(path);
    if (!source) return pass(source);
    return load(*source, overrides);
}

Result<Topology> load(const Source& source, const std::vector<Override>& overrides) {
    auto reading = parse(source.text, source.name, overrides);
    if (reading.topology) reading.problems = check(*reading.topology);
    if (!has_errors(reading.problems)) return std::move(*reading.topology);
    std::string detail;
    for (const auto& problem : reading.problems) {
        if (problem.severity != Problem::Severity::Error) continue;
        detail += (detail.empty() ? "" : "\n") + to_string(problem);
    }
    return fail(Fault::Malformed, std::move(detail));
}

}  // namespace gatelab::topologies
