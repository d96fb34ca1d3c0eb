// Certificates, links, flows and actions.
#include <algorithm>
#include <filesystem>

#include "topologies/model/suggest.h"
#include "topologies/yaml/sections.h"

namespace gatelab::topologies {
namespace {

void read_key(Form& form, KeySpec& key) {
    using Kind = KeySpec::Kind;
    std::pair<Kind, int> read{key.kind, key.bits};
    const Choices<std::pair<Kind, int>> keys{{"rsa-2048", {Kind::Rsa, 2048}},   {"rsa-3072", {Kind::Rsa, 3072}},
                                             {"rsa-4096", {Kind::Rsa, 4096}},   {"ecdsa-256", {Kind::Ecdsa, 256}},
                                             {"ecdsa-384", {Kind::Ecdsa, 384}}, {"ecdsa-521", {Kind::Ecdsa, 521}}};
    form.choice("key", read, keys);
    key = {read.first, read.second};
}

void read_file_name(Draft& draft, Form& form, std::string_view key, std::string& target) {
    form.text(key, target);
    if (target.empty()) return;
    target = resolve(draft, target);
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(target, ignored))
        for (const auto& [field, mark] : form.field_marks())
            if (field == key) {
                form.problem(mark, fmt::format("{} of {}: there is no file {}; expected a PEM file, relative to the "
                                               "topology file",
                                               key, form.what(), target));
                break;
            }
}

// Finds the two nodes that "alice-isp" names; names may hold hyphens themselves.
std::optional<std::pair<Vertex, Vertex>> ends_in_name(const Topology& topology, std::string_view name) {
    std::optional<std::pair<Vertex, Vertex>> ends;
    for (auto at = name.find('-'); at != name.npos; at = name.find('-', at + 1)) {
        const auto a = find(topology, name.substr(0, at)), b = find(topology, name.substr(at + 1));
        if (!a || !b) continue;
        if (ends) return std::nullopt;  // two ways to read it
        ends = {*a, *b};
    }
    return ends;
}

std::vector<std::string> node_names(const Topology& topology) {
    std::vector<std::string> names;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph)))
        names.push_back(topology.graph[vertex].name);
    return names;
}

// What links between these nodes can be called; none for more nodes than anybody links by hand.
std::vector<std::string> pairs_of(const std::vector<std::string>& names) {
    constexpr std::size_t kMostNames = 40;
    std::vector<std::string> pairs;
    if (names.size() > kMostNames) return pairs;
    for (const auto& a : names)
        for (const auto& b : names)
            if (a != b) pairs.push_back(a + "-" + b);
    return pairs;
}

std::optional<std::pair<Vertex, Vertex>> read_ends(Draft& draft, Form& form, const std::string& name) {
    const auto* between = form.take("between");
    if (!between)
        if (const auto ends = ends_in_name(draft.topology, name)) return ends;
    const auto names = node_names(draft.topology);
    if (!between) {
        const auto meant = closest(name, pairs_of(names));
        form.problem(form.mark(), fmt::format("link \"{}\" does not name two nodes joined by a hyphen; {}", name,
                                              meant.empty() ? "say between: [one, other]"
                                                            : fmt::format("did you mean \"{}\"?", meant)));
        return std::nullopt;
    }
    if (between->kind != Value::Kind::List || between->items.size() != 2) {
        form.problem(between->mark,
                     fmt::format("between of {} is {}; expected a list of two nodes", form.what(), describe(*between)));
        return std::nullopt;
    }
    Vertex ends[2] = {0, 0};
    for (std::size_t i = 0; i < 2; ++i) {
        const auto& item = between->items[i];
        const auto text = form.text_of(item, "between", "the names of two nodes");
        if (!text) return std::nullopt;
        const auto vertex = find(draft.topology, *text);
        if (!vertex) {
            const auto meant = closest(*text, names);
            form.problem(item.mark, fmt::format("there is no node {}{}", describe(item),
                                                meant.empty() ? "" : fmt::format("; did you mean \"{}\"?", meant)));
            return std::nullopt;
        }
        ends[i] = *vertex;
    }
    return std::pair{ends[0], ends[1]};
}

}  // namespace

