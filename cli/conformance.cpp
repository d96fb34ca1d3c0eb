// gatelab conformance
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "cli/verbs.h"
#include "conformance/runner.h"
#include "reports/reports.h"
#include "sim/real_peers.h"

namespace gatelab::cli {
namespace {

namespace fs = std::filesystem;
using conformance::Report;
using conformance::Verdict;

struct Order {
    conformance::Options options;
    std::vector<std::string> pairs;
    std::string client, gateway, shard, real_peers, baseline, out;
    std::string hint;  // how to get real programs in virtual time
};

Result<void> read_shard(const std::string& text, conformance::Options& options) {
    const auto number = [](std::string_view digits, std::size_t& into) {
        const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
        return fault == std::errc{} && end == digits.data() + digits.size();
    };
    const auto slash = std::min(text.find('/'), text.size());
    const std::string_view view{text};
    const bool read = slash < text.size() && number(view.substr(0, slash), options.shard) &&
                      number(view.substr(slash + 1), options.shards);
    if (read && options.shard >= 1 && options.shard <= options.shards) return {};
    return fail(Fault::Malformed, fmt::format("--shard is \"{}\"; expected i/n with 1 <= i <= n, such as 2/4", text));
}

// Makes way for a new report in a directory that an earlier one wrote; anything else there stays untouched.
Result<void> clear(const fs::path& out) {
    constexpr std::array<std::string_view, 4> kOwn = {"report.json", "report.html", "junit.xml", "cases"};
    std::error_code error;
    fs::create_directories(out, error);
    if (error)
        return fail(Fault::Io,
                    fmt::format("cannot make the report's directory '{}': {}; choose one that can be written "
                                "(--out)",
                                out.string(), error.message()));
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator{out, error}) {
        const auto name = entry.path().filename().string();
        if (std::find(kOwn.begin(), kOwn.end(), name) == kOwn.end())
            return fail(Fault::Refused, fmt::format("'{}' holds '{}', which no conformance run wrote; choose another "
                                                    "directory (--out) or empty this one",
                                                    out.string(), name));
        old.push_back(entry.path());
    }
    // Names sort "cases" first; the report must go before its evidence.
    std::sort(old.begin(), old.end(), std::greater<>{});
    for (const auto& entry : old) {
        if (!error) fs::remove_all(entry, error);
        if (error)
            return fail(Fault::Io, fmt::format("cannot remove the earlier '{}': {}; choose another directory (--out)",
                                               entry.string(), error.message()));
    }
    return {};
}

Result<void> read_pairs(const std::vector<std::string>& texts, conformance::Options& options) {
    for (const auto& text : texts) {
        const auto slash = text.find('/');
        if (slash == std::string::npos || slash == 0 || slash + 1 == text.size())
            return fail(
                Fault::Malformed,
                fmt::format("--pair is \"{}\"; expected a client and a gateway, such as gatelab/strongswan", text));
        options.pairs.emplace_back(text.substr(0, slash), text.substr(slash + 1));
    }
    return {};
}

bool is_real(const std::string& player) {
    const auto* found = conformance::find_player(player);
    return found && found->is_real();
}

// Skipped although a real program was asked for by name.
std::vector<std::string> refused_by_machine(const Order& order, const Report& report) {
    if (order.real_peers == "none") return {};
    const bool by_name =
        is_real(order.client) || is_real(order.gateway) || !order.pairs.empty() || !order.real_peers.empty();
    std::vector<std::string> reasons;
    for (const auto& one : report.cases)
        if (by_name && one.verdict == Verdict::Skipped && (is_real(one.client) || is_real(one.gateway)))
            if (std::find(reasons.begin(), reasons.end(), one.reason) == reasons.end()) reasons.push_back(one.reason);
    return reasons;
}

Exit judge(const Report& report, bool regressed, bool refused) {
    const auto summary = conformance::summarize(report);
    if (summary.failed > 0 || regressed) return Exit::NotHeld;
    if (summary.errors > 0 || refused) return Exit::Broken;
    if (summary.invalid > 0) return Exit::Late;
    return summary.passed > 0 ? Exit::Held : Exit::NothingRan;
}

Result<Report> run_with_progress(conformance::Options options) {
    ProgressBar bar;
    options.progress = [&bar](const conformance::Progress& progress) {
        const auto share =
            progress.total == 0 ? 1.0 : static_cast<double>(progress.done) / static_cast<double>(progress.total);
        bar.show(share, fmt::format("{}/{}{}", progress.done, progress.total,
                                    progress.latest ? " " + progress.latest->id : ""));
    };
    return conformance::run(options);
}

bool wants_real_programs(const Order& order) {
    const auto& pairs = order.options.pairs;
    if (!pairs.empty())
        return order.real_peers != "none" && std::any_of(pairs.begin(), pairs.end(), [](const auto& pair) {
                   return is_real(pair.first) || is_real(pair.second);
               });
    return order.real_peers != "none" &&
           (order.client != "gatelab" || order.gateway != "gatelab" || !order.real_peers.empty());
}

Result<void> choose(Order& order) {
    using conformance::RealPeers;
    auto& mode = order.options.real_peers;
    mode = RealPeers::None;
    if (!wants_real_programs(order)) return {};
    const auto choice = sim::choose_real_peers(sim::real_peers_named(order.real_peers));
    if (!choice) return pass(choice);
    order.hint = choice->hint;
    const bool real_time = choice->real_peers == sim::RealPeers::RealTime;
    mode = real_time                       ? RealPeers::RealTime
           : order.real_peers == "virtual" ? RealPeers::Virtual
                                           : RealPeers::VirtualMost;
    return {};
}

Result<void> complete(Order& order) {
    auto& options = order.options;
    if (!order.shard.empty())
        if (const auto read = read_shard(order.shard, options); !read) return read;
    if (!order.client.empty()) options.client = order.client;
    if (!order.gateway.empty()) options.gateway = order.gateway;
    if (const auto read = read_pairs(order.pairs, options); !read) return read;
    if (const auto chosen = choose(order); !chosen) return chosen;
    options.out = order.out;
    return {};
}

Exit run(const Console& console, Order order) {
    if (const auto read = complete(order); !read) return console.complain(read.error());
    std::optional<Report> baseline;
    if (!order.baseline.empty()) {
        auto loaded = reports::load(order.baseline);
        if (!loaded) return console.complain(loaded.error());
        baseline = std::move(*loaded);
    }
    if (const auto selected = conformance::select(order.options); !selected) return console.complain(selected.error());
    if (const auto cleared = clear(order.options.out); !cleared) return console.complain(cleared.error());
    if (!order.hint.empty()) console.warn(order.hint);
    const auto report = run_with_progress(order.options);
    if (!report) return console.complain(report.error());
    if (const auto written = reports::write_all(*report, order.options.out); !written)
        return console.complain(written.error());

    const auto diff = baseline ? reports::diff(*report, *baseline) : reports::Diff{};
    const auto refused = refused_by_machine(order, *report);
    const auto exit = judge(*report, !diff.regressions.empty(), !refused.empty());
    for (const auto& reason : refused) console.warn(fmt::format("asked for by name and not run: {}", reason));
    const auto path = (order.options.out / "report.html").string();
    if (console.json) {
        auto document = Json::parse(reports::to_json(*report));
        if (baseline) document["diff"] = Json::parse(reports::to_json(diff));
        console.print_document(document);
        return exit;
    }
    console.print(reports::render_text(*report));
    if (baseline) console.print("\n" + reports::render_text(diff));
    console.print(fmt::format("\n{}\n", path));
    return exit;
}

}  // namespace

