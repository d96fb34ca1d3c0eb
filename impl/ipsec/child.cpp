#include "impl/ipsec/child.h"

#include <algorithm>

namespace gatelab::ipsec {
namespace {

void add_to(Traffic& sum, const Child& child) {
    const auto& in = child.inbound.counters();
    const auto& out = child.outbound.counters();
    sum.packets_in += in.packets;
    sum.bytes_in += in.bytes;
    sum.packets_out += out.packets;
    sum.bytes_out += out.bytes;
    sum.malformed += in.malformed;
    sum.replayed += in.replayed;
    sum.unauthentic += in.unauthentic;
    sum.outside_selectors += in.outside_selectors;
}

}  // namespace

Child::Child(const ikev2::Engine::ChildEstablished& established)
    : id(established.child),
      suite(established.suite),
      udp_encapsulation(established.udp_encapsulation),
      may_send(established.initiator || !established.replaces),
      replaces(established.replaces),
      inbound(established.inbound),
      outbound(established.outbound) {}

Child& Children::add(const ikev2::Engine::ChildEstablished& established) {
    return **list_.insert(list_.begin(), std::make_unique<Child>(established));
}

Child* Children::find(ikev2::ChildId id) {
    const auto at = std::find_if(list_.begin(), list_.end(), [&](const auto& child) { return child->id == id; });
    return at == list_.end() ? nullptr : at->get();
}

void Children::remove(ikev2::ChildId id) {
    const auto at = std::find_if(list_.begin(), list_.end(), [&](const auto& child) { return child->id == id; });
    if (at == list_.end()) return;
    add_to(past_, **at);
    list_.erase(at);
    for (const auto& child : list_) {
        if (child->replaces == id) child->may_send = true;
    }
}

Children::Sealed Children::seal(ByteView inner, ByteSpan out) {
    for (const auto& child : list_) {
        if (!child->may_send || child->outbound.sealed_size(inner.size()) > out.size()) continue;
        if (const auto size = child->outbound.seal(inner, out)) return {child.get(), *size};
    }
    ++refused_out_;
    return {};
}

Traffic Children::traffic() const {
    auto sum = past_;
    for (const auto& child : list_) add_to(sum, *child);
    sum.refused_out = refused_out_;
    return sum;
}

}  // namespace gatelab::ipsec
