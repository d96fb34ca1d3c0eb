#include "topologies/yaml/tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace gatelab::topologies {
namespace {

constexpr std::size_t kLargestText = 1 << 20;
constexpr std::size_t kMostValues = 100'000;
constexpr std::size_t kDeepest = 64;

Value copy_of(const Value& value) {
    Value copy{value.kind, value.mark, value.text, {}, {}};
    for (const auto& item : value.items) copy.items.push_back(copy_of(item));
    for (const auto& entry : value.entries)
        copy.entries.push_back({entry.key, entry.mark, std::make_unique<Value>(copy_of(*entry.value))});
    return copy;
}

std::size_t size_of(const Value& value) {
    std::size_t size = 1;
    for (const auto& item : value.items) size += size_of(item);
    for (const auto& entry : value.entries) size += size_of(*entry.value);
    return size;
}

struct Stop {  // leaves yaml-cpp's parser from inside an event; never seen outside this file
    Mark mark;
    std::string message;
};

// Builds the tree from the parser's events. A map waits with its key until the value comes.
class Builder final : public YAML::EventHandler {
public:
    explicit Builder(std::string name) : name_(std::move(name)) {}

    Value take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& at, YAML::anchor_t anchor) override {
        finish({Value::Kind::Nothing, mark(at), {}, {}, {}}, anchor);
    }
    void OnAlias(const YAML::Mark& at, YAML::anchor_t anchor) override {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) throw Stop{mark(at), "this alias stands inside the value that it names"};
        count(at, size_of(found->second));
        auto copy = copy_of(found->second);
        finish(std::move(copy), 0);
    }
    void OnScalar(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        const bool nothing = tag == "?" && (value == "~" || value == "null");
        finish({nothing ? Value::Kind::Nothing : Value::Kind::Text, mark(at), value, {}, {}}, anchor);
    }
    void OnSequenceStart(const YAML::Mark& at, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(at, Value::Kind::List, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& at, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(at, Value::Kind::Map, anchor);
    }
    void OnMapEnd() override { close(); }

private:
    struct Level {
        Value value;
        YAML::anchor_t anchor;
        std::optional<Entry> waiting;  // a map's key that has no value yet
        std::map<std::string, Mark> keys;
    };

    Mark mark(const YAML::Mark& at) const { return {name_, at.line + 1, at.column + 1}; }  // yaml-cpp counts from 0

    void count(const YAML::Mark& at, std::size_t values) {
        count_ += values;
        if (count_ > kMostValues)
            throw Stop{mark(at), fmt::format("more than {} values, aliases followed; expected fewer", kMostValues)};
    }

    void open(const YAML::Mark& at, Value::Kind kind, YAML::anchor_t anchor) {
        count(at, 1);
        if (levels_.size() == kDeepest)
            throw Stop{mark(at), fmt::format("nested more than {} levels deep; expected less", kDeepest)};
        levels_.push_back({{kind, mark(at), {}, {}, {}}, anchor, std::nullopt, {}});
    }

    void close() {
        auto level = std::move(levels_.back());
        levels_.pop_back();
        finish(std::move(level.value), level.anchor);
    }

    void finish(Value value, YAML::anchor_t anchor) {
        if (value.kind == Value::Kind::Text || value.kind == Value::Kind::Nothing) {
            if (++count_ > kMostValues) throw Stop{value.mark, "too many values; expected fewer"};
        }
        if (anchor != 0) {
            count_ += size_of(value);
            if (count_ > kMostValues) throw Stop{value.mark, "too many values under anchors; expected fewer"};
            anchors_[anchor] = copy_of(value);
        }
        if (levels_.empty()) {
            root_ = std::move(value);
            return;
        }
        auto& level = levels_.back();
        if (level.value.kind == Value::Kind::List) {
            level.value.items.push_back(std::move(value));
        } else if (!level.waiting) {
            take_key(level, value);
        } else {
            level.waiting->value = std::make_unique<Value>(std::move(value));
            level.value.entries.push_back(std::move(*level.waiting));
            level.waiting.reset();
        }
    }

    void take_key(Level& level, const Value& key) {
        if (key.kind != Value::Kind::Text) throw Stop{key.mark, "a key is " + describe(key) + "; expected a name"};
        const auto [at, is_new] = level.keys.try_emplace(key.text, key.mark);
        if (!is_new)
            throw Stop{key.mark,
                       fmt::format("\"{}\" is said twice; the first time in line {}", key.text, at->second.line)};
        level.waiting = Entry{key.text, key.mark, nullptr};
    }

    std::string name_;
    Value root_;
    std::vector<Level> levels_;
    std::map<YAML::anchor_t, Value> anchors_;
    std::size_t count_ = 0;
};

tl::unexpected<Error> refuse(Problem& problem, Mark mark, std::string message) {
    problem = {Problem::Severity::Error, std::move(mark), std::move(message)};
    return fail(Fault::Malformed, to_string(problem));
}

}  // namespace

const Value* Value::find(std::string_view key) const {
    const auto at = std::find_if(entries.begin(), entries.end(), [&](const Entry& one) { return one.key == key; });
    return at == entries.end() ? nullptr : at->value.get();
}

Value* Value::find(std::string_view key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

std::string describe(const Value& value) {
    constexpr std::size_t kShown = 40;
    switch (value.kind) {
        case Value::Kind::Nothing: return "empty";
        case Value::Kind::List: return "a list";
        case Value::Kind::Map: return "a map";
        case Value::Kind::Text: break;
    }
    std::string shown;
    for (const auto letter : value.text.substr(0, kShown))
        shown += static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f ? '?' : letter;
    return fmt::format("\"{}{}\"", shown, value.text.size() > kShown ? "..." : "");
}

Result<Value> parse_tree(std::string_view text, const std::string& name, Problem& problem) {
    if (text.size() > kLargestText)
        return refuse(problem, {name, 0, 0},
                      fmt::format("{} bytes; a topology file has at most {}", text.size(), kLargestText));
    Builder builder{name};
    std::istringstream stream{std::string{text}};
    try {
        YAML::Parser parser{stream};
        if (!parser.HandleNextDocument(builder))
            return refuse(problem, {name, 1, 1}, "the file is empty; expected a topology");
    } catch (const Stop& stop) {
        return refuse(problem, stop.mark, stop.message);
    } catch (const YAML::Exception& broken) {
        const bool placed = !broken.mark.is_null();
        return refuse(problem, {name, placed ? broken.mark.line + 1 : 1, placed ? broken.mark.column + 1 : 1},
                      "no YAML: " + broken.msg);
    }
    return builder.take();
}

}  // namespace gatelab::topologies
