#include "sim/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "impl/crypto/random_source.h"
#include "sim/http_proxy.h"
#include "sim/network_builder.h"
#include "sim/peers/uml/guests.h"
#include "sim/peers/uml/kernel.h"
#include "sim/pki.h"
#include "sim/players.h"
#include "sim/report_files.h"
#include "sim/resolver.h"
#include "sim/run_directory.h"
#include "sim/schedule.h"
#include "topologies/model/check.h"

namespace gatelab::sim {
namespace {

constexpr Duration kProgressStep = std::chrono::milliseconds(100);
constexpr Duration kDrain = std::chrono::seconds(1);     // for what is under way when the run ends
constexpr Duration kLead = std::chrono::seconds(10);     // for real programs to get ready
constexpr Duration kLastWord = std::chrono::seconds(1);  // for real programs to tell how they stand at the end
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
                    .real_time = keeps_real_time(),
                    .lead = has_real_peers(topology) ? kLead : Duration{},
                    .hurried_lead = with_guests(),
                    .events = [this](Event event) { record(std::move(event)); }}),
          cast_(network_, topology_) {}

    Result<void> start() {
        build_network(network_, topology_);
        if (directory_ && options_.captures)
            if (const auto done = capture_all(network_, topology_, directory_->pcap()); !done) return done;
        if (const auto done = prepare_guests(); !done) return done;
        const Stage stage{network_,     topology_,     pki_,
                          keys_,        options_.seed, directory_ ? directory_->peers() : std::filesystem::path{},
                          guests_.get()};
        if (const auto done = cast_.hire(stage, Cast::Of::RealPrograms); !done) return done;
        if (const auto done = run_lead(); !done) return done;
        phase_ = Phase::Running;
        if (const auto done = start_proxies(); !done) return done;
        if (const auto done = cast_.hire(stage, Cast::Of::Gatelab); !done) return done;
        schedule_ = std::make_unique<Schedule>(network_, topology_, cast_);
        return {};
    }

    RemoteUser& client(const std::string& name) override { return cast_.client(name); }
    VpnGateway& gateway(const std::string& name) override { return cast_.gateway(name); }

    Host& host(const std::string& name) override { return network_.host(name); }

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
    std::vector<FlowResult> flows() const override { return flows_ ? *flows_ : schedule_->results(); }

    Lateness lateness() const override {
        Lateness result{keeps_real_time(), options_.lateness_budget, {}, {}, {}};
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
    // Only the run itself goes on record: not how real programs get ready, nor how they end.
    enum class Phase { Lead, Running, Ending };

    void record(Event event) {
        if (phase_ != Phase::Running) return;
        if (directory_) directory_->write(event);
        events_.push_back(std::move(event));
    }

    bool with_guests() const { return has_real_peers(topology_) && options_.real_peers == RealPeers::Virtual; }
    bool keeps_real_time() const { return options_.keep_real_time || (has_real_peers(topology_) && !with_guests()); }

    Result<void> start_proxies() {
        for (const auto vertex : boost::make_iterator_range(boost::vertices(topology_.graph))) {
            const auto& node = topology_.graph[vertex];
            const auto* said = std::get_if<topologies::HttpProxy>(&node.kind);
            if (!said) continue;
            HttpProxyOptions options{.local = {said->address, said->port},
                                     .allowed_ports = said->allowed_ports,
                                     .resolve = resolver_of(topology_, pki_)};
            for (const auto& user : said->users) options.users.push_back({user.name, user.password});
            auto proxy = HttpProxy::start(network_.host(node.name), std::move(options));
            if (!proxy) return fail(proxy.error().fault, node.name + ": " + proxy.error().detail);
            proxies_.push_back(std::move(*proxy));
        }
        return {};
    }

    // The guests' time begins with the lead.
    Result<void> prepare_guests() {
        if (!with_guests()) return {};
        auto kernel = peers::uml::find_kernel();
        if (!kernel) return pass(kernel);
        kernel_ = std::move(*kernel);
        auto guests = peers::uml::Guests::create({[this] { return network_.now() + kLead; },
                                                  [this](Duration when, std::function<void()> call) {
                                                      return network_.call_at(when - kLead, std::move(call));
                                                  }});
        if (!guests) return pass(guests);
        guests_ = std::move(*guests);
        return {};
    }

    // Lets the real programs get ready. In virtual time the lead has its whole length, so that all runs are alike.
    Result<void> run_lead() {
        const auto settled = [&] {
            const auto ready = cast_.ready();
            return !ready || (*ready && !with_guests());
        };
        network_.run_until(settled, Duration{});
        const auto ready = cast_.ready();
        if (!ready) return pass(ready);
        if (!*ready) return fail(Fault::Unavailable, "a real program did not get ready");
        network_.begin();
        return {};
    }

    Result<void> end() {
        schedule_->stop();
        network_.run_until([this] { return schedule_->settled(); }, now() + kDrain);
        phase_ = Phase::Ending;
        auto summary = summarize_run();
        flows_ = schedule_->results();
        const auto captured = network_.finish_captures();
        if (has_real_peers(topology_)) take_last_words();
        summarize_players(summary);
        const auto left = cast_.dismiss();
        if (!directory_) return summary.failure ? tl::unexpected<Error>(*summary.failure) : left;
        if (!captured) directory_->note_failure(captured.error());
        if (!left) directory_->note_failure(left.error());
        if (!options_.topology_text.empty()) directory_->write_topology(options_.topology_text);
        directory_->write_flows(to_flows_json(flows()));
        if (options_.captures) directory_->write_keys(keys_, wireshark_profile_of(topology_));
        const auto whole = directory_->finish(to_run_json(summary));
        return whole && summary.failure ? tl::unexpected<Error>(*summary.failure) : whole;
    }

    // Nobody shall notice any more what the others do from here on: real programs take their leave of their peers.
    void take_last_words() {
        schedule_->close();
        for (const auto edge : boost::make_iterator_range(boost::edges(topology_.graph)))
            network_.intercept(topology_.graph[edge].name, [](const auto&, auto) {
                return Verdict{Verdict::Kind::Drop, {}};
            });
        cast_.ask();
        network_.run_until([this] { return cast_.told(); }, now() + kLastWord);
    }

    void summarize_players(RunSummary& run) const {
        if (const auto ready = cast_.ready(); !ready) run.failure = ready.error();
        if (has_real_peers(topology_)) run.real_peers = describe_real_peers();
        for (const auto& [name, player] : cast_.clients()) run.clients.push_back({name, player->status()});
        for (const auto& [name, player] : cast_.gateways()) run.gateways.push_back({name, player->sessions()});
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
        run.lateness = lateness();
        run.started = started_;
        run.wall = wall_clock() - started_;
        return run;
    }

    RunSummary::RealPeers describe_real_peers() const {
        RunSummary::RealPeers real;
        real.mode = with_guests() ? "virtual" : "realtime";
        if (kernel_) real.kernel_version = kernel_->version, real.kernel_hash = kernel_->hash;
        if (guests_) {
            const auto counters = guests_->counters();
            real.runs = counters.runs;
            real.frames = counters.frames_in + counters.frames_out;
        }
        const auto note = [&](const std::string& name, const Player& player) {
            if (auto program = player.program(); !program.empty()) real.programs.emplace_back(name, std::move(program));
        };
        for (const auto& [name, player] : cast_.gateways()) note(name, *player);
        for (const auto& [name, player] : cast_.clients()) note(name, *player);
        return real;
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
    Phase phase_ = Phase::Lead;
    std::vector<Event> events_;
    Network network_;
    std::optional<peers::uml::Kernel> kernel_;
    std::unique_ptr<peers::uml::Guests> guests_;  // after the network: goes before it
    std::vector<std::unique_ptr<HttpProxy>> proxies_;
    Cast cast_;                           // after both
    std::unique_ptr<Schedule> schedule_;  // after the players: goes before them
    std::uint32_t pings_ = 0;
    std::optional<std::vector<FlowResult>> flows_;  // once the run has ended
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