void add_conformance(CLI::App& root, Request& request) {
    const auto order = std::make_shared<Order>();
    auto& options = order->options;
    auto* verb = add_verb(root, request, "conformance", "Run the conformance suites and write a report",
                          [order](const Console& console) { return run(console, *order); });
    verb->add_option("--suite", options.suites, "Only this suite; may be repeated")->allow_extra_args(false);
    verb->add_option("--case", options.cases, "Only cases whose id matches this glob; may be repeated")
        ->allow_extra_args(false);
    verb->add_option("--client", order->client, "Only with this client (see: gatelab list peers)");
    verb->add_option("--gateway", order->gateway, "Only with this gateway");
    verb->add_option("--pair", order->pairs, "CLIENT/GATEWAY: only these two; may be repeated")
        ->allow_extra_args(false)
        ->excludes("--client")
        ->excludes("--gateway");
    verb->add_option("--jobs", options.jobs, "Cases in virtual time at once (default: one for each core)")
        ->check(CLI::Range(1, 1024));
    verb->add_option("--shard", order->shard, "i/n: only part i of n");
    verb->add_option("--real-peers", order->real_peers,
                     "How real programs take part: virtual, realtime, none (default: virtual, and in a few cases real "
                     "time too; without a kernel for it: realtime)")
        ->check(CLI::IsMember({"virtual", "realtime", "none"}));
    verb->add_option("--seed", options.seed, "All chance comes from it")->capture_default_str();
    verb->add_option("--baseline", order->baseline,
                     "An earlier report.json: say what changed, and fail on a regression");
    verb->add_option("--out", order->out, "Where the report and the evidence go")->default_val("runs/conformance");
    verb->add_flag("!--no-captures", options.captures, "Keep no packet captures and keys");
}

}  // namespace gatelab::cli
