#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>

#include "conformance/runner.h"

namespace gatelab::conformance {
namespace {

template <class Things>
std::string names_of(const Things& things) {
    std::vector<std::string> names;
    for (const auto& thing : things) names.push_back(thing.name);
    return fmt::format("{}", fmt::join(names, ", "));
}

Result<std::vector<const Player*>> players_named(const std::optional<std::string>& name, std::string_view role) {
    std::vector<const Player*> chosen;
    for (const auto& player : players())
        if (!name || *name == player.name) chosen.push_back(&player);
    if (chosen.empty())
        return fail(Fault::Refused, fmt::format("no {} is called \"{}\"; known: {}", role, *name, names_of(players())));
    return chosen;
}

bool matches(const std::string& pattern, const std::string& id) { return fnmatch(pattern.c_str(), id.c_str(), 0) == 0; }

Result<std::vector<const Case*>> chosen_cases(const Options& options) {
    for (const auto& suite : options.suites)
        if (std::none_of(suites().begin(), suites().end(), [&](const Suite& known) { return known.name == suite; }))
            return fail(Fault::Refused, fmt::format("no suite is called \"{}\"; known: {}", suite, names_of(suites())));
    std::vector<const Case*> chosen;
    for (const auto& one : cases()) {
        const bool in_suite = options.suites.empty() || std::find(options.suites.begin(), options.suites.end(),
                                                                  one.suite) != options.suites.end();
        const auto fits = [&](const std::string& pattern) { return matches(pattern, one.id); };
        if (in_suite && (options.cases.empty() || std::any_of(options.cases.begin(), options.cases.end(), fits)))
            chosen.push_back(&one);
    }
    for (const auto& pattern : options.cases)
        if (std::none_of(chosen.begin(), chosen.end(), [&](const Case* one) { return matches(pattern, one->id); }))
            return fail(Fault::Refused, fmt::format("no case of the chosen suites matches \"{}\"; `gatelab list cases` "
                                                    "names them all",
                                                    pattern));
    return chosen;
}

}  // namespace

Result<std::vector<Job>> select(const Options& options) {
    if (options.shards < 1 || options.shard < 1 || options.shard > options.shards)
        return fail(Fault::Refused, fmt::format("there is no shard {} of {}; expected one from 1/1 on up",
                                                options.shard, options.shards));
    const auto clients = players_named(options.client, "client");
    if (!clients) return pass(clients);
    const auto gateways = players_named(options.gateway, "gateway");
    if (!gateways) return pass(gateways);
    const auto chosen = chosen_cases(options);
    if (!chosen) return pass(chosen);

    const auto is_real = [](const Player* player) {
        return player->implementation != topologies::Implementation::Gatelab;
    };
    std::vector<Job> jobs;
    std::size_t number = 0;
    for (const auto* one : *chosen) {
        for (const auto* client : *clients) {
            for (const auto* gateway : *gateways) {
                // Such a pair tells nothing about us; asked for by name it shows that a case is sound.
                if (is_real(client) && is_real(gateway) && !(options.client && options.gateway)) continue;
                if (number++ % options.shards != options.shard - 1) continue;
                const Pair pair{client, gateway};
                jobs.push_back({one, pair, pair.lack_of(one->needs)});
            }
        }
    }
    return jobs;
}

}  // namespace gatelab::conformance
