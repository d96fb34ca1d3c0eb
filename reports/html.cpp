#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "conformance/catalogue/catalogue.h"
#include "reports/ladder.h"
#include "reports/reports.h"

namespace gatelab::reports {

// page.html, page.css and page.js; made at build time from page/.
const std::vector<std::pair<std::string_view, std::string_view>>& page_files();

namespace {

using nlohmann::ordered_json;

std::string_view page_file(std::string_view name) {
    for (const auto& [file, text] : page_files())
        if (file == name) return text;
    return {};
}

ordered_json json_of(const Ladder& ladder) {
    auto messages = ordered_json::array();
    for (const auto& message : ladder.messages)
        messages.push_back({{"sent", message.sent},
                            {"arrived", message.arrived},
                            {"from", message.from},
                            {"to", message.to},
                            {"exchange", message.exchange},
                            {"id", message.id},
                            {"response", message.response},
                            {"repeated", message.repeated},
                            {"payloads", message.payloads}});
    auto notes = ordered_json::array();
    for (const auto& note : ladder.notes)
        notes.push_back({{"t", note.t}, {"node", note.node}, {"event", note.event}, {"text", note.text}});
    return {{"messages", std::move(messages)}, {"notes", std::move(notes)}, {"cut", ladder.cut}};
}

// The requirements that the report's cases name.
ordered_json requirements_of(const conformance::Report& report) {
    auto all = ordered_json::object();
    for (const auto& result : report.cases) {
        for (const auto& id : result.requirements) {
            const auto* entry = conformance::find(conformance::catalogue(), id);
            if (!entry || all.contains(id)) continue;
            ordered_json json = {{"document", entry->document},
                                 {"section", entry->section},
                                 {"text", entry->text},
                                 {"strength", name_of(entry->strength)}};
            if (!entry->rows.empty()) json["rows"] = entry->rows;
            all[id] = std::move(json);
        }
    }
    return all;
}

// Inside a script element nothing may look like markup; in JSON, "<" only stands in texts.
std::string without_markup(std::string json) {
    for (std::size_t at = 0; (at = json.find('<', at)) != std::string::npos; at += 6) json.replace(at, 1, "\\u003c");
    return json;
}

void replace(std::string& text, std::string_view placeholder, std::string_view with) {
    const auto at = text.find(placeholder);
    if (at != std::string::npos) text.replace(at, placeholder.size(), with);
}

}  // namespace

std::string to_html(const conformance::Report& report, const std::filesystem::path& directory) {
    auto ladders = ordered_json::array();
    for (const auto& result : report.cases)
        ladders.push_back(result.artifacts.events.empty() ? ordered_json(nullptr)
                                                          : json_of(read_ladder(directory / result.artifacts.events)));
    ordered_json data = {{"report", ordered_json::parse(to_json(report))},
                         {"requirements", requirements_of(report)},
                         {"ladders", std::move(ladders)}};
    std::string page{page_file("page.html")};
    replace(page, "/* page.css */", page_file("page.css"));
    replace(page, "/* page.js */", page_file("page.js"));
    // Last, because it holds texts from anywhere.
    replace(page, "{\"data\":null}", without_markup(data.dump(-1, ' ', false, ordered_json::error_handler_t::replace)));
    return page;
}

}  // namespace gatelab::reports
