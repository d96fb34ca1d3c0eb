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

std::string_view name_of(Side side) { return side == Side::Client ? "client" : "gateway"; }

std::vector<Player> those_who_play(Side side) {
    std::vector<Player> found;
    for (const auto& player : players())
        if (player.plays(side)) found.push_back(player);
    return found;
}

// The same program in the other time; nullptr when it has but one.
const Player* in_other_time(const Player& player) {
    for (const auto& other : players())
        if (other.real_time != player.real_time && other.implementation == player.implementation) return &other;
    return nullptr;
}

// The player that a name means: of real programs, the one in the time that was asked for.
Result<const Player*> player_named(const std::string& name, Side side, RealPeers mode) {
    const auto* player = find_player(name);
    if (!player)
        return fail(Fault::Refused, fmt::format("no {} is called \"{}\"; known: {}", name_of(side), name,
                                                names_of(those_who_play(side))));
    if (!player->plays(side))
        return fail(Fault::Refused, fmt::format("{} plays no {}; those who do: {}", name, name_of(side),
                                                names_of(those_who_play(side))));
    if (mode == RealPeers::Virtual && player->real_time) {
        const auto* other = in_other_time(*player);
        return fail(Fault::Refused,
                    fmt::format("{} keeps real time, and only virtual time was asked for; {}leave --real-peers=virtual "
                                "out",
                                name, other ? fmt::format("name {} instead, or ", other->name) : ""));
    }
    if (mode != RealPeers::RealTime || !player->is_real() || player->real_time) return player;
    if (const auto* other = in_other_time(*player)) return other;
    return fail(Fault::Refused, fmt::format("{} does not run in real time", name));
}

Result<std::vector<const Player*>> players_named(const std::optional<std::string>& name, Side side, RealPeers mode) {
    if (name) {
        const auto player = player_named(*name, side, mode);
        if (!player) return pass(player);
        return std::vector<const Player*>{*player};
    }
    std::vector<const Player*> chosen;
    for (const auto& player : players())
        if (player.plays(side)) chosen.push_back(&player);
    return chosen;
}

// Whether a player that was not asked for by name takes part in a case.
bool joins(const Player& player, const Case& one, RealPeers mode) {
    if (!player.is_real()) return true;
    if (player.by_name_only || one.real_by_name_only) return false;
    if (mode == RealPeers::RealTime) return player.real_time;
    if (!player.real_time) return true;
    return mode == RealPeers::VirtualMost && one.in_real_time_too;
}

// Why nobody meets in cases that there are.
std::string nobody_meets(const Options& options, const std::vector<const Case*>& chosen) {
    for (const auto& name : {options.client, options.gateway}) {
        const auto* player = name ? find_player(*name) : nullptr;
        if (player &&
            std::none_of(chosen.begin(), chosen.end(), [&](const Case* one) { return player->has(one->tunnel); }))
            return fmt::format("{} takes part in no such case: all of them are about {}", *name,
                               topologies::name_of(chosen.front()->tunnel));
    }
    return "no such client and gateway meet in the chosen cases";
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

// Pairs to choose from, and whether each player of them was asked for by name.
struct Candidates {
    std::vector<Pair> pairs;
    bool client_named = false, gateway_named = false;
};

Result<Candidates> candidates(const Options& options) {
    Candidates all{{}, options.client.has_value(), options.gateway.has_value()};
    for (const auto& [client_name, gateway_name] : options.pairs) {
        const auto client = player_named(client_name, Side::Client, options.real_peers);
        if (!client) return pass(client);
        const auto gateway = player_named(gateway_name, Side::Gateway, options.real_peers);
        if (!gateway) return pass(gateway);
        all.pairs.push_back({*client, *gateway});
        all.client_named = all.gateway_named = true;
    }
    if (!all.pairs.empty()) return all;
    const auto clients = players_named(options.client, Side::Client, options.real_peers);
    if (!clients) return pass(clients);
    const auto gateways = players_named(options.gateway, Side::Gateway, options.real_peers);
    if (!gateways) return pass(gateways);
    for (const auto* client : *clients)
        for (const auto* gateway : *gateways) all.pairs.push_back({client, gateway});
    return all;
}

}  // namespace

bool Case::can_take(const Pair& pair) const {
    if (!pair.can_have(tunnel)) return false;
    if (!clients.empty() && std::ranges::find(clients, pair.client->implementation) == clients.end()) return false;
    if (looks_at == Side::Gateway && pair.client->is_real()) return false;
    return looks_at != Side::Client || !pair.gateway->is_real();
}

Result<std::vector<Job>> select(const Options& options) {
    if (options.shards < 1 || options.shard < 1 || options.shard > options.shards)
        return fail(Fault::Refused, fmt::format("there is no shard {} of {}; expected one from 1/1 on up",
                                                options.shard, options.shards));
    const auto known = candidates(options);
    if (!known) return pass(known);
    const auto chosen = chosen_cases(options);
    if (!chosen) return pass(chosen);

    const auto meet = [&](const Case& one, const Player& client, const Player& gateway) {
        if (!one.can_take({&client, &gateway})) return false;
        if (!known->client_named && !joins(client, one, options.real_peers)) return false;
        if (!known->gateway_named && !joins(gateway, one, options.real_peers)) return false;
        if (!client.is_real() || !gateway.is_real()) return true;
        // Such a pair tells nothing about us; asked for by name it shows that a case is sound.
        return known->client_named && known->gateway_named && client.real_time == gateway.real_time;
    };
    std::vector<Job> jobs;
    std::size_t number = 0;
    for (const auto* one : *chosen) {
        for (const auto& pair : known->pairs) {
            if (!meet(*one, *pair.client, *pair.gateway)) continue;
            if (number++ % options.shards != options.shard - 1) continue;
            jobs.push_back({one, pair, pair.lack_of(one->needs)});
        }
    }
    if (jobs.empty() && options.shards == 1) return fail(Fault::Refused, nobody_meets(options, *chosen));
    return jobs;
}

}  // namespace gatelab::conformance
