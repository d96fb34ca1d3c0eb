#include "conformance/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "conformance/case_run.h"
#include "conformance/inputs.h"
#include "sim/isolation.h"
#include "sim/pki.h"

namespace gatelab::conformance {
namespace {

namespace fs = std::filesystem;

constexpr int kAttempts = 3;  // of a real-time run that falls behind

std::string directory_of(const CaseResult& result) {
    return fmt::format("cases/{}/{}-{}", result.id, result.client, result.gateway);
}

std::vector<std::string> files_in(const fs::path& out, const std::string& directory) {
    std::vector<std::string> files;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(out / directory, error))
        if (entry.is_regular_file(error)) files.push_back(directory + "/" + entry.path().filename().string());
    std::sort(files.begin(), files.end());
    return files;
}

Artifacts artifacts_of(const fs::path& out, const std::string& directory) {
    Artifacts artifacts;
    artifacts.directory = directory;
    artifacts.pcap = files_in(out, directory + "/pcap");
    artifacts.keys = files_in(out, directory + "/keys");
    std::error_code error;
    if (fs::exists(out / directory / "events.ndjson", error)) artifacts.events = directory + "/events.ndjson";
    return artifacts;
}

std::string utc_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return format_utc(instant_from_unix(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
}

// Keeps so many jobs running, takes what ends, and starts the next.
class Pool {
public:
    Pool(const std::vector<Job>& jobs, const Options& options, Report& report)
        : jobs_(jobs), options_(options), report_(report) {}

    void run(const std::vector<std::size_t>& numbers, std::size_t width) {
        std::size_t next = 0;
        while (next < numbers.size() || !running_.empty()) {
            if (next < numbers.size() && running_.size() < std::max<std::size_t>(width, 1))
                start(numbers[next++], 1);
            else
                take_one();
        }
    }

    void tell(std::size_t number) {
        ++done_;
        if (options_.progress) options_.progress({done_, jobs_.size(), &report_.cases[number]});
    }

private:
    struct Running {
        std::size_t number;
        int attempt;
        sim::Isolated child;
    };

    void start(std::size_t number, int attempt) {
        const auto& job = jobs_[number];
        const auto directory = options_.out.empty() ? fs::path{} : options_.out / directory_of(report_.cases[number]);
        auto child = sim::Isolated::start(
            [&job, this, directory] { return encode(run_here(job, options_, directory)); }, job.what->limit);
        if (child)
            running_.push_back({number, attempt, std::move(*child)});
        else
            broke(number, child.error().detail);
    }

    void take_one() {
        std::vector<sim::Isolated*> children;
        for (auto& one : running_) children.push_back(&one.child);
        const auto at = running_.begin() + static_cast<std::ptrdiff_t>(sim::Isolated::wait_any(children));
        const auto ended = std::move(*at);
        running_.erase(at);
        take(ended);
    }

    void take(const Running& ended) {
        auto& result = report_.cases[ended.number];
        result = result_of(jobs_[ended.number]);
        result.wall = ended.child.wall_time();
        result.attempts = ended.attempt;
        if (!options_.out.empty()) result.artifacts = artifacts_of(options_.out, directory_of(result));
        const auto& end = ended.child.end();
        if (end.how != sim::IsolatedEnd::How::Returned) return broke(ended.number, "the case " + end.describe());
        if (const auto decoded = decode_into(result, end.output); !decoded)
            return broke(ended.number, decoded.error().detail);
        if (result.verdict == Verdict::Invalid && ended.attempt < kAttempts)
            return start(ended.number, ended.attempt + 1);
        tell(ended.number);
    }

    // Nothing can be said about the requirement.
    void broke(std::size_t number, std::string why) {
        auto& result = report_.cases[number];
        result.verdict = Verdict::Error;
        result.expected = result.sentence;
        result.observed = "it did not come to an end";
        result.reason = std::move(why);
        tell(number);
    }

    const std::vector<Job>& jobs_;
    const Options& options_;
    Report& report_;
    std::vector<Running> running_;
    std::size_t done_ = 0;
};

void settle(CaseResult& result, Verdict verdict, const std::string& reason) {
    result.verdict = verdict;
    result.expected = result.sentence;
    result.observed = "not run";
    result.reason = reason;
}

}  // namespace

Result<Report> run(const Options& options) {
    const auto jobs = select(options);
    if (!jobs) return pass(jobs);
    return run(*jobs, options);
}

Result<Report> run(const std::vector<Job>& jobs, const Options& options) {
    if (!options.out.empty()) {
        std::error_code error;
        fs::create_directories(options.out / "cases", error);
        if (error)
            return fail(Fault::Io, fmt::format("cannot make the report's directory '{}': {}; choose one that can be "
                                               "written",
                                               options.out.string(), error.message()));
    }
    Report report;
    report.version = GATELAB_VERSION;
    report.seed = options.seed;
    report.started = utc_now();
    const auto start = std::chrono::steady_clock::now();
    for (const auto& job : jobs) report.cases.push_back(result_of(job));
    if (options.progress) options.progress({0, jobs.size(), nullptr});

    Pool pool{jobs, options, report};
    std::vector<std::size_t> virtual_time, real_time;
    std::vector<const Job*> to_run;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        const auto& job = jobs[i];
        if (!job.unsupported.empty()) {
            settle(report.cases[i], Verdict::Unsupported, job.unsupported);
            pool.tell(i);
        } else if (job.pair.has_real_program() && options.real_peers == RealPeers::None) {
            settle(report.cases[i], Verdict::Skipped, "real peers were not asked for");
            pool.tell(i);
        } else {
            (job.real_time() ? real_time : virtual_time).push_back(i);
            to_run.push_back(&job);
            // Before the forks, so that no child issues the certificates of its own accord. Should it fail, so will the
            // case, and say why.
            (void)sim::prepare_pki(job.what->topology(job.pair), options.seed);
        }
    }
    report.inputs = inputs_of(to_run);
    const auto cores = std::max(1u, std::thread::hardware_concurrency());
    pool.run(virtual_time, options.jobs > 0 ? options.jobs : cores);
    pool.run(real_time, options.real_time_jobs);
    report.wall = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start);
    return report;
}

}  // namespace gatelab::conformance
