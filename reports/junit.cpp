#include <fmt/format.h>

#include <map>
#include <pugixml.hpp>
#include <sstream>

#include "reports/reports.h"

namespace gatelab::reports {
namespace {

using conformance::CaseResult;
using conformance::Verdict;

// XML 1.0 has no place for most control characters, and what a peer sent may hold any.
std::string clean(const std::string& text) {
    std::string out;
    for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    return out;
}

std::string_view element_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::Passed: return "";
        case Verdict::Failed: return "failure";
        case Verdict::Unsupported:
        case Verdict::Skipped: return "skipped";
        case Verdict::Error:
        case Verdict::Invalid: return "error";
    }
    return "error";
}

std::string details_of(const CaseResult& result, std::uint64_t seed) {
    std::string text = fmt::format("must hold: {}\nrequirements:", result.sentence);
    for (const auto& id : result.requirements) text += " " + id;
    text += fmt::format("\nexpected: {}\nobserved: {}\nseed: {}\n", result.expected, result.observed, seed);
    if (!result.artifacts.directory.empty()) text += "evidence: " + result.artifacts.directory + "\n";
    return clean(text);
}

void add_case(pugi::xml_node suite, const CaseResult& result, std::uint64_t seed) {
    auto node = suite.append_child("testcase");
    node.append_attribute("name") = clean(result.id).c_str();
    node.append_attribute("classname") = fmt::format("{}.{}-{}", result.suite, result.client, result.gateway).c_str();
    node.append_attribute("time") = format_seconds(result.wall).c_str();
    const auto element = element_of(result.verdict);
    if (element.empty()) return;
    auto outcome = node.append_child(std::string{element}.c_str());
    outcome.append_attribute("type") = std::string{name_of(result.verdict)}.c_str();
    outcome.append_attribute("message") = clean(result.reason).c_str();
    if (element != "skipped") outcome.text().set(details_of(result, seed).c_str());
}

struct Counts {
    int tests = 0, failures = 0, errors = 0, skipped = 0;
    Duration time{};
    void add(const CaseResult& result) {
        const auto element = element_of(result.verdict);
        ++tests;
        failures += element == "failure" ? 1 : 0;
        errors += element == "error" ? 1 : 0;
        skipped += element == "skipped" ? 1 : 0;
        time += result.wall;
    }
    void write(pugi::xml_node node) const {
        node.append_attribute("tests") = tests;
        node.append_attribute("failures") = failures;
        node.append_attribute("errors") = errors;
        node.append_attribute("skipped") = skipped;
        node.append_attribute("time") = format_seconds(time).c_str();
    }
};

}  // namespace

std::string to_junit(const conformance::Report& report) {
    std::vector<std::string> order;
    std::map<std::string, std::vector<const CaseResult*>> by_suite;
    Counts all;
    for (const auto& result : report.cases) {
        auto& suite = by_suite[result.suite];
        if (suite.empty()) order.push_back(result.suite);
        suite.push_back(&result);
        all.add(result);
    }
    pugi::xml_document document;
    auto declaration = document.append_child(pugi::node_declaration);
    declaration.append_attribute("version") = "1.0";
    declaration.append_attribute("encoding") = "UTF-8";
    auto root = document.append_child("testsuites");
    root.append_attribute("name") = "gatelab";
    all.write(root);
    for (const auto& name : order) {
        auto suite = root.append_child("testsuite");
        suite.append_attribute("name") = name.c_str();
        Counts counts;
        for (const auto* result : by_suite[name]) counts.add(*result);
        counts.write(suite);
        suite.append_attribute("timestamp") = report.started.substr(0, 19).c_str();
        for (const auto* result : by_suite[name]) add_case(suite, *result, report.seed);
    }
    std::ostringstream text;
    document.save(text, "  ");
    return text.str();
}

}  // namespace gatelab::reports
