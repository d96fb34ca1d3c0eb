// The call's control messages ([MS-SSTP] sections 3.1.5, 3.2.5.3 and 3.3.5.2).
#include <fmt/format.h>

#include "impl/sstp/session_state.h"

namespace gatelab::sstp {
namespace {

// Where the document is silent: a client that never asks for what there is would be a flood of answers.
constexpr int kMostNaks = 10;

std::string_view text_of(StatusCode status) { return name_of(status); }

StatusInfo status_of(StatusCode status, std::uint8_t attribute = 0) {
    return {.attribute = attribute, .status = status, .value = {}};
}

// "value-not-supported of attribute 1", of the statuses that a message brings.
std::string describe(const Message& message) {
    std::string text;
    for (const auto& attribute : message.attributes) {
        const auto* info = std::get_if<StatusInfo>(&attribute);
        if (!info) continue;
        if (!text.empty()) text += ", ";
        text += text_of(info->status);
        if (info->attribute != 0) text += fmt::format(" of attribute {}", info->attribute);
    }
    return text.empty() ? "without a status" : text;
}

Attributes attributes_of(const Message& message, std::size_t size) {
    Attributes attributes{{"type", std::string{name_of(message.type)}}, {"size", static_cast<std::int64_t>(size)}};
    if (find<StatusInfo>(message)) attributes.emplace_back("status", describe(message));
    return attributes;
}

// The state in which a message moves the call on; nothing where the role never gets it.
std::optional<Stage> proper_stage(MessageType type, Role role) {
    const bool client = role == Role::Client;
    switch (type) {
        case MessageType::CallConnectRequest: return client ? std::optional<Stage>{} : Stage::ConnectRequestPending;
        case MessageType::CallConnectAck:
        case MessageType::CallConnectNak: return client ? std::optional{Stage::ConnectRequestSent} : std::nullopt;
        case MessageType::CallConnected: return client ? std::optional<Stage>{} : Stage::CallConnectedPending;
        case MessageType::EchoRequest:
        case MessageType::EchoResponse: return Stage::CallConnected;
        case MessageType::CallDisconnectAck: return Stage::DisconnectAckPending;
        case MessageType::CallAbort:
        case MessageType::CallDisconnect: break;  // in any live state
    }
    return {};
}

}  // namespace

// Sections 3.2.5.3.1 to 3.2.5.3.8 and 3.3.5.2.1 to 3.3.5.2.8.
Reaction reaction_to(MessageType type, Role role, Stage stage) {
    if (type == MessageType::CallAbort)
        return stage == Stage::AbortTimeoutPending || stage == Stage::DisconnectTimeoutPending ? Reaction::Ignore
                                                                                               : Reaction::Process;
    // Two that disconnect at once acknowledge each other.
    if (type == MessageType::CallDisconnect)
        return is_ending(stage) && stage != Stage::DisconnectAckPending ? Reaction::Ignore : Reaction::Process;
    if (proper_stage(type, role) == stage) return Reaction::Process;
    return is_ending(stage) ? Reaction::Ignore : Reaction::Abort;
}

void Session::State::handle_message(Instant now, ByteView packet) {
    ++control_in;
    const auto parsed = parse_message(packet);
    if (const auto* wrong = std::get_if<Wrong>(&parsed)) {
        if (is_ending(stage)) return drop(now, wrong->detail);
        return abort(now, status_of(wrong->status, wrong->attribute), CloseReason::ProtocolError, wrong->detail);
    }
    const auto& message = std::get<Message>(parsed);
    const auto name = std::string{name_of(message.type)};
    const auto reaction = reaction_to(message.type, options.role, stage);
    if (reaction == Reaction::Ignore) return drop(now, name + " in " + std::string{state_name(options.role, stage)});
    trace("message-received", attributes_of(message, packet.size()));
    if (reaction == Reaction::Abort)
        return abort(now, status_of(StatusCode::UnacceptedFrameReceived), CloseReason::ProtocolError,
                     name + " in " + std::string{state_name(options.role, stage)});
    if (message.type == MessageType::CallConnectRequest) return handle_connect_request(now, message);
    if (message.type == MessageType::CallAbort) return handle_abort(now, message);
    if (const auto wrong = complaints(message); !wrong.empty()) {
        const auto& first = wrong.front();
        if (is_ending(stage)) return drop(now, name + ": " + std::string{text_of(first.status)});
        return abort(now, status_of(first.status, first.attribute), CloseReason::ProtocolError,
                     fmt::format("{}: {} of attribute {}", name, text_of(first.status), first.attribute));
    }
    switch (message.type) {
        case MessageType::CallConnectAck: return handle_connect_ack(now, message);
        case MessageType::CallConnectNak: return handle_connect_nak(now, message);
        case MessageType::CallConnected: return handle_connected(now, message, packet);
        case MessageType::CallDisconnect: return handle_disconnect(now, message);
        case MessageType::CallDisconnectAck: return finish(now, true);
        case MessageType::EchoRequest: return send(now, {MessageType::EchoResponse, {}});
        default: return;  // an Echo Response: that it came is all it says
    }
}

// Section 3.3.5.2.2. What is wrong with the attributes is told, and the client may ask again.
void Session::State::handle_connect_request(Instant now, const Message& message) {
    if (const auto wrong = complaints(message); !wrong.empty()) {
        if (++requests > kMostNaks)
            return abort(now, status_of(StatusCode::RetryCountExceeded), CloseReason::NoAgreement,
                         fmt::format("{} Call Connect Requests that cannot be accepted", requests));
        Message nak{MessageType::CallConnectNak, {}};
        std::size_t size = kHeaderSize + 4;
        for (const auto& one : wrong) {
            size += 12 + one.value.size();
            if (size > kLargestPacket) break;  // many small attributes make more complaints than a packet holds
            nak.attributes.emplace_back(one);
        }
        return send(now, nak);
    }
    random.fill(nonce);
    become(Stage::CallConnectedPending, "call-connect-request");
    deadline = now + options.negotiation;
    send(now, {MessageType::CallConnectAck, {CryptoBindingRequest{options.hashes, nonce}}});
    ppp.start(now);
    pump_ppp(now);
}

// Section 3.2.5.3.2.
void Session::State::handle_connect_ack(Instant now, const Message& message) {
    const auto& request = *find<CryptoBindingRequest>(message);
    hash = best_hash(request.hashes, options.hashes);
    if (hash == 0)
        return abort(
            now, status_of(StatusCode::ValueNotSupported, static_cast<std::uint8_t>(AttributeId::CryptoBindingRequest)),
            CloseReason::ProtocolError, fmt::format("the server offers none of our hashes ({:#04x})", request.hashes));
    nonce = request.nonce;
    become(Stage::ConnectAckReceived, "call-connect-ack");
    deadline = now + options.negotiation;
    ppp.start(now);
    pump_ppp(now);
}

// Section 3.2.5.3.3.
void Session::State::handle_connect_nak(Instant now, const Message& message) {
    if (requests < options.max_requests) return send_connect_request(now);
    abort(now, status_of(StatusCode::RetryCountExceeded), CloseReason::NoAgreement,
          fmt::format("the server refused {} Call Connect Requests: {}", requests, describe(message)));
}

// Section 3.3.5.2.3.
void Session::State::handle_connected(Instant now, const Message& message, ByteView packet) {
    const auto& binding = *find<CryptoBinding>(message);
    const auto broken = !authenticated
                            ? "inner-authentication"
                            : broken_part(packet, binding, options.hashes, nonce, higher_layer_key(keys), certificate);
    if (!broken.empty())
        return abort(now,
                     status_of(StatusCode::ValueNotSupported, static_cast<std::uint8_t>(AttributeId::CryptoBinding)),
                     CloseReason::CryptoBindingFailed, std::string{broken});
    hash = binding.hash;
    trace("crypto-binding-verified", {{"hash", std::string{hash == kSha1 ? "SHA-1" : "SHA-256"}}});
    enter_call(now);
}

// Sections 3.2.5.3.4 and 3.3.5.2.4.
void Session::State::handle_abort(Instant now, const Message& message) {
    end(CloseReason::PeerAborted, describe(message));
    if (stage != Stage::AbortPending) send(now, {MessageType::CallAbort, {status_of(StatusCode::NoError)}});
    become(Stage::AbortTimeoutPending, "call-abort");
    deadline = now + options.abort_responder;
}

// Sections 3.2.5.3.5 and 3.3.5.2.5.
void Session::State::handle_disconnect(Instant now, const Message& message) {
    end(CloseReason::PeerDisconnected, "call-disconnect: " + describe(message));
    send(now, {MessageType::CallDisconnectAck, {}});
    become(Stage::DisconnectTimeoutPending, "call-disconnect");
    deadline = now + options.disconnect_responder;
}

void Session::State::send(Instant now, const Message& message) {
    const auto bytes = encode(message);
    trace("message-sent", attributes_of(message, bytes.size()));
    ++control_out;
    tls.write(now, bytes);
}

void Session::State::send_connect_request(Instant now) {
    ++requests;
    deadline = now + options.negotiation;
    send(now, {MessageType::CallConnectRequest, {EncapsulatedProtocol{}}});
}

// Section 3.1.5.1.
void Session::State::abort(Instant now, StatusInfo status, CloseReason reason, std::string detail) {
    end(reason, std::move(detail));
    send(now, {MessageType::CallAbort, {std::move(status)}});
    become(Stage::AbortPending, ending->second);
    deadline = now + options.abort_initiator;
}

// Section 3.2.4.2.
void Session::State::disconnect(Instant now, CloseReason reason, std::string detail) {
    end(reason, std::move(detail));
    send(now, {MessageType::CallDisconnect, {status_of(StatusCode::NoError)}});
    become(Stage::DisconnectAckPending, name_of(ending->first));
    deadline = now + options.disconnect_initiator;
}

void Session::State::enter_call(Instant now) {
    bound = true;
    become(Stage::CallConnected, "call-connected");
    if (options.hello > Duration::zero()) hello_at = now + options.hello;
    report_open();
}

}  // namespace gatelab::sstp
