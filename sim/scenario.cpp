#include "sim/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "impl/crypto/random_source.h"
#include "sim/network_builder.h"
#include "sim/pki.h"
#include "sim/players.h"
#include "sim/report_files.h"
#include "sim/run_directory.h"
#include "sim/schedule.h"
#include "topologies/model/check.h"

namespace gatelab::sim {
namespace {

constexpr Duration kProgressStep = std::chrono::milliseconds(100);
constexpr Duration kDrain = std::chrono::seconds(1);  // for what is under way when the run ends
constexpr Duration kProbeInterval = std::chrono::milliseconds(100);
constexpr std::uint16_t kFirstProbe = 0x8000;  // identifiers of Scenario::ping; those of flows are below

// The wall clock: for what run.json tells under "machine" and nothing else.
Instant wall_clock() {
    return Instant{std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())};
}

Result<void> refuse_broken(const topologies::Topology& topology) {
    std::string errors;
    for (const auto& problem : topologies::check(topology))
        if (problem.severity == topologies::Problem::Severity::Error)
            errors += fmt::format("{}{}", errors.empty() ? "" : "\n", to_string(problem));
    if (errors.empty()) return {};
    return fail(Fault::Malformed, errors);
}

// ns-3 has one simulator per process, and so has OpenSSL one source of random numbers.
class OnlyOne {
public:
    OnlyOne() { taken_ = true; }
    ~OnlyOne() { taken_ = false; }
    OnlyOne(const OnlyOne&) = delete;
    OnlyOne& operator=(const OnlyOne&) = delete;
    static bool is_taken() { return taken_; }

private:
    inline static bool taken_ = false;
};

class Running final : public Scenario {
public:
    Running(const topologies::Topology& topology, RunOptions options, Pki pki, std::unique_ptr<RunDirectory> directory)
        : topology_(topology),
          options_(std::move(options)),
          pki_(std::move(pki)),
          directory_(std::move(directory)),
          started_(wall_clock()),
          openssl_random_(options_.seed, "openssl"),
          openssl_(openssl_random_),
          network_({.seed = options_.seed,
                    .epoch = topology.epoch,
                    .real_time = needs_real_time(topology),
                    .events = [this](Event event) { record(std::move(event)); }}),
          cast_(network_, topology_) {}

    Result<void> start() {
        build_network(network_, topology_);
        if (directory_ && options_.captures)
            if (const auto done = capture_all(network_, topology_, directory_->pcap()); !done) return done;
        const Stage stage{network_, topology_,     pki_,
                          keys_,    options_.seed, directory_ ? directory_->peers() : std::filesystem::path{}};
        if (const auto done = cast_.hire(stage); !done) return done;
        schedule_ = std::make_unique<Schedule>(network_, topology_, cast_);
        return {};
    }

    RemoteUser& client(const std::string& name) override { return cast_.client(name); }
    VpnGateway& gateway(const std::string& name) override { return cast_.gateway(name); }

    Duration now() const override { return network_.now(); }

    void run_for(Duration duration) override {
        const auto end = now() + duration;
        while (now() < end) {
            network_.run_until(options_.progress ? std::min(end, now() + kProgressStep) : end);
            if (options_.progress) options_.progress(now());
        }
    }

    bool run_until(const std::function<bool()>& condition, Duration limit) override {
        return network_.run_until(condition, now() + limit);
    }

    PingResult ping(const std::string& from, const std::string& to, int count) override {
        const auto source = cast_.flow_end(from);
        if (!source.stack) return {count, 0};
        const auto literal = parse_address(to);
        const auto target = literal ? FlowEnd{nullptr, [address = *literal] { return std::optional(address); }, nullptr}
                                    : cast_.flow_end(to);
        const auto flow = start_ping({.from = source,
                                      .to = target,
                                      .epoch = topology_.epoch,
                                      .start = topology_.epoch + now(),
                                      .number = static_cast<std::uint16_t>(kFirstProbe + pings_++ % kFirstProbe)},
                                     {.interval = kProbeInterval, .count = count});
        run_until([&] { return flow->settled(); }, kProbeInterval * (count + 1) + kDrain);
        return {count, static_cast<int>(flow->counters().packets_received)};
    }

