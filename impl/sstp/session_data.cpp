// The stream of packets, and PPP in its data packets ([MS-SSTP] sections 2.2.3, 3.2.7 and 3.3.7).
#include <algorithm>

#include "impl/sstp/session_state.h"

namespace gatelab::sstp {
namespace {

// A data frame is one of IP; every other protocol is PPP's own business.
bool is_ip(ByteView frame) {
    if (frame.size() >= 2 && frame[0] == 0xff && frame[1] == 0x03) frame = frame.subspan(2);
    if (!frame.empty() && frame[0] == 0x21) return true;  // a compressed protocol field
    return frame.size() >= 2 && frame[0] == 0x00 && frame[1] == 0x21;
}

CloseReason reason_of(ppp::CloseReason reason) {
    switch (reason) {
        case ppp::CloseReason::Requested: return CloseReason::Requested;
        case ppp::CloseReason::PeerTerminated: return CloseReason::PeerDisconnected;
        case ppp::CloseReason::PeerSilent: return CloseReason::PeerSilent;
        case ppp::CloseReason::AuthenticationFailed: return CloseReason::AuthenticationFailed;
        case ppp::CloseReason::NoAgreement: return CloseReason::NoAgreement;
        case ppp::CloseReason::ProtocolError: break;
    }
    return CloseReason::ProtocolError;
}

}  // namespace

void Session::State::handle_stream(Instant now, ByteView plaintext, Deliver deliver) {
    while (!plaintext.empty() && stage == Stage::Https) plaintext = handle_https(now, plaintext);
    while (!plaintext.empty() && stage != Stage::Closed) {
        // What came before goes on, up to the header and then up to the packet's end.
        if (!partial.empty() || plaintext.size() < kHeaderSize) {
            if (partial.capacity() < kLargestPacket) partial.reserve(kLargestPacket);
            const auto header = std::min(plaintext.size(), kHeaderSize - std::min(partial.size(), kHeaderSize));
            append(partial, plaintext.first(header));
            plaintext = plaintext.subspan(header);
            if (partial.size() < kHeaderSize) return;
        }
        const auto head = parse_head((partial.empty() ? plaintext : ByteView{partial}).first(kHeaderSize));
        if (!head) {
            // Section 3.1.5.1: dropped without a word.
            end(CloseReason::ProtocolError, head.error().detail);
            return finish(now, false);
        }
        if (partial.empty() && plaintext.size() >= head->length) {
            const auto packet = plaintext.first(head->length);
            plaintext = plaintext.subspan(head->length);
            handle_packet(now, packet, deliver);
            continue;
        }
        if (partial.capacity() < kLargestPacket) partial.reserve(kLargestPacket);
        const auto more = std::min(plaintext.size(), head->length - partial.size());
        append(partial, plaintext.first(more));
        plaintext = plaintext.subspan(more);
        if (partial.size() < head->length) return;
        handle_packet(now, partial, deliver);
        partial.clear();
    }
}

void Session::State::handle_packet(Instant now, ByteView packet, Deliver deliver) {
    // Section 3.1.2.3: any packet shows that the peer is there.
    if (stage == Stage::CallConnected && hello_at) hello_at = now + options.hello;
    hello_out = false;
    if ((packet[1] & 1) != 0) return handle_message(now, packet);
    ++data_in;
    const auto frame = packet.subspan(kHeaderSize);
    // Sections 3.2.7.2 and 3.3.7.2: data frames wait for the whole call, the others for its beginning.
    if (!carries_ppp(stage) || (stage != Stage::CallConnected && is_ip(frame))) {
        ++dropped;
        return drop(now, "data packet in " + std::string{state_name(options.role, stage)});
    }
    ppp.handle_frame(now, frame, deliver);
    pump_ppp(now);
}

void Session::State::pump_ppp(Instant now) {
    for (auto news = ppp.drain(); !news.empty(); news = ppp.drain()) {
        for (auto& one : news) {
            if (auto* out = std::get_if<ppp::Session::Send>(&one)) send_frame(now, out->frame);
            if (auto* asked = std::get_if<ppp::Session::SignInAsked>(&one))
                outputs.emplace_back(SignInAsked{std::move(asked->sign_in)});
            if (auto* proved = std::get_if<ppp::Session::Authenticated>(&one)) {
                authenticated = true;
                keys = proved->keys;
                if (stage == Stage::ConnectAckReceived) {
                    const auto packet = call_connected(hash, nonce, higher_layer_key(keys), certificate);
                    trace("message-sent", {{"type", std::string{name_of(MessageType::CallConnected)}},
                                           {"size", static_cast<std::int64_t>(packet.size())}});
                    ++control_out;
                    tls.write(now, packet);
                    enter_call(now);
                }
            }
            if (auto* up = std::get_if<ppp::Session::Opened>(&one)) {
                agreed = std::move(up->agreed);
                report_open();
            }
            if (auto* told = std::get_if<Trace>(&one)) outputs.emplace_back(std::move(*told));
            if (auto* closed = std::get_if<ppp::Session::Closed>(&one); closed && carries_ppp(stage))
                disconnect(now, reason_of(closed->reason), "PPP: " + closed->detail);
        }
    }
}

void Session::State::send_frame(Instant now, ByteView frame) {
    if (!carries_ppp(stage) || frame.size() > kLargestPacket - kHeaderSize) return;
    ByteWriter writer;
    writer.u8(kVersion).u8(0).u16(static_cast<std::uint16_t>(kHeaderSize + frame.size())).bytes(frame);
    ++data_out;
    tls.write(now, writer.view());
}

void Session::State::report_open() {
    if (open || !agreed || stage != Stage::CallConnected || ending) return;
    open = true;
    outputs.emplace_back(Opened{*agreed});
}

}  // namespace gatelab::sstp