std::string resolve(const Draft& draft, const std::string& file) {
    const std::filesystem::path path{file};
    return path.is_absolute() || draft.folder.empty() ? file : (std::filesystem::path{draft.folder} / path).string();
}

void read_certificates(Form& top, Draft& draft) {
    for_each_entry(top, "certificates", "certificate", true, draft, [&](Form& form, const std::string& name) {
        CertificateSpec one;
        one.name = name;
        form.text("issuer", one.issuer);
        read_key(form, one.key);
        form.instant("not_before", one.not_before);
        form.instant("not_after", one.not_after);
        if (!one.issuer.empty()) one.dns_names = {name};
        form.texts("dns_names", one.dns_names);
        read_file_name(draft, form, "certificate_file", one.certificate_file);
        read_file_name(draft, form, "key_file", one.key_file);
        one.mark = form.mark();
        one.field_marks = form.field_marks();
        draft.topology.certificates.push_back(std::move(one));
    });
}

void read_links(Form& top, Draft& draft) {
    for_each_entry(top, "links", "link", false, draft, [&](Form& form, const std::string& name) {
        Link link;
        link.name = name;
        const auto ends = read_ends(draft, form, name);
        form.rate("rate", link.bits_per_second);
        form.duration("delay", link.delay);
        form.fraction("loss", link.loss);
        form.fraction("duplicate", link.duplicate);
        form.fraction("corrupt", link.corrupt);
        form.fraction("reorder", link.reorder);
        form.duration("reorder_by", link.reorder_by);
        form.number("mtu", link.mtu, 576, 65535);
        form.number("black_hole_above", link.black_hole_above, 576, 65535, "none");
        link.mark = form.mark();
        link.field_marks = form.field_marks();
        if (ends) add_link(draft.topology, ends->first, ends->second, std::move(link));
    });
}

void read_flows(Form& top, Draft& draft) {
    for_each_entry(top, "flows", "flow", false, draft, [&](Form& form, const std::string& name) {
        Flow flow;
        flow.name = name;
        form.require("kind", "ping");
        form.choice("kind", flow.kind,
                    {{"ping", Flow::Kind::Ping}, {"udp", Flow::Kind::Udp}, {"tcp", Flow::Kind::Tcp}});
        form.require("from", "the name of a client or virtual machine");
        form.text("from", flow.from);
        form.require("to", "the name of a client or virtual machine");
        form.text("to", flow.to);
        form.duration("start", flow.start);
        form.duration("stop", flow.stop, "never");
        if (flow.kind == Flow::Kind::Ping) {
            flow.packet_size = 56;
            form.duration("interval", flow.interval);
        }
        if (flow.kind == Flow::Kind::Udp) form.rate("rate", flow.bits_per_second);
        if (flow.kind != Flow::Kind::Tcp) form.number("packet_size", flow.packet_size, 0, 65000);
        flow.mark = form.mark();
        flow.field_marks = form.field_marks();
        draft.topology.flows.push_back(std::move(flow));
    });
}

void read_actions(Form& top, Draft& draft) {
    const auto* list = top.take("actions");
    if (!list) return;
    if (list->kind != Value::Kind::List)
        return top.problem(list->mark, fmt::format("actions is {}; expected a list", describe(*list)));
    for (const auto& value : list->items) {
        Action action;
        Form form{value, fmt::format("action {}", draft.topology.actions.size()), draft.problems};
        form.require("at", "5s");
        form.duration("at", action.at);
        form.require("do", "rekey-child");
        Choices<Action::Kind> kinds;
        for (const auto kind : {Action::Kind::Connect, Action::Kind::Disconnect, Action::Kind::RekeyChild,
                                Action::Kind::RekeyIke, Action::Kind::CheckLiveness})
            kinds.emplace_back(name_of(kind), kind);
        form.choice("do", action.kind, kinds);
        form.require("node", "the name of a client or gateway");
        form.text("node", action.node);
        form.finish();
        action.mark = value.mark;
        action.field_marks = form.field_marks();
        draft.topology.actions.push_back(std::move(action));
    }
}

}  // namespace gatelab::topologies
