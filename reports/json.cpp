#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "reports/reports.h"

namespace gatelab::reports {
namespace {

using conformance::CaseResult;
using conformance::Report;
using nlohmann::ordered_json;

constexpr std::string_view kSchema = "gatelab.report/1";

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Duration from_seconds(double value) {
    return Duration{static_cast<std::int64_t>(value * 1e9 + (value < 0 ? -0.5 : 0.5))};
}

ordered_json json_of(const conformance::Artifacts& artifacts) {
    auto whole = ordered_json::object();
    if (artifacts.directory.empty()) return whole;
    whole["directory"] = artifacts.directory;
    whole["pcap"] = artifacts.pcap;
    whole["events"] = artifacts.events;
    whole["keys"] = artifacts.keys;
    return whole;
}

ordered_json machine_of(const CaseResult& result) {
    ordered_json machine = {{"wall_s", seconds(result.wall)}};
    if (!result.real_time) return machine;
    // What a real-time run measures is the machine's as much as the players'.
    machine["sim_s"] = seconds(result.simulated);
    machine["attempts"] = result.attempts;
    machine["metrics"] = result.metrics;
    if (!result.facts.empty()) machine["facts"] = result.facts;
    if (result.cpu_wait) machine["cpu_wait"] = *result.cpu_wait;
    if (const auto& late = result.lateness)
        machine["lateness"] = {{"budget_s", seconds(late->budget)},
                               {"median_s", seconds(late->median)},
                               {"p99_s", seconds(late->p99)},
                               {"worst_s", seconds(late->worst)}};
    return machine;
}

ordered_json json_of(const CaseResult& result) {
    auto steps = ordered_json::array();
    for (const auto& step : result.steps) {
        ordered_json one = {{"expected", step.expected}, {"observed", step.observed}, {"held", step.held}};
        if (!result.real_time) one["t"] = seconds(step.at);
        steps.push_back(std::move(one));
    }
    const bool exact = !result.real_time;
    ordered_json whole = {{"id", result.id},
            {"suite", result.suite},
            {"requirements", result.requirements},
            {"sentence", result.sentence},
            {"client", result.client},
            {"gateway", result.gateway},
            {"verdict", conformance::name_of(result.verdict)},
            {"expected", result.expected},
            {"observed", result.observed},
            {"reason", result.reason},
            {"steps", std::move(steps)},
            {"real_time", result.real_time},
            {"sim_s", exact ? seconds(result.simulated) : 0.0},
            {"machine", machine_of(result)},
            {"metrics", exact ? ordered_json(result.metrics) : ordered_json::object()},
            {"artifacts", json_of(result.artifacts)}};
    if (exact && !result.facts.empty()) whole["facts"] = result.facts;
    return whole;
}

CaseResult result_of(const ordered_json& json) {
    CaseResult result;
    result.id = json.at("id");
    result.suite = json.at("suite");
    result.requirements = json.at("requirements").get<std::vector<std::string>>();
    result.sentence = json.value("sentence", "");
    result.client = json.at("client");
    result.gateway = json.at("gateway");
    const auto verdict = conformance::verdict_of(json.at("verdict").get<std::string>());
    if (!verdict) throw std::invalid_argument("unknown verdict " + json.at("verdict").dump());
    result.verdict = *verdict;
    result.expected = json.at("expected");
    result.observed = json.at("observed");
    result.reason = json.at("reason");
    for (const auto& step : json.value("steps", ordered_json::array()))
        result.steps.push_back(
            {from_seconds(step.value("t", 0.0)), step.at("expected"), step.at("observed"), step.at("held")});
    const auto& machine = json.at("machine");
    result.real_time = json.value("real_time", false);
    result.simulated = from_seconds(result.real_time ? machine.value("sim_s", 0.0) : json.at("sim_s").get<double>());
    result.metrics =
        (result.real_time ? machine.at("metrics") : json.at("metrics")).get<std::map<std::string, double>>();
    result.facts = (result.real_time ? machine : json).value("facts", std::map<std::string, std::string>{});
    result.wall = from_seconds(machine.value("wall_s", 0.0));
    result.attempts = machine.value("attempts", 1);
    if (machine.contains("cpu_wait")) result.cpu_wait = machine["cpu_wait"].get<double>();
    if (machine.contains("lateness")) {
        const auto& late = machine["lateness"];
        result.lateness = {from_seconds(late.at("budget_s")), from_seconds(late.at("median_s")),
                           from_seconds(late.at("p99_s")), from_seconds(late.at("worst_s"))};
    }
    const auto& artifacts = json.at("artifacts");
    result.artifacts.directory = artifacts.value("directory", "");
    result.artifacts.pcap = artifacts.value("pcap", std::vector<std::string>{});
    result.artifacts.events = artifacts.value("events", "");
    result.artifacts.keys = artifacts.value("keys", std::vector<std::string>{});
    return result;
}

}  // namespace

std::string to_json(const Report& report) {
    const auto summary = summarize(report);
    auto cases = ordered_json::array();
    for (const auto& result : report.cases) cases.push_back(json_of(result));
    const ordered_json whole = {
        {"schema", kSchema},
        {"version", report.version},
        {"seed", report.seed},
        {"inputs", report.inputs},
        {"machine", {{"started", report.started}, {"wall_s", seconds(report.wall)}}},
        {"summary",
         {{"passed", summary.passed},
          {"failed", summary.failed},
          {"unsupported", summary.unsupported},
          {"skipped", summary.skipped},
          {"errors", summary.errors},
          {"invalid", summary.invalid},
          {"requirements",
           {{"total", summary.requirements}, {"covered", summary.covered}, {"verified", summary.verified}}}}},
        {"cases", std::move(cases)}};
    // Texts hold what peers sent: invalid UTF-8 is replaced.
    return whole.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

Result<Report> from_json(std::string_view text) {
    try {
        const auto whole = ordered_json::parse(text);
        if (!whole.is_object() || whole.value("schema", "") != kSchema)
            return fail(Fault::Malformed,
                        fmt::format("not a conformance report: expected \"schema\": \"{}\"", kSchema));
        Report report;
        report.version = whole.at("version");
        report.seed = whole.at("seed");
        report.inputs = whole.value("inputs", report.inputs);
        report.started = whole.at("machine").value("started", "");
        report.wall = from_seconds(whole.at("machine").value("wall_s", 0.0));
        for (const auto& json : whole.at("cases")) report.cases.push_back(result_of(json));
        return report;
    } catch (const ordered_json::exception& error) {
        return fail(Fault::Malformed, fmt::format("not a whole conformance report: {}", error.what()));
    } catch (const std::invalid_argument& error) {
        return fail(Fault::Malformed, fmt::format("not a conformance report: {}", error.what()));
    }
}

Result<Report> load(const std::filesystem::path& path) {
    std::error_code error;
    const auto file = std::filesystem::is_directory(path, error) ? path / "report.json" : path;
    std::ifstream in(file, std::ios::binary);
    if (!in)
        return fail(
            errno == ENOENT ? Fault::NotFound : Fault::Io,
            fmt::format("cannot read the report '{}': {}", file.string(), std::generic_category().message(errno)));
    std::ostringstream text;
    text << in.rdbuf();
    auto report = from_json(text.view());
    if (!report) return fail(report.error().fault, fmt::format("'{}' is {}", file.string(), report.error().detail));
    return report;
}

}  // namespace gatelab::reports
