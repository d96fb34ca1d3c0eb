#include "impl/ppp/control_protocol.h"

#include <fmt/format.h>
#include <algorithm>

#include "impl/ppp/ipcp.h"
#include "impl/ppp/lcp.h"

namespace gatelab::ppp {
namespace {

// Of a packet that a Code-Reject quotes: it has to fit into what the peer takes (RFC 1661 section 5.6), and no peer of
// ours takes less than an MRU of 576.
constexpr std::size_t kMostQuoted = 576 - kPacketHeader;

}  // namespace

template <class Policy>
void ControlProtocol<Policy>::handle_packet(Instant now, const Packet& packet) {
    // RFC 1661 section 4.1: a packet in Initial or Starting can only be there by mistake.
    if (fsm_.state() <= FsmState::Starting) return ignore("the layer below is not up");
    switch (static_cast<Code>(packet.code)) {
        case Code::ConfigureRequest: return take_request(now, packet);
        case Code::ConfigureAck: return take_ack(now, packet);
        case Code::ConfigureNak:
        case Code::ConfigureReject: return take_refusal(now, packet);
        case Code::TerminateRequest:
            why_down_ = WhyDown::PeerTerminated;
            return feed(now, FsmEvent::TerminateRequest, &packet);
        case Code::TerminateAck: return feed(now, FsmEvent::TerminateAck);
        case Code::CodeReject: return take_code_reject(now, packet);
        default: return feed(now, FsmEvent::UnknownCode, &packet);
    }
}

template <class Policy>
void ControlProtocol<Policy>::take_request(Instant now, const Packet& packet) {
    const auto options = parse_options(packet.data);
    if (!options) return drop(options.error());
    if (fsm_.state() == FsmState::Closing || fsm_.state() == FsmState::Stopping) return;
    why_down_ = WhyDown::Silent;
    const auto verdict = policy_.judge(*options, refusals_sent_ < max_failure_);
    if (verdict.code == Code::ConfigureAck) return feed(now, FsmEvent::GoodRequest, &packet, &verdict);
    if (++refusals_sent_ > 2 * max_failure_)
        return fail_with(fmt::format("the peer asks for what we refused {} times", refusals_sent_ - 1));
    feed(now, FsmEvent::BadRequest, &packet, &verdict);
}

template <class Policy>
void ControlProtocol<Policy>::take_ack(Instant now, const Packet& packet) {
    if (!is_asked_ || packet.identifier != request_identifier_) return ignore("an ack of no request");
    if (!std::ranges::equal(packet.data, asked_)) return ignore("an ack of other options than we asked for");
    is_asked_ = false;
    refusals_taken_ = 0;
    feed(now, FsmEvent::Ack, &packet);
}

template <class Policy>
void ControlProtocol<Policy>::take_refusal(Instant now, const Packet& packet) {
    if (!is_asked_ || packet.identifier != request_identifier_) return ignore("a refusal of no request");
    const auto options = parse_options(packet.data);
    if (!options) return drop(options.error());
    const bool is_reject = static_cast<Code>(packet.code) == Code::ConfigureReject;
    const auto asked = *parse_options(asked_);
    // RFC 1661 section 5.4: what is rejected is a part of what was asked for, unchanged.
    const bool is_ours = std::ranges::all_of(
        *options, [&](const Option& option) { return std::ranges::find(asked, option) != asked.end(); });
    if (is_reject && (!is_ours || options->empty())) return ignore("a reject of options that we did not ask for");
    is_asked_ = false;
    const auto taken = is_reject ? policy_.take_reject(*options) : policy_.take_nak(*options);
    if (!taken) return fail_with(taken.error().detail);
    if (++refusals_taken_ > max_failure_)
        return fail_with(fmt::format("the peer refused {} requests in a row", refusals_taken_));
    feed(now, FsmEvent::NakOrReject, &packet);
}

template <class Policy>
void ControlProtocol<Policy>::take_code_reject(Instant now, const Packet& packet) {
    if (packet.data.empty()) return drop({Fault::Truncated, "a code-reject without a packet"});
    handle_rejected(now, packet.data[0] <= static_cast<std::uint8_t>(Code::CodeReject));
}

template <class Policy>
void ControlProtocol<Policy>::handle_rejected(Instant now, bool catastrophic) {
    if (catastrophic) why_down_ = WhyDown::Rejected;
    feed(now, catastrophic ? FsmEvent::CatastrophicReject : FsmEvent::PermittedReject);
}

template <class Policy>
bool ControlProtocol<Policy>::answers_echo(Instant now) {
    return std::ranges::count(fsm_.feed(now, FsmEvent::Echo).actions(), FsmAction::SendEchoReply) > 0;
}

template <class Policy>
void ControlProtocol<Policy>::handle_timeout(Instant now) {
    const auto event = fsm_.timeout(now);
    if (!event) return;
    feed(now, *event);
}

template <class Policy>
void ControlProtocol<Policy>::feed(Instant now, FsmEvent event, const Packet* packet, const Verdict* verdict) {
    if (event == FsmEvent::Open) why_down_ = WhyDown::Silent;
    if (event == FsmEvent::Close) why_down_ = WhyDown::Asked;
    const auto step = fsm_.feed(now, event);
    for (const auto action : step.actions()) {
        if (action == FsmAction::SendConfigureRequest)
            send_request(event != FsmEvent::TimeoutMore);
        else
            act(action, packet, verdict);
    }
}

template <class Policy>
void ControlProtocol<Policy>::act(FsmAction action, const Packet* packet, const Verdict* verdict) {
    switch (action) {
        case FsmAction::ThisLayerUp:
            refusals_sent_ = requests_sent_ = 0;
            if (const auto enough = policy_.check(); !enough) return fail_with(enough.error().detail);
            outputs_.emplace_back(Up{});
            return;
        case FsmAction::ThisLayerDown: outputs_.emplace_back(Down{why_down_}); return;
        case FsmAction::ThisLayerFinished: outputs_.emplace_back(Finished{why_down_}); return;
        case FsmAction::SendConfigureAck: return send(Code::ConfigureAck, packet->identifier, packet->data);
        case FsmAction::SendConfigureNakOrReject: return send(verdict->code, packet->identifier, verdict->options);
        case FsmAction::SendTerminateRequest: return send(Code::TerminateRequest, next_identifier(), {});
        case FsmAction::SendTerminateAck: return send(Code::TerminateAck, packet ? packet->identifier : 0, {});
        case FsmAction::SendCodeReject: return send_code_reject(*packet);
        default: return;  // the counters are the Fsm's, echoes the owner's
    }
}

template <class Policy>
void ControlProtocol<Policy>::send_code_reject(const Packet& packet) {
    const auto whole = encode(packet);
    send(Code::CodeReject, next_identifier(), ByteView{whole}.first(std::min(whole.size(), kMostQuoted)));
}

// RFC 1661 section 5.1: a repeated request keeps its identifier, one with other options gets a new one.
template <class Policy>
void ControlProtocol<Policy>::send_request(bool anew) {
    if (++requests_sent_ > max_requests_)
        return fail_with(fmt::format("no agreement after {} requests", requests_sent_ - 1));
    if (anew || !is_asked_) {
        asked_ = policy_.request();
        request_identifier_ = next_identifier();
    }
    is_asked_ = true;
    send(Code::ConfigureRequest, request_identifier_, asked_);
}

template <class Policy>
void ControlProtocol<Policy>::send(Code code, std::uint8_t identifier, ByteView data) {
    outputs_.emplace_back(Send{code, encode(Packet{static_cast<std::uint8_t>(code), identifier, data})});
}

template class ControlProtocol<Lcp>;
template class ControlProtocol<Ipcp>;

}  // namespace gatelab::ppp
