#include "impl/profile/lexer.h"

#include <fmt/format.h>

namespace gatelab::profile {
namespace {

// OpenVPN reads no longer ones.
constexpr std::size_t kLongestLine = 255;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

std::string_view without_blanks(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

// Hands out the lines of a text, without their ends.
class Lines {
public:
    Lines(std::string_view text, int first) : rest_(text), number_(first - 1) {}

    std::optional<std::string_view> next() {
        if (rest_.empty()) return {};
        ++number_;
        const auto end = std::min(rest_.find('\n'), rest_.size());
        auto line = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }
    int number() const { return number_; }

private:
    std::string_view rest_;
    int number_;
};

// "ca" of "<ca>".
std::optional<std::string> opening_of(const std::vector<std::string>& words) {
    const auto& word = words.front();
    if (words.size() != 1 || word.size() < 3 || !word.starts_with('<') || !word.ends_with('>') || word[1] == '/')
        return {};
    return word.substr(1, word.size() - 2);
}

Result<std::string> read_block(Lines& lines, const std::string& name, const std::string& file) {
    const int opened = lines.number();
    const auto end = "</" + name + ">";
    std::string block;
    while (const auto line = lines.next()) {
        if (without_blanks(*line).starts_with(end)) return block;
        block.append(*line) += '\n';
    }
    return fail_at(file, opened, fmt::format("<{}> has no end; expected a line {}", name, end));
}

}  // namespace

tl::unexpected<Error> fail_at(const std::string& file, int line, std::string what) {
    return fail(Fault::Malformed, fmt::format("{}:{}: {}", file, line, what));
}

Result<std::vector<std::string>> split_words(std::string_view line) {
    std::vector<std::string> words;
    std::optional<std::string> word;  // none between two words
    char quote = 0;
    for (std::size_t at = 0; at < line.size(); ++at) {
        const char c = line[at];
        if (!word && !is_blank(c) && (c == '#' || c == ';')) break;
        if (c == '\\' && quote != '\'') {
            if (++at == line.size()) return fail(Fault::Malformed, "a backslash ends the line");
            const char escaped = line[at];
            if (escaped != '\\' && escaped != '"' && !is_blank(escaped))
                return fail(Fault::Malformed, fmt::format("backslash before '{}'; expected it before a backslash, a "
                                                          "double quote or a blank (write \\\\ for one backslash)",
                                                          escaped));
            if (!word) word.emplace();
            *word += escaped;
        } else if (quote) {
            if (c == quote) {
                words.push_back(std::move(*word));
                word.reset();
                quote = 0;
            } else {
                *word += c;
            }
        } else if (!word && (c == '"' || c == '\'')) {
            quote = c;
            word.emplace();
        } else if (is_blank(c)) {
            if (word) words.push_back(std::move(*word));
            word.reset();
        } else {
            if (!word) word.emplace();
            *word += c;
        }
    }
    if (quote) return fail(Fault::Malformed, fmt::format("a quotation without end; expected {}", quote));
    if (word) words.push_back(std::move(*word));
    return words;
}

Result<std::vector<Statement>> split_statements(std::string_view text, const std::string& file, int first_line) {
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    Lines lines{text, first_line};
    std::vector<Statement> statements;
    while (const auto line = lines.next()) {
        if (line->size() > kLongestLine)
            return fail_at(file, lines.number(),
                           fmt::format("a line of {} characters, expected at most {}", line->size(), kLongestLine));
        if (line->find('\0') != line->npos) return fail_at(file, lines.number(), "a zero byte, expected text");
        auto words = split_words(*line);
        if (!words) return fail_at(file, lines.number(), words.error().detail);
        if (words->empty()) continue;
        Statement statement{lines.number(), {}, {}};
        if (const auto name = opening_of(*words)) {
            auto block = read_block(lines, *name, file);
            if (!block) return pass(block);
            statement.words = {*name};
            statement.block = std::move(*block);
        } else {
            statement.words = std::move(*words);
            // As on a command line.
            if (statement.words[0].size() > 2 && statement.words[0].starts_with("--")) statement.words[0].erase(0, 2);
        }
        statements.push_back(std::move(statement));
    }
    return statements;
}

}  // namespace gatelab::profile
