#include "conformance/catalogue/catalogue.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <set>
#include <utility>

namespace gatelab::conformance {

// The files of this folder; made at build time.
const std::vector<std::pair<std::string_view, std::string_view>>& catalogue_files();

namespace {

// Reads one file and collects everything that is wrong with it.
class Reader {
public:
    explicit Reader(std::string name) : name_(std::move(name)) {}

    Catalogue read(std::string_view text) {
        Catalogue entries;
        try {
            const auto root = YAML::Load(std::string{text});
            if (!root.IsSequence()) {
                complain(root.Mark(), "expected a list of requirements, each a map with id, source, text and strength");
                return entries;
            }
            for (const auto& node : root) read_entry(node, entries);
        } catch (const YAML::Exception& error) {
            complain(error.mark, error.msg);
        }
        return entries;
    }

    const std::string& errors() const { return errors_; }

private:
    void complain(const YAML::Mark& mark, const std::string& what) {
        errors_ += fmt::format("{}{}:{}:{}: error: {}", errors_.empty() ? "" : "\n", name_, mark.line + 1,
                               mark.column + 1, what);
    }

    void read_entry(const YAML::Node& node, Catalogue& entries) {
        if (!node.IsMap())
            return complain(node.Mark(), "expected a requirement: a map with id, source, text and strength");
        refuse_other_keys(node, {"id", "source", "text", "strength", "uncovered", "rows"});
        Requirement entry;
        entry.id = required(node, "id");
        if (const auto source = node["source"]; source && source.IsMap()) {
            refuse_other_keys(source, {"document", "section"});
            entry.document = required(source, "document");
            entry.section = required(source, "section");
        } else {
            complain(source ? source.Mark() : node.Mark(), "expected `source: {document: ..., section: ...}`");
        }
        entry.text = required(node, "text");
        read_strength(node, entry);
        if (node["uncovered"]) entry.uncovered = required(node, "uncovered");
        if (const auto rows = node["rows"]) read_rows(rows, entry);
        if (!entry.id.empty() && !known_.insert(entry.id).second)
            complain(node["id"].Mark(), fmt::format("the id {} is used twice", entry.id));
        entries.push_back(std::move(entry));
    }

    void read_strength(const YAML::Node& node, Requirement& entry) {
        const auto word = required(node, "strength");
        for (const auto strength : {Strength::Documented, Strength::ThirdParty, Strength::Derived}) {
            if (word != name_of(strength)) continue;
            entry.strength = strength;
            return;
        }
        if (!word.empty())
            complain(node["strength"].Mark(), fmt::format("strength is \"{}\"; expected doc, 3p or derived", word));
    }

    void read_rows(const YAML::Node& rows, Requirement& entry) {
        if (!rows.IsSequence()) return complain(rows.Mark(), "expected `rows` to be a list of texts");
        for (const auto& row : rows) {
            if (row.IsScalar())
                entry.rows.push_back(row.Scalar());
            else
                complain(row.Mark(), "expected a text");
        }
    }

    std::string required(const YAML::Node& map, const char* key) {
        const auto value = map[key];
        if (value && value.IsScalar() && !value.Scalar().empty()) return value.Scalar();
        complain(value ? value.Mark() : map.Mark(), fmt::format("expected `{}: ...`, a text that is not empty", key));
        return {};
    }

    void refuse_other_keys(const YAML::Node& map, std::initializer_list<std::string_view> known) {
        for (const auto& entry : map) {
            const auto key = entry.first.IsScalar() ? entry.first.Scalar() : std::string{};
            if (std::find(known.begin(), known.end(), key) == known.end())
                complain(entry.first.Mark(),
                         fmt::format("unknown key \"{}\"; expected one of {}", key, fmt::join(known, ", ")));
        }
    }

    std::string name_;
    std::string errors_;
    std::set<std::string> known_;
};

Catalogue read_compiled_in() {
    Catalogue all;
    std::set<std::string> ids;
    for (const auto& [name, text] : catalogue_files()) {
        const auto part = parse_catalogue(text, std::string{name});
        std::string wrong = part ? "" : part.error().detail;
        if (part)
            for (const auto& entry : *part)
                if (!ids.insert(entry.id).second) wrong = fmt::format("{}: the id {} is used twice", name, entry.id);
        if (!wrong.empty()) {  // our own file: a test holds it right
            std::fprintf(stderr, "the compiled-in catalogue is broken: %s\n", wrong.c_str());
            std::abort();
        }
        all.insert(all.end(), part->begin(), part->end());
    }
    return all;
}

}  // namespace

std::string_view name_of(Strength strength) {
    switch (strength) {
        case Strength::Documented: return "doc";
        case Strength::ThirdParty: return "3p";
        case Strength::Derived: return "derived";
    }
    return "?";
}

const Catalogue& catalogue() {
    static const Catalogue kCatalogue = read_compiled_in();
    return kCatalogue;
}

const Requirement* find(const Catalogue& entries, std::string_view id) {
    const auto at = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.id == id; });
    return at == entries.end() ? nullptr : &*at;
}

Result<Catalogue> parse_catalogue(std::string_view text, const std::string& name) {
    Reader reader{name};
    auto entries = reader.read(text);
    if (!reader.errors().empty()) return fail(Fault::Malformed, reader.errors());
    return entries;
}

}  // namespace gatelab::conformance
