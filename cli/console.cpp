#include "cli/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace gatelab::cli {

Exit exit_of(Fault fault) {
    switch (fault) {
        case Fault::Malformed:
        case Fault::Truncated:
        case Fault::Unsupported:
        case Fault::Unauthentic:
        case Fault::Refused:
        case Fault::NotFound: return Exit::WrongInput;
        case Fault::Unavailable:
        case Fault::Io: return Exit::Broken;
    }
    return Exit::Broken;
}

void Console::print(std::string_view text) const { std::fwrite(text.data(), 1, text.size(), stdout); }

void Console::print_document(const Json& document) const {
    // Names and paths may be any bytes; JSON must be UTF-8.
    print(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void Console::warn(std::string_view message) const {
    const auto line = fmt::format("gatelab: {}\n", message);
    std::fwrite(line.data(), 1, line.size(), stderr);
}

Exit Console::complain(Exit exit, std::string_view message) const {
    warn(message);
    if (json) print_document(Json{{"error", {{"exit", static_cast<int>(exit)}, {"message", message}}}});
    return exit;
}

ProgressBar::ProgressBar() : terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
    if (terminal_ && !last_.empty()) std::fputs("\r\x1b[K", stderr);
}

void ProgressBar::show(double share, std::string_view text) {
    if (!terminal_) return;
    constexpr int kWidth = 30;
    const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * kWidth);
    auto line = fmt::format("[{}{}] {}", std::string(filled, '#'), std::string(kWidth - filled, '-'), text);
    if (line == last_) return;
    last_ = std::move(line);
    std::fputs(("\r\x1b[K" + last_).c_str(), stderr);
    std::fflush(stderr);
}

std::string Table::text() const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_)
        for (std::size_t column = 0; column < row.size(); ++column) {
            if (column == widths.size()) widths.push_back(0);
            widths[column] = std::max(widths[column], row[column].size());
        }
    std::string text;
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t column = 0; column < row.size(); ++column)
            line += fmt::format("{}{:<{}}", column == 0 ? "" : "  ", row[column], widths[column]);
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

}  // namespace gatelab::cli