    void intercept(const std::string& link, Interceptor interceptor) override {
        network_.intercept(link, std::move(interceptor));
    }
    void inject(const std::string& link, const std::string& from, ByteView ip_packet) override {
        network_.inject(link, from, ip_packet);
    }

    const std::vector<Event>& events() const override { return events_; }
    std::vector<FlowResult> flows() const override { return schedule_->results(); }

    Lateness lateness() const override {
        Lateness result{needs_real_time(topology_), options_.lateness_budget, {}, {}, {}};
        auto samples = network_.lateness();
        if (!result.real_time || samples.empty()) return result;
        std::sort(samples.begin(), samples.end());
        result.median = samples[samples.size() / 2];
        result.p99 = samples[samples.size() * 99 / 100];
        result.worst = samples.back();
        return result;
    }

    Result<void> finish() override {
        if (!outcome_) outcome_ = end();
        return *outcome_;
    }

private:
    void record(Event event) {
        if (directory_) directory_->write(event);
        events_.push_back(std::move(event));
    }

    Result<void> end() {
        schedule_->stop();
        network_.run_until([this] { return schedule_->settled(); }, now() + kDrain);
        const auto summary = summarize_run();  // before the players go
        const auto left = cast_.dismiss();
        const auto captured = network_.finish_captures();
        if (!directory_) return left;
        if (!captured) directory_->note_failure(captured.error());
        if (!left) directory_->note_failure(left.error());
        if (!options_.topology_text.empty()) directory_->write_topology(options_.topology_text);
        directory_->write_flows(to_flows_json(flows()));
        if (options_.captures) directory_->write_keys(keys_);
        return directory_->finish(to_run_json(summary));
    }

    RunSummary summarize_run() const {
        RunSummary run;
        run.topology = topology_.name;
        run.overrides = options_.overrides;
        run.seed = options_.seed;
        run.epoch = topology_.epoch;
        run.simulated = now();
        run.events = events_.size();
        run.flows = topology_.flows.size();
        for (const auto& [name, player] : cast_.clients()) run.clients.push_back({name, player->status()});
        for (const auto& [name, player] : cast_.gateways()) run.gateways.push_back({name, player->sessions()});
        run.lateness = lateness();
        run.started = started_;
        run.wall = wall_clock() - started_;
        return run;
    }

    const OnlyOne only_one_;
    const topologies::Topology topology_;
    const RunOptions options_;
    const Pki pki_;
    const std::unique_ptr<RunDirectory> directory_;
    const Instant started_;
    SeededRandom openssl_random_;
    crypto::ScopedRandomSource openssl_;
    KeyLog keys_;
    std::vector<Event> events_;
    Network network_;
    Cast cast_;                           // after the network: goes before it
    std::unique_ptr<Schedule> schedule_;  // after the players: goes before them
    std::uint32_t pings_ = 0;
    std::optional<Result<void>> outcome_;
};

}  // namespace

Result<std::unique_ptr<Scenario>> Scenario::create(const topologies::Topology& topology, RunOptions options) {
    if (OnlyOne::is_taken())
        return fail(Fault::Refused, "a scenario is running in this process already; a process holds one at a time");
    if (const auto sound = refuse_broken(topology); !sound) return pass(sound);
    auto pki = prepare_pki(topology, options.seed);
    if (!pki) return pass(pki);
    std::unique_ptr<RunDirectory> directory;
    if (!options.out.empty()) {
        auto made = RunDirectory::create(options.out);
        if (!made) return pass(made);
        directory = std::move(*made);
    }
    auto running = std::make_unique<Running>(topology, std::move(options), std::move(*pki), std::move(directory));
    if (const auto started = running->start(); !started) return pass(started);
    return running;
}

Result<void> run_to_end(Scenario& scenario, Duration duration) {
    scenario.run_for(duration - std::min(duration, scenario.now()));
    return scenario.finish();
}

}  // namespace gatelab::sim
