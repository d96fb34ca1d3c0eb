#include "conformance/case_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "conformance/contention.h"
#include "conformance/context.h"

namespace gatelab::conformance {
namespace {

using nlohmann::json;

constexpr std::size_t kLastMessages = 4;
constexpr double kMostCpuWait = 0.5;  // of a real-time run; beyond it a real peer may simply not have had its turn

std::string joined(const std::vector<Step>& steps, std::string Step::*part) {
    std::string text;
    for (const auto& step : steps) text += (text.empty() ? "" : "; ") + step.*part;
    return text;
}

// The last IKE messages that anybody sent, so that a failure can be judged without opening its log.
std::string last_messages(const std::vector<Event>& events) {
    std::vector<std::string> messages;
    for (auto event = events.rbegin(); event != events.rend() && messages.size() < kLastMessages; ++event) {
        if (event->event != "message-sent") continue;
        const auto* id = find(event->attributes, "message_id");
        const auto* number = id ? std::get_if<std::int64_t>(id) : nullptr;
        messages.push_back(fmt::format("{} {} {}", event->node, text_of(event->attributes, "exchange"),
                                       number ? std::to_string(*number) : ""));
    }
    std::reverse(messages.begin(), messages.end());
    return messages.empty() ? "" : fmt::format("; last messages: {}", fmt::join(messages, ", "));
}

void judge(CaseResult& result, const Context& context, const std::vector<Event>& events) {
    result.steps = context.steps();
    result.metrics = context.metrics();
    result.facts = context.facts();
    const auto broken =
        std::find_if(result.steps.begin(), result.steps.end(), [](const Step& step) { return !step.held; });
    if (result.steps.empty()) {
        result.verdict = Verdict::Error;
        result.reason = "the case ended without having looked at anything";
    } else if (broken == result.steps.end()) {
        result.verdict = Verdict::Passed;
        result.expected = joined(result.steps, &Step::expected);
        result.observed = joined(result.steps, &Step::observed);
    } else {
        result.verdict = Verdict::Failed;
        result.expected = broken->expected;
        result.observed = broken->observed;
        result.reason = fmt::format("at {} s: expected that {}; observed: {}{}", format_seconds(broken->at),
                                    broken->expected, broken->observed, last_messages(events));
    }
}

CaseResult unrunnable(CaseResult result, Verdict verdict, std::string reason) {
    result.verdict = verdict;
    result.expected = result.sentence;
    result.observed = "it could not be run";
    result.reason = std::move(reason);
    return result;
}

// A real program that was starved fails in any way: such a failure says nothing about it.
void note_contention(CaseResult& result, const Contention& contention) {
    if (!result.real_time) return;
    result.cpu_wait = contention.share();
    const bool bad = result.verdict == Verdict::Failed || result.verdict == Verdict::Error;
    if (!bad || result.cpu_wait.value_or(0) <= kMostCpuWait) return;
    result.verdict = Verdict::Invalid;
    result.reason = fmt::format(
        "the machine was overloaded: processes waited for a processor during {:.0f} % of the run; "
        "beside that, {}",
        1e2 * *result.cpu_wait, result.reason);
}

void note_lateness(CaseResult& result, const sim::Lateness& lateness) {
    if (!lateness.real_time) return;
    result.real_time = true;
    result.lateness = {lateness.budget, lateness.median, lateness.p99, lateness.worst};
    if (lateness.kept()) return;
    result.verdict = Verdict::Invalid;
    result.reason = fmt::format("the simulator ran up to {:.1f} ms late, beyond its budget of {:.0f} ms{}",
                                1e3 * seconds(lateness.worst), 1e3 * seconds(lateness.budget),
                                result.reason.empty() ? "" : "; beside that, " + result.reason);
}

}  // namespace

CaseResult result_of(const Job& job) {
    CaseResult result;
    result.id = job.what->id;
    result.suite = job.what->suite;
    result.requirements = job.what->requirements;
    result.sentence = job.what->sentence;
    result.client = job.pair.client->name;
    result.gateway = job.pair.gateway->name;
    result.real_time = job.real_time();
    return result;
}

CaseResult run_here(const Job& job, const Options& options, const std::filesystem::path& directory) {
    auto result = result_of(job);
    const Contention contention;
    sim::RunOptions run;
    run.seed = options.seed;
    run.real_peers = job.real_time() ? sim::RealPeers::RealTime : sim::RealPeers::Virtual;
    run.out = directory;
    run.captures = options.captures && job.what->captured;
    run.lateness_budget = options.lateness_budget;
    auto scenario = sim::Scenario::create(job.what->topology(job.pair), run);
    if (!scenario) {
        // Our own players need nothing that a machine might lack.
        const bool lacking = job.pair.has_real_program() && scenario.error().fault == Fault::Unavailable;
        return unrunnable(std::move(result), lacking ? Verdict::Skipped : Verdict::Error, scenario.error().detail);
    }
    Context context{**scenario, job.pair, options.seed};
    job.what->check(context);
    result.simulated = (*scenario)->now();
    const auto finished = (*scenario)->finish();
    judge(result, context, (*scenario)->events());
    note_lateness(result, (*scenario)->lateness());
    if (!finished) {
        result.verdict = Verdict::Error;
        result.reason =
            "the run did not end well: " + finished.error().detail;  // a real program died, the disk is full
    }
    note_contention(result, contention);
    return result;
}

Bytes encode(const CaseResult& result) {
    json steps = json::array();
    for (const auto& step : result.steps) steps.push_back({step.at.count(), step.expected, step.observed, step.held});
    json whole = {{"verdict", name_of(result.verdict)},
                  {"expected", result.expected},
                  {"observed", result.observed},
                  {"reason", result.reason},
                  {"steps", steps},
                  {"metrics", result.metrics},
                  {"facts", result.facts},
                  {"simulated", result.simulated.count()},
                  {"real_time", result.real_time}};
    if (result.cpu_wait) whole["cpu_wait"] = *result.cpu_wait;
    if (const auto& late = result.lateness)
        whole["lateness"] = {late->budget.count(), late->median.count(), late->p99.count(), late->worst.count()};
    return json::to_cbor(whole);
}

Result<void> decode_into(CaseResult& result, ByteView bytes) {
    try {
        const auto whole = json::from_cbor(bytes.begin(), bytes.end());
        result.verdict = verdict_of(whole.at("verdict").get<std::string>()).value_or(Verdict::Error);
        result.expected = whole.at("expected");
        result.observed = whole.at("observed");
        result.reason = whole.at("reason");
        for (const auto& step : whole.at("steps"))
            result.steps.push_back({Duration{step.at(0).get<std::int64_t>()}, step.at(1), step.at(2), step.at(3)});
        result.metrics = whole.at("metrics");
        result.facts = whole.at("facts");
        result.simulated = Duration{whole.at("simulated").get<std::int64_t>()};
        result.real_time = whole.at("real_time");
        if (whole.contains("cpu_wait")) result.cpu_wait = whole["cpu_wait"].get<double>();
        if (whole.contains("lateness")) {
            const auto& late = whole["lateness"];
            const auto part = [&](int i) { return Duration{late.at(i).get<std::int64_t>()}; };
            result.lateness = LatenessSummary{part(0), part(1), part(2), part(3)};
        }
    } catch (const json::exception& error) {
        return fail(Fault::Malformed, fmt::format("a case's process answered with something else: {}", error.what()));
    }
    return {};
}

}  // namespace gatelab::conformance
