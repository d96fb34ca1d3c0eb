// gatelab report show, gatelab report fallback
#include <fmt/format.h>

#include "cli/verbs.h"
#include "reports/fallback.h"
#include "reports/reports.h"

namespace gatelab::cli {
namespace {

Exit show(const Console& console, const std::string& path) {
    const auto report = reports::load(path);
    if (!report) return console.complain(report.error());
    console.print(console.json ? reports::to_json(*report) : reports::render_text(*report));
    return Exit::Held;
}

Exit fallback(const Console& console, const std::string& path) {
    const auto report = reports::load(path);
    if (!report) return console.complain(report.error());
    const auto text = reports::fallback_markdown(*report);
    if (text.empty())
        return console.complain({Fault::NotFound, path + " has no results of suite \"fallback\"; run gatelab "
                                                         "conformance --suite fallback"});
    console.print(text);
    return Exit::Held;
}

}  // namespace

void add_report(CLI::App& root, Request& request) {
    auto* report = root.add_subcommand("report", "Look at the report of a conformance run");
    report->require_subcommand(1);
    const auto path = std::make_shared<std::string>();
    add_verb(*report, request, "show", "The summary, the matrix of pairs, and what did not pass",
             [path](const Console& console) { return show(console, *path); })
        ->add_option("REPORT", *path, "A report.json, or the directory that holds it")
        ->required();
    add_verb(*report, request, "fallback", "The tables of suite fallback as Markdown",
             [path](const Console& console) { return fallback(console, *path); })
        ->add_option("REPORT", *path, "A report.json, or the directory that holds it")
        ->required();
}

}  // namespace gatelab::cli
