// What links do to some packets during some time.
#include <limits>

#include "topologies/model/packet_kinds.h"
#include "topologies/model/suggest.h"
#include "topologies/yaml/sections.h"

namespace gatelab::topologies {
namespace {

void read_kind(Form& form, std::string& kind) {
    form.text("packet", kind);
    if (kind.empty() || packet_kind(kind)) return;
    const auto names = packet_kind_names();
    const auto meant = closest(kind, names);
    for (const auto& [field, mark] : form.field_marks())
        if (field == "packet")
            form.problem(mark, fmt::format("packet of {} is \"{}\"; {}", form.what(), kind,
                                           meant.empty() ? fmt::format("expected one of {}", fmt::join(names, ", "))
                                                         : fmt::format("did you mean \"{}\"?", meant)));
}

// "until" is a time, "for" is how long.
void read_end(Form& form, LinkFault& fault) {
    std::optional<Duration> lasts;
    form.since_start("until", fault.until, "never");
    form.duration("for", lasts, "ever");
    if (!lasts) return;
    for (const auto& [field, mark] : form.field_marks())
        if (field == "for" && fault.until)
            form.problem(mark, fmt::format("{} says both until and for; expected one of them", form.what()));
    fault.until = fault.at + *lasts;
}

}  // namespace

void read_faults(Form& top, Draft& draft) {
    const auto* list = top.take("faults");
    if (!list) return;
    if (list->kind != Value::Kind::List)
        return top.problem(list->mark, fmt::format("faults is {}; expected a list", describe(*list)));
    for (const auto& value : list->items) {
        LinkFault fault;
        Form form{value, fmt::format("fault {}", draft.topology.faults.size()), draft.problems};
        form.require("link", "alice-isp");
        form.text("link", fault.link);
        form.text("from", fault.from);
        form.require("do", "drop");
        Choices<LinkFault::Kind> kinds;
        for (const auto kind :
             {LinkFault::Kind::Drop, LinkFault::Kind::Duplicate, LinkFault::Kind::Corrupt, LinkFault::Kind::Delay})
            kinds.emplace_back(name_of(kind), kind);
        form.choice("do", fault.kind, kinds);
        form.since_start("at", fault.at);
        read_end(form, fault);
        read_protocol(form, fault.protocol);
        form.ports("ports", fault.ports);
        read_kind(form, fault.packet);
        form.numbers("numbers", fault.numbers, 1, std::numeric_limits<std::uint32_t>::max());
        form.fraction("share", fault.share);
        if (fault.kind == LinkFault::Kind::Delay) form.duration("delay", fault.delay);
        form.finish();
        fault.mark = value.mark;
        fault.field_marks = form.field_marks();
        draft.topology.faults.push_back(std::move(fault));
    }
}

}  // namespace gatelab::topologies
